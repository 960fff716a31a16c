/*
 * The WebSocket transport over a scripted one. Each row has what the peer sends and the outcome. It
 * runs with the input cut at every place, byte by byte, and with sends that take one byte and block
 * in between. The outcome must be the same each time.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/carrier/transport.h"
#include "tests/unit/carrier/support.h"

#define REQUEST                                                                                    \
	"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"               \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define RESPONSE                                                                                   \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"        \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

/* Frames of a client; the mask of four zeros leaves the payload readable. M: another one. */
#define K "\0\0\0\0"
#define CLOSE_1000 "\x88\x82" K "\x03\xe8"
#define CLOSED_1000 "\x88\x02\x03\xe8"

struct outcome {
	char data[1 << 17]; /* messages, each followed by a | */
	size_t data_len;
	enum io end; /* what ended the reading */
	struct transport_about about;
	char reason[128], err[512], path[16];
	char *output; /* behind the upgrade */
	size_t output_len;
	enum io finish;
	unsigned finishes;
};

static const struct ws_options plain_options = { .message_limit = 16 };

struct delivery {
	size_t split;
	size_t recv_max;
	size_t send_max;
	bool send_blocks;
	size_t buffer; /* bytes the caller offers to recv */
};

static void receive(struct transport *ws, struct outcome *outcome, size_t size)
{
	enum io io;
	char buf[65536];
	for (;;) {
		size_t len = 99;
		bool last = true;
		WHILE_BLOCKED(io, ws->ops->recv(ws, buf, size, &len, &last));
		if (io != IO_DONE)
			break;
		ck_assert_uint_le(len, size);
		ck_assert_uint_lt(outcome->data_len + len, sizeof outcome->data - 1);
		memcpy(outcome->data + outcome->data_len, buf, len);
		outcome->data_len += len;
		if (last)
			outcome->data[outcome->data_len++] = '|';
	}
	outcome->end = io;
}

/* A whole connection of a server: upgrade, everything that comes, flush, finish. Free the
   output. */
static void serve(const struct bytes *frames, const struct delivery *delivery,
	const struct ws_options *options, enum io lower_end, struct outcome *outcome)
{
	size_t input_len = sizeof REQUEST - 1 + frames->len;
	char *input = malloc(input_len);
	memcpy(input, REQUEST, sizeof REQUEST - 1);
	memcpy(input + sizeof REQUEST - 1, frames->data, frames->len);
	struct scripted *script = scripted_create(input, input_len);
	script->split = delivery->split;
	script->recv_max = delivery->recv_max;
	script->send_max = delivery->send_max;
	script->send_blocks = delivery->send_blocks;
	script->end = lower_end;
	struct transport *ws = transport_ws_accept(&script->base, options);
	enum io io;

	memset(outcome, 0, offsetof(struct outcome, output));
	WHILE_BLOCKED(io, ws->ops->handshake(ws));
	ck_assert_int_eq(io, IO_DONE);
	receive(ws, outcome, delivery->buffer);
	WHILE_BLOCKED(io, ws->ops->flush(ws));
	ck_assert_int_eq(io, IO_DONE);
	ws->ops->describe(ws, &outcome->about);
	snprintf(outcome->reason, sizeof outcome->reason, "%s", outcome->about.ws_close_reason);
	snprintf(outcome->path, sizeof outcome->path, "%s", outcome->about.ws_path);
	snprintf(outcome->err, sizeof outcome->err, "%s", ws->err.text);
	WHILE_BLOCKED(outcome->finish, ws->ops->finish(ws));
	ck_assert_uint_ge(script->output_len, sizeof RESPONSE - 1);
	ck_assert_mem_eq(script->output, RESPONSE, sizeof RESPONSE - 1);
	outcome->output_len = script->output_len - (sizeof RESPONSE - 1);
	outcome->output = malloc(outcome->output_len + 1);
	memcpy(outcome->output, script->output + sizeof RESPONSE - 1, outcome->output_len);
	outcome->finishes = script->finishes;
	transport_destroy(ws);
	free(input);
}

/* Runs `check` for every way of delivering the frames. */
static void deliver_all(const struct bytes *frames, const struct ws_options *options,
	enum io lower_end, void (*check)(const void *row, struct outcome *outcome), const void *row)
{
	struct outcome outcome;
	const struct delivery ways[] = {
		{ .buffer = 4096 },
		{ .buffer = 1 },
		{ .recv_max = 1, .buffer = 4096 },
		{ .recv_max = 1, .buffer = 1, .send_max = 1, .send_blocks = true },
		{ .recv_max = 3, .buffer = 2, .send_max = 1 },
	};
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		serve(frames, &ways[i], options, lower_end, &outcome);
		check(row, &outcome);
		free(outcome.output);
	}
	for (size_t split = 1; split < sizeof REQUEST - 1 + frames->len; split++) {
		struct delivery way = { .split = split, .buffer = 4096, .send_blocks = split % 2 };
		serve(frames, &way, options, lower_end, &outcome);
		check(row, &outcome);
		free(outcome.output);
	}
}

/* ---- what is good ---- */

