/* Streams: one connection in its three lanes, what is known of it, and the list of connections. */
import { byId, draw, drawRows, grouped, inSeconds, make, plural, say } from "./dom.js";
import { otherSegments, segmentCount } from "./model_streams.js";
import { lanes, lanesDraw } from "./view_lanes.js";

const ROWS = 60;
const streamView = { chosen: null, item: null, conn: null, items: [], nextList: 0 };

/** Shows a connection (null: the newest), and in it the item that the event `seq` told of. */
export function streamsShow(id, seq) {
	streamView.chosen = id;
	streamView.wanted = seq;
	streamView.item = null;
}

function shownConn(model) {
	const all = [...model.conns.values()];
	return model.conns.get(streamView.chosen) ??
		all.findLast((conn) => conn.callCount || conn.command) ??
		all.at(-1);
}

const afterBeginning = (item, conn) => `${inSeconds(item.t - conn.opened)} after the beginning`;

const tellItem = {
	call(item, conn) {
		const taken = item.partial ? `${grouped(item.to - item.from)} of ` : "";
		const size = `${taken}${plural(item.bytes, "byte")}`;
		const calls = item.calls > 1 ? `, in ${item.calls} calls` : "";
		return `send() ${item.i}: ${size}, ${afterBeginning(item, conn)}${calls}`;
	},
	segment(item, conn) {
		const size = plural(item.to - item.from, "byte");
		const doubt = item.exact ? "" : " (border worked out from what the kernel counted)";
		const name = `Segment ${item.k - conn.before}`;
		return `${name}: ${size}, had left ${afterBeginning(item, conn)}${doubt}`;
	},
	ack(item, conn) {
		const size = plural(item.to - conn.base, "byte");
		return `The peer had acknowledged ${size} ${afterBeginning(item, conn)}`;
	},
};

const goodEnds = ["done", "peer closed", "stopping", undefined];
const isBad = (conn) =>
	Boolean(conn.error) || conn.paused || !goodEnds.includes(conn.closed?.why);

/* How a connection ended, or how it is. */
const ended = (conn) => (conn.closed ? conn.closed.why : conn.paused ? "takes nothing" : "open");

/* [send() calls, segments as text, acknowledged bytes] */
function counts(conn) {
	const segments = conn.paused ? "…" : grouped(segmentCount(conn));
	return [conn.callCount, segments, Math.min(conn.acked, conn.queued) - conn.base];
}

function sayHeadline(conn) {
	const unnamed = conn.endpoint === "echo" ? "echo" : "no command yet";
	const name = conn.command ?? (conn.error || unnamed);
	say(byId("streams-title"), `${name}  ·  ${conn.endpoint} #${conn.id} from ${conn.peer}`);
	const sum = byId("streams-sum");
	const [calls, segments, acked] = counts(conn), text = [calls, segments, acked].join();
	if (sum.shown === text)
		return;
	sum.shown = text;
	sum.classList.toggle("long", text.length > 13);
	sum.replaceChildren(
		make("b", { className: "call" }, grouped(calls)),
		calls === 1 ? " send() call " : " send() calls ",
		make("i", {}, "→"),
		make("b", { className: "segment" }, ` ${segments}`),
		segments === "1" ? " segment " : " segments ",
		make("i", {}, "→"),
		make("b", { className: "ack" }, ` ${grouped(acked)}`),
		acked === 1 ? " byte acknowledged" : " bytes acknowledged",
	);
}

/* What a connection does: it takes nothing, has said nothing yet, is open or has ended. */
function tellState(conn, now) {
	if (conn.paused) {
		const last = conn.calls.at(-1);
		const taken = `${grouped(last.to - last.from)} of ${plural(last.bytes, "byte")}`;
		return `the client takes nothing: ${taken} are in the kernel's buffer`;
	}
	if (conn.closed || conn.calls.length || conn.command)
		return ended(conn);
	const seconds = Math.max(0, Math.round(now - conn.opened));
	return `has said nothing for ${inSeconds(seconds)}`;
}

function tellDuration({ closed }) {
	if (!closed)
		return "";
	return closed.seconds ? `after ${inSeconds(closed.seconds)}` : "within a millisecond";
}

/* How many bytes the carrier's framing makes of those of the messages. */
function tellFraming(conn) {
	const wire = conn.queued - conn.base;
	if (conn.paused || !conn.bytes || wire <= conn.bytes)
		return "";
	return `${plural(conn.bytes, "byte")} of messages are ${grouped(wire)} on the wire`;
}

function tellConn(conn, now) {
	const others = otherSegments(conn), again = conn.closed?.segments_again;
	return [
		tellState(conn, now),
		conn.error,
		tellDuration(conn),
		conn.folded ? "its calls are no longer kept, only the sums" : "",
		tellFraming(conn),
		others > 0 ? `and ${plural(others, "segment")} of handshake and goodbye` : "",
		again ? `${plural(again, "segment")} sent again` : "",
	].filter(Boolean).join(", ");
}

/* Below the picture: about the item under the mouse, or about the connection. */
function sayMore(conn, now) {
	const shown = streamView.items.find(([key]) => key === streamView.item);
	const told = byId("streams-told");
	told.classList.toggle("bad", !shown && isBad(conn));
	if (!shown) {
		say(told, tellConn(conn, now));
		return;
	}
	const [, kind, item] = shown;
	say(told, tellItem[kind](item, conn));
}

