/* The observers that write to a descriptor: NDJSON, also with a reader that stops reading; and the
   text for people. */
#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "servers/events/event.h"
#include "servers/events/journal.h"
#include "servers/events/observers.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct subject LAB = { .endpoint = ENDPOINT_NONE };

/* ---- JSON, as strict as RFC 8259 ---- */

static const char *skip_value(const char *text);

static const char *skip_string(const char *text)
{
	if (*text++ != '"')
		return NULL;
	for (; *text != '"'; text++) {
		if ((unsigned char)*text < ' ')
			return NULL;
		if (*text != '\\')
			continue;
		text++;
		if (*text == 'u') {
			for (int i = 0; i < 4; i++)
				if (!isxdigit((unsigned char)*++text))
					return NULL;
		} else if (*text == 0 || !strchr("\"\\/bfnrt", *text)) {
			return NULL;
		}
	}
	return text + 1;
}

static const char *skip_object(const char *text)
{
	if (*text++ != '{')
		return NULL;
	if (*text == '}')
		return text + 1;
	for (;;) {
		text = skip_string(text);
		if (!text || *text++ != ':')
			return NULL;
		text = skip_value(text);
		if (!text || (*text != ',' && *text != '}'))
			return NULL;
		if (*text++ == '}')
			return text;
	}
}

static const char *skip_value(const char *text)
{
	static const char *const words[] = { "true", "false", "null" };
	if (*text == '"')
		return skip_string(text);
	if (*text == '{')
		return skip_object(text);
	for (size_t i = 0; i < COUNT(words); i++)
		if (strncmp(text, words[i], strlen(words[i])) == 0)
			return text + strlen(words[i]);
	const char *start = text + (*text == '-');
	size_t digits = strspn(start, "0123456789");
	if (digits == 0 || (digits > 1 && *start == '0'))
		return NULL;
	text = start + digits;
	if (*text != '.')
		return text;
	digits = strspn(text + 1, "0123456789");
	return digits ? text + 1 + digits : NULL;
}

static void check_json(const char *line)
{
	const char *end = skip_object(line);
	ck_assert_msg(end && *end == 0, "this is not a JSON object: %s", line);
}

static long long number_of(const char *line, const char *name)
{
	char key[64];
	snprintf(key, sizeof key, "\"%s\":", name);
	const char *found = strstr(line, key);
	ck_assert_msg(found, "no %s in: %s", name, line);
	return strtoll(found + strlen(key), NULL, 10);
}

/* ---- the NDJSON observer ---- */

/* A thread that reads a pipe to its end. */
struct reader {
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char *text;
	size_t len;
};

static void *reader_run(void *argument)
{
	struct reader *reader = argument;
	char chunk[65536];
	ssize_t n;
	while ((n = read(reader->fd, chunk, sizeof chunk)) > 0) {
		pthread_mutex_lock(&reader->lock);
		reader->text = realloc(reader->text, reader->len + (size_t)n + 1);
		ck_assert_ptr_nonnull(reader->text);
		memcpy(reader->text + reader->len, chunk, (size_t)n);
		reader->len += (size_t)n;
		reader->text[reader->len] = 0;
		pthread_cond_broadcast(&reader->changed);
		pthread_mutex_unlock(&reader->lock);
	}
	return NULL;
}

static void reader_start(struct reader *reader, int fd)
{
	*reader = (struct reader){ .fd = fd };
	pthread_mutex_init(&reader->lock, NULL);
	pthread_cond_init(&reader->changed, NULL);
	ck_assert_int_eq(pthread_create(&reader->thread, NULL, reader_run, reader), 0);
}

static void reader_await(struct reader *reader, size_t len)
{
	pthread_mutex_lock(&reader->lock);
	while (reader->len < len)
		pthread_cond_wait(&reader->changed, &reader->lock);
	pthread_mutex_unlock(&reader->lock);
}

