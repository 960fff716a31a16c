/*
 * One connection in three lanes, send() calls, segments and acknowledgements, each as wide as its
 * bytes; bands join what belongs together. Below them the same three on a line of time.
 */
import { draw, grouped, inSeconds, plural, sizeOf } from "./dom.js";

/* In pixels at 1280x720: the names at the left, the line of time, the gap between two calls or
   segments, the least width of a call or segment that is shown. */
const LABELS = 156, TIMES = 60, GAP = 5, LEAST = 12;

/** The lanes from top to bottom: [kind, name, meaning]. */
export const lanes = [
	["call", "send()", "by the program"],
	["segment", "segments", "on the wire"],
	["ack", "acknowledged", "by the client"],
];

/* Which bytes fit: those of the last calls and segments of a long connection. */
function windowOf(conn, most) {
	const calls = conn.calls.slice(-most);
	const from = Math.max(calls[0]?.from ?? 0, conn.segments.at(-most)?.from ?? 0);
	const inside = (list) => list.filter((item) => item.to > from && item.from < conn.queued);
	const before = (list) => list.filter((item) => item.to <= from).length;
	return {
		from,
		calls: inside(calls),
		segments: inside(conn.segments),
		acks: inside(conn.acks),
		before: [before(conn.calls), before(conn.segments), before(conn.acks)],
	};
}

/* How many calls are still to come and have room: their places are shown. */
function ghostsOf(conn, seen) {
	const waits = conn.kind === "short" && !conn.closed;
	const expected = waits ? Math.max(0, conn.messages - conn.callCount) : 0;
	return conn.callCount <= seen.calls.length && expected < 60 ? expected : 0;
}

/* Bytes to pixels, with a gap at each border of a call or segment. An item with such borders
   inside is a little narrower than the bytes with their gaps. */
function scaleOf(conn, seen, width) {
	const borders = new Set();
	for (const item of [...seen.calls, ...seen.segments])
		borders.add(Math.min(item.to, conn.queued));
	const sorted = [...borders].sort((a, b) => a - b);
	const ghosts = ghostsOf(conn, seen), size = conn.queued - seen.from;
	const average = size / Math.max(1, seen.calls.length);
	const room = width - (sorted.length + ghosts) * GAP;
	const scale = room / Math.max(1, size + ghosts * average);
	const place = (offset, begins) => {
		const isBefore = (border) => border < offset || (begins && border === offset);
		let before = 0;
		while (before < sorted.length && isBefore(sorted[before]))
			before++;
		return LABELS + (Math.max(offset, seen.from) - seen.from) * scale + before * GAP;
	};
	/* [x, width] of the bytes from..to */
	const span = (from, to) => {
		const begin = Math.max(from, seen.from), end = Math.min(to, conn.queued);
		const left = place(begin, true), right = place(end, false);
		const wide = Math.max(2, (end - begin) * scale);
		return [left + (right - left - wide) / 2, wide];
	};
	return { span, ghosts, average: average * scale, end: place(conn.queued, true) };
}

/* Where the lanes are: their height, the y of each, and the height of the bands between them. */
function placesOf(height) {
	const tall = Math.min(64, (height - TIMES) / 4.6), step = (height - TIMES - tall - 6) / 2;
	const y = [3, step + 3, 2 * step + 3];
	return { tall, y, between: y[1] - y[0] - tall };
}

/* A band from [x, width] in one lane down to [x, width] in the next one. */
function bandPath([ax, aw], [bx, bw], top, height) {
	const middle = top + height / 2, bottom = top + height;
	return `M${ax} ${top}C${ax} ${middle} ${bx} ${middle} ${bx} ${bottom}` +
		`H${bx + bw}C${bx + bw} ${middle} ${ax + aw} ${middle} ${ax + aw} ${top}Z`;
}

function bandItems(seen, scale, { tall, y, between }) {
	const bands = [];
	/* [x, width] of the bytes from..to inside an item */
	const part = (item, from, to) => {
		const [x, wide] = scale.span(item.from, item.to);
		const begin = Math.max(item.from, seen.from), size = item.to - begin || 1;
		const bytes = Math.min(to, item.to) - Math.max(from, begin);
		const left = x + wide * Math.max(0, from - begin) / size;
		return [left, Math.max(1, wide * bytes / size)];
	};
	const band = (upper, lower, kind, top) => {
		const from = Math.max(upper.from, lower.from), to = Math.min(upper.to, lower.to);
		const d = bandPath(part(upper, from, to), part(lower, from, to), top, between);
		const key = `${kind} ${upper.i ?? upper.k} ${lower.k}`;
		bands.push([key, "path", { class: `band ${kind}`, d }]);
	};
	const join = (uppers, lowers, kind, top) => {
		let j = 0;
		for (const upper of uppers) {
			while (j > 0 && lowers[j]?.from > upper.from)
				j--;
			while (lowers[j]?.to <= upper.from)
				j++;
			for (let k = j; lowers[k]?.from < upper.to; k++)
				band(upper, lowers[k], kind, top);
		}
	};
	join(seen.calls, seen.segments, "segment", y[0] + tall);
	join(seen.segments, seen.acks, "ack", y[1] + tall);
	return bands;
}

