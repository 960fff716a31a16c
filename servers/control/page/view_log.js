/* The log: what has come, line by line; only those that can be seen are in the document. */
import { byId, drawRows, grouped, make, say, zoom } from "./dom.js";

const rowHeight = () => Math.round(30 * zoom());
const groups = {
	"": null,
	"all but the station": (event) => event.endpoint !== "tv",
	streams: (event) => event.conn !== undefined,
	datagrams: (event) => event.family !== undefined && event.endpoint !== "tv",
	"lost datagrams": (event) => event.event === "drop",
	station: (event) => event.endpoint === "tv",
	errors: (event) => event.event === "error" || event.event === "lost",
	changes: (event) => ["change", "suspend", "resume", "start", "stop", "family"].includes(event.event),
};
const logView = { filter: "", search: "", rows: [], upTo: 0, follow: true, chosen: null, height: 30 };

const texts = new Set(["text", "what", "command", "reason"]);
const fixed = new Set(["t", "seq", "event", "endpoint", "conn", "peer"]);
const short = (value) => (typeof value === "object" && value ? JSON.stringify(value) : String(value));

/** An event as one line for people; `whole`: with what is nested in it. */
export const lineOf = (event, whole = true) => Object.entries(event).filter(([name, value]) => !fixed.has(name) && value !== null && (whole || typeof value !== "object"))
	.map(([name, value]) => (texts.has(name) ? short(value) : `${name} ${short(value)}`)).join("   ");

function fits(event) {
	const group = groups[logView.filter];
	return (!group || group(event)) && (!logView.search || JSON.stringify(event).toLowerCase().includes(logView.search));
}

/* Adds what is new; what the model no longer has goes here too. */
function gather(model) {
	const from = model.log.findLastIndex((event) => event.seq <= logView.upTo) + 1;
	for (let i = from; i < model.log.length; i++)
		if (fits(model.log[i]))
			logView.rows.push(model.log[i]);
	logView.upTo = model.seq;
	const first = model.log[0]?.seq ?? 0, gone = logView.rows.findIndex((event) => event.seq >= first);
	if (gone > 0)
		logView.rows.splice(0, gone);
}

function logRestart() {
	logView.rows = [];
	logView.upTo = 0;
}

export function logDraw(model) {
	gather(model);
	const box = byId("log-rows"), space = byId("log-space"), { rows } = logView, height = logView.height = rowHeight();
	space.style.height = `${rows.length * height}px`;
	if (logView.follow)
		box.scrollTop = rows.length * height;
	const first = Math.max(0, Math.floor(box.scrollTop / height)), most = Math.ceil(box.clientHeight / height) + 1;
	const seen = rows.slice(first, first + most), key = `${seen[0]?.seq} ${seen.length} ${logView.chosen} ${first} ${height}`;
	if (space.shown !== key) {
		space.shown = key;
		drawRows(space, seen.map((event, i) => [event.seq, `${first + i} ${height} ${event.seq === logView.chosen}`, () => {
			const row = make("div", { role: "option", id: `event-${event.seq}`, className: `row ${event.event}`, "aria-selected": event.seq === logView.chosen,
				"aria-setsize": rows.length, "aria-posinset": first + i + 1, dataset: { seq: event.seq } },
			make("span", {}, event.t.toFixed(3)), make("span", {}, event.event),
			make("span", { title: event.peer ?? "" }, `${event.endpoint ?? "lab"} ${event.conn ? `#${event.conn}` : /:\d+$/.exec(event.peer ?? "")?.[0] ?? ""}`), make("span", {}, lineOf(event).slice(0, 400)));
			Object.assign(row.style, { top: `${(first + i) * height}px`, height: `${height}px`, lineHeight: `${height}px` });
			return row;
		}]));
	}
	box.setAttribute("aria-activedescendant", byId(`event-${logView.chosen}`) ? `event-${logView.chosen}` : "");
	const hidden = model.logGone + model.lost;
	say(byId("log-count"), `${grouped(rows.length)} of ${grouped(model.count)}${hidden ? `, ${grouped(hidden)} no longer here` : ""}` +
		`${logView.follow ? ", following" : ""}`);
}

export const logKept = () => ({ filter: logView.filter, search: logView.search });

/** `go(event)`: shows its place in the pictures. */
export function logListen(model, changed, go, kept) {
	const box = byId("log-rows"), filter = byId("log-filter"), search = byId("log-search");
	filter.replaceChildren(...Object.keys(groups).map((name) => make("option", { value: name }, name || "everything")));
	const choose = () => {
		Object.assign(logView, { filter: filter.value, search: search.value.toLowerCase() });
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
		logView.follow = box.scrollTop + box.clientHeight >= logView.rows.length * logView.height - logView.height;
		changed();
	});
	byId("log-end").addEventListener("click", () => {
		logView.follow = true;
		changed();
	});
	byId("log-export").addEventListener("click", () => {
		const text = logView.rows.map((event) => JSON.stringify(event) + "\n").join("");
		const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" })), download: "lab.ndjson" });
		link.click();
		setTimeout(() => URL.revokeObjectURL(link.href), 1000);
	});
	const find = (seq) => logView.rows.find((event) => event.seq === seq);
	box.addEventListener("click", (event) => {
		const row = event.target.closest("[data-seq]");
		if (row)
			go(find(logView.chosen = Number(row.dataset.seq)));
	});
	box.addEventListener("keydown", (event) => {
		const { rows } = logView, at = rows.findIndex((one) => one.seq === logView.chosen);
		const page = Math.floor(box.clientHeight / logView.height) - 1, from = at < 0 ? rows.length : at;
		const to = { ArrowDown: from + 1, ArrowUp: from - 1, PageDown: from + page, PageUp: from - page, Home: 0, End: rows.length - 1 }[event.key];
		if (event.key === "Enter" && at >= 0)
			go(rows[at]);
		if (to === undefined || !rows.length)
			return;
		event.preventDefault();
		const index = Math.max(0, Math.min(rows.length - 1, to));
		logView.chosen = rows[index].seq;
		logView.follow = index === rows.length - 1;
		if (index * logView.height < box.scrollTop)
			box.scrollTop = index * logView.height;
		else if ((index + 1) * logView.height > box.scrollTop + box.clientHeight)
			box.scrollTop = (index + 1) * logView.height - box.clientHeight;
		changed();
	});
}
