/*
 * The WebSocket upgrade as tables: a request's head and the answer to it. Each head is fed whole,
 * in two parts cut at every place, and byte by byte. The result must be the same each time.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/carrier/ws_upgrade.h"
#include "tests/unit/carrier/support.h"

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" /* RFC 6455 1.3's example */
#define V13 "Sec-WebSocket-Version: 13\r\n"
#define UP "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define HOST "Host: localhost:5006\r\n"
#define GET "GET / HTTP/1.1\r\n"

static const char accepted[] =
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static const struct request {
	const char *what;
	const char *head;
	unsigned status;
	const char *holds; /* the answer has this in it */
} requests[] = {
	{ "good", GET HOST UP KEY V13 "\r\n", 101, "" },
	{ "any case, other order",
		"GET / HTTP/1.1\r\nsec-websocket-version:13\r\nHOST:x\r\nuPGRADE: WebSocket\r\n"
		"connection: UPGRADE\r\nsec-websocket-key:dGhlIHNhbXBsZSBub25jZQ==  \r\n\r\n",
		101, "" },
	{ "token lists",
		GET HOST "Upgrade: h2c, websocket\r\nConnection: keep-alive , Upgrade\r\n" KEY V13
			 "\r\n",
		101, "" },
	{ "tokens over two headers", GET HOST UP "Connection: keep-alive\r\n" KEY V13 "\r\n", 101,
		"" },
	{ "extensions and subprotocols are ignored",
		GET HOST UP KEY V13
		"Sec-WebSocket-Extensions: permessage-deflate\r\n"
		"Sec-WebSocket-Protocol: chat\r\n\r\n",
		101, "" },
	{ "a query", "GET /?token=1 HTTP/1.1\r\n" HOST UP KEY V13 "\r\n", 101, "" },
	{ "a whole URL", "GET http://localhost:5006/ HTTP/1.1\r\n" HOST UP KEY V13 "\r\n", 101,
		"" },
	{ "an IPv6 host", GET "Host: [::1]:5006\r\n" UP KEY V13 "\r\n", 101, "" },

	{ "plain GET", GET HOST "\r\n", 426, "ws://localhost:5006/" },
	{ "plain GET: how in Python", GET HOST "\r\n", 426,
		"create_connection(\"ws://localhost:5006/\")" },
	{ "plain GET: how in a shell", GET HOST "\r\n", 426,
		"pdc-ws ws://localhost:5006/ CMD_short:1\n" },
	{ "plain GET: which version", GET HOST "\r\n", 426, "\r\nSec-WebSocket-Version: 13\r\n" },
	{ "plain GET: which protocol", GET HOST "\r\n", 426, "\r\nUpgrade: websocket\r\n" },
	{ "HTTP/1.0 has no upgrade", "GET / HTTP/1.0\r\n" HOST UP KEY V13 "\r\n", 426,
		"The upgrade came in HTTP/1.0" },
	{ "HTTP/1.0 needs no host", "GET / HTTP/1.0\r\n\r\n", 426, "ws://HOST:PORT/" },
	{ "another upgrade", GET HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 426, "" },
	{ "websocket within a token",
		GET HOST "Upgrade: websocketx\r\nConnection: Upgrade\r\n" KEY V13 "\r\n", 426, "" },
	{ "no Connection", GET HOST "Upgrade: websocket\r\n" KEY V13 "\r\n", 400, "Connection" },
	{ "Connection without upgrade",
		GET HOST "Upgrade: websocket\r\nConnection: close\r\n" KEY V13 "\r\n", 400,
		"Connection" },

	{ "no version", GET HOST UP KEY "\r\n", 426, "\r\nSec-WebSocket-Version: 13\r\n" },
	{ "version 8", GET HOST UP KEY "Sec-WebSocket-Version: 8\r\n\r\n", 426,
		"\r\nSec-WebSocket-Version: 13\r\n" },
	{ "version 013", GET HOST UP KEY "Sec-WebSocket-Version: 013\r\n\r\n", 426, "" },
	{ "a long version", GET HOST UP KEY "Sec-WebSocket-Version: 1333333333333333\r\n\r\n", 426,
		"" },
	{ "two versions", GET HOST UP KEY V13 V13 "\r\n", 426, "" },

	{ "no key", GET HOST UP V13 "\r\n", 400, "Key" },
	{ "two keys", GET HOST UP KEY KEY V13 "\r\n", 400, "Key" },
	{ "empty key", GET HOST UP "Sec-WebSocket-Key:\r\n" V13 "\r\n", 400, "Key" },
	{ "key of 15 bytes", GET HOST UP "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n" V13 "\r\n",
		400, "Key" },
	{ "key of 17 bytes",
		GET HOST UP "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU=\r\n" V13 "\r\n", 400,
		"Key" },
	{ "key of 18 bytes",
		GET HOST UP "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWVl\r\n" V13 "\r\n", 400,
		"Key" },
	{ "key not in base64",
		GET HOST UP "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25*ZQ==\r\n" V13 "\r\n", 400,
		"Key" },
	{ "key with = inside",
		GET HOST UP "Sec-WebSocket-Key: dGhl=HNhbXBsZSBub25jZQ==\r\n" V13 "\r\n", 400,
		"Key" },
	{ "a long key",
		GET HOST UP
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ==\r\n" V13
		"\r\n",
		400, "Key" },

	{ "no host", GET UP KEY V13 "\r\n", 400, "The Host header is missing" },
	{ "two hosts", GET HOST HOST UP KEY V13 "\r\n", 400, "Two Host headers" },
	{ "empty host", GET "Host:\r\n" UP KEY V13 "\r\n", 101, "" },
	{ "host with sub-delims", GET "Host: a_b!(c)\r\n" UP KEY V13 "\r\n", 101, "" },
	{ "host with a user", GET "Host: me@localhost\r\n" UP KEY V13 "\r\n", 400,
		"The Host header names no host" },
	{ "host with markup", GET "Host: <b>\r\n\r\n", 400, "Host" },

	{ "another path", "GET /chat HTTP/1.1\r\n" HOST UP KEY V13 "\r\n", 101, "" },
	{ "another path, plainly", "GET /favicon.ico HTTP/1.1\r\n" HOST "\r\n", 404, "" },
	{ "another path in a URL", "GET http://localhost/chat HTTP/1.1\r\n" HOST UP KEY V13 "\r\n",
		101, "" },
	{ "POST", "POST / HTTP/1.1\r\n" HOST UP KEY V13 "\r\n", 405, "\r\nAllow: GET\r\n" },
	{ "POST with a body", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 405, "POST" },
	{ "HEAD", "HEAD / HTTP/1.1\r\n" HOST "\r\n", 405, "\r\nAllow: GET\r\n" },
	{ "Content-Length", GET HOST UP KEY V13 "Content-Length: 5\r\n\r\n", 400,
		"Content-Length" },
	{ "no content, told", GET HOST UP KEY V13 "Content-Length: 0\r\n\r\n", 101, "" },
	{ "no content, in two digits", GET HOST UP KEY V13 "Content-Length: 00\r\n\r\n", 101, "" },
	{ "content of no length", GET HOST UP KEY V13 "Content-Length:\r\n\r\n", 400, "" },
	{ "a header without a name", GET HOST UP KEY V13 ": x\r\n\r\n", 400, "" },
	{ "Transfer-Encoding", GET HOST UP KEY V13 "Transfer-Encoding: chunked\r\n\r\n", 400,
		"Transfer-Encoding" },

	{ "HTTP/2.0", "GET / HTTP/2.0\r\n" HOST UP KEY V13 "\r\n", 505, "" },
	{ "HTTP/3.0", "GET / HTTP/3.0\r\n", 505, "" },
	{ "HTTP/0.9", "GET / HTTP/0.9\r\n" HOST "\r\n", 505, "" },
	{ "HTTP/2 by prior knowledge", "PRI * HTTP/2.0\r\n\r\n", 505, "" },
	{ "a PMU command", "CMD_short:0", 400, "got \"CMD_short:0" },
	{ "TLS", "\x16\x03\x01\x02", 400, "TLS" },
	{ "bare LF after the first line", "GET / HTTP/1.1\n" HOST UP KEY V13 "\r\n", 400, "CR LF" },
	{ "bare LF after a header", GET "Host: x\n" UP KEY V13 "\r\n", 400, "CR LF" },
	{ "bare LF at the end", GET HOST UP KEY V13 "\n", 400, "CR LF" },
	{ "bare LFs only", "GET / HTTP/1.1\nHost: x\n\n", 400, "CR LF" },
	{ "bare CR", GET "Host: x\rY: z\r\n" UP KEY V13 "\r\n", 400, "" },
	{ "a folded header", GET HOST UP KEY "X-Long: a\r\n b\r\n" V13 "\r\n", 400, "" },
	{ "a folded Upgrade",
		GET HOST "Upgrade:\r\n websocket\r\nConnection: Upgrade\r\n" KEY V13 "\r\n", 400,
		"" },
	{ "a blank before the colon", GET "Host : x\r\n" UP KEY V13 "\r\n", 400, "" },
	{ "a header without a colon", GET "Host\r\n" UP KEY V13 "\r\n", 400, "" },
};

