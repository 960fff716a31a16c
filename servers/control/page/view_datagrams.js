/* Datagrams: clients left, the PMU right, an arrow each; the clock; fates as a ribbon; what was observed against what was asked for. */
import { byId, draw, grouped, inSeconds, percent, plural, say, sizeOf, sizesChange } from "./dom.js";
import { lossyWay, nextFamily, observed, SERVERS } from "./model_datagrams.js";
import { geometric, lossOf, passOf, wilson } from "./stats.js";

const ROW = 46, LEFT = 150, RIGHT = 108, NEXT = 50;
const waysView = { chosen: null, top: null, item: null, seen: 0, folded: 0, shown: [] };
let coming = { key: "", family: 0, fates: [] }; /* the preview */

/** What the lab says of the next datagrams of a family: [{ n, lost }]. */
export function waysComing(key, family, fates) {
	coming = { key, family, fates };
}

export const waysComingKey = () => coming.key;

/* Of the servers of datagrams those that run. */
const waysServers = (model) => SERVERS.filter((name) => model.endpoints.has(name) || model.datagrams.has(name));

/** Which one is shown: the one that was chosen, else one that was sent something. */
export function waysEndpoint(model) {
	const servers = waysServers(model), chosen = servers.find((name) => name === waysView.chosen);
	return chosen ?? servers.find((name) => model.datagrams.get(name)?.arrows.length) ?? servers[0] ?? SERVERS[0];
}

export const waysKept = () => waysView.chosen;

/** Null: as waysEndpoint finds. */
export function waysChoose(name) {
	Object.assign(waysView, { chosen: name, top: null, item: null });
}

/** Scrolls to the arrow of this event. */
export function waysShow(model, event) {
	waysChoose(event.endpoint);
	const arrow = model.datagrams.get(event.endpoint)?.arrows.findLast((one) => one.seq <= event.seq);
	waysView.top = arrow ? Math.max(0, arrow.id - 3) : null;
	waysView.item = arrow?.id ?? null;
}

const again = (times) => (times === 2 ? "moved it twice" : `moved it ${times} times`);

function tellArrow(arrow) {
	if (arrow.change)
		return `${arrow.change}, ${inSeconds(arrow.t)} after the start${arrow.anew ? "; counted anew from here on" : ""}`;
	const name = `${arrow.direction === "request" ? "Request" : "Reply"} ${arrow.n || ""} (IPv${arrow.family}, ${arrow.peer})`;
	const fate = arrow.fate === "lost" ? `lost: ${arrow.model}${arrow.drawn === null || arrow.drawn === undefined ? "" : `, drawn ${arrow.drawn.toFixed(6)}`}` +
		`${arrow.state ? `, in state ${arrow.state}` : ""}` : arrow.fate === "refused" ? `dropped: ${arrow.reason}` : "arrived";
	return [`${name} ${arrow.text} ${fate}`, arrow.attempt > 1 ? `try ${arrow.attempt} of this client` : "",
		arrow.offset === undefined ? "" : `moved the clock by ${arrow.offset} s to ${arrow.clock} s`,
		arrow.twice ? `so this request ${again(arrow.times)}` : "", ...arrow.notes, `${inSeconds(arrow.t)} after the start`].filter(Boolean).join(", ");
}

/* Between two datagrams: what was changed. */
const changeItems = ({ id, change }, y, width) => [
	[`hit ${id}`, "rect", { class: `hit${waysView.item === id ? " current" : ""}`, "data-arrow": id, x: 0, y: y - 5, width, height: ROW - 2 }],
	[`change ${id}`, "line", { class: "change", x1: 0, x2: width, y1: y + 24, y2: y + 24 }],
	[`changed ${id}`, "text", { class: "changed mid", x: width / 2, y: y + 16 }, change],
];

/* "0.342 < 0.5": below what was asked for, so it was lost. */
const drawnText = ({ drawn, limit }) => (drawn === null || drawn === undefined ? "" :
	`drew ${drawn.toFixed(3)}${Number.isNaN(limit) ? "" : ` < ${+limit.toFixed(3)}`}`);

