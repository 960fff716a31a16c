/* The log: the events, a line each. Only the lines that can be seen are in the document. */
import { byId, drawRows, grouped, make, say, zoom } from "./dom.js";

const rowHeight = () => Math.round(30 * zoom());
const labChanges = ["change", "suspend", "resume", "start", "stop", "family"];
const groups = {
	"": null,
	"all but the station": (event) => event.endpoint !== "tv",
	streams: (event) => event.conn !== undefined,
	datagrams: (event) => event.family !== undefined && event.endpoint !== "tv",
	"lost datagrams": (event) => event.event === "drop",
	station: (event) => event.endpoint === "tv",
	errors: (event) => event.event === "error" || event.event === "lost",
	changes: (event) => labChanges.includes(event.event),
};
const logView = {
	filter: "", search: "",
	rows: [], upTo: 0, /* the events that fit; the last one that was looked at */
	follow: true, chosen: null, height: 30,
};

const texts = new Set(["text", "what", "command", "reason"]);
const fixed = new Set(["t", "seq", "event", "endpoint", "conn", "peer"]);
const short = (value) =>
	(typeof value === "object" && value ? JSON.stringify(value) : String(value));

/** An event's own fields as one line; `whole`: with those that have fields inside them. */
export function lineOf(event, whole = true) {
	const isShown = ([name, value]) =>
		!fixed.has(name) && value !== null && (whole || typeof value !== "object");
	const tell = ([name, value]) => `${texts.has(name) ? "" : `${name} `}${short(value)}`;
	return Object.entries(event).filter(isShown).map(tell).join("   ");
}

function fits(event) {
	const group = groups[logView.filter], { search } = logView;
	return (!group || group(event)) &&
		(!search || JSON.stringify(event).toLowerCase().includes(search));
}

/* Adds the rows of new events, and removes those of events that the model no longer has. */
function gather(model) {
	const from = model.log.findLastIndex((event) => event.seq <= logView.upTo) + 1;
	for (let i = from; i < model.log.length; i++)
		if (fits(model.log[i]))
			logView.rows.push(model.log[i]);
	logView.upTo = model.seq;
	const first = model.log[0]?.seq ?? 0;
	const gone = logView.rows.findIndex((event) => event.seq >= first);
	if (gone > 0)
		logView.rows.splice(0, gone);
}

function logRestart() {
	logView.rows = [];
	logView.upTo = 0;
}

/* What an event is about: the endpoint with the connection's number or the peer's port. */
function subjectOf({ endpoint, conn, peer }) {
	const which = conn ? `#${conn}` : /:\d+$/.exec(peer ?? "")?.[0] ?? "";
	return `${endpoint ?? "lab"} ${which}`;
}

function logRow(event, index, count, height) {
	const isChosen = event.seq === logView.chosen;
	const properties = {
		role: "option",
		id: `event-${event.seq}`,
		className: `row ${event.event}`,
		"aria-selected": isChosen,
		"aria-setsize": count,
		"aria-posinset": index + 1,
		dataset: { seq: event.seq },
	};
	const row = make("div", properties,
		make("span", {}, event.t.toFixed(3)),
		make("span", {}, event.event),
		make("span", { title: event.peer ?? "" }, subjectOf(event)),
		make("span", {}, lineOf(event).slice(0, 400)));
	const tall = `${height}px`;
	Object.assign(row.style, { top: `${index * height}px`, height: tall, lineHeight: tall });
	return row;
}

function drawSeen(space, seen, first, height) {
	const { rows, chosen } = logView;
	const key = `${seen[0]?.seq} ${seen.length} ${chosen} ${first} ${height}`;
	if (space.shown === key)
		return;
	space.shown = key;
	drawRows(space, seen.map((event, i) => {
		const index = first + i, state = `${index} ${height} ${event.seq === chosen}`;
		return [event.seq, state, () => logRow(event, index, rows.length, height)];
	}));
}

