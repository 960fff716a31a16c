/*
 * What happened, as data. One table (event.c) names every event and its fields; docs/events.md
 * describes them, and a test holds the two together. Sessions, connections and endpoints emit;
 * observers read.
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
	EVENT_LOST,
	EVENT_STOP,
	EVENT_TYPE_COUNT,
};

#define EVENT_BIT(type) (1u << (type))
#define EVENT_ALL ((1u << EVENT_TYPE_COUNT) - 1)

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

/* One field of an event. TEXT is the program's own UTF-8 (NULL: null); BYTES are a peer's, of which
   an excerpt is written escaped (wire_escape); SAID is a peer's text, to be read whole (wire_show);
   JSON is written as it is. */
struct field {
	const char *name;
	enum field_kind kind;
	int64_t integer; /* INTEGER, BOOL; for BYTES and SAID their number */
	double real;
	const char *text;
};

#define F_INTEGER(n, v) { .name = (n), .kind = FIELD_INTEGER, .integer = (int64_t)(v) }
#define F_BOOL(n, v) { .name = (n), .kind = FIELD_BOOL, .integer = (v) }
#define F_REAL(n, v) { .name = (n), .kind = FIELD_REAL, .real = (v) }
#define F_SHARE(n, v) { .name = (n), .kind = FIELD_SHARE, .real = (v) }
#define F_TEXT(n, v) { .name = (n), .kind = FIELD_TEXT, .text = (v) }
#define F_BYTES(n, p, l) { .name = (n), .kind = FIELD_BYTES, .text = (p), .integer = (int64_t)(l) }
#define F_SAID(n, p, l) { .name = (n), .kind = FIELD_SAID, .text = (p), .integer = (int64_t)(l) }
#define F_JSON(n, v) { .name = (n), .kind = FIELD_JSON, .text = (v) }

/* Whom an event is about. `endpoint` is ENDPOINT_NONE, `conn` 0 and `peer` NULL where it is about
   the whole lab. */
struct subject {
	enum endpoint_id endpoint;
	uint64_t conn;    /* counts from 1 over all endpoints */
	const char *peer; /* "127.0.0.1:40112" */
};

/* Valid during the observer's call only. */
struct event {
	enum event_type type;
	double t;     /* seconds since the start */
	uint64_t seq; /* counts from 1 without gaps */
	struct subject subject;
	const struct field *fields;
	size_t count;
};

/* The table: what an event means, and each field it can have. */
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

/* NULL when the event does not have it. */
const struct field *event_field(const struct event *event, const char *name);

#endif
