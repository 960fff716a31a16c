/* The phases of a connection: handshake, talk, flush, finish, drain. Each phase does what can be
   done and says what it waits for. */
#include "servers/stream/conn_private.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum {
	READ_BYTES = 16384,
	IGNORED_MAX = 1 << 20, /* bytes behind a command, before the connection is cut */
};

/* How often a socket is asked at most whether all is acknowledged, once the peer can no longer tell
   by closing. */
static const double POLL_SECONDS_MAX = 0.1;

/* Waits for the direction that the transport's result asks for. False: it asks for none. */
static bool conn_awaits(struct conn *conn, enum io io)
{
	if (io == IO_WANT_READ)
		conn->events |= EV_READ;
	else if (io == IO_WANT_WRITE)
		conn->events |= EV_WRITE;
	else
		return false;
	return true;
}

static enum step conn_silent(struct conn *conn, double now)
{
	return STEP_WAIT;
}

static enum step conn_handshake(struct conn *conn, double now)
{
	struct transport *transport = conn->transport;
	enum io io = transport->ops->handshake(transport);
	if (conn_awaits(conn, io))
		return STEP_WAIT;
	if (io == IO_DONE) {
		conn_tell_handshake(conn, now);
		conn->ping_at = now + conn->host->ping;
		conn_enter(conn, PHASE_TALK, conn->opened + conn->host->idle);
		return STEP_ON;
	}
	conn->peer_first = true;
	conn->reading = io != IO_EOF;
	if (io != IO_REFUSED && conn_went_silent(conn, now, "no handshake"))
		return STEP_ON;
	conn_judge(conn,
		*transport->err.text ? transport->err.text : "closed before the handshake was over",
		"no handshake");
	if (io == IO_REFUSED)
		conn_begin_finish(conn, now);
	else if (io == IO_EOF)
		conn_shut(conn, now);
	else
		conn_abort(conn, conn->why);
	return STEP_ON;
}

/* The peer has ended its direction. It may still want the answer, even without the carrier's
   goodbye. Only a Close frame ends both directions. */
static void conn_on_eof(struct conn *conn, double now)
{
	struct transport_about about = { .ws_close_code = 0 };
	conn->reading = false;
	conn->peer_first = true;
	conn->host->session->tell(conn->self, SESSION_EOF);
	conn->transport->ops->describe(conn->transport, &about);
	if (about.ws_close_code != 0 && about.orderly) {
		conn_tell_goodbye(conn);
		conn->why = "peer closed";
		conn_begin_finish(conn, now);
	}
}

/*
 * Whether the bytes of the first read came in several segments. While we were busy, the segments of
 * a client that sends byte by byte add up, and the last one may end in the middle of a number. Only
 * for plain TCP: TLS records and WebSocket frames are read one by one.
 */
static bool came_in_pieces(const struct conn *conn, size_t len)
{
	struct transport_about about = { .tls_version = "" };
	struct segments segments;
	if (!conn->host->session->commands || conn->bytes_in > 0 || len < 2)
		return false;
	conn->transport->ops->describe(conn->transport, &about);
	return conn_is_plain(&about) && net_segments(conn->fd, &segments) &&
	       segments.in > 1;
}

/* Reads once and passes the bytes to the session. STEP_ON: something arrived. */
static enum step conn_read(struct conn *conn, size_t most, double now)
{
	char buffer[READ_BYTES];
	size_t len = 0;
	bool last = false;
	enum io io = conn->transport->ops->recv(conn->transport, buffer,
		most < sizeof buffer ? most : sizeof buffer, &len, &last);
	if (conn_awaits(conn, io))
		return STEP_WAIT;
	if (io == IO_DONE) {
		bool waited = conn->host->session->waits_for_peer(conn->self);
		size_t apart = came_in_pieces(conn, len) ? 1 : 0; /* handed over as its own piece */
		conn->bytes_in += len;
		conn->host->totals.bytes_in += len;
		if (apart > 0)
			conn->host->session->input(conn->self, buffer, apart, false);
		if (len > 0 || last)
			conn->host->session->input(conn->self, buffer + apart, len - apart, last);
		if (!waited && (conn->ignored += len) > IGNORED_MAX) {
			conn_abort_judged(conn, "sends on and on behind its command",
				"too many bytes");
		}
		return STEP_ON;
	}
	if (io == IO_EOF) {
		conn->reading = false;
		if (!conn_went_silent(conn, now, "peer closed"))
			conn_on_eof(conn, now);
		return STEP_ON;
	}
	return conn_fail(conn, io, now);
}

