/*
 * Connections: send() calls, the segments that carried them, and what the peer acknowledged.
 * Offsets are bytes on the wire since the connection began. After each call the kernel tells how
 * many segments and bytes have left; where several segments left in between, their borders are
 * worked out.
 */

/** How many connections are kept, and of how many the calls; bytes of a full segment. */
export const CONNS_MOST = 300, DETAILED_MOST = 60, SIZES = [1448, 1428, 1460];

const FRAMING = { "pmu-ws": 2, "pmu-tls": 22, "pmu-wss": 24 }; /* bytes around a short message */

function connCreate(event) {
	return {
		id: event.conn, endpoint: event.endpoint, peer: event.peer,
		opened: event.t, seq: event.seq, last: event.seq,
		command: null, kind: "", interval: 0, messages: 0,
		/* { i, t, bytes, from, to, calls, seq }; the last call may be `partial`: the kernel
		   has taken only a part of its message. */
		calls: [],
		segments: [], /* { k, t, from, to, seq, exact } */
		acks: [],     /* { k, t, from, to, seq } */
		base: 0,      /* bytes on the wire before the first message: handshakes */
		before: 0,    /* segments of those */
		counted: 0,   /* segments so far */
		left: 0, acked: 0, queued: 0, /* so far, in bytes on the wire */
		callCount: 0, bytes: 0,
		paused: false, error: "", closed: null, folded: false,
	};
}

/* Where `count` segments end that carried the bytes `from` to `to`. `border` is the offset up to
   which messages had been handed over before the last call. */
function ends(from, to, count, border) {
	const bytes = to - from;
	if (count === 2 && border > from && border < to)
		return [border, to];
	const fits = (full) => (count - 1) * full < bytes && bytes <= count * full;
	const size = SIZES.find(fits) ?? bytes / count;
	const end = (k) => (k === count - 1 ? to : Math.round(from + size * (k + 1)));
	return Array.from({ length: count }, (_, k) => end(k));
}

function observe(conn, event, count, left, acked, border) {
	const { t, seq } = event, more = count - conn.counted;
	if (more > 0 && left > conn.left) {
		let from = conn.left;
		for (const to of ends(from, left, more, border)) {
			const k = ++conn.counted;
			conn.segments.push({ k, t, from, to, seq, exact: more === 1 });
			from = to;
		}
		conn.left = left;
	}
	if (acked > conn.acked) {
		conn.acks.push({ k: conn.acks.length + 1, t, from: conn.acked, to: acked, seq });
		conn.acked = acked;
	}
}

/* What left before the first message belongs to the handshake. */
function beginMessages(conn, event) {
	const longer = /-wss?$/.test(conn.endpoint) && event.bytes > 125 ? 2 : 0;
	const message = event.bytes + (FRAMING[conn.endpoint] ?? 0) + longer;
	const queued = event.left === undefined ? 0 : event.left + event.waiting;
	conn.base = Math.max(0, queued - message);
	const carriers = Math.ceil((event.left - conn.base) / SIZES[0]); /* of the message */
	conn.before = conn.base ? Math.max(0, event.segments - carriers) : 0;
	conn.counted = conn.before;
	conn.left = conn.queued = conn.acked = conn.base;
}

const streamSteps = {
	command(conn, event) {
		const { text, kind, interval, messages } = event;
		Object.assign(conn, { command: text, kind, interval, messages });
	},
	send(conn, event) {
		const { i, bytes, calls, seq } = event;
		const partial = conn.calls.at(-1)?.partial ? conn.calls.pop() : null;
		conn.queued = partial?.from ?? conn.queued;
		if (i === 1)
			beginMessages(conn, event);
		const from = conn.queued, known = event.left !== undefined;
		conn.queued = known ? event.left + event.waiting : from + bytes;
		const t = partial?.t ?? event.t, to = conn.queued;
		conn.calls.push({ i, t, bytes, from, to, calls, seq });
		conn.callCount = i;
		conn.bytes += bytes;
		conn.paused = false;
		if (event.segments === undefined)
			return;
		const left = known ? event.left : conn.queued;
		observe(conn, event, event.segments, left, event.acked ?? 0, from);
	},
	/* The kernel has taken a part of the next message; how much of it has left is not known. */
	pause(conn, event) {
		const { t, bytes, seq } = event;
		const i = ++conn.callCount, from = conn.queued, to = from + event.sent;
		conn.paused = true;
		conn.queued = to;
		conn.calls.push({ i, t, bytes, from, to, calls: 1, seq, partial: true });
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
		if (!conn.calls.length)
			return;
		/* WebSocket's close frame and TLS's alert follow the messages; TCP has none. */
		const left = event.left ?? event.bytes_out;
		const border = last.partial ? last.from : conn.queued;
		const acked = event.acked ?? left;
		observe(conn, event, event.segments_out, left, acked, border);
	},
};

/** Takes in an event of a connection. */
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

/* Of older connections only the sums are kept, of the oldest nothing. */
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

/** Forgets all connections that are closed. */
export function streamsForget(model) {
	for (const [id, conn] of model.conns)
		if (conn.closed)
			model.conns.delete(id);
	model.detailed = model.detailed.filter((conn) => !conn.closed);
	model.connsGone = 0;
}

/** How many segments of a connection carried messages. */
export function segmentCount(conn) {
	return conn.segmentCount ??
		conn.segments.filter((segment) => segment.from < conn.queued).length;
}

/** How many segments carried no message: the handshake's and, after the close, the goodbye's. */
export const otherSegments = (conn) =>
	(conn.closed ? conn.closed.segments_out - segmentCount(conn) : conn.before);