static void reader_finish(struct reader *reader)
{
	pthread_join(reader->thread, NULL);
	close(reader->fd);
	pthread_cond_destroy(&reader->changed);
	pthread_mutex_destroy(&reader->lock);
}

/* Checks each line of `text` and that every event is there or counted as lost. Returns the number
   lost. */
static uint64_t check_lines(char *text, uint64_t emitted)
{
	uint64_t seen = 0, lost = 0;
	char *rest = NULL;
	ck_assert(text && text[strlen(text) - 1] == '\n');
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		check_json(line);
		uint64_t seq = (uint64_t)number_of(line, "seq");
		if (strstr(line, "\"event\":\"lost\"")) {
			uint64_t count = (uint64_t)number_of(line, "count");
			ck_assert_int_eq(number_of(line, "from"), (long long)seen + 1);
			seen += count;
			lost += count;
		} else {
			seen++;
		}
		ck_assert_uint_eq(seq, seen); /* no gap that is not accounted for */
	}
	ck_assert_uint_eq(seen, emitted);
	return lost;
}

START_TEST(test_jsonl_line)
{
	int ends[2];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	struct journal *journal = journal_create();
	journal_observe(journal, observer_jsonl_create(ends[1], 0, NULL));
	const struct subject subject = { .endpoint = ENDPOINT_PMU_WS,
		.conn = 3,
		.peer = "[::1]:4711" };
	static const char bytes[] = "CMD\"\\\n\0\x1b\xff";
	EMIT(journal, EVENT_ERROR, &subject, F_TEXT("fault", NULL),
		F_TEXT("what", "a \"quoted\" line\n\x01\xff"),
		F_BYTES("bytes", bytes, sizeof bytes - 1));
	EMIT(journal, EVENT_CLOSE, &LAB, F_REAL("seconds", 1.0625), F_INTEGER("messages", -1),
	        F_BYTES("command", NULL, 0));
	EMIT(journal, EVENT_STOP, &LAB, F_JSON("endpoints", "{\"pmu\":{}}"), F_BOOL("why", true));
	journal_destroy(journal); /* closes its end of the pipe */
	struct reader reader;
	reader_start(&reader, ends[0]);
	reader_finish(&reader);

	char *rest = NULL, *first = strtok_r(reader.text, "\n", &rest),
	     *second = strtok_r(NULL, "\n", &rest), *third = strtok_r(NULL, "\n", &rest);
	ck_assert_ptr_null(strtok_r(NULL, "\n", &rest));
	check_json(first);
	check_json(second);
	check_json(third);
	ck_assert_ptr_nonnull(strstr(first,
		"\"seq\":1,\"event\":\"error\",\"endpoint\":\"pmu-ws\",\"conn\":3,"
		"\"peer\":\"[::1]:4711\",\"fault\":null,\"what\":\"a \\\"quoted\\\" line\\n"));
	ck_assert_ptr_nonnull(strstr(first,
		"\"bytes\":\"CMD\\\\\\\"\\\\\\\\\\\\n\\\\x00\\\\x1b\\\\xff\"}"));
	ck_assert_ptr_nonnull(strstr(second, ",\"event\":\"close\",\"seconds\":1.06"));
	ck_assert_ptr_nonnull(strstr(second, ",\"messages\":-1,\"command\":null}"));
	ck_assert_ptr_null(strstr(second, "endpoint"));
	ck_assert_ptr_nonnull(strstr(third, ",\"endpoints\":{\"pmu\":{}},\"why\":true}"));
	free(reader.text);
}
END_TEST

