/*
 * How a connection ends: the verdict about the peer, which stands once it is told; the goodbyes,
 * and the patience with a slow peer; the time-outs of the phases.
 */
#include "servers/stream/conn_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/carrier/ws_frames.h"

enum {
	READ_BYTES = 16384,
	LAST_READS = 64, /* of what a peer had sent before its reset */
};

/* The peer's time to answer a Close frame, and to close after we have closed. */
static const double GOODBYE_SECONDS = 2;
/* A client that tries both families at once (RFC 8305) opens both connections within this time. */
static const double BOTH_FAMILIES_SECONDS = 2;
static const double SIBLING_SECONDS = 0.05; /* the second one may be accepted so much later */
/* The first interval in which a socket is asked whether all is acknowledged (conn_drain). */
static const double POLL_SECONDS = 0.001;

void conn_enter(struct conn *conn, enum phase phase, double limit)
{
	conn->phase = phase;
	conn->limit = limit;
}

/* Tells the peer's fault, and why the connection ends. The first such verdict stands: what follows
   from it, such as a reset behind an alert, is no second fault. */
void conn_judge(struct conn *conn, const char *what, const char *why)
{
	if (conn->judged)
		return;
	conn_tell_error(conn, "peer", what);
	conn->why = why;
	conn->judged = true;
}

void conn_abort(struct conn *conn, const char *why)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	if (!conn->judged)
		conn->why = why;
	conn_enter(conn, PHASE_GONE, INFINITY);
}

void conn_abort_judged(struct conn *conn, const char *what, const char *why)
{
	conn_judge(conn, what, why);
	conn_abort(conn, why);
}

/* The peer has said goodbye in TLS or WebSocket: a reset behind it only says that it closed its
   socket with our goodbye unread. */
bool conn_said_goodbye(struct conn *conn)
{
	struct transport_about about;
	conn_look(conn, &about);
	return about.orderly && !conn_is_plain(&about);
}

/* The carrier says goodbye. A slow client may take longer for its answer than GOODBYE_SECONDS, as
   long as it takes or sends something. */
void conn_begin_finish(struct conn *conn, double now)
{
	struct transport_about about;
	conn_look(conn, &about);
	conn->heard = about.recv_calls;
	if (!conn_is_plain(&about)) /* which has no goodbye to wait for */
		conn->unacknowledged = net_unacknowledged(conn->fd);
	conn->finish_until = now + (conn->judged ? GOODBYE_SECONDS : conn->host->drain);
	conn_enter(conn, PHASE_FINISH, now + GOODBYE_SECONDS);
}

double conn_patience(const struct conn *conn, double now)
{
	double patience = now + GOODBYE_SECONDS;
	return patience < conn->finish_until ? patience : conn->finish_until;
}

/* The carrier can say no more: close the socket's direction and see what the peer does. */
void conn_shut(struct conn *conn, double now)
{
	shutdown(conn->fd, SHUT_WR);
	conn->unacknowledged = -1;
	conn->patience = now + GOODBYE_SECONDS;
	if (conn->finish_until < conn->patience)
		conn->finish_until = conn->patience;
	conn->poll = POLL_SECONDS;
	conn_enter(conn, PHASE_DRAIN, INFINITY);
}

void conn_end(struct conn *conn, double now, const char *why)
{
	if (conn->phase != PHASE_HANDSHAKE && conn->phase != PHASE_TALK &&
		conn->phase != PHASE_SILENT)
		return;
	conn->why = why;
	conn_enter(conn, PHASE_FLUSH, now + GOODBYE_SECONDS);
}

/*
 * A client that tries both families at once opens two connections and closes one of them unused.
 * The other one may still be in the backlog, so a peer that goes without a byte is judged a little
 * later. True: it did so.
 */
bool conn_went_silent(struct conn *conn, double now, const char *why)
{
	struct transport_about about;
	conn_look(conn, &about);
	if (about.recv_calls > 0 || conn->phase == PHASE_SILENT)
		return false;
	conn->peer_first = true;
	conn->silent = why;
	conn_enter(conn, PHASE_SILENT, now + SIBLING_SECONDS);
	return true;
}

/* Some programs look at the certificate only when the handshake is over, and leave then. */
static void conn_hint_refusal(struct conn *conn)
{
	struct transport_about about;
	conn_look(conn, &about);
	if (*about.tls_version && !*about.ws_path)
		conn_tell_hint(conn,
			"it left behind the TLS handshake, without a command: curl, PHP, "
			"socat and ncat do so when they do not accept our certificate");
}

