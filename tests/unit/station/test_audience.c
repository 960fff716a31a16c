/* The television station's audience: kinds of datagrams, when an answer is due, which participants
   are forgotten, and which riddle a participant gets. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/station/audience.h"
#include "servers/station/riddles.h"
#include "tests/unit/carrier/support.h"

enum { SEED = 5005, MIB = 1 << 20 };

/* ---- what a datagram is ---- */

static const struct {
	struct bytes datagram;
	enum speech_kind kind;
	uint64_t characters;
} speeches[] = {
	{ BYTES(""), SPEECH_SHORT, 0 },
	{ BYTES("12345"), SPEECH_SHORT, 0 },
	{ BYTES("123456"), SPEECH_FINE, 0 },
	{ BYTES("123456a"), SPEECH_FINE, 1 },
	{ BYTES("123456 a b \n"), SPEECH_FINE, 6 },
	{ BYTES("123456\0\x1b\x7f"), SPEECH_FINE, 3 },
	{ BYTES("123456\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xad"), SPEECH_FINE, 3 },
	/* a letter and a combining accent: two characters of Unicode */
	{ BYTES("123456e\xcc\x81"), SPEECH_FINE, 2 },
	{ BYTES("swcmTVTo be"), SPEECH_FINE, 5 },
	{ BYTES("abc-1!x"), SPEECH_FINE, 1 },
	{ BYTES("abcdefXYZ"), SPEECH_FINE, 3 },
	{ BYTES("abcdef ghi"), SPEECH_FINE, 4 },
	{ BYTES("ABCDEFghi"), SPEECH_FINE, 3 },
	{ BYTES("abcdef"), SPEECH_FINE, 0 },
	{ BYTES("12345xyz"), SPEECH_FINE, 2 },
	{ BYTES("Something is rotten"), SPEECH_DOUBTFUL, 13 },
	{ BYTES("something"), SPEECH_DOUBTFUL, 3 },
	{ BYTES("To be or not"), SPEECH_NO_ID, 6 },
	{ BYTES("Hello everybody"), SPEECH_NO_ID, 9 },
	{ BYTES("12345\n6"), SPEECH_NO_ID, 1 },
	{ BYTES("12345\0006"), SPEECH_NO_ID, 1 },
	{ BYTES("12345\x7f"), SPEECH_NO_ID, 0 },
	{ BYTES("\xc3\xa9t\xc3\xa9 et hiver"), SPEECH_NO_ID, 8 },
	{ BYTES("12345\xc3\xa9"), SPEECH_NO_ID, 0 }, /* a character across the end of the ID */
	{ BYTES("123456\xe9"), SPEECH_NOT_UTF8, 0 },
	{ BYTES("123456\xc3"), SPEECH_NOT_UTF8, 0 }, /* cut inside a character */
	{ BYTES("123456\x80"), SPEECH_NOT_UTF8, 0 },
	{ BYTES("123456\xc0\x80"), SPEECH_NOT_UTF8, 0 },
	{ BYTES("123456\xed\xa0\x80"), SPEECH_NOT_UTF8, 0 },
	{ BYTES("\xff\xff\xff\xff\xff\xff"), SPEECH_NOT_UTF8, 0 },
};

START_TEST(test_speech)
{
	const struct bytes *datagram = &speeches[_i].datagram;
	/* A copy of its size, so that a sanitizer sees who reads behind it. */
	char *copy = malloc(datagram->len ? datagram->len : 1);
	memcpy(copy, datagram->data, datagram->len);
	struct speech speech = speech_parse(copy, datagram->len);
	ck_assert_int_eq(speech.kind, speeches[_i].kind);
	ck_assert_uint_eq(speech.characters, speeches[_i].characters);
	if (speech.kind == SPEECH_FINE || speech.kind == SPEECH_DOUBTFUL) {
		ck_assert_ptr_eq(speech.text, copy + WIRE_ID_BYTES);
		ck_assert_uint_eq(speech.len, datagram->len - WIRE_ID_BYTES);
	}
	free(copy);
}
END_TEST

/* ---- when an answer is due ---- */

/* What somebody says, datagram by datagram, and the number of the answer that each earns. */
struct step {
	const char *id;
	uint64_t characters, total, answer;
};

enum { STEPS_MAX = 12 };