/* Nobody reads: emitting goes on, and once somebody does, what is missing is counted. */
START_TEST(test_jsonl_counts_what_a_stopped_reader_loses)
{
	enum { EVENTS = 30000 }; /* several times what the queue and the pipe hold */
	int ends[2];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	struct journal *journal = journal_create();
	journal_observe(journal, observer_jsonl_create(ends[1], 0, NULL));
	for (int i = 0; i < EVENTS; i++)
		EMIT(journal, EVENT_PAUSE, &LAB, F_INTEGER("bytes", 57344), F_INTEGER("sent", i));

	struct reader reader;
	reader_start(&reader, ends[0]);
	reader_await(&reader, 1 << 19); /* now the queue has room */
	for (int i = 0; i < 10; i++)
		EMIT(journal, EVENT_PAUSE, &LAB, F_INTEGER("bytes", 57344), F_INTEGER("sent", i));
	EMIT(journal, EVENT_STOP, &LAB, F_TEXT("why", "asked"));
	journal_destroy(journal);
	reader_finish(&reader);

	char *stop = strstr(reader.text, "\"event\":\"stop\"");
	ck_assert_msg(stop && strchr(stop, '\n')[1] == 0, "the last line is not `stop`");
	uint64_t lost = check_lines(reader.text, EVENTS + 11);
	ck_assert_uint_gt(lost, EVENTS / 4);
	free(reader.text);
}
END_TEST

/* The reader has gone for good: no stall, no end. */
START_TEST(test_jsonl_survives_its_reader)
{
	int ends[2];
	signal(SIGPIPE, SIG_IGN); /* as main() does */
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	struct journal *journal = journal_create();
	journal_observe(journal, observer_jsonl_create(ends[1], 0, NULL));
	close(ends[0]);
	for (int i = 0; i < 30000; i++)
		EMIT(journal, EVENT_PAUSE, &LAB, F_INTEGER("bytes", 1), F_INTEGER("sent", i));
	journal_destroy(journal);
}
END_TEST

/* What could not be written is known at the end, queued or refused; a reader is free not to
   read. */
static const struct {
	const char *path;
	int flags, events, error;
} outcomes[] = {
	{ "/dev/full", O_WRONLY, 3, ENOSPC },
	{ "/dev/full", O_WRONLY, 30000, ENOSPC }, /* more than the queue takes */
	{ "/dev/null", O_RDONLY, 3, EBADF },
	{ "/dev/null", O_WRONLY, 3, 0 },
	{ NULL, 0, 3, 0 }, /* a pipe that nobody reads */
};

START_TEST(test_jsonl_outcome)
{
	int ends[2];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	if (!outcomes[_i].path)
		while (write(ends[1], "full", 4) > 0)
			;
	fcntl(ends[1], F_SETFL, 0);
	int fd = outcomes[_i].path ? open(outcomes[_i].path, outcomes[_i].flags) : ends[1];
	struct events_outcome outcome = { 0 };
	struct journal *journal = journal_create();
	journal_observe(journal, observer_jsonl_create(fd, 0, &outcome));
	for (int i = 0; i < outcomes[_i].events; i++)
		EMIT(journal, EVENT_PAUSE, &LAB, F_INTEGER("bytes", 1), F_INTEGER("sent", i));
	journal_destroy(journal);
	ck_assert_int_eq(outcome.error, outcomes[_i].error);
	ck_assert_uint_eq(outcome.missing, outcomes[_i].error ? outcomes[_i].events : 0);
}
END_TEST

/* A line of which the disk took the beginning is missing. */
START_TEST(test_jsonl_outcome_of_a_file_that_may_not_grow)
{
	struct rlimit limit = { 1000, RLIM_INFINITY };
	FILE *file = tmpfile();
	ck_assert_ptr_nonnull(file);
	signal(SIGXFSZ, SIG_IGN); /* as main() does */
	setrlimit(RLIMIT_FSIZE, &limit);
	struct events_outcome outcome = { 0 };
	struct journal *journal = journal_create();
	journal_observe(journal, observer_jsonl_create(dup(fileno(file)), 0, &outcome));
	for (int i = 0; i < 100; i++)
		EMIT(journal, EVENT_PAUSE, &LAB, F_INTEGER("bytes", 1), F_INTEGER("sent", i));
	journal_destroy(journal);
	unsigned lines = 0;
	rewind(file);
	for (int c; (c = fgetc(file)) != EOF;)
		lines += c == '\n';
	fclose(file);
	ck_assert_uint_eq(lines + outcome.missing, 100);
	ck_assert_uint_gt(lines, 0);
	ck_assert_int_eq(outcome.error, EFBIG);
}
END_TEST

