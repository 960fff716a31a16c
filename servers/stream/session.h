/*
 * A session decides what a stream server says. It is pure: it sees bytes and is asked for its next
 * action; sockets, timers and encryption are its driver's business (servers/stream/conn.c). It
 * allocates nothing.
 */
#ifndef SERVERS_STREAM_SESSION_H
#define SERVERS_STREAM_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "servers/config/config.h"
#include "servers/events/event.h"

/* What a session is given; outlives it. */
struct session_host {
	/* read when a command arrives, so that a change holds for the next one */
	const struct config *config;
	enum endpoint_id endpoint;
	const char *flood; /* the flood's text, `pmu.flood` bytes */
	size_t flood_len;
};

enum session_signal {
	SESSION_EOF,  /* the peer will send no more */
	SESSION_STOP, /* the lab ends: finish what runs, start nothing new */
};

enum action_kind {
	ACTION_READ,  /* wait for input: at most `len` bytes at once */
	ACTION_SEND,  /* send these bytes with one send(), then ask again */
	ACTION_SLEEP, /* ask again when the clock says `until`, or after input */
	ACTION_CLOSE, /* the session is over; `why` says how it ended */
};

struct action {
	enum action_kind kind;
	const char *data; /* SEND: valid until the next call of next() */
	size_t len;       /* SEND, READ */
	double until;     /* SLEEP: seconds, on the clock that next() is told */
	double due;       /* SEND: when the schedule had it leave, on that clock; 0: now */
	const char *why;  /* CLOSE: a literal: "done", "bad command", "peer closed", "stopping" */
};

/* How a session tells what it understood; the driver adds who and when. */
struct session_log {
	void (*emit)(void *driver, enum event_type type, const struct field *fields, size_t count);
	void *driver;
};

struct session_ops {
	const char *name;

	/* It is told of commands, and whether one has come in one piece matters to it: then each
	   input is such a piece, and after one it takes the next. False: what is read is told as it
	   was read. */
	bool commands;

	/* Bytes that the driver sets aside for `self`, zeroed. */
	size_t (*size)(const struct session_host *host);

	void (*init)(void *self, const struct session_host *host, const struct session_log *log);

	/* `data` is the driver's and only valid during the call. `last`: a message ends here (ws).
	   Only while takes_input() is true. */
	void (*input)(void *self, const char *data, size_t len, bool last);

	void (*tell)(void *self, enum session_signal signal);

	/* `now` is any clock in seconds that never goes back. Asked again once the answer before
	   has been carried out; after READ and SLEEP also earlier, which changes nothing. A due
	   time comes from the schedule (start + i * d), so a stream does not drift however late it
	   is asked. */
	struct action (*next)(void *self, double now);

	bool (*takes_input)(const void *self);

	/* True while the peer owes something before the session can go on: a command in full. */
	bool (*waits_for_peer)(const void *self);
};

extern const struct session_ops session_pmu;
extern const struct session_ops session_echo;

#endif
