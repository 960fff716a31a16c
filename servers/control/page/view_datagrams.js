/* Datagrams: which server and which arrows are shown, the clock, the choice by mouse and keys. */
import { byId, draw, grouped, plural, say, sizeOf, sizesChange } from "./dom.js";
import { SERVERS } from "./model_datagrams.js";
import { arrowItems, LEFT, movedText, RIGHT, ROW, tellArrow } from "./view_arrows.js";
import { observedDraw } from "./view_observed.js";

const waysView = { chosen: null, top: null, item: null, seen: 0, folded: 0, shown: [] };

/* The servers of datagrams that run. */
const waysServers = (model) =>
	SERVERS.filter((name) => model.endpoints.has(name) || model.datagrams.has(name));

/** The server that is shown: the chosen one, else one that has received something. */
export function waysEndpoint(model) {
	const servers = waysServers(model);
	return servers.find((name) => name === waysView.chosen) ??
		servers.find((name) => model.datagrams.get(name)?.arrows.length) ??
		servers[0] ??
		SERVERS[0];
}

/** The name of the server that was chosen, for the next load of the page; null: none. */
export const waysKept = () => waysView.chosen;

/** Chooses a server and follows its newest datagrams; null: the one that waysEndpoint finds. */
export function waysChoose(name) {
	Object.assign(waysView, { chosen: name, top: null, item: null });
}

/** Scrolls to the arrow of an event. */
export function waysShow(model, event) {
	waysChoose(event.endpoint);
	const ways = model.datagrams.get(event.endpoint);
	const arrow = ways?.arrows.findLast((one) => one.seq <= event.seq);
	waysView.top = arrow ? Math.max(0, arrow.id - 3) : null;
	waysView.item = arrow?.id ?? null;
}

