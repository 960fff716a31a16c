/* The journal numbers events, stamps them, and tells each observer. */
#ifndef SERVERS_EVENTS_JOURNAL_H
#define SERVERS_EVENTS_JOURNAL_H

#include "servers/events/event.h"

struct observer;

struct observer_ops {
	/* Must not block and must not emit. */
	void (*on_event)(struct observer *observer, const struct event *event);
	/* Last words and memory. */
	void (*destroy)(struct observer *observer);
};

struct observer {
	const struct observer_ops *ops;
	unsigned wants; /* EVENT_BIT()s */
	struct observer *next; /* the journal's */
};

struct journal;

struct journal *journal_create(void); /* NULL: out of memory */

/* Destroys its observers too. Accepts NULL. */
void journal_destroy(struct journal *journal);

/* The observer is the journal's from here on. */
void journal_observe(struct journal *journal, struct observer *observer);

/* Seconds since the start, as the next event's `t`. */
double journal_now(const struct journal *journal);

/* False: nobody listens to this type, so its fields need not be measured. */
bool journal_wants(const struct journal *journal, enum event_type type);

/* Each field's name must stand in event_table (assert). */
void journal_emit(struct journal *journal, enum event_type type, const struct subject *subject,
	const struct field *fields, size_t count);

/* journal_emit with fields listed in place: EMIT(journal, EVENT_PAUSE, &subject, F_INTEGER("bytes",
   n)). */
#define EMIT(journal, type, subject, ...)                                                                    \
	do {                                                                                                 \
		if (journal_wants(journal, type)) {                                                          \
			const struct field emit_fields[] = { __VA_ARGS__ };                                  \
			journal_emit(journal, type, subject, emit_fields,                                    \
				sizeof emit_fields / sizeof emit_fields[0]);                                  \
		}                                                                                            \
	} while (0)

#endif