function arrowItems(arrow, y, width, former) {
	if (arrow.change)
		return changeItems(arrow, y, width);
	const request = arrow.direction === "request", from = request ? LEFT : width - RIGHT, to = request ? width - RIGHT : LEFT;
	const reaches = arrow.fate === "arrived" ? 1 : 0.47, x = from + (to - from) * reaches, down = 18, end = y + 10 + down * reaches;
	const way = Math.sign(to - from), current = waysView.item === arrow.id ? " current" : "", id = arrow.id;
	const items = [
		[`hit ${id}`, "rect", { class: `hit${current}`, "data-arrow": id, x: 0, y: y - 5, width, height: ROW - 2 }],
		[`line ${id}`, "path", { class: `way ${arrow.bad ? "bad" : arrow.fate} ${arrow.direction}`, "data-fate": arrow.fate, "data-n": arrow.n,
			"data-direction": arrow.direction, d: `M${from} ${y + 10}L${x} ${end}` +
				(reaches === 1 ? `m${-15 * way} -8l${15 * way} 8l${-16 * way} 6` : "") }],
		[`text ${id}`, "text", { class: "says", "text-anchor": request ? "start" : "end", x: from + 14 * way, y: y + 6 }, [arrow.text.slice(0, 18), ...arrow.notes].join(" · ")],
	];
	if (arrow.fate !== "arrived") {
		const why = arrow.fate === "lost" ? [`lost · no. ${arrow.n}`, [Number.isNaN(arrow.limit) ? arrow.model : "", drawnText(arrow), arrow.state].filter(Boolean).join(", ")] :
			["dropped", arrow.reason.replace(/^the /, "")];
		items.push([`cross ${id}`, "path", { class: `cross ${arrow.fate}`, d: `M${x - 9} ${end - 9}l18 18m0 -18l-18 18` }],
			[`why ${id}`, "text", { class: "why", "text-anchor": request ? "start" : "end", x: x + 18 * way, y: end - 2 }, why[0]],
			[`drawn ${id}`, "text", { class: "small", "text-anchor": request ? "start" : "end", x: x + 18 * way, y: end + 15 }, why[1]]);
	}
	if (request) {
		const [, port] = /:(\d+)$/.exec(arrow.peer) ?? [], tries = arrow.attempt > 1;
		items.push([`peer ${id}`, "text", { class: "small", x: 0, y: y + (tries ? 27 : 15) }, `${arrow.family === 6 ? "IPv6 " : ""}:${port}`],
			[`again ${id}`, "text", { class: "again", x: 0, y: y + 10 }, tries ? `again, ${arrow.attempt}` : ""]);
		if (former !== undefined && former < y)
			items.push([`link ${id}`, "path", { class: "link", d: `M${LEFT - 8} ${Math.max(30, former + 12)}C${LEFT - 52} ${Math.max(30, former + 18)} ${LEFT - 52} ${y + 4} ${LEFT - 10} ${y + 10}m-10 -8l10 8l-12 4` }]);
		if (arrow.offset !== undefined)
			items.push([`clock ${id}`, "text", { class: arrow.twice ? "clock twice" : "clock", x: width - RIGHT + 14, y: y + 26 },
				`${arrow.twice ? "⚠ " : ""}+${arrow.offset} s`], [`sum ${id}`, "text", { class: "small", x: width - RIGHT + 14, y: y + 43 }, `= ${arrow.clock} s`]);
	}
	return items;
}

/* "serves IPv4, IPv6 in 31:24", as far as there is room */
function turnText(model, endpoint, room) {
	const { family, until } = model.endpoints.get(endpoint) ?? {}, left = Math.round((until ?? 0) - model.now);
	const other = { IPv4: "IPv6", IPv6: "IPv4" }[family] ?? "other families";
	const inTime = left > 90 ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : `${Math.max(0, left)} s`;
	const now = !family || room < 200 ? "" : family === "none" ? "serves nobody" : `serves ${family}`;
	return now && until && room > 350 ? `${now}, ${other} in ${inTime}` : now;
}

