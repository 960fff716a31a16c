/* Streams: one connection in three lanes (send() calls, segments, acknowledged), and the list of all. */
import { byId, draw, drawRows, grouped, inSeconds, make, plural, say, sizeOf } from "./dom.js";
import { otherSegments, segmentCount } from "./model_streams.js";

const LABELS = 156, TIMES = 60, GAP = 5, LEAST = 12, ROWS = 60;
const streamView = { chosen: null, item: null, conn: null, items: [], nextList: 0 };

const lanes = [
	["call", "send()", "by the program"],
	["segment", "segments", "on the wire"],
	["ack", "acknowledged", "by the client"],
];

/** Shows this connection, and with `seq` the thing in it that this event told of. Null: the newest one. */
export function streamsShow(id, seq) {
	streamView.chosen = id;
	streamView.wanted = seq;
	streamView.item = null;
}

const shownConn = (model) => model.conns.get(streamView.chosen) ??
	[...model.conns.values()].findLast((conn) => conn.callCount || conn.command) ?? [...model.conns.values()].at(-1);

/* Which bytes fit: the last calls and segments of a long connection. */
function windowOf(conn, most) {
	const calls = conn.calls.slice(-most), from = Math.max(calls[0]?.from ?? 0, conn.segments.at(-most)?.from ?? 0);
	const inside = (list) => list.filter((item) => item.to > from && item.from < conn.queued);
	const before = (list) => list.filter((item) => item.to <= from).length;
	return { from, calls: inside(calls), segments: inside(conn.segments), acks: inside(conn.acks),
		before: [before(conn.calls), before(conn.segments), before(conn.acks)] };
}

/* Bytes to pixels, with a gap at each border of a call or segment; things without gaps inside are a little narrower. */
function scaleOf(conn, seen, width) {
	const borders = new Set();
	for (const item of [...seen.calls, ...seen.segments])
		borders.add(Math.min(item.to, conn.queued));
	const expected = conn.kind === "short" && !conn.closed ? Math.max(0, conn.messages - conn.callCount) : 0;
	const ghosts = conn.callCount + expected <= seen.calls.length + expected && expected < 60 ? expected : 0;
	const average = (conn.queued - seen.from) / Math.max(1, seen.calls.length);
	const sorted = [...borders].sort((a, b) => a - b);
	const scale = (width - (sorted.length + ghosts) * GAP) / Math.max(1, conn.queued - seen.from + ghosts * average);
	const place = (offset, begins) => {
		let before = 0;
		while (before < sorted.length && (sorted[before] < offset || (begins && sorted[before] === offset)))
			before++;
		return LABELS + (Math.max(offset, seen.from) - seen.from) * scale + before * GAP;
	};
	const span = (from, to) => {
		const end = Math.min(to, conn.queued), begin = Math.max(from, seen.from);
		const left = place(begin, true), right = place(end, false), wide = Math.max(2, (end - begin) * scale);
		return [left + (right - left - wide) / 2, wide];
	};
	return { span, ghosts, average: average * scale, end: place(conn.queued, true) };
}

const tellItem = {
	call: (item, conn) => `send() ${item.i}: ${item.partial ? `${grouped(item.to - item.from)} of ` : ""}${plural(item.bytes, "byte")}, ` +
		`${inSeconds(item.t - conn.opened)} after the beginning${item.calls > 1 ? `, in ${item.calls} calls` : ""}`,
	segment: (item, conn) => `Segment ${item.k - conn.before}: ${plural(item.to - item.from, "byte")}, had left ` +
		`${inSeconds(item.t - conn.opened)} after the beginning${item.exact ? "" : " (border worked out from what the kernel counted)"}`,
	ack: (item, conn) => `The peer had acknowledged ${plural(item.to - conn.base, "byte")} ` +
		`${inSeconds(item.t - conn.opened)} after the beginning`,
};

const itemKey = (kind, item) => `${kind} ${item.i ?? item.k}`;

