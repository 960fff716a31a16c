/* The observer for people: short aligned lines, one for each event that matters. */
#include "servers/events/observers.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"
#include "servers/events/sink.h"

enum { TEXT_LINE = WIRE_SHOWN_MAX + 1024 }; /* a peer's whole text, and the words around it */
static const double LAST_WORDS_SECONDS = 0.2;

struct observer_text {
	struct observer base;
	struct sink *sink;
	enum text_mode mode;
	bool colour;
};

struct line {
	char text[TEXT_LINE];
	size_t len;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(line->text + line->len, sizeof line->text - line->len, format, args);
	va_end(args);
	if (n > 0)
		line->len += (size_t)n;
	if (line->len >= sizeof line->text)
		line->len = sizeof line->text - 1;
}

static int64_t integer_of(const struct event *event, const char *name)
{
	const struct field *field = event_field(event, name);
	return field ? field->integer : 0;
}

static const char *text_of(const struct event *event, const char *name)
{
	const struct field *field = event_field(event, name);
	return field && field->text ? field->text : "";
}

/* Adds "1 message" or "20 messages". */
static void add_count(struct line *line, const char *before, int64_t n, const char *noun)
{
	add(line, "%s%lld %s%s", before, (long long)n, noun, n == 1 ? "" : "s");
}

static void add_bytes(struct line *line, const struct field *field)
{
	char escaped[WIRE_ESCAPED_MAX];
	/* `pmulab ctl watch` shows events that another program may have written, so check the
	   field */
	if (!field || !field->text)
		return;
	wire_escape(escaped, field->text, (size_t)field->integer);
	add(line, "%s", escaped);
}

/* Adds at most `most` bytes of a peer's text, cut between characters. */
static void add_said(struct line *line, const struct field *field, size_t most)
{
	char shown[WIRE_SHOWN_MAX];
	if (!field || !field->text)
		return;
	wire_show(shown, field->text, (size_t)field->integer);
	size_t len = strlen(shown), cut = len < most ? len : most;
	while (cut < len && cut > 0 && ((unsigned char)shown[cut] & 0xc0) == 0x80)
		cut--;
	add(line, "%.*s%s", (int)cut, shown, cut < len ? "..." : "");
}

static void add_field(struct line *line, const struct field *field)
{
	add(line, "  %s=", field->name);
	switch (field->kind) {
	case FIELD_INTEGER:
	case FIELD_BOOL:
		add(line, "%lld", (long long)field->integer);
		break;
	case FIELD_REAL:
		add(line, "%.3f", field->real);
		break;
	case FIELD_SHARE:
		add(line, "%.4f", field->real);
		break;
	case FIELD_BYTES:
		add_bytes(line, field);
		break;
	case FIELD_SAID:
		add_said(line, field, WIRE_SHOWN_MAX);
		break;
	case FIELD_TEXT:
	case FIELD_JSON:
		add(line, "%s", field->text ? field->text : "-");
		break;
	}
}

/* Adds every field by name. -v shows events like this that have no sentence of their own. */
static void say_fields(struct line *line, const struct event *event)
{
	add(line, "%s", event_table[event->type].name);
	for (size_t i = 0; i < event->count; i++)
		add_field(line, &event->fields[i]);
}

static void say_start(struct line *line, const struct event *event)
{
	add(line, "pmulab %s, seed %lld", text_of(event, "version"),
		(long long)integer_of(event, "seed"));
}

static void say_listen(struct line *line, const struct event *event)
{
	add(line, "listens on %s", text_of(event, "address"));
}

static void say_error(struct line *line, const struct event *event)
{
	add(line, "%s", text_of(event, "what"));
	const struct field *bytes = event_field(event, "bytes");
	if (bytes && bytes->text) {
		add(line, ": \"");
		add_bytes(line, bytes);
		add(line, "\"");
	}
}

static void say_hint(struct line *line, const struct event *event)
{
	add(line, "hint: %s", text_of(event, "what"));
}

