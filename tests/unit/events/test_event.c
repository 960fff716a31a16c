/* The table of events, compared with docs/events.md; and the journal. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "servers/events/event.h"
#include "servers/events/journal.h"
#include "servers/events/observers.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct subject LAB = { .endpoint = ENDPOINT_NONE };

/* ---- the table and the page ---- */

enum { PAGE_ROWS = 256, PAGE_TEXT = 64 };

struct page_row {
	char event[PAGE_TEXT], field[PAGE_TEXT], unit[PAGE_TEXT];
};

struct page {
	struct page_row rows[PAGE_ROWS];
	size_t count;
	char events[EVENT_TYPE_COUNT * 2][PAGE_TEXT];
	size_t event_count;
};

/* Copies the next cell of a Markdown row without blanks and backticks around it; returns what
   follows it. */
static const char *read_cell(const char *text, char cell[PAGE_TEXT])
{
	ck_assert_msg(*text == '|', "a row of the page has too few cells at: %s", text);
	text++;
	size_t len = strcspn(text, "|\n");
	const char *start = text, *end = text + len;
	while (start < end && strchr(" `", *start))
		start++;
	while (end > start && strchr(" `", end[-1]))
		end--;
	ck_assert_uint_lt((size_t)(end - start), PAGE_TEXT);
	memcpy(cell, start, (size_t)(end - start));
	cell[end - start] = 0;
	return text + len;
}

static void read_page(struct page *page)
{
	FILE *file = fopen(EVENTS_PAGE, "re");
	ck_assert_msg(file, "cannot read %s", EVENTS_PAGE);
	char line[4096], event[PAGE_TEXT] = "";
	page->count = page->event_count = 0;
	while (fgets(line, sizeof line, file)) {
		if (strncmp(line, "## ", 3) == 0) {
			line[strcspn(line, "\n")] = 0;
			snprintf(event, sizeof event, "%s", line + 3);
			ck_assert_uint_lt(page->event_count, COUNT(page->events));
			strcpy(page->events[page->event_count++], event);
		} else if (strncmp(line, "| `", 3) == 0) {
			ck_assert_uint_lt(page->count, PAGE_ROWS);
			struct page_row *row = &page->rows[page->count++];
			strcpy(row->event, event);
			read_cell(read_cell(line, row->field), row->unit);
		}
	}
	fclose(file);
}

static const struct page_row *find_row(const struct page *page, const char *event,
	const char *field)
{
	for (size_t i = 0; i < page->count; i++)
		if (strcmp(page->rows[i].event, event) == 0 &&
			strcmp(page->rows[i].field, field) == 0)
			return &page->rows[i];
	return NULL;
}

static const struct event_info *find_event(const char *name)
{
	for (int type = 0; type < EVENT_TYPE_COUNT; type++)
		if (strcmp(event_table[type].name, name) == 0)
			return &event_table[type];
	return NULL;
}

START_TEST(test_page_has_the_table)
{
	const struct event_info *info = &event_table[_i];
	struct page page;
	read_page(&page);
	bool described = false;
	for (size_t i = 0; i < page.event_count; i++)
		described = described || strcmp(page.events[i], info->name) == 0;
	ck_assert_msg(described, "docs/events.md has no \"## %s\"", info->name);
	for (size_t i = 0; i < info->count; i++) {
		const struct page_row *row = find_row(&page, info->name, info->fields[i].name);
		ck_assert_msg(row, "docs/events.md: %s has no row `%s`", info->name,
			info->fields[i].name);
		ck_assert_msg(strcmp(row->unit, info->fields[i].unit) == 0,
		        "%s.%s is in \"%s\" in docs/events.md and in \"%s\" in event.c", info->name,
		        info->fields[i].name, row->unit, info->fields[i].unit);
	}
}
END_TEST

START_TEST(test_table_has_the_page)
{
	struct page page;
	read_page(&page);
	ck_assert_uint_eq(page.event_count, EVENT_TYPE_COUNT);
	for (size_t i = 0; i < page.event_count; i++)
		ck_assert_msg(find_event(page.events[i]), "docs/events.md: \"## %s\" is no event",
			page.events[i]);
	size_t fields = 0;
	for (int type = 0; type < EVENT_TYPE_COUNT; type++)
		fields += event_table[type].count;
	for (size_t i = 0; i < page.count; i++) {
		const struct event_info *info = find_event(page.rows[i].event);
		bool known = false;
		for (size_t k = 0; info && k < info->count; k++)
			known = known || strcmp(info->fields[k].name, page.rows[i].field) == 0;
		ck_assert_msg(known, "docs/events.md: %s.%s is not in event.c", page.rows[i].event,
		        page.rows[i].field);
	}
	ck_assert_uint_eq(page.count, fields); /* none twice */
}
END_TEST

/* ---- the journal ---- */

struct seen {
	struct observer base;
	unsigned count;
	uint64_t seq[16];
	double t[16];
	struct event last;
	int64_t last_integer;
	int *destroyed;
};

