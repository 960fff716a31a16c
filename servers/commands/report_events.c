/*
 * Lines are kept as they are in the journal, so that numbers do not change. Only characters that
 * are dangerous in HTML are escaped, since a text may come from a student's program or a forged
 * journal. To a JSON parser the line means the same.
 */
#include "servers/commands/report_events.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "servers/commands/ndjson.h"
#include "servers/events/line.h"

enum { SPELLED_MAX = 6 }; /* bytes that one byte becomes at most */

struct reading {
	struct report_events *events;
	struct ndjson file;
};

static bool out_of_memory(struct err *err)
{
	err_set(err, STATUS_FAILED, "out of memory");
	return false;
}

static bool line_reserve(struct report_events *events, size_t size)
{
	if (size <= events->line.size)
		return true;
	char *text = realloc(events->line.text, size);
	if (!text)
		return false;
	events->line.text = text;
	events->line.size = size;
	return true;
}

/* U+2028 and U+2029, the line and the paragraph separator of Unicode. */
static bool is_separator(const char *text, size_t len)
{
	return len >= 3 && memcmp(text, "\xe2\x80", 2) == 0 &&
	       (text[2] == '\xa8' || text[2] == '\xa9');
}

/*
 * Writes `text`, a valid JSON object, as a line, escaped. Returns the line's length. "<" could
 * begin a tag that ends the <script>, or "<!--", which hides its end. "<" and the separators are
 * only in texts, so they become \u escapes. Control characters are only between the parts of an
 * object; they become blanks, since HTML would take a CR for a line end.
 */
static size_t spell(char *line, const char *text, size_t len)
{
	char *out = line;
	while (len > 0 && (unsigned char)text[len - 1] <= ' ')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '<') {
			out = mempcpy(out, "\\u003c", 6);
		} else if (is_separator(text + i, len - i)) {
			out = mempcpy(out, text[i + 2] == '\xa8' ? "\\u2028" : "\\u2029", 6);
			i += 2;
		} else {
			*out++ = (unsigned char)text[i] < ' ' ? ' ' : text[i];
		}
	}
	*out++ = '\n';
	return (size_t)(out - line);
}

/* ---- the ring ---- */

/* The length of the oldest line. The ring is not empty. */
static size_t oldest(const struct report_events *events)
{
	const char *from = events->last + events->from;
	size_t ahead = REPORT_BYTES - events->from;
	const char *end = memchr(from, '\n', ahead);
	if (end)
		return (size_t)(end - from) + 1;
	return ahead + (size_t)((char *)memchr(events->last, '\n', events->from) - events->last) +
	       1;
}

/* Puts events->line into the ring, and removes the oldest lines to make room. */
static void keep(struct report_events *events, size_t len)
{
	while (events->len + len > REPORT_BYTES) {
		size_t gone = oldest(events);
		events->from = (events->from + gone) % REPORT_BYTES;
		events->len -= gone;
		events->left_out++;
	}
	size_t to = (events->from + events->len) % REPORT_BYTES, ahead = REPORT_BYTES - to;
	size_t first = len < ahead ? len : ahead;
	memcpy(events->last + to, events->line.text, first);
	memcpy(events->last, events->line.text + first, len - first);
	events->len += len;
}

static void write_ring(const struct report_events *events, FILE *out)
{
	size_t ahead = REPORT_BYTES - events->from;
	size_t first = events->len < ahead ? events->len : ahead;
	fwrite(events->last + events->from, 1, first, out);
	fwrite(events->last, 1, events->len - first, out);
}

/* ---- states that still hold ---- */

/* The state that an event sets, as a key. NULL: it sets none, or out of memory. */
static char *state_of(const json_t *event)
{
	/* the events that set a state, and the field that says which */
	static const char *const kinds[][2] = { { "change", "key" }, { "listen", "address" },
		{ "family", "" }, { "suspend", "" }, { "resume", "" } };
	const char *name = ndjson_text(event, "event");
	bool pause = strcmp(name, "suspend") == 0 || strcmp(name, "resume") == 0;
	size_t i = 0;
	while (i < sizeof kinds / sizeof kinds[0] && strcmp(name, kinds[i][0]) != 0)
		i++;
	if (i == sizeof kinds / sizeof kinds[0])
		return NULL;
	char *what;
	int len = asprintf(&what, "%s %s %s", pause ? "pause" : name,
		ndjson_text(event, "endpoint"), ndjson_text(event, kinds[i][1]));
	return len < 0 ? NULL : what;
}