/* Reads while the session sleeps or sends: pings, more bytes, the peer's end. STEP_ON: look
   again. */
static enum step conn_listen(struct conn *conn, double now)
{
	if (!conn->reading || !conn->host->session->takes_input(conn->self))
		return STEP_WAIT;
	return conn_read(conn, READ_BYTES, now);
}

static enum step conn_send(struct conn *conn, double now)
{
	/* The round trip follows the schedule, not the clock: the delay of a busy machine must not
	   change what a capture shows. */
	double due = conn->action.due > 0 ? conn->action.due : now;
	round_trip_expire(&conn->trip, due);
	round_trip_before_send(&conn->trip, conn->action.len);
	while (conn->offset < conn->action.len) {
		size_t taken = 0;
		enum io io = conn->transport->ops->send(conn->transport,
			conn->action.data + conn->offset, conn->action.len - conn->offset, &taken);
		if (io == IO_DONE) {
			if (conn->calls++ == 0)
				conn->first_taken = taken;
			conn->offset += taken;
			conn->bytes_out += taken;
			conn->host->totals.bytes_out += taken;
			conn->progress = now;
			round_trip_after_send(&conn->trip, due);
			continue;
		}
		if (!conn_awaits(conn, io))
			return conn_fail(conn, io, now);
		if (!conn->blocked)
			conn->unacknowledged = net_unacknowledged(conn->fd);
		conn->blocked = true;
		conn->limit = conn->progress + conn->host->stall;
		if (!conn->told_pause) {
			conn->told_pause = true;
			conn_tell_pause(conn);
		}
		return conn_listen(conn, now);
	}
	conn->blocked = false;
	conn->limit =
		conn->host->session->waits_for_peer(conn->self) ? now + conn->host->idle : INFINITY;
	conn->has_action = false;
	conn->messages++;
	conn->host->totals.messages++;
	conn->told_pause = false;
	conn_tell_sent(conn);
	return STEP_ON;
}

static enum step conn_act(struct conn *conn, double now)
{
	enum step step;
	switch (conn->action.kind) {
	case ACTION_READ:
		conn->has_action = false;
		step = conn_read(conn, conn->action.len, now);
		break;
	case ACTION_SLEEP:
		conn->has_action = false;
		conn->slept = true;
		step = now >= conn->action.until ? STEP_ON : conn_listen(conn, now);
		conn_wake_at(conn, conn->action.until);
		break;
	case ACTION_SEND:
		return conn_send(conn, now);
	case ACTION_CLOSE:
	default:
		conn->why = conn->action.why;
		conn_enter(conn, PHASE_FLUSH, now + conn->host->stall);
		return STEP_ON;
	}
	if (conn->phase == PHASE_TALK && !conn->host->session->waits_for_peer(conn->self))
		conn->limit = INFINITY;
	return step;
}

/* A peer's silence ends when its bytes arrive, not when a busy machine reads them. So the session
   hears of them before it is asked again. STEP_ON: bytes had arrived. */
static enum step conn_look_first(struct conn *conn, double now)
{
	bool look = conn->slept && conn->host->session->waits_for_peer(conn->self);
	conn->slept = false;
	return look ? conn_listen(conn, now) : STEP_WAIT;
}