function connRow(conn, isShown) {
	const properties = {
		role: "option",
		id: `conn-${conn.id}`,
		"aria-selected": isShown,
		dataset: { conn: conn.id, closed: Boolean(conn.closed) },
	};
	return make("div", properties,
		make("span", {}, `#${conn.id} ${conn.endpoint}`),
		make("span", {}, conn.command ?? "–"),
		make("span", {}, `${grouped(conn.callCount)} → ${counts(conn)[1]}`),
		make("span", { className: isBad(conn) ? "bad" : "" }, ended(conn)));
}

function foldedRow(count) {
	const properties = {
		className: "small",
		role: "option",
		"aria-disabled": true,
		"aria-selected": false,
	};
	return make("div", properties, `${plural(count, "older one")} folded`);
}

function drawList(model, shown) {
	const all = [...model.conns.values()], list = byId("streams-list");
	const rows = all.slice(-ROWS).reverse();
	if (performance.now() < streamView.nextList && list.shown)
		return;
	const stateOf = (conn) =>
		[...counts(conn), ended(conn), isBad(conn), conn.command, conn === shown].join();
	const states = rows.map(stateOf), text = states.join(";");
	if (list.shown === text)
		return;
	list.shown = text;
	const isBusy = document.body.classList.contains("busy");
	streamView.nextList = isBusy ? performance.now() + 250 : 0;
	drawRows(list, rows.map((conn, i) =>
		[conn.id, states[i], () => connRow(conn, conn === shown)]));
	const rest = all.length - rows.length + model.connsGone;
	if (rest > 0)
		list.append(foldedRow(rest));
	if (shown && list.contains(document.activeElement))
		byId(`conn-${shown.id}`)?.scrollIntoView({ block: "nearest" });
	list.setAttribute("aria-activedescendant", shown ? `conn-${shown.id}` : "");
}

function drawNothing(svg) {
	const sum = byId("streams-sum"), list = byId("streams-list");
	say(byId("streams-title"), "No connection yet");
	say(byId("streams-told"), "");
	sum.replaceChildren(sum.shown = "");
	draw(svg, []);
	drawRows(list, []);
	list.shown = "";
}

const streamServers = ["pmu", "pmu-ws", "pmu-tls", "pmu-wss", "echo"];

/* What to do where there is no connection. */
const adviceFor = (model) => (streamServers.some((name) => model.endpoints.has(name)) ?
	"Run a client: build/clients/pdc CMD_short:0" :
	"No server of connections runs in this lab.");

/** Draws the picture of the streams. */
export function streamsDraw(model) {
	const conn = streamView.conn = shownConn(model);
	const svg = byId("streams-stage").firstElementChild;
	byId("streams-newest").hidden = streamView.chosen === null || !conn;
	say(byId("streams-none"), conn ? "" : adviceFor(model));
	if (!conn) {
		drawNothing(svg);
		return;
	}
	streamView.items = lanesDraw(svg, conn, model.now, streamView.item);
	const { items, wanted } = streamView;
	if (wanted) {
		const [key = null] = items.find(([, , item]) => item.seq === wanted) ?? [];
		streamView.item = key;
		streamView.wanted = null;
		streamsDraw(model);
		return;
	}
	sayHeadline(conn);
	sayMore(conn, model.now);
	drawList(model, conn);
}

/* The item that a key leads to: in the lane of the current item, or in the one above or below. */
function itemAt(pressed) {
	const { items } = streamView, isCurrent = ([key]) => key === streamView.item;
	const lane = items.find(isCurrent)?.[1] ?? "call";
	const row = items.filter(([, kind]) => kind === lane), at = row.findIndex(isCurrent);
	const along = { ArrowRight: 1, ArrowLeft: -1 }[pressed];
	if (along)
		return row[Math.max(0, Math.min(row.length - 1, at < 0 ? 0 : at + along))];
	if (pressed === "Home")
		return row[0];
	if (pressed === "End")
		return row.at(-1);
	const kinds = lanes.map(([kind]) => kind), across = { ArrowDown: 1, ArrowUp: -1 }[pressed];
	const next = across && kinds[kinds.indexOf(lane) + across];
	return next && items.find(([, kind]) => kind === next);
}

/** Listens to mouse and keys; `model()` is the model, `changed()` asks for a new drawing. */
export function streamsListen(model, changed) {
	const stage = byId("streams-stage"), list = byId("streams-list");
	const choose = (key) => {
		if (streamView.item !== key) {
			streamView.item = key;
			changed();
		}
	};
	const show = (id) => {
		streamsShow(id);
		changed();
	};
	stage.addEventListener("pointermove", ({ target }) => choose(target.dataset?.key ?? null));
	stage.addEventListener("pointerleave", () => choose(null));
	stage.addEventListener("blur", () => choose(null));
	stage.addEventListener("keydown", (event) => {
		const next = itemAt(event.key);
		if (event.key === "Escape")
			show(null);
		if (next) {
			event.preventDefault();
			choose(next[0]);
		}
	});
	/* The newest connection is followed, any other one stays. */
	const ids = () => [...model().conns.keys()].slice(-ROWS).reverse();
	list.addEventListener("click", (event) => {
		const id = Number(event.target.closest("[data-conn]")?.dataset.conn);
		if (id)
			streamsShow(id === ids()[0] ? null : id);
		changed();
	});
	byId("streams-newest").addEventListener("click", () => show(null));
	list.addEventListener("keydown", (event) => {
		const all = ids(), at = all.indexOf(streamView.conn?.id), end = all.length - 1;
		const places = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, Escape: 0, End: end };
		const to = places[event.key];
		if (to === undefined)
			return;
		event.preventDefault();
		show(to <= 0 ? null : all[Math.min(to, end)]);
	});
}

/** The number of the connection that was chosen, for the next load of the page; null: none. */
export const streamsKept = () => streamView.chosen;