function drawArrows(model, ways, svg, endpoint) {
	const [width, height] = sizeOf(svg), rows = Math.max(1, Math.floor((height - 34) / ROW));
	const arrows = ways?.arrows ?? [], first = arrows[0]?.id ?? 0, last = first + arrows.length;
	if (waysView.top !== null && waysView.top >= last - rows)
		waysView.top = null;
	const top = Math.max(first, waysView.top ?? last - rows);
	const seen = waysView.shown = arrows.slice(top - first, top - first + rows);
	if (waysView.top === null) {
		waysView.folded = last - rows > waysView.seen && waysView.seen ? last - rows - waysView.seen : waysView.seen === last ? waysView.folded : 0;
		waysView.seen = last;
	}
	const bottom = 30 + rows * ROW, items = arrows.length ? [
		["left", "line", { class: "axis", x1: LEFT, x2: LEFT, y1: 30, y2: bottom }],
		["right", "line", { class: "axis", x1: width - RIGHT, x2: width - RIGHT, y1: 30, y2: bottom }],
	] : [];
	items.push(["clients", "text", { class: "lane mid", x: LEFT, y: 20 }, "clients"],
		["lab", "text", { class: "lane mid", x: width - RIGHT, y: 20 }, endpoint === "reset" ? "PMU" : endpoint],
		["turn", "text", { class: "small mid", x: (LEFT + width - RIGHT) / 2, y: 20 }, turnText(model, endpoint, width - LEFT - RIGHT)]);
	const places = new Map();
	seen.forEach((arrow, i) => {
		const y = 38 + i * ROW;
		places.set(arrow.id, y);
		items.push(...arrowItems(arrow, y, width, arrow.before === null || arrow.before === undefined ? undefined : places.get(arrow.before) ?? -60));
	});
	draw(svg, items);
	return { above: top - first, below: last - top - seen.length };
}

/* ---- what was observed ---- */

function drawLost(model, ways, endpoint, way) {
	const { tries: all, loss, isPast } = observed(ways), [tries, lost] = all[way], [low, high] = wilson(lost, tries);
	const text = (isPast ? loss : model.config[`${endpoint}.loss`]) ?? "none", asked = lossOf(text);
	say(byId("lost-name"), (way === "reply" ? "Replies lost" : "Requests lost") + (isPast ? ", before the change" : ""));
	say(byId("lost"), tries ? `${grouped(lost)} of ${grouped(tries)} = ${percent(lost / tries)}` : "nothing yet");
	const svg = byId("lost-scale"), [width] = sizeOf(svg, 64), at = (share) => 10 + (width - 20) * share;
	svg.setAttribute("aria-label", `Observed ${tries ? percent(lost / tries) : "nothing"}, 95 % interval ${percent(low)} to ${percent(high)}, configured ${text}`);
	const items = [
		["rail", "rect", { class: "rail", x: at(0), y: 22, width: at(1) - at(0), height: 10, rx: 5 }],
	];
	if (tries)
		items.push(["interval", "rect", { class: "interval", x: at(low), y: 19, width: Math.max(2, at(high) - at(low)), height: 16, rx: 4 }],
			["observed", "circle", { class: "observed", cx: at(lost / tries), cy: 27, r: 8 }],
			["said", "text", { class: "small", x: 6, y: 60 }, `95 %: ${percent(low)} to ${percent(high)}`]);
	if (!Number.isNaN(asked))
		items.push(["asked", "path", { class: "asked", d: `M${at(asked)} 40V16l-7 -9h14l-7 9` }], ["asked said", "text", { class: "small", "text-anchor": "end", x: width - 6, y: 60 }, `▼ ${percent(asked)}`]);
	draw(svg, items);
}

