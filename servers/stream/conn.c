/*
 * Drives a connection through its phases. Every watcher's callback only calls conn_drive, which does what can be
 * done, and at its end either frees the connection or arms its watchers for what it waits for.
 *
 * The emulated round trip: on the lab's network Nagle's algorithm (RFC 896) holds a small segment back until
 * the one before is acknowledged. On loopback that is at once, and 20 messages would be 20 segments. So Nagle is
 * off (TCP_NODELAY, set by the endpoint) and TCP_CORK takes its place: after a segment has left, the
 * socket is corked for one round trip. shutdown(2) sends what is held, as close did in the lab.
 */
#include "servers/stream/conn.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/wire.h"

enum {
	READ_BYTES = 16384,
	STEPS_A_TURN = 64,        /* then the others get theirs */
	IGNORED_MAX = 1 << 20,    /* bytes behind a command, before the connection is cut */
	SEGMENT_BYTES = 1448,     /* more than this is more than one segment on an Ethernet */
};

/* How long the peer may take to answer a Close frame, and to close after we have. Seconds. */
static const double GOODBYE_SECONDS = 2;
/* How often a socket is asked whether all is acknowledged, once the peer can no longer tell by closing: at first,
   and at most. */
static const double POLL_SECONDS = 0.001, POLL_SECONDS_MAX = 0.1;

enum phase { PHASE_HANDSHAKE, PHASE_TALK, PHASE_FLUSH, PHASE_FINISH, PHASE_DRAIN, PHASE_GONE };
enum step { STEP_ON, STEP_WAIT };

struct conn {
	struct conn_host *host;
	struct conn *prev, *next;
	struct ev_io io;
	struct ev_timer timer;
	int fd;
	struct transport *transport;

	enum phase phase;
	double opened;
	double limit;      /* when this phase is too old */
	double progress;   /* when the peer last took bytes */
	int events;        /* EV_READ, EV_WRITE to wait for */
	double wake;       /* when to be driven again; INFINITY: only by events */
	double armed_wake; /* what the timer is set to */

	struct action action;
	bool has_action;
	size_t offset;       /* bytes of a SEND that are taken */
	unsigned calls;      /* to send() for it */
	bool blocked, told_pause;
	bool reading;        /* the peer has not ended its direction */
	bool peer_first;     /* it ended before we did */
	bool corked, held;   /* the socket is corked; something has been sent since */
	double uncork_at, ping_at;
	int unacknowledged;  /* PHASE_DRAIN: bytes, when last looked at */
	double patience, poll; /* PHASE_DRAIN: until when to wait for the peer's end; how often to look after that */

	uint64_t id;
	char peer[ADDRESS_TEXT];
	const char *why;
	char command[WIRE_COMMAND_MAX];
	size_t command_len;
	bool has_command;
	uint64_t messages, bytes_out, bytes_in, ignored;

	alignas(max_align_t) char self[]; /* the session */
};

static struct subject subject_of(const struct conn *conn)
{
	return (struct subject){
		.endpoint = conn->host->session_host.endpoint,
		.conn = conn->id,
		.peer = conn->peer,
	};
}

static void conn_emit(void *driver, enum event_type type, const struct field *fields, size_t count)
{
	struct conn *conn = driver;
	if (type == EVENT_COMMAND) {
		/* By the contract of the table its first field is the text; `close` repeats it. */
		conn->has_command = true;
		conn->command_len = (size_t)fields[0].integer < sizeof conn->command ? (size_t)fields[0].integer :
			sizeof conn->command;
		memcpy(conn->command, fields[0].text, conn->command_len);
	}
	if (type == EVENT_ERROR)
		conn->host->totals.errors++;
	if (!journal_wants(conn->host->journal, type))
		return;
	struct subject subject = subject_of(conn);
	journal_emit(conn->host->journal, type, &subject, fields, count);
}

static void conn_error(struct conn *conn, const char *fault, const char *what)
{
	const struct field fields[] = { F_TEXT("fault", fault), F_TEXT("what", what) };
	conn_emit(conn, EVENT_ERROR, fields, 2);
}

