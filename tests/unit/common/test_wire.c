/* The lab's texts: commands parsed after every byte, messages from a stream that is cut at every
   place, datagrams, and escaping. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"
#include "tests/unit/carrier/support.h"

struct command_case {
	const char *data;
	enum wire_verdict verdict;
	double interval; /* -1: the flood */
	size_t length, consumed;
};

static const struct command_case commands[] = {
	{ "CMD_short:0", WIRE_OPEN, 0, 11, 11 },
	{ "CMD_short:1", WIRE_OPEN, 1, 11, 11 },
	{ "CMD_short:12", WIRE_OPEN, 12, 12, 12 },
	{ "CMD_short:0.25", WIRE_OPEN, 0.25, 14, 14 },
	{ "CMD_short:.5", WIRE_OPEN, 0.5, 12, 12 },
	{ "CMD_short:2.", WIRE_OPEN, 2, 12, 12 },
	{ "CMD_short:007", WIRE_OPEN, 7, 13, 13 },
	{ "CMD_short:1\n", WIRE_COMMAND, 1, 11, 12 },
	{ "CMD_short:1\r\n", WIRE_COMMAND, 1, 11, 13 },
	{ "CMD_short:1\r", WIRE_OPEN, 1, 11, 12 },
	{ "CMD_short:1\rX", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:1\n\n", WIRE_COMMAND, 1, 11, 12 },
	{ "CMD_short:1\nCMD_short:2", WIRE_COMMAND, 1, 11, 12 },
	{ "CMD_short:0abc", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:0x10", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:0;ls", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:1e3", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:1e400", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:1,5", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:1 5", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:1 \t\n", WIRE_COMMAND, 1, 11, 11 },
	{ "CMD_short:1 ", WIRE_COMMAND, 1, 11, 11 },
	{ "CMD_short:1.2.3", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:1 \nCMD_short:2", WIRE_COMMAND, 1, 11, 11 },
	{ "CMD_short:0CMD_floodme", WIRE_COMMAND, 0, 11, 11 },
	{ "CMD_floodme", WIRE_COMMAND, -1, 11, 11 },
	{ "CMD_floodme\n", WIRE_COMMAND, -1, 11, 12 },
	{ "CMD_floodme\r\n", WIRE_COMMAND, -1, 11, 13 },
	{ "CMD_floodme\r", WIRE_COMMAND, -1, 11, 12 },
	{ "CMD_floodmenot", WIRE_INVALID, 0, 0, 0 },
	{ "", WIRE_PREFIX, 0, 0, 0 },
	{ "C", WIRE_PREFIX, 0, 0, 0 },
	{ "CMD_", WIRE_PREFIX, 0, 0, 0 },
	{ "CMD_short", WIRE_PREFIX, 0, 0, 0 },
	{ "CMD_short:", WIRE_PREFIX, 0, 0, 0 },
	{ "CMD_short:.", WIRE_PREFIX, 0, 0, 0 },
	{ "CMD_floodm", WIRE_PREFIX, 0, 0, 0 },
	{ "CMD_short:\n", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:.x", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:..", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:-1", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:+1", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short: 1", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:x", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_short:nan", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_shrot", WIRE_INVALID, 0, 0, 0 },
	{ "CMD_flood\n", WIRE_INVALID, 0, 0, 0 },
	{ "cmd_short:0", WIRE_INVALID, 0, 0, 0 },
	{ "\n", WIRE_INVALID, 0, 0, 0 },
	{ "GET / HTTP/1.1\r\n", WIRE_INVALID, 0, 0, 0 },
};

START_TEST(test_command)
{
	const struct command_case *c = &commands[_i];
	struct wire_command command;
	size_t len = strlen(c->data);
	char *exact = malloc(len + 1); /* of exact length: a read behind it is seen */
	memcpy(exact, c->data, len);
	enum wire_verdict verdict = wire_parse_command(exact, len, &command);
	free(exact);
	ck_assert_msg(verdict == c->verdict, "\"%s\": verdict %d", c->data, verdict);
	if (verdict != WIRE_COMMAND && verdict != WIRE_OPEN)
		return;
	ck_assert_int_eq(command.kind, c->interval < 0 ? WIRE_FLOOD : WIRE_SHORT);
	ck_assert_double_eq(command.interval, c->interval < 0 ? 0 : c->interval);
	ck_assert_uint_eq(command.length, c->length);
	ck_assert_uint_eq(command.consumed, c->consumed);
}
END_TEST

/* What is complete stays so, what can still grow says so: all beginnings of each row above. */
START_TEST(test_command_prefixes)
{
	const struct command_case *c = &commands[_i];
	bool decided = false;
	size_t length = 0;
	for (size_t len = 0; len <= strlen(c->data); len++) {
		struct wire_command command;
		enum wire_verdict verdict = wire_parse_command(c->data, len, &command);
		if (verdict == WIRE_COMMAND) {
			ck_assert(!decided || length == command.length);
			length = command.length;
			decided = true;
		} else {
			/* only what no command has behind it undoes one */
			ck_assert_msg(!decided || verdict == WIRE_INVALID,
				"\"%.*s\" was decided before", (int)len, c->data);
		}
		if (c->verdict != WIRE_INVALID || len < strlen(c->data))
			ck_assert_msg(verdict != WIRE_INVALID || c->verdict == WIRE_INVALID,
				"\"%.*s\"", (int)len, c->data);
	}
}
END_TEST

/* Clients send whole buffers; what they hold behind the NUL matters. */
START_TEST(test_command_in_a_buffer)
{
	char buffer[WIRE_COMMAND_MAX] = "CMD_short:1";
	struct wire_command command;
	ck_assert_int_eq(wire_parse_command(buffer, sizeof buffer, &command), WIRE_COMMAND);
	ck_assert_uint_eq(command.consumed, 11);
	buffer[40] = 'x';
	ck_assert_int_eq(wire_parse_command(buffer, sizeof buffer, &command), WIRE_INVALID);
	ck_assert_uint_eq(command.bad, 40);
}
END_TEST

START_TEST(test_command_length)
{
	char text[WIRE_COMMAND_MAX + 8];
	struct wire_command command;
	memset(text, '0', sizeof text);
	memcpy(text, "CMD_short:", 10);
	ck_assert_int_eq(wire_parse_command(text, WIRE_COMMAND_MAX, &command), WIRE_OPEN);
	ck_assert_int_eq(wire_parse_command(text, WIRE_COMMAND_MAX + 1, &command), WIRE_INVALID);
	text[WIRE_COMMAND_MAX] = '\n'; /* the line end does not count */
	ck_assert_int_eq(wire_parse_command(text, WIRE_COMMAND_MAX + 1, &command), WIRE_COMMAND);
	ck_assert_uint_eq(command.consumed, WIRE_COMMAND_MAX + 1);
	memset(text + 10, '9', WIRE_COMMAND_MAX - 10);
	ck_assert_int_eq(wire_parse_command(text, WIRE_COMMAND_MAX, &command), WIRE_OPEN);
	ck_assert_double_gt(command.interval, 1e53);
}
END_TEST

/* Messages first..last as they travel. */
static size_t make_stream(char *stream, size_t size, long first, long last)
{
	size_t len = 0;
	for (long i = first; i <= last; i++) {
		char text[WIRE_MESSAGE_MAX];
		size_t one = wire_format_message(text, i);
		ck_assert_uint_lt(len + one, size);
		memcpy(stream + len, text, one);
		len += one;
	}
	return len;
}

/* Feeds a piece and checks each message that it completes. Millions of times: ck_assert writes to a
   pipe each time, so it is only called for what is wrong. */
static void feed_piece(struct wire_splitter *splitter, const char *data, size_t len, long *next)
{
	while (len > 0) {
		bool complete;
		char text[WIRE_MESSAGE_MAX];
		size_t taken = wire_splitter_feed(splitter, data, len, &complete);
		if (splitter->broken || taken > len || (!complete && taken != len))
			ck_abort_msg("message %ld: took %zu of %zu", *next, taken, len);
		data += taken;
		len -= taken;
		if (!complete)
			continue;
		size_t length = wire_format_message(text, (*next)++);
		if (length != splitter->length || strcmp(text, splitter->held) != 0)
			ck_abort_msg("\"%s\" instead of \"%s\"", splitter->held, text);
	}
}

static void finish(struct wire_splitter *splitter, long first, long last, long next)
{
	char text[WIRE_MESSAGE_MAX];
	if (wire_splitter_end(splitter)) {
		wire_format_message(text, next++);
		ck_assert_str_eq(text, splitter->held);
	}
	ck_assert(!splitter->broken);
	ck_assert_int_eq(next, last + 1);
	ck_assert_int_eq(splitter->count, last - first + 1);
}

static const struct {
	long first, last;
} streams[] = {
	{ 1, 20 },
	{ 0, 20 },
	{ 1, 120 },
	{ 98, 103 },
	{ 7, 12 },
	{ 1, 1 },
	{ 0, 0 },
	{ 1, 2 },
	{ 10, 11 },
	{ 111, 113 },
	{ 999998, 1000002 },
	{ 5, 4 },
};

START_TEST(test_split_in_two)
{
	char stream[4096];
	long first = streams[_i].first, last = streams[_i].last;
	size_t len = make_stream(stream, sizeof stream, first, last);
	for (size_t cut = 0; cut <= len; cut++) {
		struct wire_splitter splitter;
		long next = first;
		wire_splitter_init(&splitter);
		feed_piece(&splitter, stream, cut, &next);
		feed_piece(&splitter, stream + cut, len - cut, &next);
		finish(&splitter, first, last, next);
	}
}
END_TEST

START_TEST(test_split_in_pieces)
{
	char stream[4096];
	long first = streams[_i].first, last = streams[_i].last;
	size_t len = make_stream(stream, sizeof stream, first, last);
	for (size_t piece = 1; piece <= 64; piece++) {
		struct wire_splitter splitter;
		long next = first;
		wire_splitter_init(&splitter);
		for (size_t at = 0; at < len; at += piece)
			feed_piece(&splitter, stream + at, piece < len - at ? piece : len - at,
				&next);
		finish(&splitter, first, last, next);
	}
}
END_TEST

/* All cuts in three of a stream whose first number could be 9, 99 or 9 and more. */
START_TEST(test_split_in_three)
{
	char stream[256];
	size_t len = make_stream(stream, sizeof stream, 9, 12);
	for (size_t one = 0; one <= len; one++)
		for (size_t two = one; two <= len; two++) {
			struct wire_splitter splitter;
			long next = 9;
			wire_splitter_init(&splitter);
			feed_piece(&splitter, stream, one, &next);
			feed_piece(&splitter, stream + one, two - one, &next);
			feed_piece(&splitter, stream + two, len - two, &next);
			finish(&splitter, 9, 12, next);
		}
}
END_TEST

/* After the first, a message is complete with its last digit and not one byte later. */
START_TEST(test_split_at_once)
{
	struct wire_splitter splitter;
	bool complete;
	wire_splitter_init(&splitter);
	const char *zero = "This is PMU data 0";
	ck_assert_uint_eq(wire_splitter_feed(&splitter, zero, strlen(zero), &complete),
		strlen(zero));
	ck_assert(complete);

	wire_splitter_init(&splitter);
	const char *nine = "This is PMU data 9";
	wire_splitter_feed(&splitter, nine, strlen(nine), &complete);
	ck_assert(!complete);
	ck_assert_uint_eq(wire_splitter_feed(&splitter, "This is PMU data 10", 19, &complete), 0);
	ck_assert(complete);
	ck_assert_str_eq(splitter.held, nine);
	ck_assert_uint_eq(wire_splitter_feed(&splitter, "This is PMU data 10", 19, &complete), 19);
	ck_assert(complete);
}
END_TEST

static const struct {
	const char *data;
	long count;
	const char *held;
} broken[] = {
	{ "ERROR expected CMD_short:<seconds>\n", 0, "ERROR expected CMD_short:<seconds>\n" },
	{ "This is PMU data x", 0, "This is PMU data x" },
	{ "This is PMU data -1", 0, "This is PMU data -1" },
	{ "This is PMU data 1This is PMU data 3", 1, "This is PMU data 3" },
	{ "This is PMU data 1This is PMU data 2X", 2, "X" },
	{ "This is PMU data 1\nThis is PMU data 2\n", 0, NULL },
	{ "This is PMU data 00", 1, "0" },
	{ "This is PMU data 0This is PMU data 1\n", 2, "\n" },
	{ "This is PMU data 99999999999999999999999", 0, NULL },
	{ "This is PMU data 1This is PMU da", 1, "This is PMU da" },
	{ "This is PMU data ", 0, "This is PMU data " },
	{ "T", 0, "T" },
	{ "This is PMU data This is PMU data 1", 0, "This is PMU data This is PMU data 1" },
	{ "a text that is longer than a message and than held", 0,
		"a text that is longer than a message and than h" },
};

START_TEST(test_split_broken)
{
	for (size_t piece = 1; piece <= 64; piece++) {
		struct wire_splitter splitter;
		const char *data = broken[_i].data;
		size_t len = strlen(data);
		wire_splitter_init(&splitter);
		for (size_t at = 0; at < len;) {
			bool complete;
			at += wire_splitter_feed(&splitter, data + at,
				piece < len - at ? piece : len - at, &complete);
			ck_assert(!(splitter.broken && complete));
		}
		ck_assert(!wire_splitter_end(&splitter));
		ck_assert(splitter.broken);
		ck_assert_uint_eq(splitter.length, strlen(splitter.held));
		ck_assert_int_eq(splitter.count, broken[_i].count);
		if (broken[_i].held) /* what came in later pieces is not kept */
			ck_assert_int_eq(strncmp(splitter.held, broken[_i].held,
						 strlen(splitter.held)),
				0);
		if (broken[_i].held && piece == 64)
			ck_assert_str_eq(splitter.held, broken[_i].held);
	}
}
END_TEST

START_TEST(test_format)
{
	char text[WIRE_MESSAGE_MAX];
	ck_assert_uint_eq(wire_format_message(text, 0), 18);
	ck_assert_str_eq(text, "This is PMU data 0");
	ck_assert_uint_eq(wire_format_message(text, 120), 20);
	ck_assert_str_eq(text, "This is PMU data 120");
}
END_TEST

START_TEST(test_escape)
{
	char text[WIRE_ESCAPED_MAX], input[200];
	wire_escape(text, "CMD_shrot:0", 11);
	ck_assert_str_eq(text, "CMD_shrot:0");
	wire_escape(text, "", 0);
	ck_assert_str_eq(text, "");
	wire_escape(text, "a\n\r\t\\\"\x1b\0\x7f\xff", 10);
	ck_assert_str_eq(text, "a\\n\\r\\t\\\\\\\"\\x1b\\x00\\x7f\\xff");
	memset(input, 0xff, sizeof input); /* the longest there is */
	wire_escape(text, input, sizeof input);
	ck_assert_uint_eq(strlen(text), 4 * WIRE_COMMAND_MAX + 3);
	ck_assert_str_eq(text + 4 * WIRE_COMMAND_MAX, "...");
	memset(input, 'x', sizeof input);
	wire_escape(text, input, WIRE_COMMAND_MAX);
	ck_assert_uint_eq(strlen(text), WIRE_COMMAND_MAX);
}
END_TEST

static const struct {
	struct bytes data;
	const char *shown;
} said[] = {
	{ BYTES(""), "" },
	{ BYTES("What a \"piece\" of work"), "What a \"piece\" of work" },
	{ BYTES("Z\xc3\xbcrich \xe2\x99\xa5 \xf0\x9f\x99\x82"),
		"Z\xc3\xbcrich \xe2\x99\xa5 \xf0\x9f\x99\x82" },
	{ BYTES("a\nb\r\n\tc\\n"), "a\\nb\\r\\n\\tc\\\\n" },
	{ BYTES("\0\x01\x1f\x7f"), "\\x00\\x01\\x1f\\x7f" },
	{ BYTES("\x1b[2J\x1b]0;x\x07"), "\\x1b[2J\\x1b]0;x\\x07" },
	{ BYTES("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"),
		"\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\xc2\xa0" }, /* C1 */
	{ BYTES("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xae\xe2\x80\xaf"),
		"\xe2\x80\xa7\\xe2\\x80\\xa8\\xe2\\x80\\xae\xe2\x80\xaf" },
	{ BYTES("\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa"),
		"\xe2\x81\xa5\\xe2\\x81\\xa6\\xe2\\x81\\xa9\xe2\x81\xaa" },
	{ BYTES("\x9b"
		"2J\xff\xfe"),
		"\\x9b2J\\xff\\xfe" },
	{ BYTES("\xc3"), "\\xc3" }, /* the rest is missing */
	{ BYTES("\xe2\x99"), "\\xe2\\x99" },
	{ BYTES("\xc3(\xe2\x99\xc3\xa9"), "\\xc3(\\xe2\\x99\xc3\xa9" },
	{ BYTES("\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80"),
		"\\xc0\\xaf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80" },
};

START_TEST(test_show)
{
	char text[WIRE_SHOWN_MAX];
	wire_show(text, said[_i].data.data, said[_i].data.len);
	ck_assert_str_eq(text, said[_i].shown);
}
END_TEST

START_TEST(test_show_whole)
{
	char text[WIRE_SHOWN_MAX + 1], input[2 * WIRE_SHOWN];
	memset(input, 'x', sizeof input);
	wire_show(text, input, WIRE_SHOWN);
	ck_assert_uint_eq(strlen(text), WIRE_SHOWN);
	wire_show(text, input, WIRE_SHOWN + 1);
	ck_assert_uint_eq(strlen(text), WIRE_SHOWN + 3);
	ck_assert_str_eq(text + WIRE_SHOWN, "...");
	memset(input, 0xff, sizeof input); /* the longest there is */
	text[WIRE_SHOWN_MAX] = '!';
	wire_show(text, input, sizeof input);
	ck_assert_uint_eq(strlen(text), WIRE_SHOWN_MAX - 1);
	ck_assert_int_eq(text[WIRE_SHOWN_MAX], '!');
}
END_TEST

/* Wherever the limit falls, it falls between characters. */
START_TEST(test_show_cuts_between_characters)
{
	static const char *const characters[] = { "x", "\xc3\xbc", "\xe2\x99\xa5",
		"\xf0\x9f\x99\x82" };
	const char *character = characters[_i / 4];
	size_t len = strlen(character), before = (size_t)_i % 4;
	char text[WIRE_SHOWN_MAX], input[WIRE_SHOWN + 8];
	memset(input, '-', before);
	size_t used = before, cut = before;
	while (used < WIRE_SHOWN + 1) {
		memcpy(input + used, character, len);
		used += len;
		if (used <= WIRE_SHOWN)
			cut = used;
	}
	wire_show(text, input, used);
	ck_assert_uint_eq(strlen(text), cut + 3);
	ck_assert_int_eq(memcmp(text, input, cut), 0);
	ck_assert_str_eq(text + cut, "...");
}
END_TEST

struct number_case {
	struct bytes data;
	long number; /* -1: refused */
};

static const struct number_case resets[] = {
	{ BYTES("RESET:20"), 20 },
	{ BYTES("RESET:0"), 0 },
	{ BYTES("RESET:1"), 1 },
	{ BYTES("RESET:86400"), 86400 },
	{ BYTES("RESET:20\n"), 20 },
	{ BYTES("RESET:20\r\n"), 20 },
	{ BYTES("RESET:86400\r\n"), 86400 },
	{ BYTES(""), -1 },
	{ BYTES("\n"), -1 },
	{ BYTES("R"), -1 },
	{ BYTES("RESET"), -1 },
	{ BYTES("RESET:"), -1 },
	{ BYTES("RESET:\n"), -1 },
	{ BYTES("RESET:\r\n"), -1 },
	{ BYTES("RESET:20\r"), -1 },
	{ BYTES("RESET:20\n\n"), -1 },
	{ BYTES("RESET:20\n20"), -1 },
	{ BYTES("RESET:20 "), -1 },
	{ BYTES("RESET: 20"), -1 },
	{ BYTES(" RESET:20"), -1 },
	{ BYTES("RESET:+20"), -1 },
	{ BYTES("RESET:-1"), -1 },
	{ BYTES("RESET:-0"), -1 },
	{ BYTES("RESET:00"), -1 },
	{ BYTES("RESET:020"), -1 },
	{ BYTES("RESET:86401"), -1 },
	{ BYTES("RESET:99999999999999999999999999"), -1 },
	{ BYTES("RESET:2.0"), -1 },
	{ BYTES("RESET:2e1"), -1 },
	{ BYTES("RESET:0x14"), -1 },
	{ BYTES("RESET:20\0"), -1 },
	{ BYTES("RESET:2\0"), -1 },
	{ BYTES("RESET:\0"), -1 },
	{ BYTES("RESET\0:20"), -1 },
	{ BYTES("RESET=20"), -1 },
	{ BYTES("reset:20"), -1 },
	{ BYTES("RESET:\xd9\xa2\xd9\xa0"), -1 }, /* 20 in Arabic digits */
	{ BYTES("RESET:20RESET:20"), -1 },
	{ BYTES("OFFSET:20"), -1 },
};

static const struct number_case offsets[] = {
	{ BYTES("OFFSET=13"), 13 },
	{ BYTES("OFFSET:13"), 13 },
	{ BYTES("OFFSET=0"), 0 },
	{ BYTES("OFFSET=86400"), 86400 },
	{ BYTES("OFFSET=7\n"), 7 },
	{ BYTES("OFFSET:7\r\n"), 7 },
	{ BYTES(""), -1 },
	{ BYTES("OFFSET"), -1 },
	{ BYTES("OFFSET="), -1 },
	{ BYTES("OFFSET=\n"), -1 },
	{ BYTES("OFFSET 13"), -1 },
	{ BYTES("OFFSET= 13"), -1 },
	{ BYTES("OFFSET=X"), -1 },
	{ BYTES("OFFSET=-1"), -1 },
	{ BYTES("OFFSET=013"), -1 },
	{ BYTES("OFFSET=86401"), -1 },
	{ BYTES("OFFSET=1\0"), -1 },
	{ BYTES("OFFSET==1"), -1 },
	{ BYTES("offset=1"), -1 },
	{ BYTES("Wrong command."), -1 },
};

typedef bool parse_number(const char *data, size_t len, long *number);

/* Also from memory of exactly that size, so that a sanitizer sees what reads too far. */
static void check_number(parse_number *parse, const struct number_case *number_case)
{
	size_t len = number_case->data.len;
	char *data = malloc(len + (len == 0));
	memcpy(data, number_case->data.data, len);
	long number = -7;
	ck_assert_msg(parse(data, len, &number) == (number_case->number >= 0), "\"%s\"",
		number_case->data.data);
	ck_assert_int_eq(number, number_case->number >= 0 ? number_case->number : -7);
	free(data);
}

START_TEST(test_parse_reset)
{
	check_number(wire_parse_reset, &resets[_i]);
}
END_TEST

START_TEST(test_parse_offset)
{
	check_number(wire_parse_offset, &offsets[_i]);
}
END_TEST

START_TEST(test_numbers_there_and_back)
{
	char text[WIRE_OFFSET_TEXT_MAX];
	for (long number = 0; number <= WIRE_OFFSET_MAX; number++) {
		long back = -1;
		size_t len = wire_format_reset(text, number);
		ck_assert(len == strlen(text) && wire_parse_reset(text, len, &back) &&
			  back == number);
		len = wire_format_offset(text, number % 2 ? ':' : '=', number);
		back = -1;
		ck_assert(len == strlen(text) && wire_parse_offset(text, len, &back) &&
			  back == number);
	}
	wire_format_offset(text, '=', 13);
	ck_assert_str_eq(text, "OFFSET=13");
	wire_format_offset(text, ':', 86400);
	ck_assert_str_eq(text, "OFFSET:86400");
	wire_format_reset(text, 20);
	ck_assert_str_eq(text, "RESET:20");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *command = tcase_create("command"), *splitter = tcase_create("splitter"),
	      *datagram = tcase_create("datagram"), *text = tcase_create("text");
	tcase_set_timeout(splitter, 30);
	tcase_add_loop_test(command, test_command, 0, COUNT(commands));
	tcase_add_loop_test(command, test_command_prefixes, 0, COUNT(commands));
	tcase_add_test(command, test_command_length);
	tcase_add_test(command, test_command_in_a_buffer);
	tcase_add_loop_test(splitter, test_split_in_two, 0, COUNT(streams));
	tcase_add_loop_test(splitter, test_split_in_pieces, 0, COUNT(streams));
	tcase_add_test(splitter, test_split_in_three);
	tcase_add_test(splitter, test_split_at_once);
	tcase_add_loop_test(splitter, test_split_broken, 0, COUNT(broken));
	tcase_add_loop_test(datagram, test_parse_reset, 0, COUNT(resets));
	tcase_add_loop_test(datagram, test_parse_offset, 0, COUNT(offsets));
	tcase_add_test(datagram, test_numbers_there_and_back);
	tcase_add_test(text, test_format);
	tcase_add_test(text, test_escape);
	tcase_add_loop_test(text, test_show, 0, COUNT(said));
	tcase_add_test(text, test_show_whole);
	tcase_add_loop_test(text, test_show_cuts_between_characters, 0, 16);
	suite_add_tcase(suite, command);
	suite_add_tcase(suite, splitter);
	suite_add_tcase(suite, datagram);
	suite_add_tcase(suite, text);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
