/*
 * Reads the journal: each kind of event has a function, which a table finds. A journal may be
 * truncated or written by hand, so a missing field counts as zero or as an empty text. Events about
 * connections: facts_conns.c.
 */
#include "servers/commands/answers/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/wire.h"
#include "servers/commands/ndjson.h"

struct reader {
	struct facts *facts;
	struct ndjson file;
	const json_t *event;
};

void facts_init(struct facts *facts)
{
	*facts = (struct facts){ .mss = 1460, .chunk = 16, .clients = json_array() };
}

static bool out_of_memory(struct err *err)
{
	err_set(err, STATUS_FAILED, "out of memory");
	return false;
}

static uint64_t count_of(const struct reader *reader, const char *field)
{
	return ndjson_count(reader->event, field);
}

static bool is(const struct reader *reader, const char *field, const char *text)
{
	return strcmp(ndjson_text(reader->event, field), text) == 0;
}

static char *copy_text(const struct reader *reader, const char *field)
{
	return strdup(ndjson_text(reader->event, field));
}

/* ---- datagrams ---- */

static struct facts_reset *find_reset(struct reader *reader)
{
	if (!is(reader, "endpoint", "reset"))
		return NULL;
	return &reader->facts->reset[count_of(reader, "family") == 6];
}

static bool read_receive(struct reader *reader, struct err *err)
{
	struct facts_reset *reset = find_reset(reader);
	if (!reset)
		return true;
	reset->received++;
	reset->last_line = reader->file.line;
	if (reset->first_line == 0)
		reset->first_line = reader->file.line;
	return true;
}

static bool read_drop(struct reader *reader, struct err *err)
{
	struct facts_reset *reset = find_reset(reader);
	if (!reset)
		return true;
	if (is(reader, "reason", "loss"))
		reset->lost++;
	else if (!is(reader, "direction", "reply") && reset->received > 0)
		reset->received--; /* not dropped by the network, so it does not count */
	return true;
}

static bool read_duplicate(struct reader *reader, struct err *err)
{
	reader->facts->duplicates += find_reset(reader) != NULL;
	return true;
}

/* Writes the date that is `seconds` after `start`; "" when `start` is no date. */
static void add_seconds(const char *start, double seconds, char date[FACTS_DATE])
{
	struct tm tm = { 0 };
	int milliseconds, hours, minutes;
	char sign;
	*date = '\0';
	if (sscanf(start, "%4d-%2d-%2dT%2d:%2d:%2d.%3d%c%2d:%2d", &tm.tm_year, &tm.tm_mon,
		    &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &milliseconds, &sign, &hours,
		    &minutes) != 10 ||
		(sign != '+' && sign != '-') || !(seconds > -1e9 && seconds < 1e9))
		return;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	/* Computes with the local time as if it were UTC; the offset stays that of `start`. */
	long long total =
		(long long)timegm(&tm) * 1000 + milliseconds + (long long)(seconds * 1000 + 0.5);
	time_t whole = (time_t)(total / 1000);
	char text[32];
	if (!gmtime_r(&whole, &tm) || total < 0)
		return;
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(date, FACTS_DATE, "%s.%03d%c%02d:%02d", text, (int)(total % 1000), sign, hours,
		minutes);
}

static bool read_reply(struct reader *reader, struct err *err)
{
	struct facts_reset *reset = find_reset(reader);
	const char *text = ndjson_text(reader->event, "text");
	long x;
	if (!reset || !wire_parse_offset(text, strlen(text), &x))
		return true;
	struct facts *facts = reader->facts;
	struct facts_acknowledgement *last = &facts->acknowledgement;
	reset->acknowledged++;
	reset->last_line = reader->file.line;
	last->line = reader->file.line;
	last->family = count_of(reader, "family") == 6 ? 6 : 4;
	last->t = json_number_value(json_object_get(reader->event, "t"));
	add_seconds(facts->start_date, last->t - facts->start_t, last->date);
	snprintf(last->text, sizeof last->text, "%s", text);
	return true;
}

/* ---- the station ---- */

static bool read_line(struct reader *reader, struct err *err)
{
	struct facts *facts = reader->facts;
	facts->lines_told++;
	/* The datagram of a blank line of the play has nothing but the ID. */
	if (facts->line_count == FACTS_LINES ||
		strlen(ndjson_text(reader->event, "text")) <= WIRE_ID_BYTES)
		return true;
	char *text = copy_text(reader, "text");
	if (!text)
		return out_of_memory(err);
	facts->lines[facts->line_count++] = (struct facts_text){ reader->file.line, text };
	return true;
}

/* Finds or adds the event's participant. NULL: there are FACTS_SPEAKERS already, or (with `err`)
   out of memory. */
