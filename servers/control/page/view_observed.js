/*
 * Datagrams, what was observed against what is configured: the share that was lost, how many
 * packets an answer took, and the fates of the last datagrams and the next ones as a ribbon.
 */
import { byId, draw, grouped, percent, plural, say, sizeOf } from "./dom.js";
import { lossyWay, nextFamily, observed } from "./model_datagrams.js";
import { geometric, lossOf, passOf, wilson } from "./stats.js";
import { COMING, comingFates } from "./view_coming.js";

const LAST = 200; /* fates in the ribbon, before the next ones */

/* The loss to compare with: that of the configuration, or of before the last change. */
const lossText = (model, endpoint, { isPast, loss }) =>
	(isPast ? loss : model.config[`${endpoint}.loss`]) ?? "none";

/* A scale from 0 to 100 %: the observed share with its 95 % interval, and the configured one. */
function lossItems(width, [tries, lost], [low, high], configured) {
	const at = (share) => 10 + (width - 20) * share;
	const rail = { x: at(0), y: 22, width: at(1) - at(0), height: 10, rx: 5 };
	const items = [["rail", "rect", { class: "rail", ...rail }]];
	if (tries) {
		const wide = Math.max(2, at(high) - at(low));
		const interval = { x: at(low), y: 19, width: wide, height: 16, rx: 4 };
		const dot = { cx: at(lost / tries), cy: 27, r: 8 };
		const said = `95 %: ${percent(low)} to ${percent(high)}`;
		items.push(
			["interval", "rect", { class: "interval", ...interval }],
			["observed", "circle", { class: "observed", ...dot }],
			["said", "text", { class: "small", x: 6, y: 60 }, said],
		);
	}
	if (!Number.isNaN(configured)) {
		const pointer = `M${at(configured)} 40V16l-7 -9h14l-7 9`;
		const end = { class: "small", "text-anchor": "end", x: width - 6, y: 60 };
		items.push(
			["asked", "path", { class: "asked", d: pointer }],
			["asked said", "text", end, `▼ ${percent(configured)}`],
		);
	}
	return items;
}

function drawLost(model, ways, endpoint) {
	const way = lossyWay(model, endpoint), seen = observed(ways);
	const [tries, lost] = seen.tries[way], [low, high] = wilson(lost, tries);
	const text = lossText(model, endpoint, seen);
	const name = way === "reply" ? "Replies lost" : "Requests lost";
	const share = tries ? percent(lost / tries) : "nothing";
	const sum = `${grouped(lost)} of ${grouped(tries)} = ${share}`;
	say(byId("lost-name"), name + (seen.isPast ? ", before the change" : ""));
	say(byId("lost"), tries ? sum : "nothing yet");
	const svg = byId("lost-scale"), [width] = sizeOf(svg, 64);
	const interval = `95 % interval ${percent(low)} to ${percent(high)}`;
	svg.setAttribute("aria-label", `Observed ${share}, ${interval}, configured ${text}`);
	draw(svg, lossItems(width, [tries, lost], [low, high], lossOf(text)));
}

/* The probability that a round trip succeeds, by the configured loss; where that is not known, by
   the observed one; 0: unknown. */
function passFor(model, endpoint, seen) {
	const [tries, lost] = seen.tries[lossyWay(model, endpoint)];
	const configured = lossOf(lossText(model, endpoint, seen));
	if (Number.isNaN(configured) && !tries)
		return 0;
	const loss = Number.isNaN(configured) ? lost / Math.max(1, tries) : configured;
	return passOf(loss, model.config[`${endpoint}.direction`]);
}

/* [number of answers, the share that the geometric law has] for 1, 2, ... packets; the last one is
   for all answers that took as many packets or more. */
function barsOf({ packets }, pass) {
	const most = Math.max(6, Math.min(9, packets.length - 1)), bars = [];
	for (let k = 1; k < most; k++)
		bars.push([packets[k] ?? 0, geometric(k, pass)]);
	const rest = packets.slice(most).reduce((sum, count) => sum + (count ?? 0), 0);
	return [...bars, [rest, (1 - pass) ** (most - 1)]];
}

/* The bars with the numbers of packets below them, and their counts, which stand above all. */
function barItems(counts, shares, { height, base, wide, middle, up }) {
	const items = [], labels = [];
	counts.forEach((count, i) => {
		const k = i + 1, y = up(shares[i]), tall = base - y, isInside = tall > 24;
		const x = middle(i) - wide / 2 + 3;
		const box = { x, y, width: Math.max(1, wide - 6), height: Math.max(0, tall) };
		const name = { class: "small mid", x: middle(i), y: height - 6 };
		const label = {
			class: isInside ? "in segment" : "small mid over",
			x: middle(i),
			y: isInside ? base - 7 : y - 6,
		};
		items.push(
			[`bar ${k}`, "rect", { class: "bar", "data-packets": k, ...box }],
			[`k ${k}`, "text", name, k === counts.length ? `${k}+` : String(k)],
		);
		labels.push([`count ${k}`, "text", label, count ? grouped(count) : ""]);
	});
	return [items, labels];
}

