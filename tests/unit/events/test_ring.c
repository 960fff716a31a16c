/* The ring of the last events: bounded memory, numbers without gaps, which events make room for a
   new one, and which readers are notified. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/events/line.h"
#include "servers/events/ring.h"

static const struct subject LAB = { .endpoint = ENDPOINT_NONE };

static struct journal *journal_with(struct ring **ring, size_t bytes)
{
	struct journal *journal = journal_create();
	*ring = ring_create(bytes);
	ck_assert_ptr_nonnull(*ring);
	journal_observe(journal, ring_observer(*ring));
	return journal;
}

/* A line of about `bytes` bytes. */
static void emit_text(struct journal *journal, size_t bytes)
{
	char *text = calloc(1, bytes + 1);
	memset(text, 'x', bytes);
	EMIT(journal, EVENT_LISTEN, &LAB, F_TEXT("address", text));
	free(text);
}

static long long seq_in(const struct ring_line *line)
{
	char text[128];
	snprintf(text, sizeof text, "%.*s", line->len < 100 ? (int)line->len : 100, line->text);
	const char *found = strstr(text, "\"seq\":");
	ck_assert_msg(found, "no seq in: %s", text);
	return strtoll(found + 6, NULL, 10);
}

/* Everything from ring_first to ring_next is there, and is what it says it is. Returns its
   bytes. */
static size_t check_ring(const struct ring *ring)
{
	size_t bytes = 0;
	struct ring_line line;
	for (uint64_t seq = ring_first(ring); seq < ring_next(ring); seq++) {
		ck_assert(ring_line(ring, seq, &line));
		ck_assert_uint_eq(line.seq, seq);
		ck_assert_int_eq(seq_in(&line), (long long)seq);
		ck_assert(line.text[0] == '{' && line.text[line.len - 2] == '}' &&
			  line.text[line.len - 1] == '\n');
		ck_assert_ptr_null(memchr(line.text, '\n', line.len - 1));
		bytes += line.len;
	}
	ck_assert(!ring_line(ring, ring_first(ring) - 1, &line));
	ck_assert(!ring_line(ring, ring_next(ring), &line));
	return bytes;
}

START_TEST(test_empty)
{
	struct ring *ring;
	struct ring_line line;
	struct journal *journal = journal_with(&ring, RING_BYTES);
	ck_assert_uint_eq(ring_first(ring), 1);
	ck_assert_uint_eq(ring_next(ring), 1);
	ck_assert(!ring_line(ring, 0, &line));
	ck_assert(!ring_line(ring, 1, &line));
	ck_assert(!ring_line(ring, UINT64_MAX, &line));
	journal_destroy(journal);
}
END_TEST

START_TEST(test_lines_are_what_the_file_has)
{
	struct ring *ring;
	struct journal *journal = journal_with(&ring, RING_BYTES);
	const struct subject subject = { .endpoint = ENDPOINT_PMU_WS,
		.conn = 3,
		.peer = "[::1]:4711" };
	EMIT(journal, EVENT_SUSPEND, &LAB, F_TEXT("who", "a \"page\""));
	EMIT(journal, EVENT_PAUSE, &subject, F_INTEGER("bytes", 20), F_INTEGER("sent", 3));
	ck_assert_uint_eq(ring_first(ring), 1);
	ck_assert_uint_eq(ring_next(ring), 3);
	struct ring_line line;
	ck_assert(ring_line(ring, 1, &line));
	ck_assert_int_eq(line.type, EVENT_SUSPEND);
	ck_assert_int_eq(line.endpoint, ENDPOINT_NONE);
	char text[256];
	snprintf(text, sizeof text, "%.*s", (int)line.len, line.text);
	ck_assert_ptr_nonnull(strstr(text,
		",\"seq\":1,\"event\":\"suspend\",\"who\":\"a \\\"page\\\"\"}\n"));
	ck_assert(ring_line(ring, 2, &line));
	ck_assert_int_eq(line.type, EVENT_PAUSE);
	ck_assert_int_eq(line.endpoint, ENDPOINT_PMU_WS);
	snprintf(text, sizeof text, "%.*s", (int)line.len, line.text);
	ck_assert_ptr_nonnull(strstr(text,
		",\"seq\":2,\"event\":\"pause\",\"endpoint\":\"pmu-ws\",\"conn\":3,"
		"\"peer\":\"[::1]:4711\",\"bytes\":20,\"sent\":3}\n"));
	check_ring(ring);
	journal_destroy(journal);
}
END_TEST

/* Lines of many lengths, through the circle several times: never more than its bytes, and never
   much less. */