/** Draws the log. */
export function logDraw(model) {
	gather(model);
	const box = byId("log-rows"), space = byId("log-space");
	const { rows, follow, chosen } = logView, height = logView.height = rowHeight();
	space.style.height = `${rows.length * height}px`;
	if (follow)
		box.scrollTop = rows.length * height;
	const first = Math.max(0, Math.floor(box.scrollTop / height));
	const most = Math.ceil(box.clientHeight / height) + 1;
	drawSeen(space, rows.slice(first, first + most), first, height);
	const active = `event-${chosen}`;
	box.setAttribute("aria-activedescendant", byId(active) ? active : "");
	const hidden = model.logGone + model.lost;
	const gone = hidden ? `, ${grouped(hidden)} no longer here` : "";
	const shown = `${grouped(rows.length)} of ${grouped(model.count)}`;
	say(byId("log-count"), `${shown}${gone}${follow ? ", following" : ""}`);
}

/** The filter and the search, for the next load of the page. */
export const logKept = () => ({ filter: logView.filter, search: logView.search });

/* Gives the rows that are shown to the browser as a file. */
function exportRows() {
	const text = logView.rows.map((event) => JSON.stringify(event) + "\n").join("");
	const url = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
	make("a", { href: url, download: "lab.ndjson" }).click();
	setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/* The index of the row that a key leads to; undefined: another key. */
function rowAt(pressed, at, page) {
	const { length } = logView.rows, from = at < 0 ? length : at;
	return {
		ArrowDown: from + 1,
		ArrowUp: from - 1,
		PageDown: from + page,
		PageUp: from - page,
		Home: 0,
		End: length - 1,
	}[pressed];
}

function scrollToRow(box, index) {
	const { height } = logView, top = index * height, bottom = top + height;
	if (top < box.scrollTop)
		box.scrollTop = top;
	else if (bottom > box.scrollTop + box.clientHeight)
		box.scrollTop = bottom - box.clientHeight;
}

/**
 * Listens to mouse and keys; `model()` is the model, `changed()` asks for a new drawing,
 * `go(event)` shows an event's place in the pictures, `kept` is what logKept returned.
 */
export function logListen(model, changed, go, kept) {
	const box = byId("log-rows"), filter = byId("log-filter"), search = byId("log-search");
	const options = Object.keys(groups).map((name) =>
		make("option", { value: name }, name || "everything"));
	filter.replaceChildren(...options);
	const choose = () => {
		logView.filter = filter.value;
		logView.search = search.value.toLowerCase();
		logRestart();
		gather(model());
		changed();
	};
	filter.value = kept?.filter ?? "";
	search.value = kept?.search ?? "";
	choose();
	filter.addEventListener("change", choose);
	search.addEventListener("input", choose);
	byId("log-form").addEventListener("submit", (event) => event.preventDefault());
	box.addEventListener("scroll", () => {
		const { rows, height } = logView;
		logView.follow = box.scrollTop + box.clientHeight >= rows.length * height - height;
		changed();
	});
	byId("log-end").addEventListener("click", () => {
		logView.follow = true;
		changed();
	});
	byId("log-export").addEventListener("click", exportRows);
	const find = (seq) => logView.rows.find((event) => event.seq === seq);
	box.addEventListener("click", (event) => {
		const row = event.target.closest("[data-seq]");
		if (row)
			go(find(logView.chosen = Number(row.dataset.seq)));
	});
	box.addEventListener("keydown", (event) => {
		const { rows } = logView, at = rows.findIndex((one) => one.seq === logView.chosen);
		const page = Math.floor(box.clientHeight / logView.height) - 1;
		const to = rowAt(event.key, at, page);
		if (event.key === "Enter" && at >= 0)
			go(rows[at]);
		if (to === undefined || !rows.length)
			return;
		event.preventDefault();
		const index = Math.max(0, Math.min(rows.length - 1, to));
		logView.chosen = rows[index].seq;
		logView.follow = index === rows.length - 1;
		scrollToRow(box, index);
		changed();
	});
}
