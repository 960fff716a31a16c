/* Shared by the connection's files: conn.c drives, conn_phases.c holds the phases, conn_end.c
   how they end, conn_events.c emits events. */
#ifndef SERVERS_STREAM_CONN_PRIVATE_H
#define SERVERS_STREAM_CONN_PRIVATE_H

#include <stdalign.h>
#include <stddef.h>

#include "common/wire.h"
#include "servers/stream/conn.h"
#include "servers/stream/round_trip.h"

enum phase {
	PHASE_HANDSHAKE,
	PHASE_TALK,
	PHASE_FLUSH,
	PHASE_FINISH,
	PHASE_DRAIN,
	PHASE_SILENT, /* the peer has gone without a byte: is it the loser of two families? */
	PHASE_GONE,
};

/* A phase's result: call conn_step again, or wait for `events` and `wake`. */
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
	double limit;      /* when this phase times out */
	double progress;   /* when the peer last took bytes */
	int events;        /* EV_READ, EV_WRITE to wait for */
	double wake;       /* when to be driven again; INFINITY: only by events */
	double armed_wake; /* what the timer is set to */

	struct action action;
	bool has_action;
	size_t offset;       /* bytes of a SEND that the transport has taken */
	unsigned calls;      /* send() calls for it */
	size_t first_taken;  /* what the first of these calls took */
	bool blocked, told_pause;
	bool slept;          /* the session has slept, so bytes may have arrived meanwhile */
	bool reading;        /* the peer has not ended its direction */
	bool peer_first;     /* it ended before we did */
	const char *silent;  /* PHASE_SILENT: `why`, unless it was one of two families */
	/* `why` is a fault of the peer and has been told: nothing overwrites it */
	bool judged;
	struct round_trip trip;
	double ping_at;
	int unacknowledged;  /* bytes, when last looked at */
	uint64_t heard;      /* reads that brought bytes, when last looked at */
	double finish_until; /* PHASE_FINISH and PHASE_DRAIN: however much the peer still sends */
	/* PHASE_DRAIN: until when to wait for the peer's end; how often to look after that */
	double patience, poll;

	bool six; /* over IPv6 */
	uint64_t id;
	char peer[ADDRESS_TEXT];
	const char *why;
	char *cut;           /* `why` of a connection that was cut; owned */
	char command[WIRE_COMMAND_MAX];
	size_t command_len;
	bool has_command;
	uint64_t messages, bytes_out, bytes_in, ignored;

	alignas(max_align_t) char self[]; /* the session */
};

/* Asks to be driven again at `when` at the latest. */
static inline void conn_wake_at(struct conn *conn, double when)
{
	if (when < conn->wake)
		conn->wake = when;
}

/* What its carrier knows of the connection. */
static inline void conn_look(struct conn *conn, struct transport_about *about)
{
	conn->transport->ops->describe(conn->transport, about);
}

/* Neither TLS nor WebSocket. */
static inline bool conn_is_plain(const struct transport_about *about)
{
	return !*about->tls_version && !*about->ws_path;
}

/* ---- conn_phases.c ---- */

/* Does what can be done in the connection's phase, which is not PHASE_GONE. */
enum step conn_step(struct conn *conn, double now);

/* ---- conn_end.c ---- */

/* Handles the time-out of the phase. */
void conn_expire(struct conn *conn, double now);

/* `limit`: when the new phase times out, on clock_now(). */
void conn_enter(struct conn *conn, enum phase phase, double limit);

/* Resets the connection: unsent bytes are thrown away. `why` lives as long as the connection; it is
   ignored where the peer has been judged. */
void conn_abort(struct conn *conn, const char *why);

/* Ends the connection with a FIN, unless it is ending already: flushes what the carrier holds, says
   the carrier's goodbye, then closes the socket's direction. `why` as above. */
void conn_end(struct conn *conn, double now, const char *why);

/* Emits `error` about the peer's fault `what`, and sets why the connection ends. Only the first
   verdict counts: a later fault follows from it, as a reset follows an alert. */
void conn_judge(struct conn *conn, const char *what, const char *why);
void conn_abort_judged(struct conn *conn, const char *what, const char *why);

/* An answer of the carrier that no phase expects: IO_FAILED or IO_REFUSED. */
enum step conn_fail(struct conn *conn, enum io io, double now);

/* The carrier begins its goodbye: PHASE_FINISH. */
void conn_begin_finish(struct conn *conn, double now);

/* The carrier has nothing left to say: closes the socket's direction. PHASE_DRAIN. */
void conn_shut(struct conn *conn, double now);

/* Until when a peer is waited for that has just sent something. */
double conn_patience(const struct conn *conn, double now);

/* The peer has said goodbye in TLS or WebSocket: a reset behind that only says that it closed its
   socket with our goodbye unread. */
bool conn_said_goodbye(struct conn *conn);

/* The peer has gone. True where it never sent a byte: then PHASE_SILENT decides a little later
   whether it was the unused one of two families, or ended with `why` (a literal). */
bool conn_went_silent(struct conn *conn, double now, const char *why);

/* Emits `hint` where the code of the peer's Close frame says more than the usual end. */
void conn_tell_goodbye(struct conn *conn);

/* ---- conn_events.c ---- */

/* Emits an event about the connection `driver`. It is the session's log (struct session_log), and
   used by the connection itself. */
void conn_emit(void *driver, enum event_type type, const struct field *fields, size_t count);

void conn_tell_open(struct conn *conn);
void conn_tell_handshake(struct conn *conn, double now);
void conn_tell_sent(struct conn *conn);
void conn_tell_pause(struct conn *conn);
void conn_tell_close(struct conn *conn);
/* What is no fault but would explain what people see (event `hint`). */
void conn_tell_hint(struct conn *conn, const char *what);
void conn_tell_error(struct conn *conn, const char *fault, const char *what);

#endif