START_TEST(test_oldest_makes_room)
{
	enum { BYTES = 3 * EVENT_TEXT_MAX, EVENTS = 1000, LONGEST = 2000 };
	struct ring *ring;
	struct journal *journal = journal_with(&ring, BYTES);
	uint64_t first = 1;
	for (int i = 0; i < EVENTS; i++) {
		emit_text(journal, (size_t)(i * 7919 % LONGEST));
		ck_assert_uint_eq(ring_next(ring), (uint64_t)i + 2);
		ck_assert_uint_ge(ring_first(ring), first);
		first = ring_first(ring);
		size_t kept = check_ring(ring);
		ck_assert_uint_le(kept, BYTES);
		if (first > 1)
			ck_assert_uint_ge(kept, BYTES - 3 * LONGEST);
	}
	ck_assert_uint_gt(first, EVENTS - 200);
	journal_destroy(journal);
}
END_TEST

/* Short lines fill the places before the bytes. */
START_TEST(test_places_are_bounded)
{
	struct ring *ring;
	struct journal *journal = journal_with(&ring, EVENT_TEXT_MAX);
	for (int i = 0; i < 3000; i++)
		journal_emit(journal, EVENT_FORGET, &LAB, NULL, 0);
	size_t kept = check_ring(ring);
	ck_assert_uint_gt(ring_next(ring) - ring_first(ring), 200);
	ck_assert_uint_le(ring_next(ring) - ring_first(ring), EVENT_TEXT_MAX / 64);
	ck_assert_uint_le(kept, EVENT_TEXT_MAX);
	journal_destroy(journal);
}
END_TEST

/* What fits no line leaves no gap: a `lost` stands there. One as long as can be takes all the
   room. */
START_TEST(test_too_long)
{
	struct ring *ring;
	struct ring_line line;
	struct journal *journal = journal_with(&ring, 0);
	emit_text(journal, 100);
	emit_text(journal, EVENT_TEXT_MAX);
	emit_text(journal, 100);
	ck_assert_uint_eq(ring_first(ring), 1);
	ck_assert(ring_line(ring, 2, &line));
	ck_assert_int_eq(line.type, EVENT_LOST);
	char text[128];
	snprintf(text, sizeof text, "%.*s", (int)line.len, line.text);
	ck_assert_ptr_nonnull(strstr(text,
		",\"seq\":2,\"event\":\"lost\",\"count\":1,\"from\":2}\n"));
	check_ring(ring);

	emit_text(journal, EVENT_TEXT_MAX - 100);
	ck_assert_uint_eq(ring_first(ring), 4);
	ck_assert_uint_eq(ring_next(ring), 5);
	ck_assert(ring_line(ring, 4, &line));
	ck_assert_int_eq(line.type, EVENT_LISTEN);
	ck_assert_uint_gt(line.len, EVENT_TEXT_MAX - 100);
	check_ring(ring);
	journal_destroy(journal);
}
END_TEST

/* A ring that comes after the first events has those that follow, by their numbers. */
START_TEST(test_late)
{
	struct ring *first, *late;
	struct journal *journal = journal_with(&first, RING_BYTES);
	emit_text(journal, 1);
	emit_text(journal, 1);
	late = ring_create(RING_BYTES);
	journal_observe(journal, ring_observer(late));
	emit_text(journal, 1);
	ck_assert_uint_eq(ring_first(late), 3);
	ck_assert_uint_eq(ring_next(late), 4);
	check_ring(late);
	check_ring(first);
	journal_destroy(journal);
}
END_TEST

struct told {
	struct ring *ring;
	unsigned times;
	uint64_t last;
};

/* The line is there when it is told of. */
static void on_event(void *context)
{
	struct told *told = context;
	struct ring_line line;
	told->times++;
	told->last = ring_next(told->ring) - 1;
	ck_assert(ring_line(told->ring, told->last, &line));
}

START_TEST(test_notify)
{
	struct ring *ring;
	struct journal *journal = journal_with(&ring, RING_BYTES);
	struct told told = { .ring = ring };
	emit_text(journal, 10);
	ring_notify(ring, on_event, &told);
	emit_text(journal, 10);
	ck_assert_uint_eq(told.times, 1);
	ck_assert_uint_eq(told.last, 2);
	emit_text(journal, 10);
	ck_assert_uint_eq(told.times, 2);
	ck_assert_uint_eq(told.last, 3);
	ring_notify(ring, NULL, NULL);
	emit_text(journal, 10);
	ck_assert_uint_eq(told.times, 2);
	ck_assert_uint_eq(ring_next(ring), 5);
	journal_destroy(journal);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *ring = tcase_create("ring");
	tcase_add_test(ring, test_empty);
	tcase_add_test(ring, test_lines_are_what_the_file_has);
	tcase_add_test(ring, test_oldest_makes_room);
	tcase_add_test(ring, test_places_are_bounded);
	tcase_add_test(ring, test_too_long);
	tcase_add_test(ring, test_late);
	tcase_add_test(ring, test_notify);
	suite_add_tcase(suite, ring);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