static void conn_enter(struct conn *conn, enum phase phase, double limit)
{
	conn->phase = phase;
	conn->limit = limit;
}

/* Ends it at once: what is unsent is thrown away and the peer gets a reset. */
static void conn_abort(struct conn *conn, const char *why)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	conn->why = why;
	conn_enter(conn, PHASE_GONE, INFINITY);
}

/* The carrier can say no more: close the socket's direction and see what the peer does. */
static void conn_shut(struct conn *conn, double now)
{
	shutdown(conn->fd, SHUT_WR);
	conn->corked = false;
	conn->unacknowledged = -1;
	conn->patience = now + GOODBYE_SECONDS;
	conn->poll = POLL_SECONDS;
	conn_enter(conn, PHASE_DRAIN, INFINITY);
}

/* Waits for what an answer of the transport asks for. True when it asks for anything. */
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

static void conn_wake_at(struct conn *conn, double when)
{
	if (when < conn->wake)
		conn->wake = when;
}

/* ---- the emulated round trip ---- */

static void conn_set_cork(struct conn *conn, int on)
{
	setsockopt(conn->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
	conn->corked = on;
	if (!on)
		conn->uncork_at = INFINITY;
}

/* Before a send that is more than a segment: full segments leave, the last one waits like any small one. */
static void cork_before(struct conn *conn, size_t len)
{
	if (conn->host->rtt > 0 && !conn->corked && len > SEGMENT_BYTES)
		conn_set_cork(conn, 1);
}

static void cork_after(struct conn *conn, double now)
{
	if (conn->host->rtt <= 0)
		return;
	if (!conn->corked)
		conn_set_cork(conn, 1);
	else
		conn->held = true;
	if (conn->uncork_at == INFINITY)
		conn->uncork_at = now + conn->host->rtt;
}

/* A round trip is over. What was held leaves, and is itself under way for the next one. */
static void cork_expire(struct conn *conn, double now)
{
	if (!conn->corked || now < conn->uncork_at)
		return;
	conn_set_cork(conn, 0);
	if (conn->held) {
		conn->held = false;
		conn_set_cork(conn, 1);
		conn->uncork_at = now + conn->host->rtt;
	}
}

/* ---- phases ---- */

static enum step conn_handshake(struct conn *conn, double now)
{
	struct transport *transport = conn->transport;
	enum io io = transport->ops->handshake(transport);
	if (conn_awaits(conn, io))
		return STEP_WAIT;
	if (io == IO_DONE) {
		if (journal_wants(conn->host->journal, EVENT_HANDSHAKE)) {
			struct transport_about about = { .tls_version = "" };
			transport->ops->describe(transport, &about);
			const struct field fields[] = {
				F_TEXT("tls_version", *about.tls_version ? about.tls_version : NULL),
				F_TEXT("tls_cipher", *about.tls_cipher ? about.tls_cipher : NULL),
				F_TEXT("ws_path", *about.ws_path ? about.ws_path : NULL),
				F_REAL("seconds", now - conn->opened),
			};
			if (fields[0].text || fields[2].text)
				conn_emit(conn, EVENT_HANDSHAKE, fields, 4);
		}
		conn->ping_at = now + conn->host->ping;
		conn_enter(conn, PHASE_TALK, conn->opened + conn->host->idle);
		return STEP_ON;
	}
	conn->peer_first = io == IO_EOF;
	conn->why = "no handshake";
	conn_error(conn, "peer", *transport->err.text ? transport->err.text : "closed before the handshake was over");
	if (io == IO_REFUSED)
		conn_enter(conn, PHASE_FINISH, now + GOODBYE_SECONDS);
	else if (io == IO_EOF)
		conn_shut(conn, now);
	else
		conn_abort(conn, conn->why);
	return STEP_ON;
}

/* Deals with what no phase expects of recv, send and flush: the connection is over. */
static enum step conn_fail(struct conn *conn, enum io io, double now)
{
	conn_error(conn, "peer", conn->transport->err.text);
	if (io == IO_REFUSED) {
		conn->why = "protocol error";
		conn_enter(conn, PHASE_FINISH, now + GOODBYE_SECONDS);
	} else {
		conn_abort(conn, "connection lost");
	}
	return STEP_ON;
}

/* The peer has ended its direction. On a byte stream it may still want our answer; a Close frame ends both. */
static void conn_on_eof(struct conn *conn, double now)
{
	struct transport_about about = { .ws_close_code = 0 };
	conn->reading = false;
	conn->peer_first = true;
	conn->host->session->tell(conn->self, SESSION_EOF);
	conn->transport->ops->describe(conn->transport, &about);
	if (about.ws_close_code != 0) {
		conn->why = "peer closed";
		conn_enter(conn, PHASE_FINISH, now + GOODBYE_SECONDS);
	}
}

/* Reads once and tells the session. STEP_ON: something came. */
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
		conn->bytes_in += len;
		if (len > 0 || last)
			conn->host->session->input(conn->self, buffer, len, last);
		if (!waited && (conn->ignored += len) > IGNORED_MAX) {
			conn_error(conn, "peer", "sends on and on behind its command");
			conn_abort(conn, "too many bytes");
		}
		return STEP_ON;
	}
	if (io == IO_EOF) {
		conn_on_eof(conn, now);
		return STEP_ON;
	}
	return conn_fail(conn, io, now);
}