/* Feeds `head` and two bytes of a frame: the first portion ends at `split`; recv_max bytes at
   most. */
static enum ws_verdict feed(struct ws_upgrade *u, const char *head, size_t len, size_t split,
	size_t most, size_t *used)
{
	size_t at = 0;
	enum ws_verdict verdict = WS_UPGRADE_MORE;
	while (at < len && verdict == WS_UPGRADE_MORE) {
		size_t n = at < split ? split - at : len - at, took;
		if (n > most)
			n = most;
		verdict = ws_upgrade_feed(u, head + at, n, &took);
		ck_assert_uint_le(took, n);
		if (verdict == WS_UPGRADE_MORE)
			ck_assert_uint_eq(took, n);
		at += took;
	}
	*used = at;
	return verdict;
}

/* An answer that refuses is whole: Connection: close, and a Content-Length that is that of its
   body. */
static void check_refusal(const struct request *row, const char *answer, size_t len)
{
	const char *body = strstr(answer, "\r\n\r\n");
	const char *length = strstr(answer, "\r\nContent-Length: ");
	ck_assert_msg(strstr(answer, "\r\nConnection: close"), "%s: no Connection: close",
		row->what);
	ck_assert_msg(body && length, "%s: %s", row->what, answer);
	size_t told = strtoul(length + 18, NULL, 10);
	size_t body_len = len - (size_t)(body + 4 - answer);
	bool head = strncmp(row->head, "HEAD", 4) == 0;
	ck_assert_msg(told > 0 && body_len == (head ? 0 : told), "%s: Content-Length %zu, body %zu",
		row->what, told, body_len);
}