static const struct exchange {
	const char *what;
	struct bytes frames;
	const char *data; /* messages, each with | behind it */
	struct bytes answer;
	unsigned code;
	const char *reason;
} exchanges[] = {
	{ "BINARY", BYTES("\x82\x85" K "hello" CLOSE_1000), "hello|", BYTES(CLOSED_1000), 1000,
		"" },
	{ "TEXT, masked", BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58" CLOSE_1000),
		"Hello|", BYTES(CLOSED_1000), 1000, "" },
	{ "an empty message", BYTES("\x82\x80" K CLOSE_1000), "|", BYTES(CLOSED_1000), 1000, "" },
	{ "two messages", BYTES("\x82\x81" K "a\x82\x81" K "b" CLOSE_1000), "a|b|",
		BYTES(CLOSED_1000), 1000, "" },
	{ "fragments", BYTES("\x01\x82" K "ab\0\x81" K "c\x80\x82" K "de" CLOSE_1000), "abcde|",
		BYTES(CLOSED_1000), 1000, "" },
	{ "empty fragments", BYTES("\x02\x80" K "\0\x80" K "\0\x81" K "a\x80\x80" K CLOSE_1000),
		"a|", BYTES(CLOSED_1000), 1000, "" },
	{ "only empty fragments", BYTES("\x01\x80" K "\x80\x80" K CLOSE_1000), "|",
		BYTES(CLOSED_1000), 1000, "" },
	{ "ping", BYTES("\x89\x82" K "hi" CLOSE_1000), "", BYTES("\x8a\x02hi" CLOSED_1000), 1000,
		"" },
	{ "empty ping", BYTES("\x89\x80" K CLOSE_1000), "", BYTES("\x8a\0" CLOSED_1000), 1000, "" },
	{ "pings, each answered", BYTES("\x89\x81" K "x\x89\x81" K "y\x89\x81" K "z" CLOSE_1000),
		"", BYTES("\x8a\x01x\x8a\x01y\x8a\x01z" CLOSED_1000), 1000, "" },
	{ "ping between fragments", BYTES("\x01\x81" K "a\x89\x81" K "p\x80\x81" K "b" CLOSE_1000),
		"ab|", BYTES("\x8a\x01p" CLOSED_1000), 1000, "" },
	{ "pong unasked", BYTES("\x8a\x81" K "p\x82\x81" K "a" CLOSE_1000), "a|",
		BYTES(CLOSED_1000), 1000, "" },
	{ "a limit met exactly", BYTES("\x82\x90" K "0123456789abcdef" CLOSE_1000),
		"0123456789abcdef|", BYTES(CLOSED_1000), 1000, "" },
	{ "a limit met in fragments",
		BYTES("\x02\x88" K "01234567\x80\x88" K "89abcdef" CLOSE_1000), "0123456789abcdef|",
		BYTES(CLOSED_1000), 1000, "" },
	{ "UTF-8",
		BYTES("\x81\x8c" K "\xc2\xb5\xe1\xbd\xb9\xed\x9f\xbf\xf4\x8f\xbf\xbf" CLOSE_1000),
		"\xc2\xb5\xe1\xbd\xb9\xed\x9f\xbf\xf4\x8f\xbf\xbf|", BYTES(CLOSED_1000), 1000, "" },
	{ "UTF-8 cut by a fragment", BYTES("\x01\x81" K "\xe1\x80\x82" K "\xbd\xb9" CLOSE_1000),
		"\xe1\xbd\xb9|", BYTES(CLOSED_1000), 1000, "" },
	{ "BINARY need not be UTF-8", BYTES("\x82\x82" K "\xff\xc0" CLOSE_1000), "\xff\xc0|",
		BYTES(CLOSED_1000), 1000, "" },
	{ "empty Close", BYTES("\x88\x80" K), "", BYTES("\x88\0"), 1005, "" },
	{ "Close 1005", BYTES("\x88\x82" K "\x03\xed"), "", BYTES("\x88\0"), 1005, "" },
	{ "Close with a reason", BYTES("\x88\x85" K "\x03\xe9why"), "", BYTES("\x88\x02\x03\xe9"),
		1001, "why" },
	{ "Close 3000", BYTES("\x88\x82" K "\x0b\xb8"), "", BYTES("\x88\x02\x0b\xb8"), 3000, "" },
	{ "Close 4999", BYTES("\x88\x82" K "\x13\x87"), "", BYTES("\x88\x02\x13\x87"), 4999, "" },
	{ "Close 1014", BYTES("\x88\x82" K "\x03\xf6"), "", BYTES("\x88\x02\x03\xf6"), 1014, "" },
	{ "data behind Close", BYTES(CLOSE_1000 "\x82\x85" K "hello"), "", BYTES(CLOSED_1000), 1000,
		"" },
	{ "rubbish behind Close", BYTES(CLOSE_1000 "\xff\xff\xff\xff"), "", BYTES(CLOSED_1000),
		1000, "" },
	{ "Close in a fragmented message", BYTES("\x02\x81" K "a" CLOSE_1000), "a",
		BYTES(CLOSED_1000), 1000, "" },
};

static void check_exchange(const void *context, struct outcome *outcome)
{
	const struct exchange *row = context;
	ck_assert_msg(outcome->end == IO_EOF, "%s: ended with %d %s", row->what, outcome->end,
		outcome->err);
	ck_assert_msg(strcmp(outcome->data, row->data) == 0, "%s: got \"%s\"", row->what,
		outcome->data);
	ck_assert_msg(outcome->output_len == row->answer.len &&
			memcmp(outcome->output, row->answer.data, row->answer.len) == 0,
		"%s: another answer of %zu bytes", row->what, outcome->output_len);
	ck_assert_msg(outcome->about.ws_close_code == row->code, "%s: %u", row->what,
		outcome->about.ws_close_code);
	ck_assert_str_eq(outcome->reason, row->reason);
	ck_assert_str_eq(outcome->path, "/");
	ck_assert(outcome->about.orderly);
	ck_assert_int_eq(outcome->finish, IO_DONE);
	ck_assert_uint_eq(outcome->finishes, 1);
}

START_TEST(good_peers)
{
	deliver_all(&exchanges[_i].frames, &plain_options, IO_WANT_READ, check_exchange,
		&exchanges[_i]);
}
END_TEST

/* ---- what is not ---- */

