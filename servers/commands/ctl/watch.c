/* ctl watch: prints events as they happen, unchanged or as text for people. The text comes from the
   lab's own observer, so each line is made into an event again. */
#include <ctype.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "servers/commands/ctl/ctl_private.h"
#include "servers/events/line.h"
#include "servers/events/observers.h"

enum { FIELDS_MAX = 32, RETRY_MS = 200 };

enum { OPTION_SINCE = CTL_OPTION_LAST, OPTION_EVENT, OPTION_ENDPOINT, OPTION_VERBOSE };

static const struct cli_option options[] = {
	{ OPTION_SINCE, 0, "since", "SEQ",
		"begin behind this event, and not now; 0: with the oldest that is kept" },
	{ OPTION_EVENT, 0, "event", "NAME,...", "only events of these names (docs/events.md)" },
	{ OPTION_ENDPOINT, 0, "endpoint", "NAME,...",
		"only those about these endpoints; lab: about none" },
	{ OPTION_VERBOSE, 'v', "verbose", NULL, "everything that happens, with its time" },
	CTL_PLACE,
	{ CTL_OPTION_JSON, 0, "json", NULL, "the events as they are, one object a line" },
	CLI_COMMON,
};

const struct cli ctl_watch_cli = {
	.program = "pmulab ctl watch",
	.summary = "events as they happen",
	.usage = "[options]",
	.about = "Shows what happens in the lab until Ctrl-C. Ends with 0 when the lab stops.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.examples = "pmulab ctl watch --endpoint reset\n"
		    "pmulab ctl watch --json --event drop | jq -r .drawn",
	.exit_status = CTL_EXIT_STATUS,
};

struct watch {
	struct ctl ctl;
	const char *since, *event, *endpoint;
	bool verbose;
	struct observer *text; /* NULL: events are printed unchanged */
	char line[EVENT_TEXT_MAX];
	size_t len;
	json_int_t seq;   /* of the last event */
	bool full;        /* stdout cannot be written any more */
};

/* ---- from a line back to an event ---- */

