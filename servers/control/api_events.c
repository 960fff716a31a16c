/*
 * GET /v1/events: past events from the ring, then events as they happen. A reader has a position in
 * the ring, and writes from there as much as its stream takes. A slow reader falls behind; a `lost`
 * tells it what the ring no longer has.
 */
#include "servers/control/api_private.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/events/line.h"

/* Events within this time wake the readers once. */
static const double GATHER_SECONDS = 0.01;
/* The interval of a comment line, by which each side learns that the other is still there. */
static const double SIGN_OF_LIFE_SECONDS = 15;

enum {
	PIECE = HTTP_STREAM_PIECE_MAX,
	LINE_ROOM = EVENT_TEXT_MAX + 64, /* a line and what SSE puts around it */
	/* lines that are looked at for one reader; then it is the others' turn */
	LINES_A_TURN = 8192,
	CHOICE_MAX = 1024,   /* bytes of a list of names */
};

struct reader {
	struct api_events *events;
	struct reader *next;
	struct http_stream *stream;
	uint64_t at;        /* the number of the next line */
	unsigned types;     /* EVENT_BIT()s */
	unsigned endpoints; /* a bit for each endpoint, and WHOLE_LAB */
	bool ndjson;
	bool full; /* waits for on_drain */
};

struct api_events {
	struct api *api;
	struct ev_loop *loop;
	struct reader *readers;
	struct ev_timer gather, sign_of_life;
	char piece[PIECE];
};

/* The bit of events that are about no endpoint. */
#define WHOLE_LAB (1u << ENDPOINT_COUNT)

/* ---- writing ---- */

/* Writes one line in the reader's format; `to` has LINE_ROOM bytes. */
static size_t put_line(const struct reader *reader, char *to, uint64_t seq, const char *text,
	size_t len)
{
	size_t used = 0;
	if (!reader->ndjson)
		used = (size_t)sprintf(to, "id: %llu\ndata: ", (unsigned long long)seq);
	memcpy(to + used, text, len);
	used += len;
	if (!reader->ndjson)
		to[used++] = '\n';
	return used;
}

/* Writes a `lost` for the events that the ring no longer has. */
static size_t put_lost(const struct reader *reader, char *to, uint64_t first)
{
	char text[256];
	size_t len = event_write_lost(text, sizeof text,
		emulator_uptime(reader->events->api->emulator), first - 1, first - reader->at);
	return put_line(reader, to, first - 1, text, len);
}

static bool wants(const struct reader *reader, const struct ring_line *line)
{
	unsigned endpoint = line->endpoint == ENDPOINT_NONE ? WHOLE_LAB : 1u << line->endpoint;
	return line->type == EVENT_LOST ||
	       (reader->types & EVENT_BIT(line->type) && reader->endpoints & endpoint);
}

/* Fills the piece with as many lines from *at on as fit. */
static size_t fill(const struct reader *reader, uint64_t *at, unsigned *budget)
{
	const struct ring *ring = reader->events->api->ring;
	char *piece = reader->events->piece;
	size_t used = 0;
	if (*at < ring_first(ring)) {
		used = put_lost(reader, piece, ring_first(ring));
		*at = ring_first(ring);
	}
	struct ring_line line;
	for (; *budget > 0 && used + LINE_ROOM <= PIECE && ring_line(ring, *at, &line);
		(*at)++, (*budget)--)
		if (wants(reader, &line))
			used += put_line(reader, piece + used, line.seq, line.text, line.len);
	return used;
}

/* Writes as much as the stream takes, but no more than one turn's share. */
static void feed(struct reader *reader)
{
	struct api_events *events = reader->events;
	unsigned budget = LINES_A_TURN;
	while (!reader->full && reader->at < ring_next(events->api->ring) && budget > 0) {
		uint64_t at = reader->at;
		size_t len = fill(reader, &at, &budget);
		if (len > 0 && !http_stream_write(reader->stream, events->piece, len))
			reader->full = true;
		else
			reader->at = at;
	}
	if (budget == 0 && !ev_is_active(&events->gather))
		ev_timer_start(events->loop, &events->gather);
}

/* ---- when ---- */

static void on_event(void *context)
{
	struct api_events *events = context;
	if (events->readers && !ev_is_active(&events->gather)) {
		ev_timer_set(&events->gather, GATHER_SECONDS, 0);
		ev_timer_start(events->loop, &events->gather);
	}
}

static void on_gathered(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct api_events *events = timer->data;
	ev_timer_set(timer, 0, 0); /* a reader that is not done goes on in the next turn */
	for (struct reader *reader = events->readers; reader; reader = reader->next)
		feed(reader);
}

static void on_sign_of_life(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	const struct api_events *events = timer->data;
	for (struct reader *reader = events->readers; reader; reader = reader->next)
		if (!reader->full && !reader->ndjson)
			http_stream_write(reader->stream, ":\n\n", 3);
}

static void on_drain(void *context)
{
	struct reader *reader = context;
	reader->full = false;
	feed(reader);
}

static void drop_reader(struct reader *reader)
{
	struct reader **at = &reader->events->readers;
	while (*at != reader)
		at = &(*at)->next;
	*at = reader->next;
	if (!reader->events->readers)
		ev_timer_stop(reader->events->loop, &reader->events->sign_of_life);
	free(reader);
}

static void on_close(void *context)
{
	drop_reader(context);
}

static const struct http_stream_ops stream_ops = { .on_drain = on_drain, .on_close = on_close };