function bandItems(seen, scale, y, height) {
	const bands = [];
	const band = (key, kind, from, to, top, [ax, aw], [bx, bw]) => {
		const middle = top + (y[1] - y[0] - height) / 2, bottom = top + y[1] - y[0] - height;
		bands.push([key, "path", { class: `band ${kind}`, d: `M${ax} ${top}C${ax} ${middle} ${bx} ${middle} ${bx} ${bottom}` +
			`H${bx + bw}C${bx + bw} ${middle} ${ax + aw} ${middle} ${ax + aw} ${top}Z` }]);
	};
	/* The part of an item's width that the bytes from..to have. */
	const part = (item, from, to) => {
		const [x, wide] = scale.span(item.from, item.to), begin = Math.max(item.from, seen.from), size = item.to - begin || 1;
		return [x + wide * Math.max(0, from - begin) / size, Math.max(1, wide * (Math.min(to, item.to) - Math.max(from, begin)) / size)];
	};
	const join = (upper, lower, kind, top) => {
		let j = 0;
		for (const a of upper) {
			while (j > 0 && lower[j]?.from > a.from)
				j--;
			while (lower[j]?.to <= a.from)
				j++;
			for (let k = j; lower[k]?.from < a.to; k++) {
				const from = Math.max(a.from, lower[k].from), to = Math.min(a.to, lower[k].to);
				band(`${kind} ${a.i ?? a.k} ${lower[k].k}`, kind, from, to, top, part(a, from, to), part(lower[k], from, to));
			}
		}
	};
	join(seen.calls, seen.segments, "segment", y[0] + height);
	join(seen.segments, seen.acks, "ack", y[1] + height);
	return bands;
}

function drawLanes(conn, svg, now) {
	const [width, height] = sizeOf(svg);
	const seen = windowOf(conn, Math.max(8, Math.floor((width - LABELS) / LEAST)));
	const scale = scaleOf(conn, seen, width - LABELS - 8);
	const tall = Math.min(64, (height - TIMES) / 4.6), step = (height - TIMES - tall - 6) / 2, y = [3, step + 3, 2 * step + 3];
	const items = bandItems(seen, scale, y, tall);
	streamView.items = [];
	lanes.forEach(([kind, name, meaning], lane) => {
		items.push([`name ${kind}`, "text", { class: `lane ${kind}`, x: 0, y: y[lane] + tall / 2 - 2 }, name],
			[`meaning ${kind}`, "text", { class: "small", x: 0, y: y[lane] + tall / 2 + 18 },
				seen.before[lane] ? `${plural(seen.before[lane], "earlier one")}` : meaning]);
		for (const item of [seen.calls, seen.segments, seen.acks][lane]) {
			const key = itemKey(kind, item), [x, wide] = scale.span(item.from, item.to);
			const acked = grouped(Math.min(item.to, conn.queued) - conn.base); /* without the goodbye */
			const bytes = `${grouped(item.partial ? item.to - item.from : item.bytes)} B`;
			const said = lane === 0 ? (seen.calls.length === 1 ? `${item.i}: ${bytes}` : String(item.i)) : lane === 1 ? `${grouped(item.to - item.from)} B` : `up to ${acked}`;
			const short = lane === 2 ? acked : said.split(" ")[0];
			streamView.items.push([key, kind, item]);
			items.push([key, "rect", { class: `${kind} new${item.partial ? " partial" : ""}${streamView.item === key ? " current" : ""}`, [`data-${kind}`]: item.i ?? item.k,
				"data-key": key, x, y: y[lane], width: wide, height: tall, rx: Math.min(6, wide / 4) }]);
			const fits = wide > said.length * 11 + 8 ? said : wide > short.length * 11 + 4 ? short : "";
			if (fits)
				items.push([`said ${key}`, "text", { class: `in ${kind}`, x: x + wide / 2, y: y[lane] + tall / 2 + 6 }, fits]);
		}
	});
	if (conn.queued > conn.left && !conn.closed) {
		const [x, wide] = scale.span(conn.left, conn.queued);
		items.push(["waiting", "rect", { class: "waits", x, y: y[1], width: wide, height: tall, rx: 6 }],
			["waiting said", "text", { class: "small mid", x: x + wide / 2, y: y[1] + tall / 2 + 6 }, wide > 90 ? "waits" : ""]);
	}
	for (let k = 0; k < scale.ghosts; k++)
		items.push([`ghost ${k}`, "rect", { class: "waits", x: scale.end + k * (scale.average + GAP), y: y[0], width: Math.max(2, scale.average),
			height: tall, rx: 4 }]);
	draw(svg, [...items, ...timeItems(conn, seen, width, height, now)]);
}

