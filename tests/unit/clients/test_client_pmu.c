/* How the clients judge a PMU's answer. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "clients/client_options.h"
#include "clients/client_pmu.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Refusals: whatever the pieces, what is kept back and what is told. */

struct refusal_case {
	const char *stream;
	const char *refusal; /* NULL: it is an answer */
};

static const struct refusal_case refusals[] = {
	{ "ERROR no such thing\n", "ERROR no such thing" },
	{ "ERROR no such thing", "ERROR no such thing" },
	{ "ERROR 1\r\nERROR 2\n", "ERROR 1" },
	{ "ERROR \x1b[2J\x7f\xff", "ERROR ?[2J??" },
	{ "ERROR ", "ERROR " },
	{ "ERROR", NULL },
	{ "E", NULL },
	{ "", NULL },
	{ "ERRORS", NULL },
	{ "error no", NULL },
	{ " ERROR no", NULL },
	{ "This is PMU data 1", NULL },
};

START_TEST(test_refusal_in_pieces)
{
	const struct refusal_case *c = &refusals[_i];
	size_t len = strlen(c->stream);
	for (size_t size = 1; size <= len + 1; size++) {
		struct client_refusal refusal = { 0 };
		struct err err = { 0 };
		char shown[64] = "";
		size_t held;
		for (size_t at = 0; at < len; at += size) {
			size_t piece = at + size < len ? size : len - at;
			if (client_refusal_take(&refusal, c->stream + at, piece, &held))
				continue;
			strncat(shown, refusal.text, held);
			strncat(shown, c->stream + at, piece);
		}
		ck_assert_int_eq(client_refusal_end(&refusal, &held, &err), c->refusal != NULL);
		strncat(shown, refusal.text, held);
		ck_assert_str_eq(shown, c->refusal ? "" : c->stream);
		ck_assert_str_eq(err.text, c->refusal ? c->refusal : "");
	}
}
END_TEST

START_TEST(test_refusal_too_long)
{
	struct client_refusal refusal = { 0 };
	struct err err;
	size_t held;
	ck_assert(client_refusal_take(&refusal, "ERROR ", 6, &held));
	for (int i = 0; i < 2000; i++)
		ck_assert(client_refusal_take(&refusal, "x", 1, &held));
	ck_assert(client_refusal_end(&refusal, &held, &err));
	ck_assert_uint_eq(strlen(err.text), sizeof refusal.text - 1);
}
END_TEST

/* An answer's verdict: the text of `err`, and the word for --json. Nothing is printed. */

struct answer_case {
	const char *command, *stream, *ended, *err; /* err "": none */
	long count;
};

static const struct answer_case answers[] = {
	{ "CMD_short:0", "This is PMU data 1This is PMU data 2", "closed", "", 2 },
	{ "CMD_short:0", "This is PMU data 99This is PMU data 100", "closed", "", 2 },
	{ "CMD_short:0", "This is PMU da", "broken", "was cut: \"This is PMU da\"", 0 },
	{ "CMD_short:0", "This is PMU data 1This is PMU data 3", "broken", "\"This is PMU data 3\"",
		1 },
	{ "CMD_short:0", "rubbish", "broken", "this is no PMU message", 0 },
	{ "CMD_short:0", "ERROR no\n", "refused", "ERROR no", 0 },
	{ "CMD_floodme", "rubbish", "closed", "", 0 },
	{ "CMD_shrot:0", "rubbish", "closed", "", 0 },
};

static void begin(struct client_pmu *pmu, const char *command)
{
	const struct client_options options = { .timeout = -1, .json = true };
	char text[64];
	snprintf(text, sizeof text, "%s", command);
	char *operands[] = { text };
	ck_assert(client_pmu_init(pmu, "test", &options, 1, operands));
}

START_TEST(test_answer)
{
	const struct answer_case *c = &answers[_i];
	for (int by_message = 0; by_message <= 1; by_message++) {
		struct client_pmu pmu;
		begin(&pmu, c->command);
		pmu.by_message = by_message;
		pmu.messages = c->count;
		bool more = true;
		for (const char *byte = c->stream; *byte && more; byte++)
			more = by_message ? client_pmu_take_message(&pmu, byte, 1, false)
					  : client_pmu_take(&pmu, byte, 1);
		if (more)
			client_pmu_closed(&pmu);
		ck_assert_int_eq(client_pmu_end(&pmu), *c->err == '\0');
		ck_assert_str_eq(pmu.ended, c->ended);
		ck_assert_ptr_nonnull(strstr(pmu.err.text, c->err));
		ck_assert_int_eq(pmu.err.text[0] == '\0', *c->err == '\0');
		ck_assert_int_eq(pmu.splitter.count, c->count);
	}
}
END_TEST

/* WebSocket: two of the PMU's messages in one are not what the PMU sends. */
START_TEST(test_messages_put_together)
{
	static const char two[] = "This is PMU data 1This is PMU data 2";
	struct client_pmu pmu;
	begin(&pmu, "CMD_short:0");
	pmu.by_message = true;
	ck_assert(client_pmu_take_message(&pmu, two, sizeof two - 1, true));
	client_pmu_closed(&pmu);
	pmu.messages = 1;
	ck_assert(!client_pmu_end(&pmu));
	ck_assert_int_eq(pmu.err.status, STATUS_PROTOCOL);
}
END_TEST

START_TEST(test_one_command)
{
	const struct client_options options = { .timeout = 3 };
	struct client_pmu pmu;
	char command[] = "CMD_short:2", empty[] = "";
	char *operands[] = { command, empty };
	ck_assert(!client_pmu_init(&pmu, "test", &options, 0, operands));
	ck_assert_int_eq(pmu.err.status, STATUS_USAGE);
	ck_assert(!client_pmu_init(&pmu, "test", &options, 2, operands));
	ck_assert(!client_pmu_init(&pmu, "test", &options, 1, operands + 1));
	ck_assert(client_pmu_init(&pmu, "test", &options, 1, operands));
	ck_assert(pmu.connect_timeout == 3 && pmu.timeout == 3);
	begin(&pmu, "CMD_short:2");
	ck_assert(pmu.connect_timeout == 10 && pmu.timeout == 12);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_pmu");
	TCase *answer = tcase_create("answer");
	tcase_add_loop_test(answer, test_refusal_in_pieces, 0, COUNT(refusals));
	tcase_add_test(answer, test_refusal_too_long);
	tcase_add_loop_test(answer, test_answer, 0, COUNT(answers));
	tcase_add_test(answer, test_messages_put_together);
	tcase_add_test(answer, test_one_command);
	suite_add_tcase(suite, answer);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
