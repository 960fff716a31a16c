/* The observer that writes NDJSON. */
#include "servers/events/observers.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "servers/events/line.h"
#include "servers/events/sink.h"

/* RESERVE_BYTES keeps room for the last two lines (`lost`, `stop`). LAST_WORDS_SECONDS is how long
   a reader that has stopped may delay the end. */
enum { RESERVE_BYTES = 8192 };
static const double LAST_WORDS_SECONDS = 0.5;

struct observer_jsonl {
	struct observer base;
	int fd;
	struct sink *sink;
	struct events_outcome *outcome;
	uint64_t lost; /* events that were lost since the last line */
	char line[EVENT_TEXT_MAX];
};

/* Writes a pending `lost`. False: it could not be written. */
static bool tell_lost(struct observer_jsonl *jsonl, const struct event *now, size_t reserve)
{
	if (jsonl->lost == 0)
		return true;
	/* It has the number of the last event that was lost. */
	size_t len = event_write_lost(jsonl->line, sizeof jsonl->line, now->t, now->seq - 1,
		jsonl->lost);
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
		size_t len = event_write(jsonl->line, sizeof jsonl->line, event);
		if (len > 0 && sink_write(jsonl->sink, jsonl->line, len, reserve))
			return;
	}
	jsonl->lost++;
}

static void jsonl_destroy(struct observer *observer)
{
	struct observer_jsonl *jsonl = (struct observer_jsonl *)observer;
	struct sink_loss loss;
	sink_destroy(jsonl->sink, LAST_WORDS_SECONDS, &loss);
	/* A reader that stops reading does not want the rest. */
	if (jsonl->outcome && loss.error != 0 && loss.error != EPIPE)
		*jsonl->outcome = (struct events_outcome){ loss.error, loss.lines + jsonl->lost };
	if (jsonl->fd > STDERR_FILENO)
		close(jsonl->fd);
	free(jsonl);
}

static const struct observer_ops jsonl_ops = { .on_event = jsonl_on_event,
	.destroy = jsonl_destroy };

struct observer *observer_jsonl_create(int fd, uint64_t limit, struct events_outcome *outcome)
{
	struct observer_jsonl *jsonl = calloc(1, sizeof *jsonl);
	if (!jsonl)
		return NULL;
	jsonl->base.ops = &jsonl_ops;
	jsonl->base.wants = EVENT_ALL;
	jsonl->fd = fd;
	jsonl->outcome = outcome;
	jsonl->sink = sink_create(fd, limit);
	if (!jsonl->sink) {
		free(jsonl);
		return NULL;
	}
	return &jsonl->base;
}