/* While the session sleeps or sends: pings, more bytes, the peer's end. STEP_ON: look again. */
static enum step conn_listen(struct conn *conn, double now)
{
	if (!conn->reading || !conn->host->session->takes_input(conn->self))
		return STEP_WAIT;
	return conn_read(conn, READ_BYTES, now);
}

static void conn_sent(struct conn *conn)
{
	conn->messages++;
	conn->bytes_out += conn->action.len;
	conn->told_pause = false;
	if (!journal_wants(conn->host->journal, EVENT_SEND))
		return;
	struct segments segments = { 0 };
	bool counted = net_segments(conn->fd, &segments);
	const struct field fields[] = {
		F_INTEGER("i", conn->messages),
		F_INTEGER("bytes", conn->action.len),
		F_INTEGER("sent", conn->offset),
		F_INTEGER("calls", conn->calls),
		F_INTEGER("segments", segments.out),
	};
	conn_emit(conn, EVENT_SEND, fields, counted ? 5 : 4);
}

static enum step conn_send(struct conn *conn, double now)
{
	cork_before(conn, conn->action.len);
	while (conn->offset < conn->action.len) {
		size_t taken = 0;
		enum io io = conn->transport->ops->send(conn->transport, conn->action.data + conn->offset,
			conn->action.len - conn->offset, &taken);
		if (io == IO_DONE) {
			conn->calls++;
			conn->offset += taken;
			conn->progress = now;
			cork_after(conn, now);
			continue;
		}
		if (!conn_awaits(conn, io))
			return conn_fail(conn, io, now);
		conn->blocked = true;
		conn->limit = conn->progress + conn->host->stall;
		if (!conn->told_pause) {
			conn->told_pause = true;
			struct subject subject = subject_of(conn);
			EMIT(conn->host->journal, EVENT_PAUSE, &subject, F_INTEGER("bytes", conn->action.len),
				F_INTEGER("sent", conn->offset));
		}
		return conn_listen(conn, now);
	}
	conn->blocked = false;
	conn->limit = conn->host->session->waits_for_peer(conn->self) ? now + conn->host->idle : INFINITY;
	conn->has_action = false;
	conn_sent(conn);
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

static enum step conn_talk(struct conn *conn, double now)
{
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
	conn_enter(conn, PHASE_FINISH, now + GOODBYE_SECONDS);
	return STEP_ON;
}

static enum step conn_finish(struct conn *conn, double now)
{
	enum io io = conn->transport->ops->finish(conn->transport);
	if (conn_awaits(conn, io)) {
		/* The peer answers the Close frame when it has it, so that must not wait for a round trip. */
		if (conn->corked)
			conn_set_cork(conn, 0);
		return STEP_WAIT;
	}
	if (io == IO_FAILED)
		return conn_fail(conn, io, now);
	if (io == IO_REFUSED)
		conn_error(conn, "peer", conn->transport->err.text);
	conn_shut(conn, now);
	return STEP_ON;
}

/*
 * Reads on until the peer closes: close(2) with unread bytes would reset the connection, and the peer lose
 * what is under way to it. Where the peer has closed before, the socket is asked whether all is acknowledged.
 */
static enum step conn_drain(struct conn *conn, double now)
{
	char buffer[READ_BYTES];
	if (conn->reading) {
		ssize_t n = recv(conn->fd, buffer, sizeof buffer, 0);
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
			conn_error(conn, "peer", strerror(errno));
			conn_abort(conn, "connection lost");
			return STEP_ON;
		}
		conn->reading = n != 0;
	}
	if (conn->reading) {
		conn->events |= EV_READ;
		conn_wake_at(conn, conn->patience);
		if (now < conn->patience)
			return STEP_WAIT;
	}

