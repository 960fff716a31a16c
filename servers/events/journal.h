/* The journal gives each event its number and time, and passes it to the observers. One thread
   only. */
#ifndef SERVERS_EVENTS_JOURNAL_H
#define SERVERS_EVENTS_JOURNAL_H

#include "servers/events/event.h"

struct observer;

struct observer_ops {
	/* Called for each wanted event. It must not block and must not emit. */
	void (*on_event)(struct observer *observer, const struct event *event);
	/* Writes what is left to write, and frees the observer. */
	void (*destroy)(struct observer *observer);
};

/* The first member of every observer's own structure. */
struct observer {
	const struct observer_ops *ops;
	unsigned wants; /* EVENT_BIT()s */
	struct observer *next; /* set by the journal */
};

struct journal;

/* The start of the clock of the events' `t`. NULL: out of memory. */
struct journal *journal_create(void);

/* Destroys the journal and its observers, the last one added first. Accepts NULL. */
void journal_destroy(struct journal *journal);

/* Adds an observer, which the journal owns from here on. */
void journal_observe(struct journal *journal, struct observer *observer);

/* Seconds since journal_create: the `t` of an event that is emitted now. */
double journal_now(const struct journal *journal);

/* Whether any observer wants events of this type. False: the caller need not measure the fields. */
bool journal_wants(const struct journal *journal, enum event_type type);

/* Emits an event: gives it the next number, and calls each observer that wants its type before it
   returns. The fields are the caller's. Each field's name must stand in event_table (assert). */
void journal_emit(struct journal *journal, enum event_type type, const struct subject *subject,
	const struct field *fields, size_t count);

/* journal_emit with the fields as arguments: EMIT(journal, EVENT_PAUSE, &subject,
   F_INTEGER("bytes", n)). The fields are evaluated only when an observer wants the event. */
#define EMIT(journal, type, subject, ...)                                                          \
	do {                                                                                       \
		if (journal_wants(journal, type)) {                                                \
			const struct field emit_fields[] = { __VA_ARGS__ };                        \
			journal_emit(journal, type, subject, emit_fields,                          \
				sizeof emit_fields / sizeof emit_fields[0]);                       \
		}                                                                                  \
	} while (0)

#endif
