/*
 * Datagrams with loss (`reset`, `udp-print`): arrows from clients to the lab and back, their
 * fates, and exchanges: all requests of a client until an answer leaves for it.
 */
import { keepLast } from "./keep.js";
import { lossOf } from "./stats.js";

/** How many arrows, fates of each kind and clients are kept. */
export const ARROWS_MOST = 3000, FATES = 200, PEERS_MOST = 5000;

/** The endpoints of datagrams that have a picture. */
export const SERVERS = ["reset", "udp-print"];

const noTries = () => ({ request: [0, 0], reply: [0, 0] });
const noFates = () => ({ 4: { request: [], reply: [] }, 6: { request: [], reply: [] } });

function waysCreate() {
	return {
		/* { id, t, seq, direction, n, family, peer, text, fate, ... } is a datagram,
		   { id, t, seq, change } is a key that was changed. */
		arrows: [], gone: 0,
		next: 0,
		byNumber: new Map(), /* "4/request/17": arrow */
		peers: new Map(),    /* address: the exchange that is open, or the last one */
		fates: noFates(),    /* the last ones: { n, lost, drawn, seq } */
		tries: noTries(),    /* [datagrams, lost ones] since `since` */
		packets: [],         /* [k]: exchanges that took k packets, since `since` */
		answered: 0,
		since: 0,            /* seconds on the lab's clock */
		past: null,          /* before a change: { tries, packets, answered, loss } */
		clock: null,         /* the last event reset, and `twice` */
		twice: 0,            /* exchanges that moved the clock more than once */
	};
}

/* Begins a new count: what is observed belongs to what is configured. */
function waysClear(ways, t) {
	Object.assign(ways, { tries: noTries(), packets: [], answered: 0, since: t, twice: 0 });
}

/** Forgets all but the clock and the clients that wait for an answer; `t` in seconds. */
export function waysForget(ways, t) {
	waysClear(ways, t);
	Object.assign(ways, { arrows: [], gone: 0, fates: noFates(), past: null });
	ways.byNumber.clear();
	ways.peers.forEach((exchange) => (exchange.last = null));
}

const keyOf = (event, direction) => `${event.family}/${direction}/${event.n}`;

function addRow(ways, event, row) {
	ways.arrows.push(Object.assign(row, { id: ways.next++, t: event.t, seq: event.seq }));
	ways.gone += keepLast(ways.arrows, ARROWS_MOST);
	return row;
}

/* Adds a change between the datagrams before and after it. A slider that moves is one change. */
function addNote(ways, event, text, more) {
	const { key, before, t, seq } = event;
	const last = ways.arrows.at(-1);
	if (key && last?.key === key)
		Object.assign(last, { change: text(last.before), t, seq });
	else if (last)
		addRow(ways, event, { change: text(before), key, before, ...more });
}

function addArrow(ways, event, direction, more) {
	const { n, family, peer } = event, text = event.text ?? "";
	const fate = { fate: "arrived", reason: "", notes: [] };
	const arrow = addRow(ways, event, { direction, n, family, peer, text, ...fate, ...more });
	if (n > 0)
		ways.byNumber.set(keyOf(event, direction), arrow);
	if (ways.byNumber.size > ARROWS_MOST)
		ways.byNumber.delete(ways.byNumber.keys().next().value);
	return arrow;
}

/* Counts the fate that chance decided for a datagram, once for each number. */
function addFate(ways, event, direction, lost) {
	if (!event.n)
		return;
	const fates = ways.fates[event.family][direction];
	const last = fates.at(-1);
	if (last?.n === event.n) {
		if (lost && !last.lost)
			ways.tries[direction][1]++;
		Object.assign(last, { lost: last.lost || lost, drawn: event.drawn ?? last.drawn });
		return;
	}
	fates.push({ n: event.n, lost, drawn: event.drawn, seq: event.seq });
	keepLast(fates, FATES);
	ways.tries[direction][0]++;
	ways.tries[direction][1] += lost ? 1 : 0;
}

function exchangeOf(ways, event) {
	const { peer, t } = event;
	let open = ways.peers.get(peer);
	if (!open || open.answered) {
		ways.peers.delete(peer);
		open = { peer, packets: 0, resets: 0, answered: false, last: null, began: t };
		ways.peers.set(peer, open);
		if (ways.peers.size > PEERS_MOST)
			ways.peers.delete(ways.peers.keys().next().value);
	}
	return open;
}

/* The arrow of the datagram that an event is about. A reply that never leaves has none before. */
function arrowOf(ways, event) {
	return ways.byNumber.get(keyOf(event, event.direction)) ??
		(event.direction === "reply" ? addArrow(ways, event, "reply", {}) : null);
}

/* The arrow of a datagram that was dropped. The event of a datagram that is not counted (n = 0)
   directly follows its `receive`. */