static const size_t limits[] = { 10000, 20000, 100000 };

/* The file ends below the limit, and still says how much is missing and how the lab ended. */
START_TEST(test_jsonl_keeps_its_limit)
{
	enum { EVENTS = 5000 };
	FILE *file = tmpfile();
	ck_assert_ptr_nonnull(file);
	struct journal *journal = journal_create();
	journal_observe(journal, observer_jsonl_create(dup(fileno(file)), limits[_i], NULL));
	for (int i = 0; i < EVENTS; i++)
		EMIT(journal, EVENT_PAUSE, &LAB, F_INTEGER("bytes", 57344), F_INTEGER("sent", i));
	EMIT(journal, EVENT_STOP, &LAB, F_TEXT("why", "asked"));
	journal_destroy(journal);

	fseek(file, 0, SEEK_END);
	size_t len = (size_t)ftell(file);
	ck_assert_uint_gt(len, 0);
	ck_assert_uint_le(len, limits[_i]);
	rewind(file);
	char *text = calloc(1, len + 1);
	ck_assert_uint_eq(fread(text, 1, len, file), len);
	fclose(file);
	char *stop = strstr(text, "\"event\":\"stop\"");
	ck_assert_msg(stop && strchr(stop, '\n')[1] == 0, "the last line is not `stop`");
	ck_assert_uint_gt(check_lines(text, EVENTS + 1), 0);
	free(text);
}
END_TEST

/* ---- the observer for people ---- */

START_TEST(test_text_tells_what_somebody_does)
{
	int ends[2];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	struct journal *journal = journal_create();
	journal_observe(journal, observer_text_create(ends[1], TEXT_SENTENCES, false));
	const struct subject reset = { .endpoint = ENDPOINT_RESET },
			     pmu = { .endpoint = ENDPOINT_PMU };
	EMIT(journal, EVENT_CHANGE, &reset, F_TEXT("who", "page"), F_TEXT("key", "reset.loss"),
		F_TEXT("before", "50%"), F_TEXT("after", "burst:30%,4"));
	EMIT(journal, EVENT_CHANGE, &LAB, F_TEXT("who", "ctl"), F_TEXT("key", "pmu.messages"),
		F_TEXT("before", "20"), F_TEXT("after", "5"));
	EMIT(journal, EVENT_SUSPEND, &pmu, F_TEXT("who", "page"));
	EMIT(journal, EVENT_RESUME, &pmu, F_TEXT("who", "scenario"));
	journal_destroy(journal);
	close(ends[1]);
	struct reader reader;
	reader_start(&reader, ends[0]);
	reader_finish(&reader);
	ck_assert_str_eq(reader.text, "reset    reset.loss: 50% -> burst:30%,4 (page)\n"
				      "pmu.messages: 20 -> 5 (ctl)\n"
				      "pmu      takes no new work (page)\n"
				      "pmu      takes work again (scenario)\n");
	free(reader.text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("observers");
	TCase *jsonl = tcase_create("jsonl"), *text = tcase_create("text");
	tcase_set_timeout(jsonl, 30);
	tcase_add_test(jsonl, test_jsonl_line);
	tcase_add_test(jsonl, test_jsonl_counts_what_a_stopped_reader_loses);
	tcase_add_test(jsonl, test_jsonl_survives_its_reader);
	tcase_add_loop_test(jsonl, test_jsonl_outcome, 0, COUNT(outcomes));
	tcase_add_test(jsonl, test_jsonl_outcome_of_a_file_that_may_not_grow);
	tcase_add_loop_test(jsonl, test_jsonl_keeps_its_limit, 0, COUNT(limits));
	tcase_add_test(text, test_text_tells_what_somebody_does);
	suite_add_tcase(suite, jsonl);
	suite_add_tcase(suite, text);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
