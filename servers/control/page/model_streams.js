/*
 * Connections: send() calls, the segments they left in, what was acknowledged. Offsets are bytes on the wire, counted from
 * the first message on. The kernel tells after each call how many segments and bytes have left; where several left in
 * between, their borders are worked out.
 */
export const CONNS_MOST = 300, DETAILED_MOST = 60, SIZES = [1448, 1428, 1460];
const FRAMING = { "pmu-ws": 2, "pmu-tls": 22, "pmu-wss": 24 }; /* what carriers put around a short message */

function connCreate(event) {
	return {
		id: event.conn, endpoint: event.endpoint, peer: event.peer, opened: event.t, seq: event.seq, last: event.seq,
		command: null, kind: "", interval: 0, messages: 0,
		calls: [],    /* { i, t, bytes, from, to, calls, seq }; the last one may be `partial`, until all of it is taken */
		segments: [], /* { k, t, from, to, seq, exact } */
		acks: [],     /* { k, t, from, to, seq } */
		base: 0,      /* bytes on the wire before the first message: handshakes */
		before: 0,    /* segments of those */
		counted: 0, left: 0, acked: 0, queued: 0, /* so far: segments, and bytes on the wire */
		callCount: 0, bytes: 0, paused: false, error: "", closed: null, folded: false,
	};
}

/** Where `count` segments end that carried `from` to `to`. `border`: what was handed over before the last call. */
function ends(from, to, count, border) {
	const bytes = to - from;
	if (count === 2 && border > from && border < to)
		return [border, to];
	const size = SIZES.find((full) => (count - 1) * full < bytes && bytes <= count * full) ?? bytes / count;
	return Array.from({ length: count }, (_, k) => (k === count - 1 ? to : Math.round(from + size * (k + 1))));
}

function observe(conn, event, count, left, acked, border) {
	const more = count - conn.counted;
	if (more > 0 && left > conn.left) {
		let from = conn.left;
		for (const to of ends(from, left, more, border)) {
			conn.segments.push({ k: ++conn.counted, t: event.t, from, to, seq: event.seq, exact: more === 1 });
			from = to;
		}
		conn.left = left;
	}
	if (acked > conn.acked) {
		conn.acks.push({ k: conn.acks.length + 1, t: event.t, from: conn.acked, to: acked, seq: event.seq });
		conn.acked = acked;
	}
}

/* What left before the first message is the handshake's. */
function beginMessages(conn, event) {
	const framing = (FRAMING[conn.endpoint] ?? 0) + (conn.endpoint.endsWith("s") && event.bytes > 125 ? 2 : 0);
	conn.base = event.left === undefined ? 0 : Math.max(0, event.left + event.waiting - event.bytes - framing);
	conn.before = conn.base ? Math.max(0, event.segments - Math.ceil((event.left - conn.base) / SIZES[0])) : 0;
	conn.counted = conn.before;
	conn.left = conn.queued = conn.acked = conn.base;
}

const streamSteps = {
	command(conn, event) {
		Object.assign(conn, { command: event.text, kind: event.kind, interval: event.interval, messages: event.messages });
	},
	send(conn, event) {
		const partial = conn.calls.at(-1)?.partial ? conn.calls.pop() : null;
		conn.queued = partial?.from ?? conn.queued;
		if (event.i === 1)
			beginMessages(conn, event);
		const from = conn.queued, known = event.left !== undefined;
		conn.queued = known ? event.left + event.waiting : from + event.bytes;
		conn.calls.push({ i: event.i, t: partial?.t ?? event.t, bytes: event.bytes, from, to: conn.queued, calls: event.calls, seq: event.seq });
		conn.callCount = event.i;
		conn.bytes += event.bytes;
		conn.paused = false;
		if (event.segments !== undefined)
			observe(conn, event, event.segments, known ? event.left : conn.queued, event.acked ?? 0, from);
	},
	/* A part of the next message has been taken; how much of that has left is not told. */
	pause(conn, event) {
		const from = conn.queued;
		conn.paused = true;
		conn.queued = from + event.sent;
		conn.calls.push({ i: ++conn.callCount, t: event.t, bytes: event.bytes, from, to: conn.queued, calls: 1, seq: event.seq, partial: true });
	},
	error(conn, event) {
		conn.error = event.what;
	},
	close(conn, event) {
		const last = conn.calls.at(-1);
		conn.closed = event;
		conn.paused = false;
		conn.callCount = event.messages + (last?.partial ? 1 : 0);
		if (last?.partial)
			conn.queued = last.to = Math.max(last.to, conn.base + event.bytes_out);
		/* The goodbye of TLS and WebSocket stands behind the messages; plain TCP has none. */
		const left = event.left ?? event.bytes_out;
		if (conn.calls.length)
			observe(conn, event, event.segments_out, left, event.acked ?? left, last.partial ? last.from : conn.queued);
	},
};

/** An event of a connection. */
export function modelStream(model, event) {
	let conn = model.conns.get(event.conn);
	if (!conn) {
		conn = connCreate(event);
		model.conns.set(event.conn, conn);
		model.detailed.push(conn);
		forget(model);
	}
	conn.last = event.seq;
	streamSteps[event.event]?.(conn, event);
}

/* Of the older ones only the numbers are kept, of the oldest nothing. */
function forget(model) {
	if (model.conns.size > CONNS_MOST) {
		model.conns.delete(model.conns.keys().next().value);
		model.connsGone++;
	}
	if (model.detailed.length <= DETAILED_MOST)
		return;
	const old = model.detailed.shift();
	old.segmentCount = segmentCount(old);
	old.calls = old.segments = old.acks = [];
	old.folded = true;
}

/** Those that are open stay. */
export function streamsForget(model) {
	for (const [id, conn] of model.conns)
		if (conn.closed)
			model.conns.delete(id);
	model.detailed = model.detailed.filter((conn) => !conn.closed);
	model.connsGone = 0;
}

/** Segments with messages in them. */
export function segmentCount(conn) {
	return conn.segmentCount ?? conn.segments.filter((segment) => segment.from < conn.queued).length;
}

/** Segments that have none: the handshake's, and the goodbye's. */
export const otherSegments = (conn) => (conn.closed ? conn.closed.segments_out - segmentCount(conn) : conn.before);
