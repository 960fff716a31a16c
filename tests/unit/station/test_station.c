/* The play as datagrams: the datagrams that each text becomes, and where long lines are cut. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "servers/station/station.h"
#include "servers/texts/play.h"

enum { ROOM = STATION_DATAGRAM_MAX - WIRE_ID_BYTES, DATAGRAMS_MAX = 8 };

static const char id[] = "swcmTV";

#define REWIND "swcmTVRWND..."

/* A text, and its datagrams up to the first one that comes a second time. */
static const struct {
	const char *text;
	const char *datagrams[DATAGRAMS_MAX];
} plays[] = {
	{ "ACT I\n\nWho's there?\n", { "swcmTVACT I", "swcmTV", "swcmTVWho's there?", REWIND,
					     "swcmTVACT I", "swcmTV" } },
	{ "one\ntwo", { "swcmTVone", "swcmTVtwo", REWIND, "swcmTVone" } },
	{ "one\r\n\r\ntwo\r\n", { "swcmTVone", "swcmTV", "swcmTVtwo", REWIND, "swcmTVone" } },
	{ "\n\n", { "swcmTV", "swcmTV", REWIND, "swcmTV" } },
	{ "a\rb\n", { "swcmTVa\rb", REWIND, "swcmTVa\rb" } },
	{ "a\r", { "swcmTVa\r", REWIND } },
	{ "\xc3\x89lan\n", { "swcmTV\xc3\x89lan", REWIND } },
	{ "", { REWIND, REWIND } },
};

START_TEST(test_datagrams)
{
	struct station station;
	station_init(&station, plays[_i].text, strlen(plays[_i].text), id);
	for (int d = 0; plays[_i].datagrams[d]; d++) {
		const char *expected = plays[_i].datagrams[d];
		char datagram[STATION_DATAGRAM_MAX];
		unsigned intervals = 0;
		size_t len = station_next(&station, datagram, &intervals);
		ck_assert_msg(len == strlen(expected) && memcmp(datagram, expected, len) == 0,
			"datagram %d is \"%.*s\", not \"%s\"", d, (int)len, datagram, expected);
		ck_assert_uint_eq(intervals, strcmp(expected, REWIND) == 0 ? STATION_PAUSE : 1);
	}
}
END_TEST

/* A line of `before` times 'x', then characters of one length, up to `len` bytes. */
static size_t make_line(char *line, size_t len, size_t before, const char *character)
{
	size_t bytes = strlen(character), used = 0;
	for (; used < before; used++)
		line[used] = 'x';
	for (; used + bytes <= len; used += bytes)
		memcpy(line + used, character, bytes);
	return used;
}

static const struct {
	size_t len, before;
	const char *character;
	size_t datagrams; /* that the line becomes */
	size_t first;     /* bytes of text in the first one */
} lines[] = {
	{ ROOM - 1, 0, "x", 1, ROOM - 1 },
	{ ROOM, 0, "x", 1, ROOM },
	{ ROOM + 1, 0, "x", 2, ROOM },
	{ 2 * ROOM, 0, "x", 2, ROOM },
	{ 2 * ROOM + 1, 0, "x", 3, ROOM },
	{ 3000, 0, "\xc3\xa9", 3, ROOM },
	{ 3000, 1, "\xc3\xa9", 3, ROOM - 1 },
	{ 3000, 0, "\xe2\x82\xac", 3, ROOM - 2 },
	{ 3000, 1, "\xe2\x82\xac", 3, ROOM - 1 },
	{ 3000, 2, "\xe2\x82\xac", 3, ROOM },
	{ 3000, 0, "\xf0\x9f\x8e\xad", 3, ROOM - 2 },
	{ 3000, 1, "\xf0\x9f\x8e\xad", 3, ROOM - 1 },
	{ 3000, 2, "\xf0\x9f\x8e\xad", 3, ROOM },
	{ 3000, 3, "\xf0\x9f\x8e\xad", 3, ROOM - 3 },
	/* not UTF-8: the station never gets such a text, and cutting it must still end */
	{ 4000, 0, "\x80", 3, ROOM },
};

static bool is_utf8(const char *text, size_t len)
{
	struct utf8 utf8 = { 0 };
	return utf8_feed(&utf8, text, len) && utf8_complete(&utf8);
}

START_TEST(test_long_lines_are_cut_between_characters)
{
	static const char *const ends[] = { "", "\n", "\r\n" };
	for (size_t e = 0; e < sizeof ends / sizeof ends[0]; e++) {
		char text[5000], said[5000];
		size_t len = make_line(text, lines[_i].len, lines[_i].before, lines[_i].character);
		strcpy(text + len, ends[e]);
		struct station station;
		station_init(&station, text, len + strlen(ends[e]), id);
		size_t used = 0;
		for (size_t d = 0; d < lines[_i].datagrams; d++) {
			char datagram[STATION_DATAGRAM_MAX];
			unsigned intervals = 0;
			size_t sent = station_next(&station, datagram, &intervals);
			ck_assert_uint_le(sent, STATION_DATAGRAM_MAX);
			ck_assert_uint_eq(intervals, 1);
			if (d == 0)
				ck_assert_uint_eq(sent - WIRE_ID_BYTES, lines[_i].first);
			ck_assert(is_utf8(datagram, sent) || lines[_i].character[0] == '\x80');
			memcpy(said + used, datagram + WIRE_ID_BYTES, sent - WIRE_ID_BYTES);
			used += sent - WIRE_ID_BYTES;
		}
		ck_assert_uint_eq(used, len);
		ck_assert_mem_eq(said, text, len);
		char datagram[STATION_DATAGRAM_MAX];
		unsigned intervals = 0;
		ck_assert_uint_eq(station_next(&station, datagram, &intervals), strlen(REWIND));
	}
}
END_TEST

/* Each line of the play that is built in, and none twice. */
START_TEST(test_hamlet)
{
	size_t len, lines_left = 0;
	char *play = play_create("", &len, NULL);
	ck_assert_ptr_nonnull(play);
	for (size_t i = 0; i < len; i++)
		lines_left += play[i] == '\n';
	ck_assert_uint_gt(lines_left, 300);
	struct station station;
	station_init(&station, play, len, id);
	char datagram[STATION_DATAGRAM_MAX];
	for (unsigned intervals = 1;; lines_left--) {
		size_t sent = station_next(&station, datagram, &intervals);
		ck_assert_mem_eq(datagram, id, WIRE_ID_BYTES);
		ck_assert(is_utf8(datagram, sent));
		if (intervals == STATION_PAUSE)
			break;
	}
	ck_assert_uint_eq(lines_left, 0);
	free(play);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("station");
	TCase *tcase = tcase_create("station");
	tcase_add_loop_test(tcase, test_datagrams, 0, sizeof plays / sizeof plays[0]);
	tcase_add_loop_test(tcase, test_long_lines_are_cut_between_characters, 0,
		sizeof lines / sizeof lines[0]);
	tcase_add_test(tcase, test_hamlet);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