/* The same three lanes on one line of time. */
function timeItems(conn, seen, width, height, now) {
	const begin = conn.calls[0]?.t ?? conn.opened, end = Math.max(conn.closed?.t ?? now, conn.calls.at(-1)?.t ?? 0, begin + 0.001);
	const at = (t) => LABELS + 6 + (width - LABELS - 90) * Math.max(0, t - begin) / (end - begin), y = height - 28;
	const items = [
		["time", "text", { class: "lane", x: 0, y: y + 6 }, "time"],
		["axis", "line", { class: "axis", x1: LABELS, x2: width - 78, y1: y, y2: y }],
		["axis end", "text", { class: "small", x: width - 70, y: y + 6 }, inSeconds(end - begin)],
	];
	[seen.calls, seen.segments, seen.acks].forEach((list, lane) => {
		for (const item of list)
			items.push([`at ${itemKey(lanes[lane][0], item)}`, "rect", { class: lanes[lane][0], x: at(item.t) - 2, y: y + [-15, 3, 15][lane], width: 4, height: [12, 11, 11][lane] }]);
	});
	return items;
}

/* How it ended, or how it is; the last of these is bad. */
const ended = (conn) => (conn.closed ? conn.closed.why : conn.paused ? "takes nothing" : "open");
const isBad = (conn) => Boolean(conn.error) || conn.paused || !["done", "peer closed", "stopping", undefined].includes(conn.closed?.why);

const counts = (conn) => [conn.callCount, conn.paused ? "…" : grouped(segmentCount(conn)), Math.min(conn.acked, conn.queued) - conn.base];

function sayHeadline(conn) {
	const named = conn.command ?? (conn.error || (conn.endpoint === "echo" ? "echo" : "no command yet"));
	say(byId("streams-title"), `${named}  ·  ${conn.endpoint} #${conn.id} from ${conn.peer}`);
	const sum = byId("streams-sum"), [calls, segments, acked] = counts(conn), text = [calls, segments, acked].join();
	if (sum.shown === text)
		return;
	sum.shown = text;
	sum.classList.toggle("long", text.length > 13);
	sum.replaceChildren(make("b", { className: "call" }, grouped(calls)), calls === 1 ? " send() call " : " send() calls ",
		make("i", {}, "→"), make("b", { className: "segment" }, ` ${segments}`), segments === "1" ? " segment " : " segments ",
		make("i", {}, "→"), make("b", { className: "ack" }, ` ${grouped(acked)}`), acked === 1 ? " byte acknowledged" : " bytes acknowledged");
}

/* Below the picture: of what is under the mouse, or of the whole. */
function sayMore(conn, now) {
	const item = streamView.items.find(([key]) => key === streamView.item), told = byId("streams-told"), wire = conn.queued - conn.base;
	const last = conn.calls.at(-1), others = otherSegments(conn), idle = !conn.closed && !conn.calls.length;
	told.classList.toggle("bad", !item && isBad(conn));
	say(told, item ? tellItem[item[1]](item[2], conn) : [
		conn.paused ? `the client takes nothing: ${grouped(last.to - last.from)} of ${plural(last.bytes, "byte")} are in the kernel's buffer` :
			idle && !conn.command ? `has said nothing for ${inSeconds(Math.max(0, Math.round(now - conn.opened)))}` : ended(conn),
		conn.error, conn.closed ? (conn.closed.seconds ? `after ${inSeconds(conn.closed.seconds)}` : "within a millisecond") : "",
		conn.folded ? "its calls are no longer kept, only the sums" : "",
		!conn.paused && wire > conn.bytes && conn.bytes ? `${plural(conn.bytes, "byte")} of messages are ${grouped(wire)} on the wire` : "",
		others > 0 ? `and ${plural(others, "segment")} of handshake and goodbye` : "",
		conn.closed?.segments_again ? `${plural(conn.closed.segments_again, "segment")} sent again` : ""].filter(Boolean).join(", "));
}

