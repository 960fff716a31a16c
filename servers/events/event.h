/*
 * An event: what happened, as data. The table in event.c names every event and its fields, and
 * docs/events.md describes them; a test compares the two. Sessions, connections, endpoints and the
 * emulator emit events; observers read them.
 */
#ifndef SERVERS_EVENTS_EVENT_H
#define SERVERS_EVENTS_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/endpoint_table.h"

enum event_type {
	EVENT_START,
	EVENT_LISTEN,
	EVENT_OPEN,
	EVENT_HANDSHAKE,
	EVENT_COMMAND,
	EVENT_SEND,
	EVENT_PAUSE,
	EVENT_ERROR,
	EVENT_HINT,
	EVENT_CLOSE,
	EVENT_FAMILY,
	EVENT_RECEIVE,
	EVENT_DROP,
	EVENT_DELAY,
	EVENT_DUPLICATE,
	EVENT_REORDER,
	EVENT_CORRUPT,
	EVENT_RESET,
	EVENT_REPLY,
	EVENT_PRINT,
	EVENT_LINE,
	EVENT_PARTICIPANT,
	EVENT_ANSWER,
	EVENT_FORGET,
	EVENT_REPEATED,
	EVENT_CHANGE,
	EVENT_SUSPEND,
	EVENT_RESUME,
	EVENT_PROGRAM,
	EVENT_LOST,
	EVENT_STOP,
	EVENT_TYPE_COUNT,
};

/* Sets of event types, as bits. */
#define EVENT_BIT(type) (1u << (type))
#define EVENT_ALL ((1u << EVENT_TYPE_COUNT) - 1)

/* The kinds of a field's value. SHARE is a number from 0 to 1. TEXT is the program's own UTF-8;
   NULL is written as null. BYTES came from a peer; an excerpt of them is written, escaped
   (wire_escape). SAID is a peer's text that is written whole (wire_show). JSON is written as it
   is. */
enum field_kind {
	FIELD_INTEGER,
	FIELD_REAL,
	FIELD_SHARE,
	FIELD_TEXT,
	FIELD_BYTES,
	FIELD_SAID,
	FIELD_JSON,
	FIELD_BOOL
};

/* One field of an event. It owns nothing: `name` and `text` outlive the call that emits it. */
struct field {
	const char *name;
	enum field_kind kind;
	int64_t integer; /* INTEGER, BOOL; BYTES, SAID: the number of bytes */
	/* REAL, SHARE */
	double real;
	/* TEXT, BYTES, SAID, JSON */
	const char *text;
};

/* Initializers of a struct field: name `n`, value `v`, or `l` bytes at `p`. */
#define F_INTEGER(n, v) { .name = (n), .kind = FIELD_INTEGER, .integer = (int64_t)(v) }
#define F_BOOL(n, v) { .name = (n), .kind = FIELD_BOOL, .integer = (v) }
#define F_REAL(n, v) { .name = (n), .kind = FIELD_REAL, .real = (v) }
#define F_SHARE(n, v) { .name = (n), .kind = FIELD_SHARE, .real = (v) }
#define F_TEXT(n, v) { .name = (n), .kind = FIELD_TEXT, .text = (v) }
#define F_BYTES(n, p, l) { .name = (n), .kind = FIELD_BYTES, .text = (p), .integer = (int64_t)(l) }
#define F_SAID(n, p, l) { .name = (n), .kind = FIELD_SAID, .text = (p), .integer = (int64_t)(l) }
#define F_JSON(n, v) { .name = (n), .kind = FIELD_JSON, .text = (v) }

/* What an event is about. `conn` is 0 and `peer` is NULL where the event is not about a connection
   or a peer; `endpoint` is ENDPOINT_NONE where it is about the whole lab. */
struct subject {
	enum endpoint_id endpoint;
	uint64_t conn;    /* counts from 1 over all endpoints */
	const char *peer; /* "127.0.0.1:40112" */
};

/* An event as observers get it. Valid only during the observer's call. */
struct event {
	enum event_type type;
	double t;     /* seconds since the start */
	uint64_t seq; /* counts from 1 without gaps */
	struct subject subject;
	const struct field *fields;
	size_t count;
};

/* A field that an event can have, as a row of event_table has it. */
struct event_field_info {
	const char *name;
	const char *unit; /* "bytes", "seconds", "text", ... */
};

struct event_info {
	const char *name; /* "send" */
	const struct event_field_info *fields;
	size_t count;
};

extern const struct event_info event_table[EVENT_TYPE_COUNT];

/* The field of that name; NULL: the event does not have it. */
const struct field *event_field(const struct event *event, const char *name);

#endif