static const struct breach {
	const char *what;
	struct bytes frames;
	const char *data; /* delivered before */
	unsigned code;
	const char *err;
} breaches[] = {
	{ "not masked", BYTES("\x82\x05hello"), "", 1002, "not masked" },
	{ "not masked and empty", BYTES("\x82\0"), "", 1002, "not masked" },
	{ "second frame not masked", BYTES("\x82\x81" K "x\x82\x01y"), "x|", 1002, "not masked" },
	{ "ping not masked", BYTES("\x89\0"), "", 1002, "not masked" },
	{ "RSV1", BYTES("\xc2\x81" K "a"), "", 1002, "reserved bit" },
	{ "RSV2", BYTES("\xa2\x81" K "a"), "", 1002, "reserved bit" },
	{ "RSV3", BYTES("\x92\x81" K "a"), "", 1002, "reserved bit" },
	{ "RSV1 on a ping", BYTES("\xc9\x80" K), "", 1002, "reserved bit" },
	{ "RSV1 on a continuation", BYTES("\x02\x81" K "a\xc0\x81" K "b"), "a", 1002,
		"reserved bit" },
	{ "opcode 3", BYTES("\x83\x80" K), "", 1002, "reserved opcode" },
	{ "opcode 7", BYTES("\x87\x81" K "a"), "", 1002, "reserved opcode" },
	{ "opcode 11", BYTES("\x8b\x80" K), "", 1002, "reserved opcode" },
	{ "opcode 15", BYTES("\x8f\x81" K "a"), "", 1002, "reserved opcode" },
	{ "ping in fragments", BYTES("\x09\x80" K), "", 1002, "control frame" },
	{ "Close in fragments", BYTES("\x08\x82" K "\x03\xe8"), "", 1002, "control frame" },
	{ "ping of 126 bytes", BYTES("\x89\xfe\0\x7e" K), "", 1002, "control frame" },
	{ "ping with a long length", BYTES("\x89\xff\0\0\0\0\0\1\0\0"), "", 1002, "control frame" },
	{ "continuation of nothing", BYTES("\x80\x81" K "a"), "", 1002, "continuation" },
	{ "continuation after the end", BYTES("\x82\x81" K "a\x80\x81" K "b"), "a|", 1002,
		"continuation" },
	{ "unfinished continuation of nothing", BYTES("\0\x80" K), "", 1002, "continuation" },
	{ "message inside a message", BYTES("\x02\x81" K "a\x82\x81" K "b"), "a", 1002, "inside" },
	{ "TEXT inside a message", BYTES("\x01\x81" K "a\x01\x81" K "b"), "a", 1002, "inside" },
	{ "not UTF-8", BYTES("\x81\x81" K "\xff"), NULL, 1007, "UTF-8" },
	{ "overlong", BYTES("\x81\x82" K "\xc0\xaf"), NULL, 1007, "UTF-8" },
	{ "overlong of three", BYTES("\x81\x83" K "\xe0\x80\xaf"), NULL, 1007, "UTF-8" },
	{ "overlong of four", BYTES("\x81\x84" K "\xf0\x8f\xbf\xbf"), NULL, 1007, "UTF-8" },
	{ "surrogate", BYTES("\x81\x83" K "\xed\xa0\x80"), NULL, 1007, "UTF-8" },
	{ "over U+10FFFF", BYTES("\x81\x84" K "\xf4\x90\x80\x80"), NULL, 1007, "UTF-8" },
	{ "lone continuation byte", BYTES("\x81\x81" K "\x80"), NULL, 1007, "UTF-8" },
	{ "UTF-8 that stops", BYTES("\x81\x82" K "\xe1\xbd"), NULL, 1007, "UTF-8" },
	{ "UTF-8 that stops after a fragment", BYTES("\x01\x81" K "\xe1\x80\x81" K "\xbd"), NULL,
		1007, "UTF-8" },
	{ "UTF-8 that stops at an empty end", BYTES("\x01\x81" K "\xe1\x80\x80" K), NULL, 1007,
		"UTF-8" },
	{ "bad UTF-8 across fragments", BYTES("\x01\x81" K "\xed\0\x81" K "\xa0"), NULL, 1007,
		"UTF-8" },
	{ "Close of one byte", BYTES("\x88\x81" K "\x03"), "", 1002, "one byte" },
	{ "Close 0", BYTES("\x88\x82" K "\0\0"), "", 1002, "code" },
	{ "Close 999", BYTES("\x88\x82" K "\x03\xe7"), "", 1002, "code" },
	{ "Close 1004", BYTES("\x88\x82" K "\x03\xec"), "", 1002, "code" },
	{ "Close 1006", BYTES("\x88\x82" K "\x03\xee"), "", 1002, "code" },
	{ "Close 1015", BYTES("\x88\x82" K "\x03\xf7"), "", 1002, "code" },
	{ "Close 1016", BYTES("\x88\x82" K "\x03\xf8"), "", 1002, "code" },
	{ "Close 2999", BYTES("\x88\x82" K "\x0b\xb7"), "", 1002, "code" },
	{ "Close 5000", BYTES("\x88\x82" K "\x13\x88"), "", 1002, "code" },
	{ "Close 65535", BYTES("\x88\x82" K "\xff\xff"), "", 1002, "code" },
	{ "Close with a bad reason", BYTES("\x88\x83" K "\x03\xe8\xff"), "", 1007, "reason" },
	{ "Close with a reason cut short", BYTES("\x88\x83" K "\x03\xe8\xc2"), "", 1007, "reason" },
	{ "length 125 in 2 bytes", BYTES("\x82\xfe\0\x7d" K), "", 1002, "shortest" },
	{ "length 0 in 2 bytes", BYTES("\x82\xfe\0\0" K), "", 1002, "shortest" },
	{ "length 65535 in 8 bytes", BYTES("\x82\xff\0\0\0\0\0\0\xff\xff" K), "", 1002,
		"shortest" },
	{ "length 2^63", BYTES("\x82\xff\x80\0\0\0\0\0\0\0" K), "", 1002, "shortest" },
	{ "length 2^64-1", BYTES("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff" K), "", 1002,
		"shortest" },
	{ "over the limit", BYTES("\x82\x91" K "0"), "", 1009, "longer" },
	{ "length 2^63-1", BYTES("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" K "0"), "", 1009,
		"longer" },
	{ "over the limit in fragments", BYTES("\x02\x88" K "01234567\x80\x89" K "8"), "01234567",
		1009, "longer" },
	{ "a fragment that never ends",
		BYTES("\x02\x88" K "01234567\0\x88" K "01234567\0\x81" K "0"), "0123456701234567",
		1009, "longer" },
};

static void check_breach(const void *context, struct outcome *outcome)
{
	const struct breach *row = context;
	ck_assert_msg(outcome->end == IO_REFUSED, "%s: ended with %d", row->what, outcome->end);
	/* Of a TEXT that goes bad, what came before may have been delivered or not. */
	ck_assert_msg(!row->data || strcmp(outcome->data, row->data) == 0, "%s: got \"%s\"",
		row->what, outcome->data);
	ck_assert_msg(strstr(outcome->err, "the peer sent ") == outcome->err &&
			      strstr(outcome->err, row->err),
		"%s: \"%s\"", row->what, outcome->err);
	const unsigned char *close = (const unsigned char *)outcome->output;
	ck_assert_msg(outcome->output_len >= 4 && close[0] == 0x88 &&
			      close[1] == outcome->output_len - 2 &&
			      (close[2] << 8 | close[3]) == (int)row->code,
		"%s: not answered with %u alone", row->what, row->code);
	ck_assert(!outcome->about.orderly);
	ck_assert_uint_eq(outcome->about.ws_close_code, 1006);
	/* It does not wait for an answer. */
	ck_assert_int_eq(outcome->finish, IO_DONE);
	ck_assert_uint_eq(outcome->finishes, 1);
}

