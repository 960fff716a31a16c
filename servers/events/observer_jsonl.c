/* The journal as NDJSON. */
#include "servers/events/observers.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/wire.h"
#include "servers/events/sink.h"

/* A `start` event carries the whole configuration; the others stay far below. RESERVE keeps room for the last
   two lines (lost, stop). SECONDS: how long a stopped reader may hold up the end. */
enum { LINE_BYTES = 16384, RESERVE_BYTES = 8192 };
static const double LAST_WORDS_SECONDS = 0.5;

struct observer_jsonl {
	struct observer base;
	int fd;
	struct sink *sink;
	uint64_t lost, lost_from; /* events, and the seq of the first of them */
	char line[LINE_BYTES];
};

static void write_field(struct json *json, const struct field *field)
{
	char escaped[WIRE_ESCAPED_MAX], shown[WIRE_SHOWN_MAX];
	switch (field->kind) {
	case FIELD_INTEGER:
		json_put_integer(json, field->name, field->integer);
		break;
	case FIELD_REAL:
		json_put_real(json, field->name, field->real);
		break;
	case FIELD_SHARE:
		json_put_share(json, field->name, field->real);
		break;
	case FIELD_BOOL:
		json_put_bool(json, field->name, field->integer);
		break;
	case FIELD_TEXT:
		json_put_string(json, field->name, field->text);
		break;
	case FIELD_BYTES:
		wire_escape(escaped, field->text, (size_t)field->integer);
		json_put_string(json, field->name, field->text ? escaped : NULL);
		break;
	case FIELD_SAID:
		wire_show(shown, field->text, (size_t)field->integer);
		json_put_string(json, field->name, shown);
		break;
	case FIELD_JSON:
		json_put_raw(json, field->name, field->text);
		break;
	}
}

/* Writes the event as a line with its newline; returns its length, 0 when it does not fit. */
static size_t format(char *line, size_t size, const struct event *event)
{
	struct json json;
	json_begin(&json, line, size - 1);
	json_put_real(&json, "t", event->t);
	json_put_integer(&json, "seq", (int64_t)event->seq);
	json_put_string(&json, "event", event_table[event->type].name);
	if (event->subject.endpoint != ENDPOINT_NONE)
		json_put_string(&json, "endpoint", endpoint_table[event->subject.endpoint].name);
	if (event->subject.conn != 0)
		json_put_integer(&json, "conn", (int64_t)event->subject.conn);
	if (event->subject.peer)
		json_put_string(&json, "peer", event->subject.peer);
	for (size_t i = 0; i < event->count; i++)
		write_field(&json, &event->fields[i]);
	size_t len = json_end(&json);
	if (len > 0)
		line[len++] = '\n';
	return len;
}

/* True when no loss is left to tell. */
static bool tell_lost(struct observer_jsonl *jsonl, const struct event *now, size_t reserve)
{
	if (jsonl->lost == 0)
		return true;
	const struct field fields[] = {
		F_INTEGER("count", jsonl->lost),
		F_INTEGER("from", jsonl->lost_from),
	};
	const struct event event = {
		.type = EVENT_LOST,
		.t = now->t,
		.seq = now->seq - 1, /* stands in the place of the last one lost */
		.subject = { .endpoint = ENDPOINT_NONE },
		.fields = fields,
		.count = sizeof fields / sizeof fields[0],
	};
	size_t len = format(jsonl->line, sizeof jsonl->line, &event);
	if (!sink_write(jsonl->sink, jsonl->line, len, reserve))
		return false;
	jsonl->lost = 0;
	return true;
}

static void jsonl_on_event(struct observer *observer, const struct event *event)
{
	struct observer_jsonl *jsonl = (struct observer_jsonl *)observer;
	size_t reserve = event->type == EVENT_STOP ? 0 : RESERVE_BYTES;
	if (tell_lost(jsonl, event, reserve)) {
		size_t len = format(jsonl->line, sizeof jsonl->line, event);
		if (len > 0 && sink_write(jsonl->sink, jsonl->line, len, reserve))
			return;
	}
	if (jsonl->lost++ == 0)
		jsonl->lost_from = event->seq;
}

static void jsonl_destroy(struct observer *observer)
{
	struct observer_jsonl *jsonl = (struct observer_jsonl *)observer;
	sink_destroy(jsonl->sink, LAST_WORDS_SECONDS);
	if (jsonl->fd > STDERR_FILENO)
		close(jsonl->fd);
	free(jsonl);
}

static const struct observer_ops jsonl_ops = { .on_event = jsonl_on_event, .destroy = jsonl_destroy };

struct observer *observer_jsonl_create(int fd, uint64_t limit)
{
	struct observer_jsonl *jsonl = calloc(1, sizeof *jsonl);
	if (!jsonl)
		return NULL;
	jsonl->base.ops = &jsonl_ops;
	jsonl->base.wants = EVENT_ALL;
	jsonl->fd = fd;
	jsonl->sink = sink_create(fd, limit);
	if (!jsonl->sink) {
		free(jsonl);
		return NULL;
	}
	return &jsonl->base;
}