	/* A slow reader may take its time, as long as it takes something. */
	int left = net_unacknowledged(conn->fd);
	if (left <= 0) {
		conn_enter(conn, PHASE_GONE, INFINITY);
		return STEP_ON;
	}
	if (left != conn->unacknowledged)
		conn->progress = now;
	conn->unacknowledged = left;
	if (now >= conn->progress + conn->host->stall) {
		conn_error(conn, "peer", "takes nothing");
		conn_abort(conn, "stalled");
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
};

/* The phase has lasted too long. */
static void conn_expire(struct conn *conn, double now)
{
	switch (conn->phase) {
	case PHASE_HANDSHAKE:
		conn->why = "no handshake";
		conn_error(conn, "peer", "took too long for the handshake");
		conn_shut(conn, now);
		break;
	case PHASE_TALK:
		if (conn->blocked) {
			conn_error(conn, "peer", "takes nothing");
			conn_abort(conn, "stalled");
		} else {
			conn->why = "idle";
			conn_error(conn, "peer", "has sent no complete command");
			conn_enter(conn, PHASE_FLUSH, now + GOODBYE_SECONDS);
		}
		break;
	case PHASE_FLUSH:
		conn_error(conn, "peer", "takes nothing");
		conn_abort(conn, "stalled");
		break;
	case PHASE_FINISH:
		conn_shut(conn, now);
		break;
	case PHASE_DRAIN:
	case PHASE_GONE:
		break;
	}
}

/* ---- the driver ---- */

static void conn_free(struct conn *conn)
{
	struct conn_host *host = conn->host;
	if (journal_wants(host->journal, EVENT_CLOSE)) {
		struct segments segments = { 0 };
		struct transport_about about = { .tls_version = "" };
		net_segments(conn->fd, &segments);
		conn->transport->ops->describe(conn->transport, &about);
		const struct field fields[] = {
			F_TEXT("first", conn->peer_first ? "peer" : "server"),
			F_TEXT("why", conn->why),
			F_BYTES("command", conn->has_command ? conn->command : NULL, conn->command_len),
			F_INTEGER("messages", conn->messages),
			F_INTEGER("bytes_out", conn->bytes_out),
			F_INTEGER("bytes_in", conn->bytes_in),
			F_INTEGER("segments_out", segments.out),
			F_INTEGER("segments_in", segments.in),
			F_REAL("seconds", clock_now() - conn->opened),
			F_INTEGER("ws_close_code", about.ws_close_code),
		};
		conn_emit(conn, EVENT_CLOSE, fields, about.ws_close_code ? 10 : 9);
	}
	host->totals.messages += conn->messages;
	host->totals.bytes_out += conn->bytes_out;
	host->totals.bytes_in += conn->bytes_in;

	ev_io_stop(host->loop, &conn->io);
	ev_timer_stop(host->loop, &conn->timer);
	if (conn->prev)
		conn->prev->next = conn->next;
	else
		host->conns = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	host->count--;
	transport_destroy(conn->transport);
	close(conn->fd);
	free(conn);
	host->on_end(host);
}

static void conn_arm(struct conn *conn, double now)
{
	struct ev_loop *loop = conn->host->loop;
	if (conn->events != (conn->io.events & (EV_READ | EV_WRITE)) || !ev_is_active(&conn->io)) {
		ev_io_stop(loop, &conn->io);
		ev_io_set(&conn->io, conn->fd, conn->events);
		if (conn->events)
			ev_io_start(loop, &conn->io);
	}
	conn_wake_at(conn, conn->limit);
	if (conn->corked)
		conn_wake_at(conn, conn->uncork_at);
	/* A timer that fires too early costs one more drive, a timer that is moved costs more: it stays. */
	if (conn->wake == INFINITY || (ev_is_active(&conn->timer) && conn->armed_wake <= conn->wake))
		return;
	double after = conn->wake - now;
	ev_timer_stop(loop, &conn->timer);
	ev_timer_set(&conn->timer, after > 0 ? after : 0, 0);
	ev_timer_start(loop, &conn->timer);
	conn->armed_wake = conn->wake;
}

static void conn_drive(struct conn *conn)
{
	double now = clock_now();
	int turns = 0;
	if (now >= conn->limit)
		conn_expire(conn, now);
	cork_expire(conn, now);
	do {
		conn->events = 0;
		conn->wake = INFINITY;
		if (conn->phase == PHASE_GONE) {
			conn_free(conn);
			return;
		}
		if (turns++ == STEPS_A_TURN) {
			conn->wake = now; /* the loop's next turn, after everybody else's */
			break;
		}
	} while (phases[conn->phase](conn, now) == STEP_ON);
	conn_arm(conn, now);
}

static void conn_on_io(struct ev_loop *loop, struct ev_io *io, int events)
{
	conn_drive(io->data);
}

static void conn_on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	conn_drive(timer->data);
}