START_TEST(bad_peers)
{
	deliver_all(&breaches[_i].frames, &plain_options, IO_WANT_READ, check_breach,
		&breaches[_i]);
}
END_TEST

START_TEST(a_peer_that_just_goes)
{
	static const struct bytes frames[] = { BYTES(""), BYTES("\x82\x85" K "he"), BYTES("\x82"),
		BYTES("\x02\x81" K "a") };
	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
		for (int lost = 0; lost < 2; lost++) {
			struct outcome outcome;
			struct delivery way = { .buffer = 4096 };
			serve(&frames[i], &way, &plain_options, lost ? IO_FAILED : IO_EOF,
				&outcome);
			ck_assert_int_eq(outcome.end, lost ? IO_FAILED : IO_EOF);
			ck_assert(!outcome.about.orderly);
			if (lost)
				ck_assert_str_eq(outcome.err, "scripted end");
			else
				ck_assert_uint_eq(outcome.about.ws_close_code, 1006);
			/* A peer that half-closes can still be sent a Close. */
			ck_assert_mem_eq(outcome.output, CLOSED_1000, 4);
			free(outcome.output);
		}
	}
}
END_TEST

/* ---- sending ---- */

struct talk {
	struct scripted *script;
	struct transport *ws;
};

static const char request_only[] = REQUEST;

static struct talk talk_begin(const char *input, size_t len, const struct ws_options *options)
{
	struct talk talk;
	talk.script = scripted_create(input, len);
	talk.ws = transport_ws_accept(&talk.script->base, options);
	ck_assert_int_eq(talk.ws->ops->handshake(talk.ws), IO_DONE);
	ck_assert_uint_eq(talk.script->sends, 1);
	ck_assert_uint_eq(talk.script->output_len, sizeof RESPONSE - 1);
	talk.script->output_len = 0;
	talk.script->sends = 0;
	return talk;
}

static struct talk talk_open(const struct ws_options *options)
{
	return talk_begin(request_only, sizeof request_only - 1, options);
}

/* Sends all of it, in as many calls as it takes. */
static void talk_send(struct talk *talk, const char *data, size_t len)
{
	while (len > 0) {
		size_t taken = 0;
		enum io io;
		WHILE_BLOCKED(io, talk->ws->ops->send(talk->ws, data, len, &taken));
		ck_assert_int_eq(io, IO_DONE);
		ck_assert_uint_ge(taken, 1);
		ck_assert_uint_le(taken, len);
		data += taken;
		len -= taken;
	}
}

static void talk_flush(struct talk *talk)
{
	enum io io;
	WHILE_BLOCKED(io, talk->ws->ops->flush(talk->ws));
	ck_assert_int_eq(io, IO_DONE);
}

static void ck_output(const struct talk *talk, const char *bytes, size_t len)
{
	ck_assert_uint_eq(talk->script->output_len, len);
	ck_assert_mem_eq(talk->script->output, bytes, len);
}

START_TEST(a_short_message_is_one_send)
{
	struct ws_options text = { .text = true };
	struct talk talk = talk_open(&plain_options);
	talk_send(&talk, "This is PMU data 1", 18);
	ck_assert_uint_eq(talk.script->sends, 1);
	ck_output(&talk, "\x82\x12This is PMU data 1", 20);
	transport_destroy(talk.ws);
	talk = talk_open(&text);
	talk_send(&talk, "This is PMU data 1", 18);
	ck_output(&talk, "\x81\x12This is PMU data 1", 20);
	transport_destroy(talk.ws);
}
END_TEST

static char flood[200000];

START_TEST(a_flood_is_one_send)
{
	struct talk talk = talk_open(&plain_options);
	size_t taken;
	memset(flood, 'h', sizeof flood);
	ck_assert_int_eq(talk.ws->ops->send(talk.ws, flood, 57344, &taken), IO_DONE);
	ck_assert_uint_eq(taken, 57344);
	ck_assert_uint_eq(talk.script->sends, 1);
	ck_assert_uint_eq(talk.script->output_len, 57348);
	ck_assert_mem_eq(talk.script->output, "\x82\x7e\xe0\0h", 5);
	transport_destroy(talk.ws);
}
END_TEST

START_TEST(a_long_message_goes_in_pieces)
{
	static const size_t send_max[] = { 0, 1, 1000, 65535 };
	for (size_t i = 0; i < sizeof send_max / sizeof *send_max; i++) {
		struct talk talk = talk_open(&plain_options);
		for (size_t n = 0; n < sizeof flood; n++)
			flood[n] = (char)(n * 7 + n / 256);
		talk.script->send_max = send_max[i];
		talk.script->send_blocks = send_max[i] > 1;
		size_t len = send_max[i] == 1 ? 70000 : sizeof flood;
		talk_send(&talk, flood, len);
		talk_flush(&talk);
		ck_assert_uint_eq(talk.script->output_len, 10 + len);
		ck_assert_mem_eq(talk.script->output, "\x82\x7f\0\0\0\0\0", 7);
		ck_assert_mem_eq(talk.script->output + 10, flood, len);
		if (send_max[i] == 0)
			ck_assert_uint_eq(talk.script->sends, 4);
		transport_destroy(talk.ws);
	}
}
END_TEST

START_TEST(fragments_are_cut_to_size)
{
	static const struct {
		size_t fragment;
		struct bytes message, frames;
	} rows[] = {
		{ 100, BYTES("xyz"), BYTES("\x82\x03xyz") },
		{ 3, BYTES("xyz"), BYTES("\x82\x03xyz") },
		{ 2, BYTES("xyz"), BYTES("\x02\x02xy\x80\x01z") },
		{ 2, BYTES("wxyz"), BYTES("\x02\x02wx\x80\x02yz") },
		{ 1, BYTES("xyz"), BYTES("\x02\x01x\0\x01y\x80\x01z") },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct ws_options options = { .fragment = rows[i].fragment };
		struct talk talk = talk_open(&options);
		talk_send(&talk, rows[i].message.data, rows[i].message.len);
		ck_assert_uint_eq(talk.script->sends, 1);
		ck_output(&talk, rows[i].frames.data, rows[i].frames.len);
		/* The next message starts anew. */
		talk.script->output_len = 0;
		talk_send(&talk, "x", 1);
		ck_output(&talk, "\x82\x01x", 3);
		transport_destroy(talk.ws);
	}
}
END_TEST