static const struct step conversations[][STEPS_MAX] = {
	{ { "123456", 299, 299, 0 }, { "123456", 1, 300, 0 }, { "123456", 0, 300, 0 },
		{ "123456", 1, 301, 1 }, { "123456", 0, 301, 0 } },
	{ { "123456", 300, 300, 0 } },
	{ { "123456", 301, 301, 1 }, { "123456", 299, 600, 0 }, { "123456", 1, 601, 2 },
		{ "123456", 299, 900, 0 }, { "123456", 1, 901, 3 } },
	{ { "123456", 600, 600, 1 }, { "123456", 300, 900, 2 }, { "123456", 300, 1200, 3 } },
	{ { "123456", 900, 900, 2 },
		{ "123456", 1, 901, 3 } }, /* two marks in one datagram: one answer */
	{ { "123456", 65501, 65501, 218 }, { "123456", 199, 65700, 0 },
		{ "123456", 1, 65701, 219 } },
	{ { "123456", 0, 0, 0 }, { "123456", 0, 0, 0 } },
	{ { "123456", 200, 200, 0 }, { "654321", 200, 200, 0 }, { "123456", 100, 300, 0 },
		{ "654321", 101, 301, 1 }, { "123456", 1, 301, 1 }, { "654321", 299, 600, 0 },
		{ "123456", 300, 601, 2 }, { "654321", 1, 601, 2 } },
	{ { "abcdef", 301, 301, 1 }, { "ABCDEF", 1, 1, 0 },
		{ "abcdeg", 300, 300, 0 } }, /* case counts, and the last byte */
};

START_TEST(test_answers)
{
	struct audience *audience = audience_create(4, SEED);
	for (int s = 0; s < STEPS_MAX && conversations[_i][s].id; s++) {
		const struct step *step = &conversations[_i][s];
		struct audience_heard heard = audience_hear(audience, step->id, step->characters);
		ck_assert_msg(heard.total == step->total && heard.answer == step->answer,
			"step %d: total %ju, answer %ju", s, (uintmax_t)heard.total,
			(uintmax_t)heard.answer);
	}
	audience_destroy(audience);
}
END_TEST

/* 1,000 characters one by one: an answer behind 300, 600 and 900. */
START_TEST(test_one_by_one)
{
	struct audience *audience = audience_create(1, SEED);
	for (uint64_t total = 1; total <= 1000; total++) {
		uint64_t expected = total == 301 ? 1 : total == 601 ? 2 : total == 901 ? 3 : 0;
		ck_assert_uint_eq(audience_hear(audience, "123456", 1).answer, expected);
	}
	audience_destroy(audience);
}
END_TEST

/* ---- who is forgotten ---- */

static void name(char id[WIRE_ID_BYTES + 1], unsigned number)
{
	snprintf(id, WIRE_ID_BYTES + 1, "%06u", number);
}

START_TEST(test_the_longest_silent_goes_first)
{
	struct audience *audience = audience_create(3, SEED);
	ck_assert(audience_hear(audience, "000001", 10).first);
	ck_assert(audience_hear(audience, "000002", 20).first);
	ck_assert(audience_hear(audience, "000003", 30).first);
	ck_assert(!audience_hear(audience, "000001", 1).first); /* now 2 is silent longest */
	ck_assert_uint_eq(audience_forgotten(audience), 0);
	ck_assert(audience_hear(audience, "000004", 40).first);
	ck_assert_uint_eq(audience_forgotten(audience), 1);
	ck_assert_uint_eq(audience_forgotten(audience), 0);
	ck_assert_uint_eq(audience_hear(audience, "000001", 0).total, 11);
	ck_assert_uint_eq(audience_hear(audience, "000003", 0).total, 30);
	ck_assert_uint_eq(audience_hear(audience, "000004", 0).total, 40);
	struct audience_heard again = audience_hear(audience, "000002", 5);
	ck_assert(again.first);
	ck_assert_uint_eq(again.total, 5);
	ck_assert_uint_eq(audience_forgotten(audience), 1);
	ck_assert_uint_eq(audience_hear(audience, "000003", 0).total, 30);
	ck_assert_uint_eq(audience_hear(audience, "000004", 0).total, 40);
	audience_destroy(audience);
}
END_TEST

START_TEST(test_alone)
{
	struct audience *audience = audience_create(1, SEED);
	for (int round = 0; round < 3; round++) {
		ck_assert_uint_eq(audience_hear(audience, "000001", 7).total, 7);
		ck_assert_uint_eq(audience_hear(audience, "000001", 7).total, 14);
		ck_assert_uint_eq(audience_hear(audience, "000002", 9).total, 9);
	}
	ck_assert_uint_eq(audience_forgotten(audience), 5);
	audience_destroy(audience);
}
END_TEST

/* 100,000 IDs take less than 8 MiB, each the place of one that is heard no more; against a plain
   array. */