/* ---- who reads ---- */

static int find_type(const char *name)
{
	for (int type = 0; type < EVENT_TYPE_COUNT; type++)
		if (strcmp(name, event_table[type].name) == 0)
			return type;
	return -1;
}

static int find_endpoint(const char *name)
{
	return strcmp(name, "lab") == 0 ? ENDPOINT_COUNT : (int)endpoint_find(name);
}

/* Reads "pmu,reset": a bit for each name; all bits where the parameter is missing. False:
   refused. */
static bool choose(struct http_request *request, const char *parameter,
	int (*find)(const char *name), unsigned *bits)
{
	const char *list = http_request_parameter(request, parameter);
	char names[CHOICE_MAX], *rest = names;
	*bits = list ? 0 : ~0u;
	if (!list)
		return true;
	if (strlen(list) >= sizeof names) {
		api_refuse(request, 400, parameter, "name each once", "this list is too long");
		return false;
	}
	strcpy(names, list);
	for (char *name; (name = strsep(&rest, ","));) {
		int bit = find(name);
		if (bit < 0) {
			api_refuse(request, 400, parameter, "", "there is no %s \"%.64s\"",
				parameter, name);
			return false;
		}
		*bits |= 1u << bit;
	}
	return true;
}

static bool choose_form(struct http_request *request, bool *ndjson)
{
	const char *form = http_request_parameter(request, "format");
	*ndjson = form && strcmp(form, "ndjson") == 0;
	if (!form || *ndjson || strcmp(form, "sse") == 0)
		return true;
	api_refuse(request, 400, "format", "sse or ndjson", "there is no format \"%.64s\"", form);
	return false;
}

/*
 * Where reading begins. A browser that reconnects sends Last-Event-ID with the address of its first
 * request, so the header wins. A number that has not happened yet is from another run of the lab:
 * then all events are sent.
 */
static bool choose_start(const struct ring *ring, struct http_request *request, uint64_t *at)
{
	const char *last = http_request_header(request, "Last-Event-ID");
	const char *since = last && *last ? last : http_request_parameter(request, "since");
	uint64_t seq = 0;
	*at = ring_first(ring);
	if (!since)
		return true;
	if (strcmp(since, "now") == 0) {
		*at = ring_next(ring);
		return true;
	}
	if (!api_number(since, &seq)) {
		api_refuse(request, 400, since == last ? "Last-Event-ID" : "since",
			"the seq of an event, or now", "\"%.64s\" is no number of an event", since);
		return false;
	}
	if (seq < ring_next(ring))
		*at = seq + 1;
	return true;
}

static void begin(struct reader *reader, struct http_request *request)
{
	struct api_events *events = reader->events;
	reader->stream = http_stream_start(request,
		reader->ndjson ? "application/x-ndjson" : "text/event-stream", NULL, &stream_ops,
		reader);
	if (!reader->stream) {
		free(reader);
		return;
	}
	reader->next = events->readers;
	events->readers = reader;
	if (!ev_is_active(&events->sign_of_life)) {
		ev_now_update(events->loop);
		ev_timer_again(events->loop, &events->sign_of_life);
	}
	/* Tells a browser at once that it is connected, and lets it reconnect one second after a
	   disconnection. */
	static const char hello[] = "retry: 1000\n\n";
	if (!reader->ndjson)
		http_stream_write(reader->stream, hello, sizeof hello - 1);
	feed(reader);
}

void api_events(void *context, struct http_request *request)
{
	static const char *const known[] = { "since", "endpoint", "event", "format", NULL };
	struct api *api = context;
	struct reader chosen = { .events = api->events };
	if (!api_parameters(request, known) || !choose_form(request, &chosen.ndjson) ||
		!choose_start(api->ring, request, &chosen.at) ||
		!choose(request, "event", find_type, &chosen.types) ||
		!choose(request, "endpoint", find_endpoint, &chosen.endpoints))
		return;
	struct reader *reader = malloc(sizeof *reader);
	if (!reader) {
		http_refuse(request, 500, NULL, "out of memory", "");
		return;
	}
	*reader = chosen;
	begin(reader, request);
}

/* ---- all of them ---- */

struct api_events *api_events_create(struct api *api)
{
	struct api_events *events = calloc(1, sizeof *events);
	if (!events)
		return NULL;
	events->api = api;
	events->loop = emulator_loop(api->emulator);
	ev_timer_init(&events->gather, on_gathered, GATHER_SECONDS, 0);
	ev_timer_init(&events->sign_of_life, on_sign_of_life, SIGN_OF_LIFE_SECONDS,
		SIGN_OF_LIFE_SECONDS);
	events->gather.data = events->sign_of_life.data = events;
	ring_notify(api->ring, on_event, events);
	return events;
}

void api_events_finish(struct api_events *events)
{
	for (struct reader *reader = events->readers, *next; reader; reader = next) {
		next = reader->next;
		feed(reader);
		if (reader->full || reader->at < ring_next(events->api->ring))
			/* its connection is closed without the stream's end, so the client knows
			   that events are missing */
			continue;
		http_stream_end(reader->stream);
		drop_reader(reader);
	}
}

void api_events_destroy(struct api_events *events)
{
	if (!events)
		return;
	ring_notify(events->api->ring, NULL, NULL);
	ev_timer_stop(events->loop, &events->gather);
	ev_timer_stop(events->loop, &events->sign_of_life);
	free(events);
}