function curveItems(curve, { middle, up }) {
	const points = curve.map((share, i) => `${middle(i)} ${up(share)}`);
	const dot = (share, i) => ({ class: "dot", cx: middle(i), cy: up(share), r: 4 });
	return [
		["curve", "path", { class: "curve", d: `M${points.join("L")}` }],
		...curve.map((share, i) => [`dot ${i}`, "circle", dot(share, i)]),
	];
}

function drawHistogram(model, ways, endpoint) {
	const svg = byId("histogram"), [width, height] = sizeOf(svg);
	const seen = observed(ways), { answered } = seen, pass = passFor(model, endpoint, seen);
	const bars = barsOf(seen, pass);
	const counts = bars.map(([count]) => count), curve = bars.map(([, share]) => share);
	const shares = counts.map((count) => count / Math.max(1, answered));
	const top = Math.max(0.01, ...(pass > 0 ? curve : []), ...shares);
	const wide = (width - 8) / bars.length, base = Math.max(30, height - 24);
	const middle = (i) => 4 + (i + 0.5) * wide;
	const up = (share) => base - (base - 24) * share / top;
	const places = { height, base, wide, middle, up };
	const [items, labels] = barItems(counts, shares, places);
	const none = { class: "small mid", x: width / 2, y: 16 };
	draw(svg, [
		["base", "line", { class: "axis", x1: 0, x2: width, y1: base, y2: base }],
		...items,
		...(pass > 0 ? curveItems(curve, places) : []),
		...labels,
		...(answered ? [] : [["none", "text", none, "no answer yet"]]),
	]);
	const said = counts.map((count, i) => `${count} took ${i + 1}`).join(", ");
	const law = `the curve is geometric for ${percent(1 - pass)}`;
	svg.setAttribute("aria-label", `${plural(answered, "answer")}: ${said}; ${law}`);
}

/* One fate in the ribbon; a lost datagram is taller. */
function fateBox({ lost }, place, wide) {
	const [y, height] = lost ? [2, 32] : [17, 15];
	return { x: place * wide, y, width: Math.max(1, wide - 1), height };
}

function ribbonItems(width, past, next) {
	const wide = width / (LAST + COMING + 2), now = (LAST + 1) * wide;
	const kindOf = (fate) => (fate.lost ? "lost" : "passed");
	return [
		...past.map((fate, i) => [`n ${fate.n}`, "rect", {
			class: `fate ${kindOf(fate)}`,
			"data-n": fate.n,
			...fateBox(fate, LAST - past.length + i, wide),
		}]),
		["now", "line", { class: "now", x1: now, x2: now, y1: 0, y2: 36 }],
		...next.map((fate, i) => [`next ${i}`, "rect", {
			class: `fate next ${kindOf(fate)}`,
			"data-next": fate.n,
			...fateBox(fate, LAST + 2 + i, wide),
		}]),
	];
}

function drawRibbon(model, ways, endpoint) {
	const svg = byId("ribbon"), [width] = sizeOf(svg, 36);
	const family = nextFamily(model, endpoint), way = lossyWay(model, endpoint);
	const past = (ways?.fates[family][way] ?? []).slice(-LAST), last = past.at(-1)?.n ?? 0;
	const next = comingFates(family).filter((fate) => fate.n > last).slice(0, COMING);
	draw(svg, ribbonItems(width, past, next));
	const lost = (fates) => fates.filter((fate) => fate.lost).length;
	const kind = `IPv${family} ${way === "reply" ? "replies" : "requests"}`;
	const saidPast = `The last ${past.length} ${kind}: ${lost(past)} lost (tall)`;
	const saidNext = ` · then the next ${next.length}: ${lost(next)} will be lost`;
	const said = past.length ? saidPast : `No ${kind} yet`;
	say(byId("ribbon-said"), said + (next.length ? saidNext : ""));
}

/** Draws what was observed at a server; `ways` is what the model has of its datagrams. */
export function observedDraw(model, ways, endpoint) {
	drawLost(model, ways, endpoint);
	if (endpoint === "reset")
		drawHistogram(model, ways, endpoint);
	drawRibbon(model, ways, endpoint);
}