/* Undoes wire_escape and wire_show in place. Returns the new length. */
static size_t unescape(char *text)
{
	static const char letters[] = "nrt\\\"", bytes[] = "\n\r\t\\\"";
	char *to = text;
	for (const char *p = text; *p; p++) {
		const char *letter = *p == '\\' && p[1] ? strchr(letters, p[1]) : NULL;
		char digits[3] = "";
		if (letter) {
			*to++ = bytes[letter - letters];
			p++;
		} else if (*p == '\\' && p[1] == 'x' && isxdigit((unsigned char)p[2]) &&
			   isxdigit((unsigned char)p[3])) {
			memcpy(digits, p + 2, 2);
			*to++ = (char)strtoul(digits, NULL, 16);
			p += 3;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
	return (size_t)(to - text);
}

/* Makes a JSON value into a field. `*copy` holds its text or is NULL; the caller frees it. */
static struct field read_field(int type, const struct event_field_info *info, const json_t *value,
	char **copy)
{
	/* text of a peer; in an answer the text is the lab's own */
	bool said = strcmp(info->name, "text") == 0 && type != EVENT_ANSWER;
	struct field field = F_TEXT(info->name, NULL);
	*copy = NULL;
	switch (json_typeof(value)) {
	case JSON_STRING:
		*copy = strdup(json_string_value(value));
		field.text = *copy;
		field.integer = *copy ? (int64_t)strlen(*copy) : 0;
		if (*copy && strcmp(info->unit, "escaped bytes") == 0) {
			field.kind = FIELD_BYTES;
			field.integer = (int64_t)unescape(*copy);
		} else if (*copy && said) {
			field.kind = FIELD_SAID;
			field.integer = (int64_t)unescape(*copy);
		} else if (*copy) {
			ctl_show_safely(copy);
			field.text = *copy;
			field.integer = *copy ? (int64_t)strlen(*copy) : 0;
		}
		break;
	case JSON_INTEGER:
		field.kind = FIELD_INTEGER;
		field.integer = json_integer_value(value);
		field.real = (double)field.integer;
		break;
	case JSON_REAL:
		field.kind = strcmp(info->unit, "share") == 0 ? FIELD_SHARE : FIELD_REAL;
		field.real = json_real_value(value);
		break;
	case JSON_OBJECT:
	case JSON_ARRAY:
		*copy = json_dumps(value, JSON_COMPACT);
		field.kind = FIELD_JSON;
		field.text = *copy;
		break;
	default: /* null: a share that was not drawn */
		field.real = NAN;
		break;
	}
	return field;
}

static int find_type(const char *name)
{
	for (int type = 0; type < EVENT_TYPE_COUNT; type++)
		if (strcmp(name, event_table[type].name) == 0)
			return type;
	return -1;
}

static void tell(const struct watch *watch, const json_t *object)
{
	struct field fields[FIELDS_MAX];
	char *copies[FIELDS_MAX];
	int type = find_type(ctl_text(object, "event"));
	/* an event that the user named with --event is printed in any mode */
	if (type < 0 || (!watch->event && !(watch->text->wants & EVENT_BIT(type))))
		return;
	struct event event = {
		.type = (enum event_type)type,
		.t = json_number_value(json_object_get(object, "t")),
		.seq = (uint64_t)json_integer_value(json_object_get(object, "seq")),
		.subject = {
			.endpoint = endpoint_find(ctl_text(object, "endpoint")),
			.conn = (uint64_t)json_integer_value(json_object_get(object, "conn")),
			.peer = json_string_value(json_object_get(object, "peer")),
		},
		.fields = fields,
	};
	const struct event_info *info = &event_table[type];
	for (size_t i = 0; i < info->count && event.count < FIELDS_MAX; i++) {
		const json_t *value = json_object_get(object, info->fields[i].name);
		if (!value)
			continue;
		fields[event.count] =
			read_field(type, &info->fields[i], value, &copies[event.count]);
		event.count++;
	}
	watch->text->ops->on_event(watch->text, &event);
	while (event.count > 0)
		free(copies[--event.count]);
}

/* ---- the stream of lines ---- */

static void on_line(struct watch *watch)
{
	json_t *object = json_loadb(watch->line, watch->len, 0, NULL);
	const char *name = ctl_text(object, "event");
	json_int_t seq = json_integer_value(json_object_get(object, "seq"));
	watch->seq = seq > watch->seq ? seq : watch->seq;
	if (!watch->text)
		fwrite(watch->line, 1, watch->len, stdout);
	else if (strcmp(name, "lost") == 0)
		fprintf(stderr,
			"pmulab ctl watch: %" JSON_INTEGER_FORMAT " events are not kept any more\n",
			json_integer_value(json_object_get(object, "count")));
	else if (object)
		tell(watch, object);
	json_decref(object);
}

static bool on_body(void *context, const char *data, size_t len)
{
	struct watch *watch = context;
	for (size_t i = 0; i < len; i++) {
		if (watch->len == sizeof watch->line)
			watch->len = 0; /* a lab sends no line that long */
		watch->line[watch->len++] = data[i];
		if (data[i] == '\n') {
			on_line(watch);
			watch->len = 0;
		}
	}
	/* The observer writes its text in a thread of its own, which does not report a closed pipe.
	   So poll(2) looks for one. */
	struct pollfd out = { .fd = STDOUT_FILENO };
	watch->full = fflush(stdout) != 0 || (poll(&out, 1, 0) > 0 && out.revents & POLLERR);
	return !watch->full;
}

/* ---- the command ---- */

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	struct watch *watch = context;
	switch (id) {
	case OPTION_SINCE:
		watch->since = value;
		break;
	case OPTION_EVENT:
		watch->event = value;
		break;
	case OPTION_ENDPOINT:
		watch->endpoint = value;
		break;
	case OPTION_VERBOSE:
		watch->verbose = true;
		break;
	}
	return true;
}

static bool add_parameter(char *target, size_t size, const char *name, const char *value)
{
	size_t used = strlen(target);
	if (!value)
		return true;
	snprintf(target + used, size - used, "&%s=", name);
	return ctl_encode(target, size, value);
}

/* Reads the events after `since` until the stream ends. False with `err`. */
static bool read_events(struct watch *watch, const char *since, struct ctl_answer *answer,
	struct err *err)
{
	char target[2048] = "/v1/events?format=ndjson";
	if (!add_parameter(target, sizeof target, "since", since) ||
		!add_parameter(target, sizeof target, "event", watch->event) ||
		!add_parameter(target, sizeof target, "endpoint", watch->endpoint)) {
		err_set(err, STATUS_USAGE, "these names are too long");
		return false;
	}
	const struct ctl_request request = { .method = "GET",
		.target = target,
		.on_body = on_body,
		.context = watch };
	watch->len = 0;
	return ctl_ask(&watch->ctl.lab, &request, answer, err);
}

static int watch_events(struct watch *watch)
{
	static struct ctl_answer answer;
	struct err err = { 0 }, again;
	char since[32] = "";
	json_int_t before = 0;
	bool done = read_events(watch, watch->since ? watch->since : "now", &answer, &err);
	/* While this program was stopped (Ctrl-Z, a pager), the lab may have closed the connection.
	   As long as new events come, go on behind the last one. */
	while (!done && !watch->full && watch->seq > before) {
		before = watch->seq;
		poll(NULL, 0, RETRY_MS);
		snprintf(since, sizeof since, "%" JSON_INTEGER_FORMAT, before);
		done = read_events(watch, since, &answer, &again);
	}
	if (watch->full)
		err_set(&err, STATUS_FAILED, "stdout takes no more");
	else if (done && answer.status / 100 != 2)
		return ctl_refused(&watch->ctl, &answer);
	else if (done)
		return STATUS_OK; /* the lab has stopped */
	return cli_fail(ctl_watch_cli.program, &err);
}

int ctl_watch(int argc, char **argv)
{
	static struct watch watch;
	int status;
	watch.ctl.on_option = on_option;
	watch.ctl.context = &watch;
	if (!ctl_begin(&watch.ctl, &ctl_watch_cli, argc, argv, 0, 0, "", &status))
		return status;
	if (!watch.ctl.json) {
		const char *no_color = getenv("NO_COLOR");
		watch.text = observer_text_create(STDOUT_FILENO,
			watch.verbose ? TEXT_ALL : TEXT_SENTENCES,
			isatty(STDOUT_FILENO) && (!no_color || !*no_color));
		if (!watch.text) {
			const struct err err = { STATUS_FAILED, "out of memory" };
			return cli_fail(ctl_watch_cli.program, &err);
		}
	}
	status = watch_events(&watch);
	if (watch.text)
		watch.text->ops->destroy(watch.text);
	return status;
}