bool conn_start(struct conn_host *host, int fd, struct transport *transport, uint64_t id,
	const struct address *peer)
{
	struct conn *conn = calloc(1, sizeof *conn + host->session->size(&host->session_host));
	if (!conn)
		return false;
	double now = clock_now();
	*conn = (struct conn){
		.host = host,
		.next = host->conns,
		.fd = fd,
		.transport = transport,
		.opened = now,
		.progress = now,
		.reading = true,
		.uncork_at = INFINITY,
		.ping_at = INFINITY,
		.id = id,
	};
	address_format(peer, conn->peer);
	ev_io_init(&conn->io, conn_on_io, fd, 0);
	ev_timer_init(&conn->timer, conn_on_timer, 0, 0);
	conn->io.data = conn->timer.data = conn;
	if (host->conns)
		host->conns->prev = conn;
	host->conns = conn;
	host->count++;
	host->totals.connections++;
	const struct session_log log = { .emit = conn_emit, .driver = conn };
	host->session->init(conn->self, &host->session_host, &log);
	double limit = host->handshake < host->idle ? host->handshake : host->idle;
	conn_enter(conn, PHASE_HANDSHAKE, now + limit);

	if (journal_wants(host->journal, EVENT_OPEN)) {
		struct address local;
		char text[ADDRESS_TEXT] = "";
		if (net_local_address(fd, &local))
			address_format(&local, text);
		const struct field fields[] = { F_TEXT("local", text) };
		conn_emit(conn, EVENT_OPEN, fields, 1);
	}
	conn_drive(conn); /* the command has often come with the connection */
	return true;
}

void conn_stop_all(struct conn_host *host)
{
	for (struct conn *conn = host->conns, *next; conn; conn = next) {
		next = conn->next;
		host->session->tell(conn->self, SESSION_STOP);
		if (conn->phase == PHASE_HANDSHAKE)
			conn_abort(conn, "stopping");
		conn_drive(conn);
	}
}

void conn_abort_all(struct conn_host *host)
{
	while (host->conns) {
		conn_abort(host->conns, "stopping");
		conn_drive(host->conns);
	}
}