/* What is written into an item: [text, a shorter one]. `alone`: no other call is shown. */
const itemTexts = {
	call(item, conn, alone) {
		const bytes = grouped(item.partial ? item.to - item.from : item.bytes);
		return alone ? [`${item.i}: ${bytes} B`, `${item.i}:`] : [`${item.i}`, `${item.i}`];
	},
	segment(item) {
		const bytes = grouped(item.to - item.from);
		return [`${bytes} B`, bytes];
	},
	ack(item, conn) {
		/* Without the bytes of the goodbye. */
		const acked = grouped(Math.min(item.to, conn.queued) - conn.base);
		return [`up to ${acked}`, acked];
	},
};

function textThatFits([text, short], wide) {
	if (wide > text.length * 11 + 8)
		return text;
	return wide > short.length * 11 + 4 ? short : "";
}

const itemKey = (kind, item) => `${kind} ${item.i ?? item.k}`;

function laneNames([kind, name, meaning], before, middle) {
	const more = before ? plural(before, "earlier one") : meaning;
	return [
		[`name ${kind}`, "text", { class: `lane ${kind}`, x: 0, y: middle - 2 }, name],
		[`meaning ${kind}`, "text", { class: "small", x: 0, y: middle + 18 }, more],
	];
}

/* An item of a lane: a rectangle with a text in it. */
function laneItem(kind, item, box, isCurrent, text) {
	const key = itemKey(kind, item), { x, y, width, height } = box;
	const state = `${item.partial ? " partial" : ""}${isCurrent ? " current" : ""}`;
	const items = [[key, "rect", {
		class: `${kind} new${state}`,
		[`data-${kind}`]: item.i ?? item.k,
		"data-key": key,
		...box,
		rx: Math.min(6, width / 4),
	}]];
	const middle = { x: x + width / 2, y: y + height / 2 + 6 };
	if (text)
		items.push([`said ${key}`, "text", { class: `in ${kind}`, ...middle }, text]);
	return items;
}

/* Bytes that the kernel has, and that have not left. */
function waitingItems(conn, scale, y, tall) {
	if (conn.queued <= conn.left || conn.closed)
		return [];
	const [x, wide] = scale.span(conn.left, conn.queued);
	const middle = { x: x + wide / 2, y: y + tall / 2 + 6 }, text = wide > 90 ? "waits" : "";
	return [
		["waiting", "rect", { class: "waits", x, y, width: wide, height: tall, rx: 6 }],
		["waiting said", "text", { class: "small mid", ...middle }, text],
	];
}

/* Calls that are still to come. */
function ghostItems(scale, y, height) {
	const width = Math.max(2, scale.average);
	return Array.from({ length: scale.ghosts }, (_, k) => {
		const x = scale.end + k * (scale.average + GAP);
		return [`ghost ${k}`, "rect", { class: "waits", x, y, width, height, rx: 4 }];
	});
}

/* The marks of each lane on the line of time: [y from the line, height]. */
const timeMarks = [[-15, 12], [3, 11], [15, 11]];

function timeItems(conn, seen, width, height, now) {
	const begin = conn.calls[0]?.t ?? conn.opened;
	const end = Math.max(conn.closed?.t ?? now, conn.calls.at(-1)?.t ?? 0, begin + 0.001);
	const scale = (width - LABELS - 90) / (end - begin), y = height - 28;
	const at = (t) => LABELS + 6 + scale * Math.max(0, t - begin);
	const length = inSeconds(end - begin);
	const items = [
		["time", "text", { class: "lane", x: 0, y: y + 6 }, "time"],
		["axis", "line", { class: "axis", x1: LABELS, x2: width - 78, y1: y, y2: y }],
		["axis end", "text", { class: "small", x: width - 70, y: y + 6 }, length],
	];
	[seen.calls, seen.segments, seen.acks].forEach((list, lane) => {
		const [kind] = lanes[lane], [offset, tall] = timeMarks[lane];
		for (const item of list) {
			const key = `at ${itemKey(kind, item)}`;
			const box = { x: at(item.t) - 2, y: y + offset, width: 4, height: tall };
			items.push([key, "rect", { class: kind, ...box }]);
		}
	});
	return items;
}

/**
 * Draws a connection at `now` (seconds on the lab's clock) and marks the item with the key
 * `current`; returns the items that are shown: [key, kind, item].
 */
export function lanesDraw(svg, conn, now, current) {
	const [width, height] = sizeOf(svg);
	const seen = windowOf(conn, Math.max(8, Math.floor((width - LABELS) / LEAST)));
	const scale = scaleOf(conn, seen, width - LABELS - 8);
	const places = placesOf(height), { tall, y } = places;
	const items = bandItems(seen, scale, places), shown = [];
	lanes.forEach((lane, i) => {
		const [kind] = lane;
		items.push(...laneNames(lane, seen.before[i], y[i] + tall / 2));
		for (const item of [seen.calls, seen.segments, seen.acks][i]) {
			const key = itemKey(kind, item);
			const [x, wide] = scale.span(item.from, item.to);
			const box = { x, y: y[i], width: wide, height: tall };
			const texts = itemTexts[kind](item, conn, seen.calls.length === 1);
			const text = textThatFits(texts, wide);
			shown.push([key, kind, item]);
			items.push(...laneItem(kind, item, box, key === current, text));
		}
	});
	items.push(
		...waitingItems(conn, scale, y[1], tall),
		...ghostItems(scale, y[0], tall),
		...timeItems(conn, seen, width, height, now),
	);
	draw(svg, items);
	return shown;
}
