/* The observer of the summary: collects from events which endpoints the program met, what it asked
   of them, what came of it, and what was wrong. summary_text.c writes it. */
#include "servers/events/observers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "servers/events/sink.h"
#include "servers/events/summary.h"

/* How long a terminal that does not read may delay the end of `pmulab run`. */
static const double LAST_WORDS_SECONDS = 2;

struct observer_summary {
	struct observer base;
	int fd;
	struct summary summary;
};

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

static bool says(const struct event *event, const char *name, const char *text)
{
	return strcmp(text_of(event, name), text) == 0;
}

static void excerpts_add_field(struct excerpts *excerpts, const struct field *field)
{
	if (field && field->text)
		excerpts_add(excerpts, field->text, (size_t)field->integer);
}

/* ---- events of streams ---- */

static void on_open(struct summary *summary, struct met *met, const struct event *event)
{
	met->connections++;
}

static void on_command(struct summary *summary, struct met *met, const struct event *event)
{
	struct track *track = track_find(summary, event->subject.endpoint, event->subject.conn);
	track->refused = says(event, "kind", "bad"); /* its `error` event follows */
	met->not_understood += track->refused;
	if (track->refused)
		return;
	excerpts_add_field(&met->asked, event_field(event, "text"));
	track->expected = integer_of(event, "messages");
}

static void on_close(struct summary *summary, struct met *met, const struct event *event)
{
	bool pmu = endpoint_table[event->subject.endpoint].groups & GROUP_PMU;
	const struct field *command = event_field(event, "command");
	const struct verdict verdict = {
		.command = command ? command->text : NULL,
		.command_len = command ? (size_t)command->integer : 0,
		.messages = integer_of(event, "messages"),
		.bytes_in = integer_of(event, "bytes_in"),
		.lost = says(event, "why", "connection lost"),
	};
	struct track *track = track_find(summary, event->subject.endpoint, event->subject.conn);
	met->closed++;
	met->closed_by_peer += says(event, "first", "peer");
	if (says(event, "why", "no handshake")) {
		met->no_handshake++;
	} else if (says(event, "why", "unused")) {
		met->unused++;
	} else if (track->refused) {
		/* the server has answered; whether the program read the answer is not judged */
		track->pending = track->pending && !verdict.lost;
	} else if (pmu && !verdict.command) {
		met->no_command++;
		track_judge_silence(track, &verdict);
	} else {
		met->messages += (uint64_t)integer_of(event, "messages");
		met->bytes_in += (uint64_t)integer_of(event, "bytes_in");
		met->bytes_out += (uint64_t)integer_of(event, "bytes_out");
		met->segments += (uint64_t)integer_of(event, "segments_out");
		track_judge_answer(track, &verdict);
	}
	track_settle(summary, track);
	track->conn = 0;
}

/* ---- events of datagrams ---- */

static struct beginning beginning_of(const struct field *field)
{
	struct beginning beginning = { .len = (size_t)field->integer };
	memcpy(beginning.bytes, field->text,
		beginning.len < sizeof beginning.bytes ? beginning.len : sizeof beginning.bytes);
	return beginning;
}

static bool was_corrupted(const struct summary *summary, const struct field *field)
{
	if (!field || !field->text)
		return false;
	struct beginning beginning = beginning_of(field);
	for (size_t i = 0; i < SUMMARY_CORRUPTED && i < summary->corrupted_count; i++)
		if (memcmp(&summary->corrupted[i], &beginning, sizeof beginning) == 0)
			return true;
	return false;
}

static void on_receive(struct summary *summary, struct met *met, const struct event *event)
{
	const struct field *text = event_field(event, "text");
	met->requests[integer_of(event, "family") == 6]++;
	met->bytes += (uint64_t)integer_of(event, "bytes");
	excerpts_add_field(&met->asked, text);
	if (text && text->text)
		summary->last = beginning_of(text);
}