START_TEST(a_flood_in_tiny_fragments)
{
	struct ws_options options = { .fragment = 1 };
	struct talk talk = talk_open(&options);
	memset(flood, 'h', sizeof flood);
	talk.script->send_max = 10000;
	talk_send(&talk, flood, 57344);
	talk_flush(&talk);
	ck_assert_uint_eq(talk.script->output_len, 3 * 57344);
	ck_assert_mem_eq(talk.script->output, "\x02\x01h\0\x01h", 6);
	ck_assert_mem_eq(talk.script->output + 3 * 57343, "\x80\x01h", 3);
	transport_destroy(talk.ws);
}
END_TEST

START_TEST(what_is_not_taken_waits)
{
	struct talk talk = talk_open(&plain_options);
	size_t taken;
	talk.script->send_stuck = true;
	ck_assert_int_eq(talk.ws->ops->send(talk.ws, "xyz", 3, &taken), IO_DONE);
	ck_assert_uint_eq(taken, 3);
	ck_assert_int_eq(talk.ws->ops->send(talk.ws, "def", 3, &taken), IO_WANT_WRITE);
	ck_assert_int_eq(talk.ws->ops->flush(talk.ws), IO_WANT_WRITE);
	ck_assert_int_eq(talk.ws->ops->finish(talk.ws), IO_WANT_WRITE);
	talk.script->send_stuck = false;
	ck_assert_int_eq(talk.ws->ops->finish(talk.ws), IO_WANT_READ);
	ck_output(&talk, "\x82\x03xyz" CLOSED_1000, 9);
	transport_destroy(talk.ws);
}
END_TEST

START_TEST(control_frames_stand_between_frames)
{
	static const char input[] = REQUEST "\x89\x81" K "p";
	struct ws_options options = { .message_limit = 16 };
	struct talk talk = talk_begin(input, sizeof input - 1, &options);
	size_t taken, len;
	bool last;
	char buf[16];
	memset(flood, 'h', sizeof flood);
	ck_assert_int_eq(talk.ws->ops->send(talk.ws, flood, 100000, &taken), IO_DONE);
	ck_assert_uint_lt(taken, 100000);
	ck_assert_int_eq(talk.ws->ops->recv(talk.ws, buf, sizeof buf, &len, &last), IO_WANT_READ);
	ck_assert_int_eq(talk.ws->ops->ping(talk.ws), IO_DONE);
	ck_assert_int_eq(talk.ws->ops->flush(talk.ws), IO_DONE);
	ck_assert_uint_eq(talk.script->output_len, 10 + taken);
	talk_send(&talk, flood + taken, 100000 - taken);
	talk_flush(&talk);
	ck_assert_uint_eq(talk.script->output_len, 10 + 100000 + 2 + 3);
	ck_assert_mem_eq(talk.script->output + 10 + 100000, "\x89\0\x8a\x01p", 5);
	transport_destroy(talk.ws);
}
END_TEST

START_TEST(a_message_half_sent_leaves_no_place_for_a_close)
{
	struct talk talk = talk_open(&plain_options);
	size_t taken;
	ck_assert_int_eq(talk.ws->ops->send(talk.ws, flood, 100000, &taken), IO_DONE);
	ck_assert_int_eq(talk.ws->ops->finish(talk.ws), IO_DONE);
	ck_assert_uint_eq(talk.script->output_len, 10 + taken);
	ck_assert_uint_eq(talk.script->finishes, 1);
	transport_destroy(talk.ws);
}
END_TEST

START_TEST(a_ping_is_sent)
{
	struct talk talk = talk_open(&plain_options);
	ck_assert_int_eq(talk.ws->ops->ping(talk.ws), IO_DONE);
	ck_output(&talk, "\x89\0", 2);
	transport_destroy(talk.ws);
}
END_TEST

START_TEST(nothing_is_sent_behind_a_close)
{
	static const char input[] = REQUEST CLOSE_1000;
	struct talk talk = talk_begin(input, sizeof input - 1, &plain_options);
	size_t taken, len;
	bool last;
	char buf[16];
	ck_assert_int_eq(talk.ws->ops->recv(talk.ws, buf, sizeof buf, &len, &last), IO_EOF);
	/* The answer does not wait for the caller. */
	ck_output(&talk, CLOSED_1000, 4);
	ck_assert_int_eq(talk.ws->ops->send(talk.ws, "abc", 3, &taken), IO_REFUSED);
	ck_assert_str_ne(talk.ws->err.text, "");
	ck_assert_int_eq(talk.ws->ops->ping(talk.ws), IO_DONE);
	ck_assert_int_eq(talk.ws->ops->recv(talk.ws, buf, sizeof buf, &len, &last), IO_EOF);
	ck_assert_int_eq(talk.ws->ops->finish(talk.ws), IO_DONE);
	ck_output(&talk, CLOSED_1000, 4);
	transport_destroy(talk.ws);
}
END_TEST

START_TEST(finish_waits_for_the_answer)
{
	static const char input[] = REQUEST "\x82\x81" K "a\x89\x80" K CLOSE_1000;
	const size_t last_byte = sizeof input - 2;
	struct talk talk = talk_begin(input, last_byte, &plain_options);
	struct transport_about about;
	ck_assert_int_eq(talk.ws->ops->finish(talk.ws), IO_WANT_READ);
	ck_output(&talk, CLOSED_1000, 4);
	ck_assert_uint_eq(talk.script->finishes, 0);
	ck_assert_int_eq(talk.ws->ops->finish(talk.ws), IO_WANT_READ);
	talk.ws->ops->describe(talk.ws, &about);
	ck_assert_uint_eq(about.ws_close_code, 0);
	talk.script->input_len++;
	ck_assert_int_eq(talk.ws->ops->finish(talk.ws), IO_DONE);
	ck_assert_uint_eq(talk.script->finishes, 1);
	ck_output(&talk, CLOSED_1000, 4);
	talk.ws->ops->describe(talk.ws, &about);
	ck_assert_uint_eq(about.ws_close_code, 1000);
	ck_assert(about.orderly);
	transport_destroy(talk.ws);
}
END_TEST