static void conn_judge_silence(struct conn *conn, double now)
{
	const char *said = conn->transport->err.text;
	if (fabs(conn->host->opened[!conn->six] - conn->opened) < BOTH_FAMILIES_SECONDS) {
		conn_abort(conn, "unused");
	} else if (strcmp(conn->silent, "peer closed") == 0) {
		conn_hint_refusal(conn);
		conn_end(conn, now, conn->silent);
	} else if (conn->reading) { /* it was a reset */
		conn_abort_judged(conn, said, conn->silent);
	} else {
		conn_judge(conn, *said ? said : "closed before the handshake was over",
			conn->silent);
		conn_shut(conn, now);
	}
}

/* Tells people what a Close frame says that is not the usual end. */
void conn_tell_goodbye(struct conn *conn)
{
	struct transport_about about;
	char what[160];
	conn_look(conn, &about);
	const char *meaning = ws_close_meaning(about.ws_close_code);
	if (!meaning)
		return;
	snprintf(what, sizeof what, "it closed with %u: %s", about.ws_close_code, meaning);
	conn_tell_hint(conn, what);
}

/* A peer that closes with our bytes unread sends a reset behind its Close frame, which then still
   stands in the socket's queue: it says why. */
static bool conn_hears_close(struct conn *conn)
{
	struct transport_about about;
	char buffer[READ_BYTES];
	conn_look(conn, &about);
	if (!*about.ws_path)
		return false;
	for (int i = 0; i < LAST_READS && !about.orderly; i++) {
		size_t len;
		bool last;
		if (conn->transport->ops->recv(conn->transport, buffer, sizeof buffer, &len,
			    &last) != IO_DONE)
			i = LAST_READS;
		conn_look(conn, &about);
	}
	if (about.orderly)
		conn_tell_goodbye(conn);
	return about.orderly;
}

/* Deals with what no phase expects of recv, send and flush: the connection is over. */
enum step conn_fail(struct conn *conn, enum io io, double now)
{
	char what[sizeof conn->transport->err.text];
	snprintf(what, sizeof what, "%s", conn->transport->err.text);
	conn->peer_first = true;
	if (io == IO_REFUSED) {
		conn_judge(conn, what, "protocol error");
		conn_begin_finish(conn, now);
	} else if (conn->phase == PHASE_FINISH && conn_said_goodbye(conn)) {
		conn_abort(conn, conn->why);
	} else if (conn_went_silent(conn, now, "connection lost")) {
		return STEP_ON;
	} else if (conn_hears_close(conn)) {
		conn_abort_judged(conn, "closed the WebSocket before it was sent everything",
			"peer closed");
	} else {
		conn_abort_judged(conn, what, "connection lost");
	}
	return STEP_ON;
}

/* The kernel reports the socket writable only once a third of its buffer is free, which takes long
   with a slow reader. So the unacknowledged bytes show whether the peer takes any. */
static bool conn_peer_takes(struct conn *conn, double now)
{
	int left = net_unacknowledged(conn->fd);
	if (left < 0 || left == conn->unacknowledged)
		return false;
	conn->unacknowledged = left;
	conn->progress = now;
	conn->limit = now + conn->host->stall;
	return true;
}

/* The peer has taken or sent something since we last looked: it is slow, and not gone. */
static bool conn_peer_lives(struct conn *conn, double now)
{
	struct transport_about about;
	int left = net_unacknowledged(conn->fd);
	conn_look(conn, &about);
	bool lives = about.recv_calls != conn->heard || (left >= 0 && left != conn->unacknowledged);
	conn->heard = about.recv_calls;
	conn->unacknowledged = left;
	conn->limit = conn_patience(conn, now);
	return lives && now < conn->finish_until;
}

void conn_expire(struct conn *conn, double now)
{
	switch (conn->phase) {
	case PHASE_HANDSHAKE:
		conn_judge(conn, "took too long for the handshake", "no handshake");
		conn_shut(conn, now);
		break;
	case PHASE_TALK:
		if (conn->blocked) {
			if (conn_peer_takes(conn, now))
				break;
			conn_abort_judged(conn, "takes nothing", "stalled");
		} else {
			conn->why = "idle";
			conn_tell_error(conn, "peer", "has sent no complete command");
			conn_enter(conn, PHASE_FLUSH, now + GOODBYE_SECONDS);
		}
		break;
	case PHASE_FLUSH:
		if (conn_peer_takes(conn, now))
			break;
		conn_abort_judged(conn, "takes nothing", "stalled");
		break;
	case PHASE_FINISH:
		if (!conn_peer_lives(conn, now))
			conn_shut(conn, now);
		break;
	case PHASE_SILENT:
		conn_judge_silence(conn, now);
		break;
	case PHASE_DRAIN:
	case PHASE_GONE:
		break;
	}
}