static void check_request(const struct request *row, size_t split, size_t most)
{
	char input[1024];
	size_t head_len = strlen(row->head), used, len;
	snprintf(input, sizeof input, "%s\x81\x85", row->head);
	struct ws_upgrade *u = ws_upgrade_create_server(false);
	enum ws_verdict verdict = feed(u, input, head_len + 2, split, most, &used);
	const char *answer = ws_upgrade_output(u, &len);
	ck_assert_uint_eq(len, strlen(answer));
	if (row->status == 101) {
		ck_assert_msg(verdict == WS_UPGRADE_ACCEPTED, "%s (split %zu): %s", row->what,
			split, answer);
		ck_assert_msg(used == head_len, "%s: head of %zu, used %zu", row->what, head_len,
			used);
		ck_assert_str_eq(answer, accepted);
	} else {
		char status[32];
		snprintf(status, sizeof status, "HTTP/1.1 %u ", row->status);
		ck_assert_msg(verdict == WS_UPGRADE_REFUSED, "%s (split %zu): not refused",
			row->what, split);
		ck_assert_msg(strncmp(answer, status, strlen(status)) == 0,
			"%s (split %zu): wanted %s, got %s", row->what, split, status, answer);
		/* What a fragment of rubbish looked like when it was refused depends on the
		   split. */
		if (split == 0 && most > 1)
			ck_assert_msg(strstr(answer, row->holds) ||
					      strstr(ws_upgrade_err(u)->text, row->holds),
				"%s: no \"%s\" in %s", row->what, row->holds, answer);
		check_refusal(row, answer, len);
		ck_assert_str_ne(ws_upgrade_err(u)->text, "");
	}
	ws_upgrade_destroy(u);
}

START_TEST(requests_at_every_split)
{
	const struct request *row = &requests[_i];
	check_request(row, 0, SIZE_MAX);
	check_request(row, 0, 1);
	for (size_t split = 1; split < strlen(row->head) + 2; split++)
		check_request(row, split, SIZE_MAX);
}
END_TEST

/* A head of exactly `size` bytes, good but for its size. */
static char *make_head(size_t size)
{
	static const char start[] = GET HOST UP KEY V13 "X-Filler: ";
	char *head = malloc(size + 1);
	memset(head, 'a', size);
	memcpy(head, start, sizeof start - 1);
	memcpy(head + size - 4, "\r\n\r\n", 5);
	return head;
}