START_TEST(finish_ends_when_the_peer_does)
{
	static const struct bytes inputs[] = { BYTES(REQUEST), BYTES(REQUEST "\x82\x81" K "a"),
		BYTES(REQUEST "\x82\x05hello") };
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
		struct talk talk = talk_begin(inputs[i].data, inputs[i].len, &plain_options);
		talk.script->end = IO_EOF;
		ck_assert_int_eq(talk.ws->ops->finish(talk.ws), IO_DONE);
		ck_output(&talk, CLOSED_1000, 4);
		transport_destroy(talk.ws);
	}
}
END_TEST

START_TEST(a_flood_of_pings_grows_nothing)
{
	static const char ping[] = "\x89\x81" K "p";
	enum { PINGS = 100000, EACH = sizeof ping - 1 };
	char *input = malloc(sizeof REQUEST - 1 + PINGS * EACH);
	memcpy(input, REQUEST, sizeof REQUEST - 1);
	for (size_t i = 0; i < PINGS; i++)
		memcpy(input + sizeof REQUEST - 1 + i * EACH, ping, EACH);
	input[sizeof REQUEST - 1 + PINGS * EACH - 1] = 'z';
	struct talk talk = talk_begin(input, sizeof REQUEST - 1 + PINGS * EACH, &plain_options);
	talk.script->send_stuck = true;
	char buf[16];
	size_t len, turns = 0;
	bool last;
	enum io io;
	while ((io = talk.ws->ops->recv(talk.ws, buf, sizeof buf, &len, &last)) == IO_DONE) {
		ck_assert(len == 0 && !last);
		turns++;
	}
	ck_assert_int_eq(io, IO_WANT_READ);
	ck_assert_uint_gt(turns, 10);
	talk.script->send_stuck = false;
	talk_flush(&talk);
	/* One buffer of answers, and the latest ping is answered at last. */
	ck_assert_uint_le(talk.script->output_len, 4096 + 127 + 3);
	ck_assert_mem_eq(talk.script->output + talk.script->output_len - 3, "\x8a\x01z", 3);
	transport_destroy(talk.ws);
	free(input);
}
END_TEST

START_TEST(numbers_are_kept)
{
	static const char input[] =
		REQUEST "\x02\x82" K "ab\x80\x81" K "c\x89\x80" K "\x82\x81" K "d\x02\x81" K "e";
	struct talk talk = talk_begin(input, sizeof input - 1, &plain_options);
	struct outcome outcome = { .data_len = 0 };
	struct transport_about about;
	receive(talk.ws, &outcome, 4096);
	ck_assert_str_eq(outcome.data, "abc|d|e");
	talk.ws->ops->describe(talk.ws, &about);
	ck_assert_uint_eq(about.frames_in, 4);
	ck_assert_uint_eq(about.messages_in, 2);
	ck_assert_uint_eq(about.recv_calls, talk.script->recvs);
	ck_assert_uint_eq(about.ws_close_code, 0);
	transport_destroy(talk.ws);
}
END_TEST

/* ---- the upgrade, as the transport sees it ---- */

START_TEST(a_refused_upgrade_is_answered_and_over)
{
	static const char input[] = "GET /chat HTTP/1.1\r\nHost: h\r\n\r\nrest";
	for (size_t send_max = 0; send_max < 2; send_max++) {
		struct scripted *script = scripted_create(input, sizeof input - 1);
		struct transport *ws = transport_ws_accept(&script->base, &plain_options);
		struct transport_about about;
		unsigned calls = 1;
		enum io io;
		script->send_max = send_max;
		script->send_blocks = send_max;
		while ((io = ws->ops->handshake(ws)) == IO_WANT_WRITE)
			calls++;
		ck_assert_int_eq(io, IO_REFUSED);
		if (send_max == 1)
			ck_assert_uint_gt(calls, 100);
		ck_assert_mem_eq(script->output, "HTTP/1.1 404 Not Found\r\n", 24);
		ck_assert_mem_eq(script->output + script->output_len - 6, "/chat\n", 6);
		ck_assert_ptr_nonnull(strstr(ws->err.text, "/chat"));
		ck_assert_int_eq(ws->ops->finish(ws), IO_DONE);
		ck_assert_uint_eq(script->finishes, 1);
		ws->ops->describe(ws, &about);
		ck_assert_str_eq(about.ws_path, "");
		ck_assert_uint_eq(about.ws_close_code, 0);
		transport_destroy(ws);
	}
}
END_TEST

START_TEST(a_peer_that_goes_during_the_upgrade)
{
	static const enum io ends[] = { IO_EOF, IO_FAILED };
	for (size_t len = 0; len < sizeof REQUEST - 1; len += 20) {
		for (size_t i = 0; i < 2; i++) {
			struct scripted *script = scripted_create(request_only, len);
			struct transport *ws = transport_ws_accept(&script->base, &plain_options);
			script->end = ends[i];
			ck_assert_int_eq(ws->ops->handshake(ws), ends[i]);
			ck_assert_str_ne(ws->err.text, "");
			ck_assert_int_eq(ws->ops->finish(ws), IO_DONE);
			transport_destroy(ws);
		}
	}
}
END_TEST

/* ---- the client's side ---- */

/* What a server would send behind its 101; the client's key is not known before. */
static struct transport *client_open(struct scripted **script, const char *frames, size_t len,
	const struct ws_options *options)
{
	*script = scripted_create("", 0);
	struct transport *client = transport_ws_connect(&(*script)->base, "h", "/p", options);
	ck_assert_int_eq(client->ops->handshake(client), IO_WANT_READ);
	/* Let the real server's side answer. It serves / only, so the path is put right on the
	   way. */
	char *request = (*script)->output;
	char line[1024];
	size_t line_len = (size_t)snprintf(line, sizeof line, "GET / %.*s",
		(int)((*script)->output_len - 7), request + 7);
	struct scripted *peer = scripted_create(line, line_len);
	struct transport *server = transport_ws_accept(&peer->base, options);
	ck_assert_int_eq(server->ops->handshake(server), IO_DONE);
	static char input[4096];
	memcpy(input, peer->output, peer->output_len);
	memcpy(input + peer->output_len, frames, len);
	(*script)->input = input;
	(*script)->input_len = peer->output_len + len;
	(*script)->output_len = 0;
	transport_destroy(server);
	ck_assert_int_eq(client->ops->handshake(client), IO_DONE);
	return client;
}