static enum step conn_talk(struct conn *conn, double now)
{
	if (!conn->has_action && conn_look_first(conn, now) == STEP_ON)
		return STEP_ON;
	if (!conn->has_action) {
		conn->action = conn->host->session->next(conn->self, now);
		conn->has_action = true;
		conn->offset = 0;
		conn->calls = 0;
	}
	if (now >= conn->ping_at) {
		conn->ping_at = now + conn->host->ping;
		conn->transport->ops->ping(conn->transport);
	}
	conn_wake_at(conn, conn->ping_at);
	enum step step = conn_act(conn, now);
	if (step == STEP_WAIT) {
		enum io io = conn->transport->ops->flush(conn->transport);
		if (io == IO_REFUSED || io == IO_FAILED)
			return conn_fail(conn, io, now);
		conn_awaits(conn, io);
	}
	return step;
}

static enum step conn_flush(struct conn *conn, double now)
{
	enum io io = conn->transport->ops->flush(conn->transport);
	if (conn_awaits(conn, io))
		return STEP_WAIT;
	if (io != IO_DONE)
		return conn_fail(conn, io, now);
	conn_begin_finish(conn, now);
	return STEP_ON;
}

static enum step conn_finish(struct conn *conn, double now)
{
	enum io io = conn->transport->ops->finish(conn->transport);
	if (conn_awaits(conn, io)) {
		/* The peer answers the Close frame when it receives it, so the frame must not wait
		   for a round trip. */
		round_trip_end(&conn->trip);
		return STEP_WAIT;
	}
	if (io == IO_FAILED)
		return conn_fail(conn, io, now);
	if (io == IO_REFUSED && !conn->judged)
		conn_tell_error(conn, "peer", conn->transport->err.text);
	conn_shut(conn, now);
	return STEP_ON;
}

/*
 * Reads on until the peer closes, or has not closed in time. close(2) with unread bytes would reset
 * the connection, and the peer would lose what is under way to it. Then asks the socket whether all
 * bytes are acknowledged.
 */
static enum step conn_drain(struct conn *conn, double now)
{
	char buffer[READ_BYTES];
	if (conn->reading) {
		ssize_t n = recv(conn->fd, buffer, sizeof buffer, 0);
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
			int error = errno;
			if (conn_said_goodbye(conn))
				conn_enter(conn, PHASE_GONE, INFINITY);
			else
				conn_abort_judged(conn, strerror(error), "connection lost");
			return STEP_ON;
		}
		conn->reading = n != 0;
		if (n > 0)
			conn->patience = conn_patience(conn, now);
	}
	if (conn->reading) {
		conn->events |= EV_READ;
		conn_wake_at(conn, conn->patience);
		if (now < conn->patience)
			return STEP_WAIT;
	}

	/* A slow reader has time as long as it takes some bytes. */
	int left = net_unacknowledged(conn->fd);
	if (left <= 0) {
		conn_enter(conn, PHASE_GONE, INFINITY);
		return STEP_ON;
	}
	if (left != conn->unacknowledged)
		conn->progress = now;
	conn->unacknowledged = left;
	if (now >= conn->progress + conn->host->drain) {
		conn_abort_judged(conn, "takes nothing", "stalled");
		return STEP_ON;
	}
	conn->wake = now + conn->poll;
	conn->poll = conn->poll * 2 < POLL_SECONDS_MAX ? conn->poll * 2 : POLL_SECONDS_MAX;
	return STEP_WAIT;
}

static enum step (*const phases[])(struct conn *, double) = {
	[PHASE_HANDSHAKE] = conn_handshake,
	[PHASE_TALK] = conn_talk,
	[PHASE_FLUSH] = conn_flush,
	[PHASE_FINISH] = conn_finish,
	[PHASE_DRAIN] = conn_drain,
	[PHASE_SILENT] = conn_silent,
};

enum step conn_step(struct conn *conn, double now)
{
	return phases[conn->phase](conn, now);
}