START_TEST(heads_up_to_the_limit)
{
	static const size_t portions[] = { SIZE_MAX, 1, 1000, 4096, 8191, 8192 };
	for (size_t i = 0; i < sizeof portions / sizeof *portions; i++) {
		for (size_t size = WS_HEAD_MAX - 1; size <= WS_HEAD_MAX + 1; size++) {
			char *head = make_head(size);
			size_t used, len;
			struct ws_upgrade *u = ws_upgrade_create_server(false);
			enum ws_verdict verdict = feed(u, head, size, 0, portions[i], &used);
			ck_assert_int_eq(verdict,
				size <= WS_HEAD_MAX ? WS_UPGRADE_ACCEPTED : WS_UPGRADE_REFUSED);
			if (size > WS_HEAD_MAX)
				ck_assert_ptr_nonnull(strstr(ws_upgrade_output(u, &len),
					"HTTP/1.1 431 "));
			ws_upgrade_destroy(u);
			free(head);
		}
	}
}
END_TEST

START_TEST(a_megabyte_is_refused_after_8_kib)
{
	static const char *const starts[] = { GET "X-Filler: ", "GET /", GET,
		GET HOST "Upgrade: " };
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		size_t size = 1 << 20, used, len, start = strlen(starts[i]);
		char *head = malloc(size);
		memset(head, 'a', size);
		memcpy(head, starts[i], start);
		struct ws_upgrade *u = ws_upgrade_create_server(false);
		ck_assert_int_eq(feed(u, head, size, 0, 1000, &used), WS_UPGRADE_REFUSED);
		ck_assert_ptr_nonnull(strstr(ws_upgrade_output(u, &len), "HTTP/1.1 431 "));
		ck_assert_uint_eq(used, WS_HEAD_MAX);
		ws_upgrade_destroy(u);
		free(head);
	}
}
END_TEST

START_TEST(advice_over_tls_names_wss)
{
	size_t used, len;
	static const char head[] = GET HOST "\r\n";
	struct ws_upgrade *u = ws_upgrade_create_server(true);
	ck_assert_int_eq(feed(u, head, strlen(head), 0, SIZE_MAX, &used), WS_UPGRADE_REFUSED);
	ck_assert_ptr_nonnull(strstr(ws_upgrade_output(u, &len), "wss://localhost:5006/"));
	ws_upgrade_destroy(u);
}
END_TEST

/* ---- the client's side ---- */

#define OK101 "HTTP/1.1 101 Switching Protocols\r\n"
#define ACCEPT "Sec-WebSocket-Accept: %s\r\n"