function drawHistogram(model, ways, endpoint) {
	const svg = byId("histogram"), [width, height] = sizeOf(svg), { packets, answered, tries: all, loss: was, isPast } = observed(ways);
	const asked = lossOf((isPast ? was : model.config[`${endpoint}.loss`]) ?? "none"), way = lossyWay(model, endpoint);
	const [tries, lost] = all[way], loss = Number.isNaN(asked) ? lost / Math.max(1, tries) : asked;
	const pass = Number.isNaN(asked) && !tries ? 0 : passOf(loss, model.config[`${endpoint}.direction`]), most = Math.max(6, Math.min(9, packets.length - 1));
	const shares = [], curve = [];
	for (let k = 1; k <= most; k++) {
		shares.push(k < most ? packets[k] ?? 0 : packets.slice(k).reduce((sum, x) => sum + (x ?? 0), 0));
		curve.push(k < most ? geometric(k, pass) : (1 - pass) ** (k - 1));
	}
	const top = Math.max(0.01, ...(pass > 0 ? curve : []), ...shares.map((x) => x / Math.max(1, answered))), wide = (width - 8) / most, base = Math.max(30, height - 24);
	const up = (share) => base - (base - 24) * share / top, items = [["base", "line", { class: "axis", x1: 0, x2: width, y1: base, y2: base }]];
	const over = []; /* the curve */
	for (let k = 1; k <= most; k++) {
		const x = 4 + (k - 1) * wide, share = shares[k - 1] / Math.max(1, answered), y = up(share);
		items.push([`bar ${k}`, "rect", { class: "bar", "data-packets": k, x: x + 3, y, width: Math.max(1, wide - 6), height: Math.max(0, base - y) }],
			[`k ${k}`, "text", { class: "small mid", x: x + wide / 2, y: height - 6 }, k === most ? `${k}+` : String(k)]);
		over.push([`count ${k}`, "text", { class: base - y > 24 ? "in segment" : "small mid over", x: x + wide / 2, y: base - y > 24 ? base - 7 : y - 6 }, shares[k - 1] ? grouped(shares[k - 1]) : ""]);
	}
	if (pass > 0)
		items.push(["curve", "path", { class: "curve", d: curve.map((share, i) => `${i ? "L" : "M"}${4 + (i + 0.5) * wide} ${up(share)}`).join("") }]);
	if (pass > 0)
		curve.forEach((share, i) => items.push([`dot ${i}`, "circle", { class: "dot", cx: 4 + (i + 0.5) * wide, cy: up(share), r: 4 }]));
	items.push(...over);
	if (!answered)
		items.push(["none", "text", { class: "small mid", x: width / 2, y: 16 }, "no answer yet"]);
	draw(svg, items);
	svg.setAttribute("aria-label", `${plural(answered, "answer")}: ${shares.map((x, i) => `${x} took ${i + 1}`).join(", ")}; the curve is geometric for ${percent(1 - pass)}`);
}

function drawRibbon(model, ways, endpoint, way) {
	const svg = byId("ribbon"), [width] = sizeOf(svg, 36), family = nextFamily(model, endpoint);
	const fates = (ways?.fates[family][way] ?? []).slice(-200), last = fates.at(-1)?.n ?? 0;
	const next = (coming.family === family ? coming.fates : []).filter((fate) => fate.n > last).slice(0, NEXT), wide = width / (200 + NEXT + 2);
	const items = fates.map((fate, i) => [`n ${fate.n}`, "rect", { class: `fate ${fate.lost ? "lost" : "passed"}`, "data-n": fate.n, x: (200 - fates.length + i) * wide,
		y: fate.lost ? 2 : 17, width: Math.max(1, wide - 1), height: fate.lost ? 32 : 15 }]);
	items.push(["now", "line", { class: "now", x1: 201 * wide, x2: 201 * wide, y1: 0, y2: 36 }]);
	next.forEach((fate, i) => items.push([`next ${i}`, "rect", { class: `fate next ${fate.lost ? "lost" : "passed"}`, "data-next": fate.n, x: (202 + i) * wide,
		y: fate.lost ? 2 : 17, width: Math.max(1, wide - 1), height: fate.lost ? 32 : 15 }]));
	draw(svg, items);
	const lost = fates.filter((fate) => fate.lost).length;
	const kind = `IPv${family} ${way === "reply" ? "replies" : "requests"}`;
	say(byId("ribbon-said"), (fates.length ? `The last ${fates.length} ${kind}: ${lost} lost (tall)` : `No ${kind} yet`) +
		(next.length ? ` · then the next ${next.length}: ${next.filter((fate) => fate.lost).length} will be lost` : ""));
}

