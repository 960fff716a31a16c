/* The lines lie one behind the other in a circular buffer, each in one piece. A second circular
   buffer says where each line begins. In both, the oldest entries make room. */
#include "servers/events/ring.h"

#include <stdlib.h>
#include <string.h>

#include "servers/events/line.h"

enum { ROOM_A_PLACE = 64 }; /* bytes of lines for each place; hardly any line is shorter */

struct place {
	size_t offset;
	uint32_t len;
	uint8_t type;
	int8_t endpoint;
};

struct ring {
	struct observer base;
	char *bytes;
	size_t size;
	size_t end; /* where the next line begins, if it fits */
	struct place *places;
	size_t place_count;
	/* the kept lines have the numbers first..next-1; line n is at n % place_count */
	uint64_t first, next;
	void (*on_event)(void *context);
	void *context;
	char text[EVENT_TEXT_MAX];
};

static struct place *place_of(const struct ring *ring, uint64_t seq)
{
	return &ring->places[seq % ring->place_count];
}

/* Drops the oldest lines until there is room for a line of `len` bytes, and returns its offset. */
static size_t make_room(struct ring *ring, size_t len)
{
	if (ring->next - ring->first == ring->place_count)
		ring->first++;
	/* The oldest lines lie behind `begin`, the newer ones before it. */
	size_t begin = ring->end;
	if (begin + len > ring->size) {
		/* The line would be in two pieces, so the rest of the buffer stays empty. */
		while (ring->first < ring->next && place_of(ring, ring->first)->offset >= begin)
			ring->first++;
		begin = 0;
	}
	while (ring->first < ring->next) {
		const struct place *oldest = place_of(ring, ring->first);
		if (oldest->offset < begin || oldest->offset >= begin + len)
			break;
		ring->first++;
	}
	return begin;
}

static void ring_on_event(struct observer *observer, const struct event *event)
{
	struct ring *ring = (struct ring *)observer;
	enum event_type type = event->type;
	size_t len = event_write(ring->text, sizeof ring->text, event);
	if (len == 0) {
		type = EVENT_LOST;
		len = event_write_lost(ring->text, sizeof ring->text, event->t, event->seq, 1);
	}
	if (ring->first == ring->next)
		ring->first = ring->next = event->seq;
	size_t offset = make_room(ring, len);
	memcpy(ring->bytes + offset, ring->text, len);
	*place_of(ring, event->seq) = (struct place){ .offset = offset,
		.len = (uint32_t)len,
		.type = (uint8_t)type,
		.endpoint = (int8_t)event->subject.endpoint };
	ring->end = offset + len;
	ring->next = event->seq + 1;
	if (ring->on_event)
		ring->on_event(ring->context);
}

static void ring_destroy(struct observer *observer)
{
	struct ring *ring = (struct ring *)observer;
	free(ring->bytes);
	free(ring->places);
	free(ring);
}

static const struct observer_ops ring_ops = { .on_event = ring_on_event, .destroy = ring_destroy };

struct ring *ring_create(size_t bytes)
{
	struct ring *ring = calloc(1, sizeof *ring);
	if (!ring)
		return NULL;
	ring->base.ops = &ring_ops;
	ring->base.wants = EVENT_ALL;
	ring->size = bytes < EVENT_TEXT_MAX ? EVENT_TEXT_MAX : bytes; /* so that any line fits */
	ring->place_count = ring->size / ROOM_A_PLACE;
	ring->first = ring->next = 1;
	ring->bytes = malloc(ring->size);
	ring->places = calloc(ring->place_count, sizeof *ring->places);
	if (!ring->bytes || !ring->places) {
		ring_destroy(&ring->base);
		return NULL;
	}
	return ring;
}

struct observer *ring_observer(struct ring *ring)
{
	return &ring->base;
}

uint64_t ring_first(const struct ring *ring)
{
	return ring->first;
}

uint64_t ring_next(const struct ring *ring)
{
	return ring->next;
}

bool ring_line(const struct ring *ring, uint64_t seq, struct ring_line *line)
{
	if (seq < ring->first || seq >= ring->next)
		return false;
	const struct place *place = place_of(ring, seq);
	*line = (struct ring_line){
		.seq = seq,
		.type = (enum event_type)place->type,
		.endpoint = (enum endpoint_id)place->endpoint,
		.text = ring->bytes + place->offset,
		.len = place->len,
	};
	return true;
}

void ring_notify(struct ring *ring, void (*on_event)(void *context), void *context)
{
	ring->on_event = on_event;
	ring->context = context;
}
