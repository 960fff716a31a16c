#include "servers/events/line.h"

#include "common/json.h"
#include "common/wire.h"

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

size_t event_write(char *text, size_t size, const struct event *event)
{
	struct json json;
	json_begin(&json, text, size - 1);
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
		text[len++] = '\n';
	return len;
}

size_t event_write_lost(char *text, size_t size, double t, uint64_t seq, uint64_t count)
{
	const struct field fields[] = {
		F_INTEGER("count", count),
		F_INTEGER("from", seq - count + 1),
	};
	const struct event event = {
		.type = EVENT_LOST,
		.t = t,
		.seq = seq,
		.subject = { .endpoint = ENDPOINT_NONE },
		.fields = fields,
		.count = sizeof fields / sizeof fields[0],
	};
	return event_write(text, size, &event);
}