START_TEST(a_client_masks_and_its_server_does_not)
{
	struct scripted *script;
	struct transport_about about;
	static const char frames[] = "\x82\x12This is PMU data 1\x89\x01p" CLOSED_1000;
	struct transport *client = client_open(&script, frames, sizeof frames - 1, &plain_options);
	size_t taken;
	ck_assert_int_eq(client->ops->send(client, "abc", 3, &taken), IO_DONE);
	ck_assert_uint_eq(script->sends, 2);
	ck_assert_uint_eq(script->output_len, 2 + 4 + 3);
	ck_assert_mem_eq(script->output, "\x82\x83", 2);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(script->output[6 + i] ^ script->output[2 + i], "abc"[i]);
	struct outcome outcome = { .data_len = 0 };
	receive(client, &outcome, 4096);
	ck_assert_int_eq(outcome.end, IO_REFUSED); /* 18 bytes are over this test's limit of 16 */
	client->ops->describe(client, &about);
	ck_assert_str_eq(about.ws_path, "/p");
	transport_destroy(client);
}
END_TEST

START_TEST(a_client_reads_to_the_close)
{
	static const struct ws_options options = { .text = true };
	static const char frames[] = "\x82\x12This is PMU data 1\x89\x01p\x88\x05\x03\xe8why";
	struct scripted *script;
	struct transport *client = client_open(&script, frames, sizeof frames - 1, &options);
	struct outcome outcome = { .data_len = 0 };
	struct transport_about about;
	receive(client, &outcome, 4096);
	ck_assert_int_eq(outcome.end, IO_EOF);
	ck_assert_str_eq(outcome.data, "This is PMU data 1|");
	ck_assert_uint_eq(script->output_len, 2 + 4 + 1 + 2 + 4 + 2);
	ck_assert_mem_eq(script->output, "\x8a\x81", 2);
	ck_assert_mem_eq(script->output + 7, "\x88\x82", 2);
	client->ops->describe(client, &about);
	ck_assert_uint_eq(about.ws_close_code, 1000);
	ck_assert_str_eq(about.ws_close_reason, "why");
	ck_assert_int_eq(client->ops->finish(client), IO_DONE);
	transport_destroy(client);
}
END_TEST

START_TEST(a_client_refuses_a_masked_frame)
{
	static const char frames[] = "\x82\x81" K "a";
	struct scripted *script;
	struct transport *client = client_open(&script, frames, sizeof frames - 1, &plain_options);
	struct outcome outcome = { .data_len = 0 };
	receive(client, &outcome, 4096);
	ck_assert_int_eq(outcome.end, IO_REFUSED);
	ck_assert_ptr_nonnull(strstr(client->err.text, "masked"));
	ck_assert_int_eq(client->err.status, STATUS_PROTOCOL);
	transport_destroy(client);
}
END_TEST

START_TEST(a_client_that_is_refused)
{
	struct scripted *script = scripted_create("", 0);
	struct transport *client = transport_ws_connect(&script->base, "h", "/", &plain_options);
	static const char answer[] = "HTTP/1.1 503 Out to Lunch\r\nContent-Length: 0\r\n\r\n";
	script->input = answer;
	script->input_len = sizeof answer - 1;
	ck_assert_int_eq(client->ops->handshake(client), IO_REFUSED);
	ck_assert_ptr_nonnull(strstr(client->err.text, "503 Out to Lunch"));
	ck_assert_int_eq(client->ops->finish(client), IO_DONE);
	transport_destroy(client);

	script = scripted_create("", 0);
	client = transport_ws_connect(&script->base, "h", "no path", &plain_options);
	ck_assert_int_eq(client->ops->handshake(client), IO_REFUSED);
	ck_assert_int_eq(client->err.status, STATUS_USAGE);
	ck_assert_uint_eq(script->output_len, 0);
	transport_destroy(client);
}
END_TEST

/* ---- both sides, on blocking sockets ---- */

struct side {
	int fd;
	size_t message, fragment;
	unsigned count;
	bool peer_finished;
};

/* Echoes message by message until the peer closes. */
static void *echo(void *context)
{
	struct side *side = context;
	struct ws_options options = { .fragment = side->fragment };
	struct transport *ws = transport_ws_accept(transport_plain_create(side->fd), &options);
	char *message = malloc(side->message);
	size_t at = 0, len, taken;
	bool last;
	enum io io = ws->ops->handshake(ws);
	while (io == IO_DONE && (io = ws->ops->recv(ws, message + at, side->message - at, &len,
					 &last)) == IO_DONE) {
		at += len;
		for (size_t done = 0; last && done < at && io == IO_DONE; done += taken)
			io = ws->ops->send(ws, message + done, at - done, &taken);
		if (last) {
			side->count++;
			at = 0;
		}
		io = io == IO_DONE ? ws->ops->flush(ws) : io;
		ws->ops->ping(ws);
	}
	side->peer_finished = io == IO_EOF && ws->ops->finish(ws) == IO_DONE;
	transport_destroy(ws);
	free(message);
	return NULL;
}

