/* The table of events. docs/events.md describes the same rows; tests/unit/events/test_event.c
   compares the two. */
#include "servers/events/event.h"

#include <string.h>

#define FIELDS(...)                                                                                \
	.fields = (const struct event_field_info[]){ __VA_ARGS__ },                                \
	.count = sizeof((const struct event_field_info[]){ __VA_ARGS__ }) /                        \
		 sizeof(struct event_field_info)

const struct event_info event_table[EVENT_TYPE_COUNT] = {
	[EVENT_START] = { .name = "start",
		FIELDS({ "version", "text" }, { "time", "text" }, { "seed", "integer" },
			{ "config", "object of texts" }) },
	[EVENT_LISTEN] = { .name = "listen", FIELDS({ "address", "text" }) },
	[EVENT_OPEN] = { .name = "open", FIELDS({ "local", "text" }) },
	[EVENT_HANDSHAKE] = { .name = "handshake",
		FIELDS({ "tls_version", "text" }, { "tls_cipher", "text" }, { "ws_path", "text" },
			{ "seconds", "seconds" }) },
	[EVENT_COMMAND] = { .name = "command",
		FIELDS({ "text", "escaped bytes" }, { "kind", "text" }, { "interval", "seconds" },
			{ "messages", "messages" }) },
	[EVENT_SEND] = { .name = "send",
		FIELDS({ "i", "integer" }, { "bytes", "bytes" }, { "sent", "bytes" },
			{ "calls", "calls" }, { "segments", "segments" }, { "left", "bytes" },
			{ "waiting", "bytes" }, { "acked", "bytes" }) },
	[EVENT_PAUSE] = { .name = "pause", FIELDS({ "bytes", "bytes" }, { "sent", "bytes" }) },
	[EVENT_ERROR] = { .name = "error",
		FIELDS({ "fault", "text" }, { "what", "text" }, { "bytes", "escaped bytes" }) },
	[EVENT_HINT] = { .name = "hint", FIELDS({ "what", "text" }) },
	[EVENT_CLOSE] = { .name = "close",
		FIELDS({ "first", "text" }, { "why", "text" }, { "command", "escaped bytes" },
			{ "messages", "messages" }, { "bytes_out", "bytes" },
			{ "bytes_in", "bytes" }, { "segments_out", "segments" },
			{ "segments_again", "segments" }, { "segments_in", "segments" },
			{ "left", "bytes" }, { "acked", "bytes" }, { "ws_close_code", "integer" },
			{ "seconds", "seconds" }) },
	[EVENT_FAMILY] = { .name = "family",
		FIELDS({ "active", "text" }, { "seconds", "seconds" }) },
	[EVENT_RECEIVE] = { .name = "receive",
		FIELDS({ "family", "4 or 6" }, { "n", "datagrams" }, { "bytes", "bytes" },
			{ "text", "escaped bytes" }) },
	[EVENT_DROP] = { .name = "drop",
		FIELDS({ "family", "4 or 6" }, { "direction", "text" }, { "n", "datagrams" },
			{ "reason", "text" }, { "model", "text" }, { "drawn", "share" },
			{ "state", "text" }, { "count", "datagrams" }) },
	[EVENT_DELAY] = { .name = "delay",
		FIELDS({ "family", "4 or 6" }, { "direction", "text" }, { "n", "datagrams" },
			{ "seconds", "seconds" }) },
	[EVENT_DUPLICATE] = { .name = "duplicate",
		FIELDS({ "family", "4 or 6" }, { "direction", "text" }, { "n", "datagrams" },
			{ "drawn", "share" }) },
	[EVENT_REORDER] = { .name = "reorder",
		FIELDS({ "family", "4 or 6" }, { "direction", "text" }, { "n", "datagrams" },
			{ "drawn", "share" }) },
	[EVENT_CORRUPT] = { .name = "corrupt",
		FIELDS({ "family", "4 or 6" }, { "direction", "text" }, { "n", "datagrams" },
			{ "drawn", "share" }, { "bit", "integer" }) },
	[EVENT_RESET] = { .name = "reset",
		FIELDS({ "family", "4 or 6" }, { "n", "datagrams" }, { "asked", "seconds" },
			{ "offset", "seconds" }, { "clock_before", "seconds" },
			{ "clock_after", "seconds" }, { "resets", "resets" }) },
	[EVENT_REPLY] = { .name = "reply",
		FIELDS({ "family", "4 or 6" }, { "n", "datagrams" }, { "bytes", "bytes" },
			{ "text", "escaped bytes" }) },
	[EVENT_PRINT] = { .name = "print", FIELDS({ "bytes", "bytes" }, { "text", "text" }) },
	[EVENT_LINE] = { .name = "line",
		FIELDS({ "n", "datagrams" }, { "bytes", "bytes" }, { "text", "text" }) },
	[EVENT_PARTICIPANT] = { .name = "participant",
		FIELDS({ "id", "escaped bytes" }, { "characters", "characters" },
			{ "total", "characters" }, { "text", "text" }) },
	[EVENT_ANSWER] = { .name = "answer",
		FIELDS({ "n", "datagrams" }, { "id", "escaped bytes" }, { "text", "text" }) },
	[EVENT_FORGET] = { .name = "forget", FIELDS({ "count", "participants" }) },
	[EVENT_REPEATED] = { .name = "repeated", FIELDS({ "count", "datagrams" }) },
	[EVENT_CHANGE] = { .name = "change",
		FIELDS({ "who", "text" }, { "key", "text" }, { "before", "text" },
			{ "after", "text" }) },
	[EVENT_SUSPEND] = { .name = "suspend", FIELDS({ "who", "text" }) },
	[EVENT_RESUME] = { .name = "resume", FIELDS({ "who", "text" }) },
	[EVENT_PROGRAM] = { .name = "program",
		FIELDS({ "how", "text" }, { "status", "integer" }, { "seconds", "seconds" },
			{ "cpu", "seconds" }) },
	[EVENT_LOST] = { .name = "lost", FIELDS({ "count", "events" }, { "from", "integer" }) },
	[EVENT_STOP] = { .name = "stop",
		FIELDS({ "why", "text" }, { "endpoints", "object of objects" }) },
};

const struct field *event_field(const struct event *event, const char *name)
{
	for (size_t i = 0; i < event->count; i++)
		if (strcmp(event->fields[i].name, name) == 0)
			return &event->fields[i];
	return NULL;
}