static void state_drop(struct report_events *events, size_t i)
{
	free(events->states[i].what);
	free(events->states[i].line);
	memmove(&events->states[i], &events->states[i + 1],
		(--events->state_count - i) * sizeof events->states[0]);
}

/* Keeps events->line when the event sets a state. It replaces the line before about the same state,
   or the oldest state where there is no room. False: out of memory. */
static bool state_keep(struct report_events *events, const json_t *event, size_t len)
{
	char *what = state_of(event);
	if (!what)
		return true;
	for (size_t i = 0; i < events->state_count; i++)
		if (strcmp(events->states[i].what, what) == 0) {
			state_drop(events, i);
			break;
		}
	if (events->state_count == REPORT_STATES)
		state_drop(events, 0);
	struct report_state *state = &events->states[events->state_count++];
	*state = (struct report_state){ .what = what, .line = strndup(events->line.text, len),
		.seq = ndjson_count(event, "seq") };
	return state->line;
}

/* Writes the states of events before the event `seq`. Returns how many. */
static uint64_t write_states(const struct report_events *events, uint64_t seq, FILE *out)
{
	uint64_t count = 0;
	for (; count < events->state_count && events->states[count].seq < seq; count++)
		fputs(events->states[count].line, out);
	return count;
}

/* Writes what stands in the place of the events before the oldest line of the ring: the states that
   still hold, and a `lost` event that counts the others. */
static void write_lost(const struct report_events *events, FILE *out)
{
	size_t len = oldest(events), ahead = REPORT_BYTES - events->from,
	       first = len < ahead ? len : ahead;
	memcpy(events->line.text, events->last + events->from, first);
	memcpy(events->line.text + first, events->last, len - first);
	json_t *event = json_loadb(events->line.text, len, 0, NULL);
	uint64_t seq = ndjson_count(event, "seq");
	char text[EVENT_TEXT_MAX];
	uint64_t lost = seq - 1 - events->before - write_states(events, seq, out);
	size_t size = event_write_lost(text, sizeof text,
		json_number_value(json_object_get(event, "t")), seq - 1, lost);
	fwrite(text, 1, lost > 0 ? size : 0, out);
	json_decref(event);
}

/* ---- reading ---- */

static bool refuse(const struct reading *reading, const char *why, struct err *err)
{
	err_set(err, STATUS_FAILED, "%s:%" PRIu64 ": %s", reading->file.path, reading->file.line,
		why);
	return false;
}

static bool read_event(void *context, const json_t *event, struct err *err)
{
	struct reading *reading = context;
	struct report_events *events = reading->events;
	uint64_t seq = ndjson_count(event, "seq");
	const char *name = ndjson_text(event, "event");
	if (!*name || seq == 0 || !json_is_number(json_object_get(event, "t")))
		return refuse(reading,
			"this is no event: it should have t, seq and event (docs/events.md)", err);
	if (seq <= events->seq)
		return refuse(reading, "a second run begins here; one file for each, please", err);
	if (!line_reserve(events, SPELLED_MAX * reading->file.len + 1))
		return out_of_memory(err);
	size_t len = spell(events->line.text, reading->file.text, reading->file.len);
	if (len > REPORT_BYTES)
		/* possible only when most of its bytes are escaped */
		return refuse(reading, "this line is too long for an event", err);
	events->seq = seq;
	if (events->count++ > 0 || strcmp(name, "start") != 0) {
		if (events->count == 1)
			events->before = seq - 1;
		keep(events, len);
		return state_keep(events, event, len) || out_of_memory(err);
	}
	events->before = seq;
	events->start = strndup(events->line.text, len);
	return events->start || out_of_memory(err);
}

bool report_events_read(struct report_events *events, const char *program, const char *path,
	struct err *err)
{
	struct reading reading = { events, { .program = program, .path = path, .what = "event" } };
	events->last = malloc(REPORT_BYTES);
	if (!events->last)
		return out_of_memory(err);
	bool done = ndjson_read(&reading.file, read_event, &reading, err);
	if (done && events->count == 0) {
		err_set(err, STATUS_USAGE, "%s: there are no events in it", path);
		return false;
	}
	/* Any error in a file that the user named is wrong usage. */
	if (!done)
		err->status = STATUS_USAGE;
	return done;
}

void report_events_write(struct report_events *events, FILE *out)
{
	if (events->start)
		fputs(events->start, out);
	if (events->left_out > 0)
		write_lost(events, out);
	write_ring(events, out);
}

void report_events_free(struct report_events *events)
{
	free(events->start);
	while (events->state_count > 0)
		state_drop(events, events->state_count - 1);
	free(events->last);
	free(events->line.text);
	*events = (struct report_events){ 0 };
}