function drawList(model, shown) {
	const all = [...model.conns.values()], list = byId("streams-list");
	const rows = all.slice(-ROWS).reverse();
	if (performance.now() < streamView.nextList && list.shown)
		return;
	const states = rows.map((conn) => [...counts(conn), ended(conn), isBad(conn), conn.command, conn === shown].join()), text = states.join(";");
	if (list.shown === text)
		return;
	list.shown = text;
	streamView.nextList = document.body.classList.contains("busy") ? performance.now() + 250 : 0;
	const rest = all.length - rows.length + model.connsGone;
	drawRows(list, rows.map((conn, i) => [conn.id, states[i], () => make("div", { role: "option", id: `conn-${conn.id}`, "aria-selected": conn === shown,
		dataset: { conn: conn.id, closed: Boolean(conn.closed) } },
	make("span", {}, `#${conn.id} ${conn.endpoint}`), make("span", {}, conn.command ?? "–"),
	make("span", {}, `${grouped(conn.callCount)} → ${counts(conn)[1]}`), make("span", { className: isBad(conn) ? "bad" : "" }, ended(conn)))]));
	if (rest > 0)
		list.append(make("div", { className: "small", role: "option", "aria-disabled": true, "aria-selected": false }, `${plural(rest, "older one")} folded`));
	if (shown && list.contains(document.activeElement))
		byId(`conn-${shown.id}`)?.scrollIntoView({ block: "nearest" });
	list.setAttribute("aria-activedescendant", shown ? `conn-${shown.id}` : "");
}

export function streamsDraw(model) {
	const conn = streamView.conn = shownConn(model), svg = byId("streams-stage").firstElementChild;
	const servers = ["pmu", "pmu-ws", "pmu-tls", "pmu-wss", "echo"].filter((name) => model.endpoints.has(name));
	byId("streams-newest").hidden = streamView.chosen === null || !conn;
	say(byId("streams-none"), conn ? "" : servers.length ? "Run a client: build/clients/pdc CMD_short:0" : "No server of connections runs in this lab.");
	if (!conn) {
		say(byId("streams-title"), "No connection yet");
		say(byId("streams-told"), "");
		byId("streams-sum").replaceChildren(byId("streams-sum").shown = "");
		draw(svg, []);
		drawRows(byId("streams-list"), []);
		byId("streams-list").shown = "";
		return;
	}
	drawLanes(conn, svg, model.now);
	if (streamView.wanted) {
		streamView.item = streamView.items.find(([, , item]) => item.seq === streamView.wanted)?.[0] ?? null;
		streamView.wanted = null;
		streamsDraw(model);
		return;
	}
	sayHeadline(conn);
	sayMore(conn, model.now);
	drawList(model, conn);
}

/** Mouse and keys; `changed` asks for a new drawing. */
export function streamsListen(model, changed) {
	const stage = byId("streams-stage"), list = byId("streams-list");
	const choose = (key) => {
		if (streamView.item !== key) {
			streamView.item = key;
			changed();
		}
	};
	stage.addEventListener("pointermove", (event) => choose(event.target.dataset?.key ?? null));
	stage.addEventListener("pointerleave", () => choose(null));
	stage.addEventListener("blur", () => choose(null));
	stage.addEventListener("keydown", (event) => {
		const { items } = streamView, lane = items.find(([key]) => key === streamView.item)?.[1] ?? "call";
		const row = items.filter(([, kind]) => kind === lane), at = row.findIndex(([key]) => key === streamView.item);
		const kinds = lanes.map(([kind]) => kind), go = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
		const change = { ArrowDown: 1, ArrowUp: -1 }[event.key];
		const next = go ? row[Math.max(0, Math.min(row.length - 1, at < 0 ? 0 : at + go))] :
			event.key === "Home" ? row[0] : event.key === "End" ? row.at(-1) :
				change ? items.find(([, kind]) => kind === kinds[kinds.indexOf(lane) + change]) : null;
		if (event.key === "Escape") {
			streamsShow(null);
			changed();
		}
		if (next) {
			event.preventDefault();
			choose(next[0]);
		}
	});
	/* The newest one is followed, any other stays. */
	const ids = () => [...model().conns.keys()].slice(-ROWS).reverse();
	list.addEventListener("click", (event) => {
		const id = Number(event.target.closest("[data-conn]")?.dataset.conn);
		if (id)
			streamsShow(id === ids()[0] ? null : id);
		changed();
	});
	byId("streams-newest").addEventListener("click", () => {
		streamsShow(null);
		changed();
	});
	list.addEventListener("keydown", (event) => {
		const all = ids(), at = all.indexOf(streamView.conn?.id);
		const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, Escape: 0, End: all.length - 1 }[event.key];
		if (to === undefined)
			return;
		event.preventDefault();
		streamsShow(to <= 0 ? null : all[Math.min(to, all.length - 1)]);
		changed();
	});
}

export const streamsKept = () => streamView.chosen;