START_TEST(blocking_sides_talk)
{
	static const struct {
		size_t message, server_fragment, client_fragment;
	} rows[] = { { 1, 0, 0 }, { 18, 0, 5 }, { 125, 7, 0 }, { 126, 100, 100 }, { 4096, 0, 1000 },
		{ 65536, 0, 0 }, { 150000, 0, 4097 }, { 150000, 1000, 0 } };
	int fds[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	struct side server = {
		.fd = fds[0], .message = rows[_i].message, .fragment = rows[_i].server_fragment
	};
	struct ws_options options = { .text = true, .fragment = rows[_i].client_fragment };
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, echo, &server), 0);

	struct transport *ws =
		transport_ws_connect(transport_plain_create(fds[1]), "h", "/", &options);
	char *sent = malloc(rows[_i].message), *got = malloc(rows[_i].message);
	ck_assert_int_eq(ws->ops->handshake(ws), IO_DONE);
	for (int round = 0; round < 3; round++) {
		memset(sent, 'a' + round, rows[_i].message);
		size_t len, at = 0;
		for (size_t done = 0; done < rows[_i].message; done += len)
			ck_assert_int_eq(ws->ops->send(ws, sent + done, rows[_i].message - done,
						 &len),
				IO_DONE);
		for (bool last = false; !last; at += len)
			ck_assert_int_eq(ws->ops->recv(ws, got + at, rows[_i].message - at, &len,
						 &last),
				IO_DONE);
		ck_assert_uint_eq(at, rows[_i].message);
		ck_assert_mem_eq(sent, got, at);
	}
	ck_assert_int_eq(ws->ops->finish(ws), IO_DONE);
	struct transport_about about;
	ws->ops->describe(ws, &about);
	ck_assert_uint_eq(about.ws_close_code, 1000);
	ck_assert_uint_eq(about.messages_in, 3);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(server.count, 3);
	ck_assert(server.peer_finished);
	transport_destroy(ws);
	free(sent);
	free(got);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(a_blocking_recv_returns_with_what_is_there)
{
	static const char frames[] = "\x82\x83" K "abc\x82\x85" K "de";
	int fds[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	struct timeval forever = { .tv_sec = 30 };
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever);
	struct transport *ws = transport_ws_accept(transport_plain_create(fds[0]), &plain_options);
	ck_assert_int_eq(write(fds[1], REQUEST, sizeof REQUEST - 1), sizeof REQUEST - 1);
	ck_assert_int_eq(ws->ops->handshake(ws), IO_DONE);
	ck_assert_int_eq(write(fds[1], frames, sizeof frames - 1), sizeof frames - 1);
	char buf[16];
	size_t len;
	bool last;
	ck_assert_int_eq(ws->ops->recv(ws, buf, sizeof buf, &len, &last), IO_DONE);
	ck_assert(len == 3 && last);
	/* Half of a frame is delivered as it is, without waiting for the other half. */
	ck_assert_int_eq(ws->ops->recv(ws, buf, sizeof buf, &len, &last), IO_DONE);
	ck_assert(len == 2 && !last);
	transport_destroy(ws);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static void *receive_once(void *context)
{
	struct transport *ws = context;
	char buf[16];
	size_t len;
	bool last;
	return ws->ops->recv(ws, buf, sizeof buf, &len, &last) == IO_DONE ? context : NULL;
}

START_TEST(a_blocking_recv_answers_a_ping)
{
	static const char ping[] = "\x89\x81" K "p", data[] = "\x82\x81" K "a";
	int fds[2];
	struct timeval limit = { .tv_sec = 2 };
	pthread_t thread;
	void *good;
	char buf[sizeof RESPONSE];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	struct transport *ws = transport_ws_accept(transport_plain_create(fds[0]), &plain_options);
	ck_assert_int_eq(write(fds[1], REQUEST, sizeof REQUEST - 1), sizeof REQUEST - 1);
	ck_assert_int_eq(ws->ops->handshake(ws), IO_DONE);
	ck_assert_int_eq(read(fds[1], buf, sizeof RESPONSE - 1), sizeof RESPONSE - 1);
	ck_assert_int_eq(pthread_create(&thread, NULL, receive_once, ws), 0);
	ck_assert_int_eq(write(fds[1], ping, sizeof ping - 1), sizeof ping - 1);
	/* The pong comes while recv still waits for data. */
	ck_assert_int_eq(recv(fds[1], buf, 3, MSG_WAITALL), 3);
	ck_assert_mem_eq(buf, "\x8a\x01p", 3);
	ck_assert_int_eq(write(fds[1], data, sizeof data - 1), sizeof data - 1);
	pthread_join(thread, &good);
	ck_assert_ptr_eq(good, ws);
	transport_destroy(ws);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ws");
	TCase *in = tcase_create("reading");
	tcase_add_loop_test(in, good_peers, 0, sizeof exchanges / sizeof *exchanges);
	tcase_add_loop_test(in, bad_peers, 0, sizeof breaches / sizeof *breaches);
	tcase_add_test(in, a_peer_that_just_goes);
	tcase_add_test(in, a_flood_of_pings_grows_nothing);
	tcase_add_test(in, numbers_are_kept);
	suite_add_tcase(suite, in);
	TCase *out = tcase_create("sending");
	tcase_add_test(out, a_short_message_is_one_send);
	tcase_add_test(out, a_flood_is_one_send);
	tcase_add_test(out, a_long_message_goes_in_pieces);
	tcase_add_test(out, fragments_are_cut_to_size);
	tcase_add_test(out, a_flood_in_tiny_fragments);
	tcase_add_test(out, what_is_not_taken_waits);
	tcase_add_test(out, control_frames_stand_between_frames);
	tcase_add_test(out, a_message_half_sent_leaves_no_place_for_a_close);
	tcase_add_test(out, a_ping_is_sent);
	tcase_add_test(out, nothing_is_sent_behind_a_close);
	tcase_add_test(out, finish_waits_for_the_answer);
	tcase_add_test(out, finish_ends_when_the_peer_does);
	suite_add_tcase(suite, out);
	TCase *upgrade = tcase_create("upgrade");
	tcase_add_test(upgrade, a_refused_upgrade_is_answered_and_over);
	tcase_add_test(upgrade, a_peer_that_goes_during_the_upgrade);
	suite_add_tcase(suite, upgrade);
	TCase *client = tcase_create("client");
	tcase_add_test(client, a_client_masks_and_its_server_does_not);
	tcase_add_test(client, a_client_reads_to_the_close);
	tcase_add_test(client, a_client_refuses_a_masked_frame);
	tcase_add_test(client, a_client_that_is_refused);
	suite_add_tcase(suite, client);
	TCase *blocking = tcase_create("blocking");
	tcase_add_loop_test(blocking, blocking_sides_talk, 0, 8);
	tcase_add_test(blocking, a_blocking_recv_returns_with_what_is_there);
	tcase_add_test(blocking, a_blocking_recv_answers_a_ping);
	suite_add_tcase(suite, blocking);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