static double real_of(const struct event *event, const char *name)
{
	const struct field *field = event_field(event, name);
	return field ? field->real : 0;
}

static void say_family(struct line *line, const struct event *event)
{
	add(line, "serves %s", text_of(event, "active"));
	double seconds = real_of(event, "seconds");
	if (seconds > 0)
		add(line, " for the next %.*f s", seconds < 10 ? 1 : 0, seconds);
}

static void say_drop(struct line *line, const struct event *event)
{
	const char *reason = text_of(event, "reason");
	int64_t count = integer_of(event, "count");
	if (count > 0) {
		add_count(line, "", count, "datagram");
		add(line, " lost: %s", reason);
		return;
	}
	add(line, "%s ", text_of(event, "direction"));
	if (integer_of(event, "n") > 0) /* 0: the datagram has no number */
		add(line, "%lld ", (long long)integer_of(event, "n"));
	add(line, "lost: ");
	if (strcmp(reason, "loss") != 0) {
		add(line, "%s", reason);
		return;
	}
	add(line, "%s", text_of(event, "model"));
	double drawn = real_of(event, "drawn");
	if (!isnan(drawn)) /* a loss list draws no random number */
		add(line, ", drew %.4f", drawn);
}

static void say_reset(struct line *line, const struct event *event)
{
	int64_t resets = integer_of(event, "resets");
	add(line, "RESET:%lld  OFFSET %lld, clock %lld -> %lld s ahead",
		(long long)integer_of(event, "asked"), (long long)integer_of(event, "offset"),
		(long long)integer_of(event, "clock_before"),
		(long long)integer_of(event, "clock_after"));
	if (resets > 1)
		add(line, ", its reset no. %lld", (long long)resets);
}

/* As code B of the handout prints it: the whole text. */
static void say_print(struct line *line, const struct event *event)
{
	add(line, "Received data: ");
	add_said(line, event_field(event, "text"), WIRE_SHOWN_MAX);
	add(line, "  From Address: %s", event->subject.peer ? event->subject.peer : "");
}

static void say_repeated(struct line *line, const struct event *event)
{
	add(line, "repeated %lld times", (long long)integer_of(event, "count"));
}

static void say_close(struct line *line, const struct event *event)
{
	const struct field *command = event_field(event, "command");
	if (command && command->text) {
		add_bytes(line, command);
		add(line, "  ");
	}
	add_count(line, "", integer_of(event, "messages"), "message");
	add_count(line, ", ", integer_of(event, "bytes_out"), "byte");
	if (event_field(event, "segments_out"))
		add_count(line, ", ", integer_of(event, "segments_out"), "segment");
	const char *why = text_of(event, "why");
	add(line, ", closed%s%s", strcmp(why, "done") == 0 ? "" : ": ",
		strcmp(why, "done") == 0 ? "" : why);
}

static void say_stop(struct line *line, const struct event *event)
{
	add(line, "stopped: %s", text_of(event, "why"));
}

/* bytes of a text in the group that are shown; there are many speakers */
enum { SAID_BESIDE = 300 };

static void say_line(struct line *line, const struct event *event)
{
	add(line, "says \"");
	add_said(line, event_field(event, "text"), SAID_BESIDE);
	add(line, "\"");
}

static void say_participant(struct line *line, const struct event *event)
{
	add_bytes(line, event_field(event, "id"));
	add(line, " says \"");
	add_said(line, event_field(event, "text"), SAID_BESIDE);
	add_count(line, "\" (", integer_of(event, "characters"), "character");
	add(line, ", %lld so far)", (long long)integer_of(event, "total"));
}

static void say_answer(struct line *line, const struct event *event)
{
	add(line, "answers %s", text_of(event, "text"));
}

static void say_forget(struct line *line, const struct event *event)
{
	add_count(line, "forgets ", integer_of(event, "count"), "participant");
	add(line, ", silent longest: too many");
}