/* A `corrupt` of a request comes directly behind its `receive`. */
static void on_corrupt(struct summary *summary, struct met *met, const struct event *event)
{
	size_t bit = (size_t)integer_of(event, "bit");
	if (!says(event, "direction", "request"))
		return;
	met->changed++;
	if (bit / 8 < sizeof summary->last.bytes)
		summary->last.bytes[bit / 8] ^= (char)(1 << bit % 8);
	summary->corrupted[summary->corrupted_count++ % SUMMARY_CORRUPTED] = summary->last;
}

static void on_duplicate(struct summary *summary, struct met *met, const struct event *event)
{
	met->doubled += says(event, "direction", "request");
}

static void on_drop(struct summary *summary, struct met *met, const struct event *event)
{
	int64_t count = integer_of(event, "count");
	if (says(event, "direction", "reply")) {
		met->replies_lost++;
		met->unheard += met->after_reset;
		met->after_reset = false;
		return;
	}
	if (says(event, "reason", "loss")) {
		met->lost++;
		return;
	}
	if (integer_of(event, "n") == 0 && count == 0) /* such a datagram had no `receive` */
		met->requests[integer_of(event, "family") == 6]++;
	if (says(event, "reason", "the family is not served now")) {
		met->unserved++;
		return;
	}
	if (met->given_up == 0)
		snprintf(met->given_up_why, sizeof met->given_up_why, "%s",
			text_of(event, "reason"));
	met->given_up += count ? (uint64_t)count : 1;
}

static void on_reset(struct summary *summary, struct met *met, const struct event *event)
{
	met->resets++;
	met->seconds += (uint64_t)integer_of(event, "offset");
	met->after_reset = true;
}

static void on_reply(struct summary *summary, struct met *met, const struct event *event)
{
	met->replies++;
	met->after_reset = false;
}

static void on_repeated(struct summary *summary, struct met *met, const struct event *event)
{
	met->repeated += (uint64_t)integer_of(event, "count");
}

/* ---- events of the station ---- */

static void on_line(struct summary *summary, struct met *met, const struct event *event)
{
	met->lines++;
}

/* NULL: no valid ID, or one speaker too many. */
static struct speaker *speaker_of(struct met *met, const struct event *event)
{
	const struct field *id = event_field(event, "id");
	if (!id || !id->text || id->integer != WIRE_ID_BYTES)
		return NULL;
	for (size_t i = 0; i < met->speaker_count; i++)
		if (memcmp(met->speakers[i].id, id->text, WIRE_ID_BYTES) == 0)
			return &met->speakers[i];
	if (met->speaker_count == SUMMARY_SPEAKERS)
		return NULL;
	struct speaker *speaker = &met->speakers[met->speaker_count++];
	memcpy(speaker->id, id->text, WIRE_ID_BYTES);
	return speaker;
}

static void on_participant(struct summary *summary, struct met *met, const struct event *event)
{
	struct speaker *speaker = speaker_of(met, event);
	if (!speaker) {
		met->others++;
		return;
	}
	speaker->datagrams++;
	speaker->characters = (uint64_t)integer_of(event, "total");
}

static void on_answer(struct summary *summary, struct met *met, const struct event *event)
{
	struct speaker *speaker = speaker_of(met, event);
	if (speaker)
		speaker->answers++;
}

/* ---- the journal's ---- */

static void on_listen(struct summary *summary, struct met *met, const struct event *event)
{
	met->listens = true;
}

/* Warnings about the configuration were already shown at the start. */
static void on_error(struct summary *summary, struct met *met, const struct event *event)
{
	const struct field *bytes = event_field(event, "bytes");
	enum blame blame = says(event, "fault", "peer") ? BLAME_PROGRAM : BLAME_LAB;
	if (says(event, "fault", "configuration") || was_corrupted(summary, bytes))
		return;
	if (event->subject.conn == 0) {
		faults_add(summary, event->subject.endpoint, blame, text_of(event, "what"),
			bytes ? bytes->text : NULL, bytes ? (size_t)bytes->integer : 0);
		return;
	}
	struct track *track = track_find(summary, event->subject.endpoint, event->subject.conn);
	track_settle(summary, track);
	track_blame(track, blame, text_of(event, "what"), bytes ? bytes->text : NULL,
		bytes ? (size_t)bytes->integer : 0);
}