function droppedArrow(ways, event) {
	if (event.n)
		return arrowOf(ways, event);
	return ways.arrows.findLast((arrow) => arrow.peer === event.peer) ??
		addArrow(ways, event, event.direction, {});
}

const datagramSteps = {
	receive(ways, event) {
		const exchange = exchangeOf(ways, event);
		const before = exchange.last?.id ?? null, attempt = ++exchange.packets;
		exchange.last = addArrow(ways, event, "request", { before, attempt });
		addFate(ways, event, "request", false);
	},
	drop(ways, event, model) {
		if (event.family === undefined || event.peer === undefined)
			return;
		const arrow = droppedArrow(ways, event);
		if (!arrow)
			return;
		const loss = model.config[`${event.endpoint}.loss`];
		Object.assign(arrow, {
			fate: event.reason === "loss" ? "lost" : "refused",
			reason: event.reason,
			model: event.model,
			drawn: event.drawn,
			state: event.state,
			fateSeq: event.seq,
			limit: event.model === "random" ? lossOf(loss) : NaN,
		});
		if (event.reason === "loss")
			addFate(ways, event, event.direction, true);
	},
	delay(ways, event) {
		arrowOf(ways, event)?.notes.push(`${Math.round(event.seconds * 1000)} ms late`);
	},
	duplicate(ways, event) {
		arrowOf(ways, event)?.notes.push("twice");
	},
	reorder(ways, event) {
		arrowOf(ways, event)?.notes.push("overtakes");
	},
	corrupt(ways, event) {
		arrowOf(ways, event)?.notes.push(`bit ${event.bit} flipped`);
	},
	reset(ways, event) {
		const exchange = ways.peers.get(event.peer) ?? exchangeOf(ways, event);
		const times = ++exchange.resets, twice = times > 1;
		if (times === 2)
			ways.twice++;
		ways.clock = { ...event, twice, times };
		const arrow = ways.byNumber.get(keyOf(event, "request"));
		const { offset, clock_after: clock } = event;
		if (arrow)
			Object.assign(arrow, { offset, clock, twice, times });
	},
	reply(ways, event) {
		const known = ways.byNumber.get(keyOf(event, "reply"));
		const arrow = known ?? addArrow(ways, event, "reply", {});
		const bad = event.text === "Wrong command.";
		Object.assign(arrow, { text: event.text, bad });
		addFate(ways, event, "reply", false);
		const exchange = ways.peers.get(event.peer);
		if (!exchange || exchange.answered)
			return;
		exchange.answered = true;
		if (bad) /* no acknowledgement */
			return;
		ways.answered++;
		ways.packets[exchange.packets] = (ways.packets[exchange.packets] ?? 0) + 1;
	},
	error(ways, event) {
		const arrow = ways.arrows.at(-1);
		if (event.conn === undefined && arrow?.peer === event.peer && event.peer)
			arrow.notes.push(event.what);
	},
	change(ways, event) {
		const anew = /\.(loss|direction|family)$/.test(event.key);
		if (anew && ways.tries.request[0] + ways.tries.reply[0] > 0) {
			const { tries, packets, answered, loss } = ways;
			ways.past = { tries, packets, answered, loss };
		}
		if (anew)
			waysClear(ways, event.t);
		const text = (before) =>
			`${event.key.split(".")[1]} ${before} → ${event.after} (${event.who})`;
		addNote(ways, event, text, { anew });
	},
	family(ways, event) {
		const served = event.active === "none" ? "no family" : event.active;
		addNote(ways, event, () => `serves ${served}`);
	},
};

/** Takes in an event of an endpoint of datagrams. */
export function modelDatagram(model, event) {
	if (!datagramSteps[event.event] || !SERVERS.includes(event.endpoint))
		return;
	if (!model.datagrams.has(event.endpoint))
		model.datagrams.set(event.endpoint, waysCreate());
	const ways = model.datagrams.get(event.endpoint);
	datagramSteps[event.event](ways, event, model);
	if (event.event === "receive") /* what is observed belongs to this loss */
		ways.loss = model.config[`${event.endpoint}.loss`];
}

/** What was observed since the last change or, while nothing has come since, before it (isPast). */
export function observed(ways) {
	const { tries = noTries(), packets = [], answered = 0, past } = ways ?? {};
	if (past && tries.request[0] + tries.reply[0] === 0)
		return { ...past, isPast: true };
	return { tries, packets, answered, isPast: false };
}

/** The family (4 or 6) of a server's next datagram: the one it serves, else the last one's. */
export const nextFamily = (model, endpoint) =>
	({ IPv4: 4, IPv6: 6 })[model.endpoints.get(endpoint)?.family] ??
	model.datagrams.get(endpoint)?.arrows.findLast((arrow) => arrow.family)?.family ??
	4;

/** The direction, "request" or "reply", in which datagrams are lost, by the configuration. */
export const lossyWay = (model, endpoint) => {
	const direction = model.config[`${endpoint}.direction`] ?? "request";
	return direction === "reply" ? "reply" : "request";
};