/* Two servers: which one is shown. */
function drawChoice(model, endpoint) {
	const servers = waysServers(model), choice = byId("ways-choice");
	choice.hidden = servers.length < 2;
	for (const button of choice.children)
		button.setAttribute("aria-pressed", button.textContent === endpoint);
	const alone = endpoint !== "reset"; /* it has no clock, and answers nobody */
	if (byId("clock-card").hidden === alone)
		return;
	byId("clock-card").hidden = byId("histogram-card").hidden = alone;
	sizesChange();
}

export function waysDraw(model) {
	const endpoint = waysEndpoint(model), ways = model.datagrams.get(endpoint), way = lossyWay(model, endpoint), clock = ways?.clock;
	const svg = byId("ways-stage").firstElementChild, runs = waysServers(model).length > 0;
	const { above, below } = drawArrows(model, ways, svg, endpoint);
	drawChoice(model, endpoint);
	const item = ways?.arrows.find((arrow) => arrow.id === waysView.item);
	say(byId("ways-none"), ways?.arrows.length ? "" : !runs ? "reset and udp-print do not run in this lab." : model.cleared.datagrams ? "Nothing has come since." :
		`Nothing has come yet. Run a client: build/clients/${endpoint === "reset" ? "pdc-reset" : "udp-send"}`);
	say(byId("ways-told"), item ? tellArrow(item) : !ways?.arrows.length ? "" : [
		below ? `${plural(below, "newer one")} below; End follows` : "", waysView.folded ? `${plural(waysView.folded, "arrow")} folded in this moment` : "",
		above + ways.gone ? `${plural(above + ways.gone, "arrow")} above` : "", model.repeated ? `${plural(model.repeated, "datagram")} only counted` : "",
		ways.twice ? `${plural(ways.twice, "request")} moved the clock more than once` : ""].filter(Boolean).join(" · "));
	byId("clock-card").classList.toggle("twice", Boolean(clock?.twice));
	say(byId("clock"), `+${grouped(clock?.clock_after ?? 0)} s`);
	say(byId("clock-why"), clock ? (clock.twice ? `⚠ one request ${again(clock.times)}` : `by ${clock.offset} s, by the last request`) : "not moved yet");
	drawLost(model, ways, endpoint, way);
	if (endpoint === "reset")
		drawHistogram(model, ways, endpoint);
	drawRibbon(model, ways, endpoint, way);
}

/** `changed` asks for a drawing; `chosen` is called when another server is shown. */
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
	stage.addEventListener("pointermove", (event) => event.target.dataset?.arrow !== undefined && choose(Number(event.target.dataset.arrow)));
	stage.addEventListener("pointerleave", () => choose(null));
	stage.addEventListener("blur", () => choose(null));
	stage.addEventListener("keydown", (event) => {
		const { shown } = waysView, at = shown.findIndex((arrow) => arrow.id === waysView.item);
		const page = { PageUp: -shown.length, PageDown: shown.length }[event.key], go = { ArrowDown: 1, ArrowUp: -1 }[event.key];
		if (event.key === "End" || event.key === "Escape") {
			waysView.top = null;
			choose(null);
		} else if (event.key === "Home")
			scroll(-1e9);
		else if (page)
			scroll(page);
		else if (go) {
			const to = at < 0 ? shown.at(-1) : shown[at + go];
			if (!to)
				scroll(go);
			choose((to ?? shown[at])?.id ?? null);
		} else
			return;
		event.preventDefault();
	});
}