static void on_hint(struct summary *summary, struct met *met, const struct event *event)
{
	faults_add(summary, event->subject.endpoint, BLAME_NOBODY, text_of(event, "what"), NULL, 0);
}

static double real_of(const struct event *event, const char *name)
{
	const struct field *field = event_field(event, name);
	return field ? field->real : NAN;
}

static void on_program(struct summary *summary, const struct event *event)
{
	static const char *const ways[] = { "exited", "killed", "timeout" };
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		if (says(event, "how", ways[i]))
			summary->program.how = ways[i];
	summary->program.status = integer_of(event, "status");
	summary->program.seconds = real_of(event, "seconds");
	summary->program.cpu = real_of(event, "cpu");
	summary->program.quiet = summary->last_met > 0 ? event->t - summary->last_met : NAN;
}

static void (*const collect[EVENT_TYPE_COUNT])(struct summary *, struct met *,
	const struct event *) = {
	[EVENT_LISTEN] = on_listen,
	[EVENT_OPEN] = on_open,
	[EVENT_COMMAND] = on_command,
	[EVENT_ERROR] = on_error,
	[EVENT_HINT] = on_hint,
	[EVENT_CLOSE] = on_close,
	[EVENT_RECEIVE] = on_receive,
	[EVENT_DROP] = on_drop,
	[EVENT_DUPLICATE] = on_duplicate,
	[EVENT_CORRUPT] = on_corrupt,
	[EVENT_RESET] = on_reset,
	[EVENT_REPLY] = on_reply,
	[EVENT_LINE] = on_line,
	[EVENT_PARTICIPANT] = on_participant,
	[EVENT_ANSWER] = on_answer,
	[EVENT_REPEATED] = on_repeated,
};

static void summary_on_event(struct observer *observer, const struct event *event)
{
	struct summary *summary = &((struct observer_summary *)observer)->summary;
	if (event->type == EVENT_PROGRAM)
		on_program(summary, event);
	if (event->subject.endpoint == ENDPOINT_NONE)
		return;
	if (event->subject.peer && event->type != EVENT_CLOSE) /* which the lab waits for */
		summary->last_met = event->t;
	struct met *met = &summary->met[event->subject.endpoint];
	/* only events about the program's traffic have a peer */
	met->met = met->met || event->subject.peer;
	collect[event->type](summary, met, event);
}

static void say(const struct summary *summary, int fd)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct sink *sink = sink_create(fd, 0);
	if (out)
		summary_write(summary, out);
	if (out && fclose(out) == 0 && sink && len > 0)
		sink_write(sink, text, len, 0);
	sink_destroy(sink, LAST_WORDS_SECONDS, NULL);
	free(text);
}

static void summary_destroy(struct observer *observer)
{
	struct observer_summary *self = (struct observer_summary *)observer;
	for (size_t i = 0; i < SUMMARY_TRACKS; i++)
		track_settle(&self->summary, &self->summary.tracks[i]);
	say(&self->summary, self->fd);
	free(self);
}

static const struct observer_ops summary_ops = { .on_event = summary_on_event,
	.destroy = summary_destroy };

struct observer *observer_summary_create(int fd)
{
	struct observer_summary *self = calloc(1, sizeof *self);
	if (!self)
		return NULL;
	self->base.ops = &summary_ops;
	self->fd = fd;
	for (int type = 0; type < EVENT_TYPE_COUNT; type++)
		if (collect[type] || type == EVENT_PROGRAM)
			self->base.wants |= EVENT_BIT(type);
	return &self->base;
}
