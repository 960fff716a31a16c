/*
 * Datagrams as arrows, one a row in the order of time: the clients at the left, the lab at the
 * right; between them what was changed in the lab.
 */
import { inSeconds } from "./dom.js";

/** Pixels at 1280x720: the height of a row, the room left and right of the arrows. */
export const ROW = 46, LEFT = 150, RIGHT = 108;

const isKnown = (value) => value !== null && value !== undefined;

/** "moved it twice": what a request did to the clock. */
export const movedText = (times) => (times === 2 ? "moved it twice" : `moved it ${times} times`);

function tellFate({ fate, reason, model, drawn, state }) {
	if (fate === "refused")
		return `dropped: ${reason}`;
	if (fate !== "lost")
		return "arrived";
	const value = isKnown(drawn) ? `, drawn ${drawn.toFixed(6)}` : "";
	return `lost: ${model}${value}${state ? `, in state ${state}` : ""}`;
}

/** A sentence about an arrow. */
export function tellArrow(arrow) {
	const time = `${inSeconds(arrow.t)} after the start`;
	if (arrow.change)
		return `${arrow.change}, ${time}${arrow.anew ? "; counted anew from here on" : ""}`;
	const kind = arrow.direction === "request" ? "Request" : "Reply";
	const name = `${kind} ${arrow.n || ""} (IPv${arrow.family}, ${arrow.peer})`;
	const { offset, clock } = arrow;
	return [
		`${name} ${arrow.text} ${tellFate(arrow)}`,
		arrow.attempt > 1 ? `try ${arrow.attempt} of this client` : "",
		offset === undefined ? "" : `moved the clock by ${offset} s to ${clock} s`,
		arrow.twice ? `so this request ${movedText(arrow.times)}` : "",
		...arrow.notes,
		time,
	].filter(Boolean).join(", ");
}

/* The whole row, for the mouse. */
function hitItem(id, y, width, isCurrent) {
	const className = `hit${isCurrent ? " current" : ""}`;
	const box = { x: 0, y: y - 5, width, height: ROW - 2 };
	return [`hit ${id}`, "rect", { class: className, "data-arrow": id, ...box }];
}

/* A change of the lab, between two datagrams. */
function changeItems({ id, change }, y, width) {
	const line = { x1: 0, x2: width, y1: y + 24, y2: y + 24 };
	const middle = { x: width / 2, y: y + 16 };
	return [
		[`change ${id}`, "line", { class: "change", ...line }],
		[`changed ${id}`, "text", { class: "changed mid", ...middle }, change],
	];
}

/* "drew 0.342 < 0.5": the value was below the configured loss, so the datagram was lost. */
function drawnText({ drawn, limit }) {
	if (!isKnown(drawn))
		return "";
	return `drew ${drawn.toFixed(3)}${Number.isNaN(limit) ? "" : ` < ${+limit.toFixed(3)}`}`;
}

/* Why a datagram did not arrive, in two lines. */
function whyText(arrow) {
	if (arrow.fate === "refused")
		return ["dropped", arrow.reason.replace(/^the /, "")];
	const model = Number.isNaN(arrow.limit) ? arrow.model : "";
	const chance = [model, drawnText(arrow), arrow.state].filter(Boolean).join(", ");
	return [`lost · no. ${arrow.n}`, chance];
}

/* Where an arrow begins and how far it comes: one that is lost ends before the middle. */
function placeOf(arrow, y, width) {
	const isRequest = arrow.direction === "request";
	const from = isRequest ? LEFT : width - RIGHT, to = isRequest ? width - RIGHT : LEFT;
	const reach = arrow.fate === "arrived" ? 1 : 0.47;
	return {
		from,
		x: from + (to - from) * reach,
		end: y + 10 + 18 * reach,
		way: Math.sign(to - from),
		anchor: isRequest ? "start" : "end",
	};
}

function lineItems(arrow, y, { from, x, end, way, anchor }) {
	const { id, fate, direction } = arrow;
	const head = fate === "arrived" ? `m${-15 * way} -8l${15 * way} 8l${-16 * way} 6` : "";
	const place = { "text-anchor": anchor, x: from + 14 * way, y: y + 6 };
	const said = [arrow.text.slice(0, 18), ...arrow.notes].join(" · ");
	return [
		[`line ${id}`, "path", {
			class: `way ${arrow.bad ? "bad" : fate} ${direction}`,
			"data-fate": fate,
			"data-n": arrow.n,
			"data-direction": direction,
			d: `M${from} ${y + 10}L${x} ${end}${head}`,
		}],
		[`text ${id}`, "text", { class: "says", ...place }, said],
	];
}

function crossItems(arrow, { x, end, way, anchor }) {
	const { id, fate } = arrow, [why, more] = whyText(arrow);
	const place = { "text-anchor": anchor, x: x + 18 * way };
	const cross = `M${x - 9} ${end - 9}l18 18m0 -18l-18 18`;
	return [
		[`cross ${id}`, "path", { class: `cross ${fate}`, d: cross }],
		[`why ${id}`, "text", { class: "why", ...place, y: end - 2 }, why],
		[`drawn ${id}`, "text", { class: "small", ...place, y: end + 15 }, more],
	];
}

/* From a request up to the one before it in the same exchange, whose row begins at `former`. */
function linkPath(former, y) {
	const from = Math.max(30, former + 12), bend = Math.max(30, former + 18);
	const curve = `C${LEFT - 52} ${bend} ${LEFT - 52} ${y + 4} ${LEFT - 10} ${y + 10}`;
	return `M${LEFT - 8} ${from}${curve}m-10 -8l10 8l-12 4`;
}

/* What stands beside a request: its client, its attempt, what it did to the clock. */
function requestItems(arrow, y, width, former) {
	const { id, attempt, offset, clock, twice } = arrow;
	const [, port] = /:(\d+)$/.exec(arrow.peer) ?? [], isAgain = attempt > 1;
	const peer = `${arrow.family === 6 ? "IPv6 " : ""}:${port}`;
	const again = isAgain ? `again, ${attempt}` : "";
	const items = [
		[`peer ${id}`, "text", { class: "small", x: 0, y: y + (isAgain ? 27 : 15) }, peer],
		[`again ${id}`, "text", { class: "again", x: 0, y: y + 10 }, again],
	];
	if (former !== undefined && former < y)
		items.push([`link ${id}`, "path", { class: "link", d: linkPath(former, y) }]);
	if (offset !== undefined) {
		const x = width - RIGHT + 14, className = twice ? "clock twice" : "clock";
		const moved = `${twice ? "⚠ " : ""}+${offset} s`;
		items.push(
			[`clock ${id}`, "text", { class: className, x, y: y + 26 }, moved],
			[`sum ${id}`, "text", { class: "small", x, y: y + 43 }, `= ${clock} s`],
		);
	}
	return items;
}

/**
 * The items of an arrow or change whose row begins at y, for draw(). `former` is the y of the
 * request before it in the same exchange; undefined: there is none.
 */
export function arrowItems(arrow, y, width, isCurrent, former) {
	const hit = hitItem(arrow.id, y, width, isCurrent);
	if (arrow.change)
		return [hit, ...changeItems(arrow, y, width)];
	const place = placeOf(arrow, y, width);
	return [
		hit,
		...lineItems(arrow, y, place),
		...(arrow.fate === "arrived" ? [] : crossItems(arrow, place)),
		...(arrow.direction === "request" ? requestItems(arrow, y, width, former) : []),
	];
}