static void say_change(struct line *line, const struct event *event)
{
	add(line, "%s: %s -> %s (%s)", text_of(event, "key"), text_of(event, "before"),
		text_of(event, "after"), text_of(event, "who"));
}

static void say_suspend(struct line *line, const struct event *event)
{
	add(line, "takes no new work (%s)", text_of(event, "who"));
}

static void say_resume(struct line *line, const struct event *event)
{
	add(line, "takes work again (%s)", text_of(event, "who"));
}

/* Events that only -v shows: the station sends a line every second. */
static const unsigned only_verbose = EVENT_BIT(EVENT_LINE);

/* The sentence of each event. NULL: the event is shown only with -v, by its fields. */
static void (*const sentences[EVENT_TYPE_COUNT])(struct line *, const struct event *) = {
	[EVENT_START] = say_start,
	[EVENT_LISTEN] = say_listen,
	[EVENT_ERROR] = say_error,
	[EVENT_HINT] = say_hint,
	[EVENT_CLOSE] = say_close,
	[EVENT_FAMILY] = say_family,
	[EVENT_DROP] = say_drop,
	[EVENT_RESET] = say_reset,
	[EVENT_PRINT] = say_print,
	[EVENT_LINE] = say_line,
	[EVENT_PARTICIPANT] = say_participant,
	[EVENT_ANSWER] = say_answer,
	[EVENT_FORGET] = say_forget,
	[EVENT_REPEATED] = say_repeated,
	[EVENT_CHANGE] = say_change,
	[EVENT_SUSPEND] = say_suspend,
	[EVENT_RESUME] = say_resume,
	[EVENT_STOP] = say_stop,
};

static void add_subject(struct line *line, const struct subject *subject)
{
	if (subject->endpoint == ENDPOINT_NONE)
		return;
	add(line, "%-8s", endpoint_table[subject->endpoint].name);
	if (subject->conn != 0)
		add(line, " #%llu", (unsigned long long)subject->conn);
	if (subject->peer)
		add(line, " %s ", subject->peer);
	add(line, " ");
}

static void text_on_event(struct observer *observer, const struct event *event)
{
	struct observer_text *text = (struct observer_text *)observer;
	struct line line;
	bool red = text->colour && event->type == EVENT_ERROR;
	if (text->mode == TEXT_WARNINGS && strcmp(text_of(event, "fault"), "configuration") != 0)
		return;
	line.len = 0;
	if (text->mode == TEXT_ALL)
		add(&line, "%9.3f ", event->t);
	if (red)
		add(&line, "\033[31m");
	add_subject(&line, &event->subject);
	if (sentences[event->type])
		sentences[event->type](&line, event);
	else
		say_fields(&line, event);
	if (red)
		add(&line, "\033[0m");
	line.text[line.len++] = '\n';
	/* If the line does not fit, the terminal is stopped, so there is nobody to tell. */
	sink_write(text->sink, line.text, line.len, 0);
}

static void text_destroy(struct observer *observer)
{
	struct observer_text *text = (struct observer_text *)observer;
	sink_destroy(text->sink, LAST_WORDS_SECONDS, NULL);
	free(text);
}

static const struct observer_ops text_ops = { .on_event = text_on_event, .destroy = text_destroy };

struct observer *observer_text_create(int fd, enum text_mode mode, bool colour)
{
	struct observer_text *text = calloc(1, sizeof *text);
	if (!text)
		return NULL;
	text->base.ops = &text_ops;
	text->mode = mode;
	text->colour = colour;
	for (int type = 0; type < EVENT_TYPE_COUNT; type++)
		if (mode == TEXT_ALL || (mode == TEXT_SENTENCES && sentences[type] &&
						!(only_verbose & EVENT_BIT(type))))
			text->base.wants |= EVENT_BIT(type);
	if (mode == TEXT_WARNINGS)
		text->base.wants = EVENT_BIT(EVENT_ERROR);
	text->sink = sink_create(fd, 0);
	if (!text->sink) {
		free(text);
		return NULL;
	}
	return &text->base;
}
