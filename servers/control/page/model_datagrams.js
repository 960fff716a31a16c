/*
 * Datagrams with loss (`reset`, `udp-print`): arrows from clients to the lab and back, their fates, exchanges: all that a
 * client sends until an answer leaves for it.
 */
import { keepLast } from "./keep.js";
import { lossOf } from "./stats.js";

export const ARROWS_MOST = 3000, FATES = 200, PEERS_MOST = 5000;
export const SERVERS = ["reset", "udp-print"];

function waysCreate() {
	return {
		arrows: [], gone: 0, /* { id, t, seq, direction, n, family, peer, text, fate, ... }; { id, t, seq, change }: a key */
		next: 0,
		byNumber: new Map(), /* "4/request/17": arrow */
		peers: new Map(),    /* address: the exchange that is open, or the last one */
		fates: { 4: { request: [], reply: [] }, 6: { request: [], reply: [] } }, /* the last ones: { n, lost, drawn, seq } */
		tries: { request: [0, 0], reply: [0, 0] }, /* [datagrams, lost ones] since `since` */
		packets: [],         /* [k]: exchanges that took k packets, since `since` */
		answered: 0, since: 0,
		past: null,          /* the same before a key was changed: { tries, packets, answered, loss } */
		clock: null,         /* the last event reset, and `twice` */
		twice: 0,            /* exchanges that moved the clock more than once */
	};
}

/* Counts anew from here on: what is observed belongs to what is configured. */
function waysClear(ways, t) {
	Object.assign(ways, { tries: { request: [0, 0], reply: [0, 0] }, packets: [], answered: 0, since: t, twice: 0 });
}

/** Nothing is left but the clock, and who is still waiting for an answer. */
export function waysForget(ways, t) {
	waysClear(ways, t);
	Object.assign(ways, { arrows: [], gone: 0, fates: waysCreate().fates, past: null });
	ways.byNumber.clear();
	ways.peers.forEach((exchange) => (exchange.last = null));
}

const keyOf = (event, direction) => `${event.family}/${direction}/${event.n}`;

function addRow(ways, event, row) {
	ways.arrows.push(Object.assign(row, { id: ways.next++, t: event.t, seq: event.seq }));
	ways.gone += keepLast(ways.arrows, ARROWS_MOST);
	return row;
}

/* Between the datagrams before and behind it. A slider that moves is one change. */
function addNote(ways, event, text, more) {
	const last = ways.arrows.at(-1);
	if (event.key && last?.key === event.key)
		Object.assign(last, { change: text(last.before), t: event.t, seq: event.seq });
	else if (last)
		addRow(ways, event, { change: text(event.before), key: event.key, before: event.before, ...more });
}

function addArrow(ways, event, direction, more) {
	const arrow = addRow(ways, event, {
		direction, n: event.n, family: event.family, peer: event.peer, text: event.text ?? "", fate: "arrived", reason: "", notes: [], ...more,
	});
	if (event.n > 0)
		ways.byNumber.set(keyOf(event, direction), arrow);
	if (ways.byNumber.size > ARROWS_MOST)
		ways.byNumber.delete(ways.byNumber.keys().next().value);
	return arrow;
}

/* A fate of the chance: once for each number. */
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
	let open = ways.peers.get(event.peer);
	if (!open || open.answered) {
		ways.peers.delete(event.peer);
		open = { peer: event.peer, packets: 0, resets: 0, answered: false, last: null, began: event.t };
		ways.peers.set(event.peer, open);
		if (ways.peers.size > PEERS_MOST)
			ways.peers.delete(ways.peers.keys().next().value);
	}
	return open;
}

/* The arrow that an event about datagram n belongs to. A reply that never leaves has none before. */
function arrowOf(ways, event) {
	return ways.byNumber.get(keyOf(event, event.direction)) ??
		(event.direction === "reply" ? addArrow(ways, event, "reply", {}) : null);
}

const datagramSteps = {
	receive(ways, event) {
		const exchange = exchangeOf(ways, event);
		const arrow = addArrow(ways, event, "request", { before: exchange.last?.id ?? null, attempt: ++exchange.packets });
		exchange.last = arrow;
		addFate(ways, event, "request", false);
	},
	drop(ways, event, model) {
		if (event.family === undefined || event.peer === undefined)
			return;
		/* What is not counted (n = 0) is told right behind its `receive`. */
		const arrow = event.n ? arrowOf(ways, event) : ways.arrows.findLast((a) => a.peer === event.peer) ??
			addArrow(ways, event, event.direction, {});
		if (!arrow)
			return;
		Object.assign(arrow, { fate: event.reason === "loss" ? "lost" : "refused", reason: event.reason,
			model: event.model, drawn: event.drawn, state: event.state, fateSeq: event.seq,
			limit: event.model === "random" ? lossOf(model.config[`${event.endpoint}.loss`]) : NaN });
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
		const twice = ++exchange.resets > 1;
		if (exchange.resets === 2)
			ways.twice++;
		ways.clock = { ...event, twice, times: exchange.resets };
		const arrow = ways.byNumber.get(keyOf(event, "request"));
		if (arrow)
			Object.assign(arrow, { offset: event.offset, clock: event.clock_after, twice, times: exchange.resets });
	},
	reply(ways, event) {
		const known = ways.byNumber.get(keyOf(event, "reply")), bad = event.text === "Wrong command.";
		Object.assign(known ?? addArrow(ways, event, "reply", {}), { text: event.text, bad });
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
		if (anew && ways.tries.request[0] + ways.tries.reply[0] > 0)
			ways.past = { tries: ways.tries, packets: ways.packets, answered: ways.answered, loss: ways.loss };
		if (anew)
			waysClear(ways, event.t);
		addNote(ways, event, (before) => `${event.key.split(".")[1]} ${before} → ${event.after} (${event.who})`, { anew });
	},
	family(ways, event) {
		addNote(ways, event, () => (event.active === "none" ? "serves no family" : `serves ${event.active}`));
	},
};

/** An event of an endpoint of datagrams. */
export function modelDatagram(model, event) {
	if (!datagramSteps[event.event] || !SERVERS.includes(event.endpoint))
		return;
	if (!model.datagrams.has(event.endpoint))
		model.datagrams.set(event.endpoint, waysCreate());
	const ways = model.datagrams.get(event.endpoint);
	datagramSteps[event.event](ways, event, model);
	if (event.event === "receive")
		ways.loss = model.config[`${event.endpoint}.loss`]; /* that what is observed belongs to */
}

/** What was observed: since the last change, or where nothing has come since, before it (`past`). */
export function observed(ways) {
	const now = { tries: ways?.tries ?? { request: [0, 0], reply: [0, 0] }, packets: ways?.packets ?? [], answered: ways?.answered ?? 0 };
	return now.tries.request[0] + now.tries.reply[0] === 0 && ways?.past ? { ...ways.past, isPast: true } : { ...now, isPast: false };
}

/** Of which family a server's next datagram will be: that it serves, else that of the last one. */
export const nextFamily = (model, endpoint) => ({ IPv4: 4, IPv6: 6 })[model.endpoints.get(endpoint)?.family] ??
	model.datagrams.get(endpoint)?.arrows.findLast((arrow) => arrow.family)?.family ?? 4;

/** Which direction the loss is about, as the configuration says. */
export const lossyWay = (model, endpoint) => {
	const direction = model.config[`${endpoint}.direction`] ?? "request";
	return direction === "reply" ? "reply" : "request";
};