START_TEST(test_a_crowd)
{
	enum { CROWD = 100000 };
	char id[WIRE_ID_BYTES + 1];
	struct audience *audience = audience_create(AUDIENCE_MAX, SEED);
	ck_assert_uint_le(audience_bytes(audience), 8 * MIB);
	for (unsigned i = 0; i < CROWD; i++) {
		name(id, i);
		struct audience_heard heard = audience_hear(audience, id, i);
		ck_assert(heard.first);
		ck_assert_uint_eq(heard.total, i);
	}
	ck_assert_uint_eq(audience_forgotten(audience), CROWD - AUDIENCE_MAX);
	for (unsigned i = CROWD - AUDIENCE_MAX; i < CROWD; i++) {
		name(id, i);
		ck_assert_uint_eq(audience_hear(audience, id, 1).total, i + 1);
	}
	ck_assert_uint_eq(audience_forgotten(audience), 0);
	ck_assert_uint_le(audience_bytes(audience), 8 * MIB);
	audience_destroy(audience);
}
END_TEST

START_TEST(test_nobody)
{
	audience_destroy(NULL);
	struct audience *audience = audience_create(AUDIENCE_MAX, 0);
	ck_assert_uint_eq(audience_forgotten(audience), 0);
	audience_destroy(audience);
}
END_TEST

/* ---- riddles ---- */

START_TEST(test_riddles_are_plain_lines)
{
	for (size_t i = 0; i < RIDDLE_COUNT; i++) {
		const char *text = riddle_text(i);
		ck_assert_uint_gt(strlen(text), 20);
		for (const char *c = text; *c; c++)
			ck_assert(*c >= ' ' && *c <= '~');
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(text, riddle_text(k));
	}
}
END_TEST

START_TEST(test_answers_fit_and_repeat)
{
	struct fate_stream stream = fate_stream(SEED, "tv", 4, FATE_REPLY);
	bool seen[RIDDLE_COUNT] = { false };
	for (uint64_t number = 1; number <= RIDDLE_COUNT; number++) {
		char text[RIDDLE_ANSWER_MAX], again[RIDDLE_ANSWER_MAX];
		size_t len = riddle_answer(text, &stream, "123456", number);
		ck_assert_uint_lt(len, RIDDLE_ANSWER_MAX);
		ck_assert_uint_eq(strlen(text), len);
		ck_assert(strncmp(text, "@123456: Thank", 14) == 0);
		size_t chosen = riddle_choose(&stream, "123456", number);
		ck_assert_str_eq(text + len - strlen(riddle_text(chosen)), riddle_text(chosen));
		ck_assert(!seen[chosen]);
		seen[chosen] = true;
		riddle_answer(again, &stream, "123456", number);
		ck_assert_str_eq(text, again);
		ck_assert_uint_eq(riddle_choose(&stream, "123456", number + RIDDLE_COUNT), chosen);
	}
}
END_TEST

START_TEST(test_riddles_depend_on_seed_and_id)
{
	bool by_id[RIDDLE_COUNT] = { false }, by_seed[RIDDLE_COUNT] = { false };
	size_t ids = 0, seeds = 0;
	struct fate_stream stream = fate_stream(SEED, "tv", 4, FATE_REPLY);
	for (unsigned i = 0; i < 1000; i++) {
		char id[WIRE_ID_BYTES + 1];
		name(id, i);
		struct fate_stream other = fate_stream(i, "tv", 4, FATE_REPLY);
		size_t one = riddle_choose(&stream, id, 1),
		       two = riddle_choose(&other, "123456", 1);
		ids += !by_id[one];
		seeds += !by_seed[two];
		by_id[one] = by_seed[two] = true;
	}
	ck_assert_uint_eq(ids, RIDDLE_COUNT);
	ck_assert_uint_eq(seeds, RIDDLE_COUNT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audience");
	TCase *speech = tcase_create("speech");
	tcase_add_loop_test(speech, test_speech, 0, sizeof speeches / sizeof speeches[0]);
	suite_add_tcase(suite, speech);
	TCase *audience = tcase_create("audience");
	tcase_add_loop_test(audience, test_answers, 0,
		sizeof conversations / sizeof conversations[0]);
	tcase_add_test(audience, test_one_by_one);
	tcase_add_test(audience, test_the_longest_silent_goes_first);
	tcase_add_test(audience, test_alone);
	tcase_add_test(audience, test_a_crowd);
	tcase_add_test(audience, test_nobody);
	suite_add_tcase(suite, audience);
	TCase *riddles = tcase_create("riddles");
	tcase_add_test(riddles, test_riddles_are_plain_lines);
	tcase_add_test(riddles, test_answers_fit_and_repeat);
	tcase_add_test(riddles, test_riddles_depend_on_seed_and_id);
	suite_add_tcase(suite, riddles);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
