#include "servers/events/journal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

struct journal {
	struct observer *observers;
	unsigned wants; /* of all observers */
	double start;
	uint64_t seq;
};

struct journal *journal_create(void)
{
	struct journal *journal = calloc(1, sizeof *journal);
	if (journal)
		journal->start = clock_now();
	return journal;
}

void journal_destroy(struct journal *journal)
{
	if (!journal)
		return;
	while (journal->observers) {
		struct observer *observer = journal->observers;
		journal->observers = observer->next;
		observer->ops->destroy(observer);
	}
	free(journal);
}

void journal_observe(struct journal *journal, struct observer *observer)
{
	observer->next = journal->observers;
	journal->observers = observer;
	journal->wants |= observer->wants;
}

double journal_now(const struct journal *journal)
{
	return clock_now() - journal->start;
}

bool journal_wants(const struct journal *journal, enum event_type type)
{
	return journal->wants & EVENT_BIT(type);
}

#ifndef NDEBUG
static bool field_is_known(enum event_type type, const char *name)
{
	const struct event_info *info = &event_table[type];
	for (size_t i = 0; i < info->count; i++)
		if (strcmp(info->fields[i].name, name) == 0)
			return true;
	return false;
}
#endif

void journal_emit(struct journal *journal, enum event_type type, const struct subject *subject,
	const struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert(field_is_known(type, fields[i].name));
	const struct event event = {
		.type = type,
		.t = clock_now() - journal->start,
		.seq = ++journal->seq,
		.subject = *subject,
		.fields = fields,
		.count = count,
	};
	for (struct observer *observer = journal->observers; observer; observer = observer->next)
		if (observer->wants & EVENT_BIT(type))
			observer->ops->on_event(observer, &event);
}