static struct facts_speaker *find_speaker(struct reader *reader, struct err *err)
{
	struct facts *facts = reader->facts;
	for (size_t i = 0; i < facts->speaker_count; i++)
		if (is(reader, "id", facts->speakers[i].id))
			return &facts->speakers[i];
	if (facts->speaker_count == FACTS_SPEAKERS) {
		facts->speakers_left_out = true;
		return NULL;
	}
	char *id = copy_text(reader, "id");
	if (!id) {
		out_of_memory(err);
		return NULL;
	}
	struct facts_speaker *speaker = &facts->speakers[facts->speaker_count++];
	*speaker = (struct facts_speaker){ .id = id };
	return speaker;
}

static bool read_participant(struct reader *reader, struct err *err)
{
	struct facts_speaker *speaker = find_speaker(reader, err);
	if (!speaker)
		return err->text[0] == '\0';
	speaker->total = count_of(reader, "total");
	if (!speaker->text)
		speaker->line = reader->file.line;
	return true;
}

static bool read_answer(struct reader *reader, struct err *err)
{
	struct facts_speaker *speaker = find_speaker(reader, err);
	if (!speaker)
		return err->text[0] == '\0';
	free(speaker->text);
	speaker->text = copy_text(reader, "text");
	speaker->line = reader->file.line;
	speaker->answers++;
	return speaker->text || out_of_memory(err);
}

/* ---- the journal ---- */

static uint64_t key_of(const json_t *config, const char *key, uint64_t otherwise)
{
	const char *text = json_string_value(json_object_get(config, key));
	uint64_t value = text ? strtoull(text, NULL, 10) : 0;
	return value > 0 ? value : otherwise;
}

static bool read_start(struct reader *reader, struct err *err)
{
	struct facts *facts = reader->facts;
	const json_t *config = json_object_get(reader->event, "config");
	facts->runs++;
	facts->start_t = json_number_value(json_object_get(reader->event, "t"));
	snprintf(facts->start_date, sizeof facts->start_date, "%s",
		ndjson_text(reader->event, "time"));
	facts->mss = key_of(config, "pmu.mss", facts->mss);
	facts->chunk = key_of(config, "echo.chunk", facts->chunk);
	return true;
}

static bool read_lost(struct reader *reader, struct err *err)
{
	reader->facts->missing += count_of(reader, "count");
	return true;
}

static bool read_repeated(struct reader *reader, struct err *err)
{
	reader->facts->repeated += is(reader, "endpoint", "reset") ? count_of(reader, "count") : 0;
	return true;
}

static bool read_conn(struct reader *reader, struct err *err)
{
	return facts_read_conn(reader->facts, reader->event, reader->file.line) ||
	       out_of_memory(err);
}

static const struct {
	const char *event;
	bool (*read)(struct reader *reader, struct err *err);
} readers[] = {
	{ "start", read_start },
	{ "open", read_conn },
	{ "command", read_conn },
	{ "send", read_conn },
	{ "close", read_conn },
	{ "receive", read_receive },
	{ "drop", read_drop },
	{ "duplicate", read_duplicate },
	{ "reply", read_reply },
	{ "line", read_line },
	{ "participant", read_participant },
	{ "answer", read_answer },
	{ "lost", read_lost },
	{ "repeated", read_repeated },
};

static bool read_event(void *context, const json_t *event, struct err *err)
{
	struct reader *reader = context;
	reader->event = event;
	reader->facts->events +=
		json_is_integer(json_object_get(event, "seq")) && *ndjson_text(event, "event");
	for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++)
		if (is(reader, "event", readers[i].event))
			return readers[i].read(reader, err);
	return true;
}

bool facts_read_journal(struct facts *facts, const char *program, const char *path, struct err *err)
{
	struct reader reader = { .facts = facts,
		.file = { .program = program, .path = path, .what = "event" } };
	err->text[0] = '\0';
	if (!ndjson_read(&reader.file, read_event, &reader, err))
		return false;
	if (facts->events > 0)
		return true;
	err_set(err, STATUS_FAILED,
		"%s: there is no event in it; pmulab run --events FILE writes one", path);
	return false;
}

/* ---- clients ---- */

static bool read_client(void *context, const json_t *object, struct err *err)
{
	struct facts *facts = context;
	return json_array_append(facts->clients, (json_t *)object) == 0 || out_of_memory(err);
}

bool facts_read_client(struct facts *facts, const char *program, const char *path, struct err *err)
{
	struct ndjson file = { .program = program,
		.path = path,
		.what = "object of a client's --json" };
	return ndjson_read(&file, read_client, facts, err);
}

void facts_finish(struct facts *facts)
{
	facts_finish_conns(facts);
	for (size_t i = 0; i < facts->line_count; i++)
		free(facts->lines[i].text);
	for (size_t i = 0; i < facts->speaker_count; i++) {
		free(facts->speakers[i].id);
		free(facts->speakers[i].text);
	}
	json_decref(facts->clients);
}