/* 75 s are "75 s", 150 s are "2:30". */
function clockText(seconds) {
	if (seconds <= 90)
		return `${Math.max(0, seconds)} s`;
	return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/* "serves IPv4, IPv6 in 31:24", as far as there is room in pixels. */
function turnText(model, endpoint, room) {
	const { family, until } = model.endpoints.get(endpoint) ?? {};
	if (!family || room < 200)
		return "";
	const now = family === "none" ? "serves nobody" : `serves ${family}`;
	if (!until || room <= 350)
		return now;
	const other = { IPv4: "IPv6", IPv6: "IPv4" }[family] ?? "other families";
	return `${now}, ${other} in ${clockText(Math.round(until - model.now))}`;
}

/* The arrows that have room in so many rows, and how many are above and below. */
function windowOfArrows(ways, rows) {
	const arrows = ways?.arrows ?? [], first = arrows[0]?.id ?? 0, end = first + arrows.length;
	const newest = end - rows; /* the top row where the newest arrows are followed */
	if (waysView.top !== null && waysView.top >= newest)
		waysView.top = null;
	const top = Math.max(first, waysView.top ?? newest);
	const seen = waysView.shown = arrows.slice(top - first, top - first + rows);
	if (waysView.top === null) {
		if (waysView.seen && newest > waysView.seen)
			waysView.folded = newest - waysView.seen;
		else if (waysView.seen !== end)
			waysView.folded = 0;
		waysView.seen = end;
	}
	return { seen, above: top - first, below: end - top - seen.length };
}

/* The two sides and their names. */
function sideItems(model, endpoint, width, bottom, isEmpty) {
	const right = width - RIGHT, middle = (LEFT + right) / 2;
	const name = endpoint === "reset" ? "PMU" : endpoint;
	const turn = turnText(model, endpoint, right - LEFT);
	const axes = [
		["left", "line", { class: "axis", x1: LEFT, x2: LEFT, y1: 30, y2: bottom }],
		["right", "line", { class: "axis", x1: right, x2: right, y1: 30, y2: bottom }],
	];
	return [
		...(isEmpty ? [] : axes),
		["clients", "text", { class: "lane mid", x: LEFT, y: 20 }, "clients"],
		["lab", "text", { class: "lane mid", x: right, y: 20 }, name],
		["turn", "text", { class: "small mid", x: middle, y: 20 }, turn],
	];
}

function drawArrows(model, ways, svg, endpoint) {
	const [width, height] = sizeOf(svg), rows = Math.max(1, Math.floor((height - 34) / ROW));
	const { seen, above, below } = windowOfArrows(ways, rows);
	const items = sideItems(model, endpoint, width, 30 + rows * ROW, !ways?.arrows.length);
	const places = new Map();
	seen.forEach((arrow, i) => {
		const y = 38 + i * ROW, { id, before } = arrow;
		const hasFormer = before !== null && before !== undefined;
		const former = hasFormer ? places.get(before) ?? -60 : undefined;
		places.set(id, y);
		items.push(...arrowItems(arrow, y, width, waysView.item === id, former));
	});
	draw(svg, items);
	return { above, below };
}

/* Which of two servers is shown. udp-print has no clock and sends no answers. */
function drawChoice(model, endpoint) {
	const servers = waysServers(model), choice = byId("ways-choice");
	choice.hidden = servers.length < 2;
	for (const button of choice.children)
		button.setAttribute("aria-pressed", button.textContent === endpoint);
	const hidden = endpoint !== "reset";
	if (byId("clock-card").hidden === hidden)
		return;
	byId("clock-card").hidden = byId("histogram-card").hidden = hidden;
	sizesChange();
}

function drawClock(clock) {
	byId("clock-card").classList.toggle("twice", Boolean(clock?.twice));
	say(byId("clock"), `+${grouped(clock?.clock_after ?? 0)} s`);
	if (!clock)
		say(byId("clock-why"), "not moved yet");
	else if (clock.twice)
		say(byId("clock-why"), `⚠ one request ${movedText(clock.times)}`);
	else
		say(byId("clock-why"), `by ${clock.offset} s, by the last request`);
}

/* Why there is no arrow. */
function emptyText(model, endpoint) {
	if (!waysServers(model).length)
		return "reset and udp-print do not run in this lab.";
	if (model.cleared.datagrams)
		return "Nothing has come since.";
	const client = endpoint === "reset" ? "pdc-reset" : "udp-send";
	return `Nothing has come yet. Run a client: build/clients/${client}`;
}

/* Below the picture: what is not shown in it. */
function tellRest(model, ways, above, below) {
	const gone = above + ways.gone;
	return [
		below ? `${plural(below, "newer one")} below; End follows` : "",
		waysView.folded ? `${plural(waysView.folded, "arrow")} folded in this moment` : "",
		gone ? `${plural(gone, "arrow")} above` : "",
		model.repeated ? `${plural(model.repeated, "datagram")} only counted` : "",
		ways.twice ? `${plural(ways.twice, "request")} moved the clock more than once` : "",
	].filter(Boolean).join(" · ");
}

/** Draws the picture of the datagrams. */
export function waysDraw(model) {
	const endpoint = waysEndpoint(model), ways = model.datagrams.get(endpoint);
	const svg = byId("ways-stage").firstElementChild, isEmpty = !ways?.arrows.length;
	const { above, below } = drawArrows(model, ways, svg, endpoint);
	drawChoice(model, endpoint);
	const item = ways?.arrows.find((arrow) => arrow.id === waysView.item);
	const rest = isEmpty ? "" : tellRest(model, ways, above, below);
	say(byId("ways-none"), isEmpty ? emptyText(model, endpoint) : "");
	say(byId("ways-told"), item ? tellArrow(item) : rest);
	drawClock(ways?.clock);
	observedDraw(model, ways, endpoint);
}

/**
 * Listens to mouse and keys; `model()` is the model, `changed()` asks for a new drawing,
 * `chosen()` is called when another server is shown.
 */
export function waysListen(model, changed, chosen) {
	const stage = byId("ways-stage");
	byId("ways-choice").addEventListener("click", ({ target }) => {
		if (target.localName !== "button")
			return;
		waysChoose(target.textContent);
		chosen();
		changed();
	});
	const scroll = (rows) => {
		const ways = model().datagrams.get(waysEndpoint(model()));
		if (!ways || !rows)
			return;
		const first = ways.arrows[0]?.id ?? 0;
		waysView.top = Math.max(first, (waysView.shown[0]?.id ?? first) + rows);
		changed();
	};
	stage.addEventListener("wheel", (event) => {
		event.preventDefault();
		scroll(Math.sign(event.deltaY) * 2);
	}, { passive: false });
	const choose = (id) => {
		waysView.item = id;
		changed();
	};
	/* To the arrow above or below; at the edge the picture scrolls. */
	const step = (by) => {
		const { shown, item } = waysView, at = shown.findIndex(({ id }) => id === item);
		const next = at < 0 ? shown.at(-1) : shown[at + by];
		if (!next)
			scroll(by);
		choose((next ?? shown[at])?.id ?? null);
	};
	stage.addEventListener("pointermove", ({ target }) => {
		if (target.dataset?.arrow !== undefined)
			choose(Number(target.dataset.arrow));
	});
	stage.addEventListener("pointerleave", () => choose(null));
	stage.addEventListener("blur", () => choose(null));
	stage.addEventListener("keydown", (event) => {
		const { length } = waysView.shown;
		const page = { PageUp: -length, PageDown: length }[event.key];
		const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
		if (event.key === "End" || event.key === "Escape") {
			waysView.top = null;
			choose(null);
		} else if (event.key === "Home")
			scroll(-1e9);
		else if (page)
			scroll(page);
		else if (by)
			step(by);
		else
			return;
		event.preventDefault();
	});
}
