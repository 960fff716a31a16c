/*
 * A session decides what a stream server says. It is pure: it gets bytes, and is asked for its next
 * action. Sockets, timers and encryption belong to its driver (servers/stream/conn.c). It allocates
 * nothing.
 */
#ifndef SERVERS_STREAM_SESSION_H
#define SERVERS_STREAM_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "servers/config/config.h"
#include "servers/events/event.h"

/* What a session is given; outlives the session. */
struct session_host {
	/* read when a command arrives, so a changed key takes effect with the next command */
	const struct config *config;
	enum endpoint_id endpoint;
	const char *flood; /* the text of CMD_floodme */
	/* bytes, pmu.flood */
	size_t flood_len;
};

enum session_signal {
	SESSION_EOF,  /* the peer has ended its direction */
	SESSION_STOP, /* the lab ends: finish what runs, start nothing new */
};

enum action_kind {
	ACTION_READ,  /* wait for input, at most `len` bytes at once */
	ACTION_SEND,  /* send these bytes with one send(), then call next() again */
	ACTION_SLEEP, /* call next() again at `until`, or after input */
	ACTION_CLOSE, /* the session is over; `why` says how it ended */
};

struct action {
	enum action_kind kind;
	const char *data; /* SEND: valid until the next call of next() */
	size_t len;       /* SEND, READ */
	double until;     /* SLEEP: seconds, on the clock of next() */
	/* SEND: when the bytes were to leave by the schedule, on that clock; 0: now */
	double due;
	const char *why;  /* CLOSE: a literal: "done", "bad command", "peer closed", "stopping" */
};

/* How a session emits events; the driver adds the connection and the time. */
struct session_log {
	void (*emit)(void *driver, enum event_type type, const struct field *fields, size_t count);
	void *driver;
};

/* One kind of session. */
struct session_ops {
	const char *name;

	/* True: the session takes commands, and it matters whether a command came in one piece.
	   Each input is then one piece as it arrived, and two inputs may follow each other
	   directly. False: the session gets input as it was read. */
	bool commands;

	/* Bytes that the driver allocates for `self`, zeroed. */
	size_t (*size)(const struct session_host *host);

	/* Prepares `self`. `host` outlives it; `log` is copied. */
	void (*init)(void *self, const struct session_host *host, const struct session_log *log);

	/* Takes bytes from the peer. `data` is valid during the call only. `last`: a message ends
	   here (WebSocket). Called only while takes_input() is true. */
	void (*input)(void *self, const char *data, size_t len, bool last);

	/* Signals an end (enum session_signal). */
	void (*tell)(void *self, enum session_signal signal);

	/* Returns the next action. `now` is in seconds, on any clock that never goes back. Called
	   again once the last action was carried out; after READ and SLEEP perhaps earlier, which
	   changes nothing. Due times come from the schedule (start + i * d), so a stream does not
	   drift, however late it is asked. */
	struct action (*next)(void *self, double now);

	/* Whether input() may be called now. */
	bool (*takes_input)(const void *self);

	/* Whether the session cannot go on before the peer has sent something: a complete
	   command. */
	bool (*waits_for_peer)(const void *self);
};

extern const struct session_ops session_pmu;
extern const struct session_ops session_echo;

#endif