static const struct response {
	const char *what;
	const char *head; /* %s: the right Sec-WebSocket-Accept */
	const char *err;  /* NULL: accepted */
} responses[] = {
	{ "good", OK101 UP ACCEPT "\r\n", NULL },
	{ "other case, other order",
		OK101 "sec-websocket-accept:%s\r\nconnection: keep-alive, UPGRADE\r\n"
		      "upgrade: WebSocket\r\nServer: x\r\n\r\n",
		NULL },
	{ "no reason phrase", "HTTP/1.1 101 \r\n" UP ACCEPT "\r\n", NULL },
	{ "404", "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n",
		"\"HTTP/1.1 404 Not Found\"" },
	{ "426 with Upgrade", "HTTP/1.1 426 Upgrade Required\r\n" UP "\r\n",
		"\"HTTP/1.1 426 Upgrade Required\"" },
	{ "200", "HTTP/1.1 200 OK\r\n\r\n", "\"HTTP/1.1 200 OK\"" },
	{ "HTTP/1.0", "HTTP/1.0 101 Switching Protocols\r\n" UP ACCEPT "\r\n", "HTTP/1.1" },
	{ "wrong accept", OK101 UP "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		"Sec-WebSocket-Accept" },
	{ "no accept", OK101 UP "\r\n", "Sec-WebSocket-Accept" },
	{ "two accepts", OK101 UP ACCEPT "Sec-WebSocket-Accept: x\r\n\r\n",
		"Sec-WebSocket-Accept" },
	{ "no Upgrade", OK101 "Connection: Upgrade\r\n" ACCEPT "\r\n", "Upgrade: websocket" },
	{ "a list in Upgrade",
		OK101 "Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n" ACCEPT "\r\n",
		"Upgrade: websocket" },
	{ "no Connection", OK101 "Upgrade: websocket\r\n" ACCEPT "\r\n", "Connection: Upgrade" },
	{ "an extension", OK101 UP ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
		"extension" },
	{ "a subprotocol", OK101 UP ACCEPT "Sec-WebSocket-Protocol: chat\r\n\r\n", "subprotocol" },
	{ "not HTTP", "ERROR expected CMD_short:<seconds>", "does not speak HTTP" },
	{ "bare LF", "HTTP/1.1 101 Switching Protocols\n" UP ACCEPT "\r\n", "CR LF" },
};

/* Computed by the server's side, from the request that the client made. */
static void accept_for(struct ws_upgrade *client, char accept[64])
{
	size_t used, len;
	struct ws_upgrade *server = ws_upgrade_create_server(false);
	const char *request = ws_upgrade_output(client, &len);
	ck_assert_int_eq(ws_upgrade_feed(server, request, len, &used), WS_UPGRADE_ACCEPTED);
	ck_assert_uint_eq(used, len);
	const char *answer = strstr(ws_upgrade_output(server, &len), "Accept: ") + 8;
	snprintf(accept, 64, "%.*s", (int)strcspn(answer, "\r"), answer);
	ws_upgrade_destroy(server);
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void check_response(const struct response *row, size_t split, size_t most)
{
	char accept[64], head[512];
	size_t used;
	struct ws_upgrade *u = ws_upgrade_create_client("localhost:5006", "/");
	accept_for(u, accept);
	size_t len = (size_t)snprintf(head, sizeof head, row->head, accept);
	memcpy(head + len, "\x82\x01", 2);
	enum ws_verdict verdict = feed(u, head, len + 2, split, most, &used);
	if (row->err) {
		ck_assert_msg(verdict == WS_UPGRADE_REFUSED, "%s", row->what);
		ck_assert_msg(strstr(ws_upgrade_err(u)->text, row->err), "%s: %s", row->what,
			ws_upgrade_err(u)->text);
	} else {
		ck_assert_msg(verdict == WS_UPGRADE_ACCEPTED, "%s: %s", row->what,
			ws_upgrade_err(u)->text);
		ck_assert_uint_eq(used, len);
	}
	ws_upgrade_destroy(u);
}

START_TEST(responses_at_every_split)
{
	const struct response *row = &responses[_i];
	check_response(row, 0, SIZE_MAX);
	check_response(row, 0, 1);
	for (size_t split = 1; split < strlen(row->head); split++)
		check_response(row, split, SIZE_MAX);
}
END_TEST

START_TEST(each_request_has_a_key_of_its_own)
{
	size_t len;
	struct ws_upgrade *a = ws_upgrade_create_client("localhost:5006", "/a");
	struct ws_upgrade *b = ws_upgrade_create_client("localhost:5006", "/a");
	const char *request = ws_upgrade_output(a, &len);
	ck_assert_str_ne(request, ws_upgrade_output(b, &len));
	ck_assert_ptr_nonnull(strstr(request, "GET /a HTTP/1.1\r\nHost: localhost:5006\r\n"));
	ws_upgrade_destroy(a);
	ws_upgrade_destroy(b);
}
END_TEST

START_TEST(no_request_can_be_smuggled)
{
	static const char *const hosts[] = { "", "a b", "a\r\nX: y", "b\xc3\xa9" };
	static const char *const paths[] = { "", "x", "/a b", "/\r\nX: y", "/#top" };
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		struct ws_upgrade *u = ws_upgrade_create_client(hosts[i], "/");
		ck_assert_int_eq(ws_upgrade_verdict(u), WS_UPGRADE_REFUSED);
		ws_upgrade_destroy(u);
	}
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct ws_upgrade *u = ws_upgrade_create_client("a", paths[i]);
		ck_assert_int_eq(ws_upgrade_verdict(u), WS_UPGRADE_REFUSED);
		ws_upgrade_destroy(u);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ws_upgrade");
	TCase *server = tcase_create("server");
	tcase_add_loop_test(server, requests_at_every_split, 0, sizeof requests / sizeof *requests);
	tcase_add_test(server, heads_up_to_the_limit);
	tcase_add_test(server, a_megabyte_is_refused_after_8_kib);
	tcase_add_test(server, advice_over_tls_names_wss);
	suite_add_tcase(suite, server);
	TCase *client = tcase_create("client");
	tcase_add_loop_test(client, responses_at_every_split, 0,
		sizeof responses / sizeof *responses);
	tcase_add_test(client, each_request_has_a_key_of_its_own);
	tcase_add_test(client, no_request_can_be_smuggled);
	suite_add_tcase(suite, client);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