static void seen_on_event(struct observer *observer, const struct event *event)
{
	struct seen *seen = (struct seen *)observer;
	ck_assert_uint_lt(seen->count, COUNT(seen->seq));
	seen->seq[seen->count] = event->seq;
	seen->t[seen->count++] = event->t;
	seen->last = *event;
	seen->last_integer = event->count ? event->fields[0].integer : -1;
}

static void seen_destroy(struct observer *observer)
{
	(*((struct seen *)observer)->destroyed)++;
}

static const struct observer_ops seen_ops = { .on_event = seen_on_event, .destroy = seen_destroy };

static void observe(struct journal *journal, struct seen *seen, unsigned wants, int *destroyed)
{
	*seen = (struct seen){ .base = { .ops = &seen_ops, .wants = wants },
		.destroyed = destroyed };
	journal_observe(journal, &seen->base);
}

START_TEST(test_journal_numbers_without_gaps)
{
	int destroyed = 0;
	struct seen seen;
	struct journal *journal = journal_create();
	observe(journal, &seen, EVENT_ALL, &destroyed);
	const struct subject subject = { .endpoint = ENDPOINT_PMU,
		.conn = 7,
		.peer = "127.0.0.1:4711" };
	for (int i = 0; i < 10; i++)
		EMIT(journal, EVENT_PAUSE, &subject, F_INTEGER("bytes", 100 + i),
			F_INTEGER("sent", i));
	ck_assert_uint_eq(seen.count, 10);
	for (unsigned i = 0; i < seen.count; i++) {
		ck_assert_uint_eq(seen.seq[i], i + 1);
		ck_assert(seen.t[i] >= 0 && (i == 0 || seen.t[i] >= seen.t[i - 1]));
	}
	ck_assert_int_eq(seen.last.type, EVENT_PAUSE);
	ck_assert_int_eq(seen.last.subject.endpoint, ENDPOINT_PMU);
	ck_assert_uint_eq(seen.last.subject.conn, 7);
	ck_assert_str_eq(seen.last.subject.peer, "127.0.0.1:4711");
	ck_assert_uint_eq(seen.last.count, 2);
	ck_assert_int_eq(seen.last_integer, 109);
	journal_destroy(journal);
	ck_assert_int_eq(destroyed, 1);
}
END_TEST

START_TEST(test_journal_tells_who_wants_it)
{
	int destroyed = 0;
	struct seen all, closes, none;
	struct journal *journal = journal_create();
	ck_assert(!journal_wants(journal, EVENT_CLOSE));
	observe(journal, &closes, EVENT_BIT(EVENT_CLOSE) | EVENT_BIT(EVENT_ERROR), &destroyed);
	ck_assert(journal_wants(journal, EVENT_CLOSE) && journal_wants(journal, EVENT_ERROR));
	ck_assert(!journal_wants(journal, EVENT_SEND));

	/* What nobody wants is neither measured nor numbered. */
	int measured = 0;
	EMIT(journal, EVENT_SEND, &LAB, F_INTEGER("i", ++measured));
	ck_assert_int_eq(measured, 0);

	observe(journal, &none, 0, &destroyed);
	observe(journal, &all, EVENT_ALL, &destroyed);
	for (int type = 0; type < EVENT_TYPE_COUNT; type++)
		ck_assert(journal_wants(journal, (enum event_type)type));
	EMIT(journal, EVENT_SEND, &LAB, F_INTEGER("i", ++measured));
	ck_assert_int_eq(measured, 1);
	EMIT(journal, EVENT_CLOSE, &LAB, F_TEXT("why", "done"));
	journal_emit(journal, EVENT_STOP, &LAB, NULL, 0);

	ck_assert_uint_eq(all.count, 3);
	ck_assert_uint_eq(closes.count, 1);
	ck_assert_uint_eq(none.count, 0);
	ck_assert_uint_eq(all.seq[0], 1);
	ck_assert_uint_eq(closes.seq[0], 2); /* one number for all observers */
	ck_assert_uint_eq(all.seq[1], 2);
	ck_assert(all.t[1] == closes.t[0]);
	journal_destroy(journal);
	ck_assert_int_eq(destroyed, 3);
	journal_destroy(NULL);
}
END_TEST

START_TEST(test_event_field)
{
	const struct field fields[] = { F_INTEGER("bytes", 3), F_TEXT("what", NULL) };
	const struct event event = { .fields = fields, .count = COUNT(fields) };
	ck_assert_ptr_eq(event_field(&event, "bytes"), &fields[0]);
	ck_assert_ptr_eq(event_field(&event, "what"), &fields[1]);
	ck_assert_ptr_null(event_field(&event, "byte"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("event");
	TCase *page = tcase_create("page"), *journal = tcase_create("journal");
	tcase_add_loop_test(page, test_page_has_the_table, 0, EVENT_TYPE_COUNT);
	tcase_add_test(page, test_table_has_the_page);
	tcase_add_test(journal, test_journal_numbers_without_gaps);
	tcase_add_test(journal, test_journal_tells_who_wants_it);
	tcase_add_test(journal, test_event_field);
	suite_add_tcase(suite, page);
	suite_add_tcase(suite, journal);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
