/*
 * The control server's HTTP: requests in pieces of any size, several in a row, truncated and
 * corrupt ones; which requests are refused and how; routing. Slow and stopped peers:
 * test_http_limits.c.
 */
#include "tests/unit/http/http_peer.h"

/* ---- the server under test: it shows what it has understood ---- */

static void show(void *context, struct http_request *request)
{
	char text[4096];
	size_t len;
	const char *name, *value, *body = http_request_body(request, &len);
	int n = snprintf(text, sizeof text, "%s %s part=%s host=%s body=%.*s(%zu)",
		http_request_method(request), http_request_path(request),
		http_request_part(request), http_request_header(request, "hOST"), (int)len,
		len < 64 ? body : "", len);
	for (size_t i = 0; http_request_parameter_at(request, i, &name, &value); i++)
		n += snprintf(text + n, sizeof text - (size_t)n, " [%s]=[%s]", name, value);
	n += snprintf(text + n, sizeof text - (size_t)n, " %s|",
		http_request_is_unix(request) ? "unix" : "tcp");
	http_respond(request, 200, "text/plain", text, (size_t)n, NULL);
}

static const struct http_route routes[] = {
	{ "GET", "/", show },
	{ "PUT", "/v1/config/*", show },
	{ "DELETE", "/v1/config/*", show },
	{ "GET", "/v1/config", show },
	{ "PATCH", "/v1/config", show },
	{ "POST", "/v1/connections/*/close", show },
};

static void on_request(void *context, struct http_request *request)
{
	http_route(routes, sizeof routes / sizeof *routes, NULL, request);
}

static size_t write_refusal(void *context, const char *error, const char *hint, char *body,
	size_t size)
{
	return (size_t)snprintf(body, size, "{\"error\": \"%s\", \"hint\": \"%s\"}", error, hint);
}

static struct http_options options = { .on_request = on_request, .write_refusal = write_refusal,
	.refusal_type = "application/json" };

static void start(void)
{
	serve(&options);
}

/* ---- requests at every split ---- */

struct exchange {
	const char *request;
	size_t len;
	const char *answers[3]; /* each stands in what comes, in this order */
};

#define PATCH "PATCH /v1/config HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED PATCH "Transfer-Encoding: chunked\r\n"
#define CLOSE "Connection: close\r\n\r\n"
#define SAYS(text) .request = (text), .len = sizeof(text) - 1

/* Each ends the connection: what was heard is all there is. */
static const struct exchange exchanges[] = {
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\n" CLOSE),
		{ "200 OK", "GET / part= host=a body=(0) unix|" } },
	{ SAYS("GET /?a=1&b=x+y%25&c&=e&a=2 HTTP/1.0\r\n\r\n"),
		{ "GET / part= ", "[a]=[1] [b]=[x y%] [c]=[] []=[e] [a]=[2]" } },
	{ SAYS("PUT /v1/config/reset%2Eloss HTTP/1.1\r\nhost:  b:80 \t\r\n"
	       "Content-Length: 3\r\n" CLOSE "abc"),
		{ "PUT /v1/config/reset.loss part=reset.loss host=b:80 body=abc(3)" } },
	{ SAYS("POST /v1/connections/12/close HTTP/1.1\r\nHost: a\r\n"
	       "Transfer-Encoding: Chunked\r\n" CLOSE
	       "3\r\nabc\r\n5;x=y\r\nd\r\n\0e\r\n0\r\nTrailer: x\r\n\r\n"),
		{ "part=12 host=a", "(8)" } },
	{ SAYS("HEAD / HTTP/1.1\r\nHost: a\r\n" CLOSE),
		{ "200 OK", "Content-Length: 34\r\n\r\n" } },
	{ SAYS("OPTIONS /v1/config HTTP/1.1\r\nHost: a\r\n" CLOSE),
		{ "204 No Content", "Allow: GET, HEAD, PATCH, OPTIONS\r\n" } },
	{ SAYS("DELETE /v1/config HTTP/1.1\r\nHost: a\r\n" CLOSE),
		{ "405 Method Not Allowed", "Allow: GET, HEAD, PATCH, OPTIONS\r\n",
			"\"hint\": \"it takes GET" } },
	{ SAYS("GET /nothing HTTP/1.1\r\nHost: a\r\n" CLOSE),
		{ "404 Not Found", "application/json", "{\"error\": \"there is nothing" } },
	{ SAYS("GET /v1/config/ HTTP/1.1\r\nHost: a\r\n" CLOSE), { "404" } },
	{ SAYS("PUT /v1/config/a/b HTTP/1.1\r\nHost: a\r\n" CLOSE), { "404" } },
	/* one behind the other; the last one says when to stop */
	{ SAYS("GET /?1 HTTP/1.1\r\nHost: a\r\n\r\n"
	       "PATCH /v1/config HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nxy"
	       "GET /?3 HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n"
	       "GET /?4 HTTP/1.1\r\nHost: d\r\n\r\n"),
		{ "host=a body=(0) [1]=[] unix|HTTP/1.1 200", "host=b body=xy(2)",
			"host=c body=(0) [3]=[] unix|" } },
	{ SAYS(CHUNKED "\r\n1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n"
		       "Host: b\r\nConnection: close\r\n\r\n"),
		{ "host=a body=x(1)", "GET / part= host=b" } },
	/* an offer that is not taken; a preface of HTTP/2 */
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\n"
	       "Upgrade: websocket\r\n\r\n"),
		{ "200 OK" } },
	{ SAYS("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), { "HTTP/1.1 505" } },
	{ SAYS("\r\nGET / HTTP/1.1\r\nHost: a\r\n" CLOSE), { "200 OK" } },
	/* what is not served */
	{ SAYS("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"),
		{ "501 Not Implemented", "Connection: close" } },
	{ SAYS("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"), { "501" } },
	{ SAYS("JUGGLE / HTTP/1.1\r\nHost: a\r\n\r\n"), { "501" } },
	{ SAYS("\x16\x03\x01\x02"), { "400", "https" } },
	{ SAYS("hello\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/3.0\r\nHost: a\r\n\r\n"), { "505" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\n\r\n"), { "417" } },
	/* Host */
	{ SAYS("GET / HTTP/1.1\r\n\r\n"), { "400", "Host" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), { "400", "twice" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), { "400", "Host" } },
	/* targets */
	{ SAYS("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), { "400", "no proxy" } },
	{ SAYS("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), { "400" } },
	{ SAYS("GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"), { "400", ".." } },
	{ SAYS("GET /a/%2e%2E/b HTTP/1.1\r\nHost: a\r\n\r\n"), { "400", ".." } },
	{ SAYS("GET /a/. HTTP/1.1\r\nHost: a\r\n\r\n"), { "400" } },
	{ SAYS("GET //a HTTP/1.1\r\nHost: a\r\n\r\n"), { "400", "//" } },
	{ SAYS("GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n"), { "400", "%2F" } },
	{ SAYS("GET /a\\..\\b HTTP/1.1\r\nHost: a\r\n\r\n"), { "400" } },
	{ SAYS("GET /a%5c HTTP/1.1\r\nHost: a\r\n\r\n"), { "400", "backslash" } },
	{ SAYS("GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n"), { "400", "control character" } },
	{ SAYS("GET /?a=%0d%0aX: HTTP/1.1\r\nHost: a\r\n\r\n"), { "400" } },
	{ SAYS("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n"), { "400", "UTF-8" } },
	{ SAYS("GET /?loss=30% HTTP/1.1\r\nHost: a\r\n\r\n"), { "400", "%25" } },
	{ SAYS("GET /?a=%4 HTTP/1.1\r\nHost: a\r\n\r\n"), { "400" } },
	{ SAYS("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"), { "400" } },
	{ SAYS("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"), { "400" } },
	/* smuggling */
	{ SAYS(PATCH "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"), { "400" } },
	{ SAYS(PATCH "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy"), { "400" } },
	{ SAYS(PATCH "Content-Length: 1, 1\r\n\r\nx"), { "400" } },
	{ SAYS(PATCH "Content-Length: +1\r\n\r\nx"), { "400" } },
	{ SAYS(PATCH "Content-Length: -1\r\n\r\nx"), { "400" } },
	{ SAYS(PATCH "Content-Length: 0x1\r\n\r\nx"), { "400" } },
	{ SAYS(PATCH "Content-Length: 18446744073709551617\r\n\r\nx"), { "400" } },
	{ SAYS(PATCH "Content-Length:\r\n\r\n"), { "400" } },
	{ SAYS(PATCH "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
		{ "400" } },
	{ SAYS(CHUNKED "Content-Length: 1\r\n\r\n0\r\n\r\n"), { "400" } },
	{ SAYS(CHUNKED "Transfer-Encoding: x\r\n\r\n0\r\n\r\n"), { "400" } },
	{ SAYS(PATCH "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), { "501" } },
	{ SAYS(PATCH "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	       "0\r\n\r\n"),
		{ "400" } },
	{ SAYS(PATCH "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\nHost: a\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\n\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n"), { "400", "folding" } },
	{ SAYS("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n"), { "400" } },
	{ SAYS(CHUNKED "\r\n3\nabc\r\n0\r\n\r\n"), { "400" } },
	{ SAYS(CHUNKED "\r\n3\r\nabcde0\r\n\r\n"), { "400" } },
	{ SAYS(CHUNKED "\r\n3 \r\nabc\r\n0\r\n\r\n"), { "400" } },
	{ SAYS(CHUNKED "\r\n-1\r\nabc\r\n0\r\n\r\n"), { "400" } },
	{ SAYS(CHUNKED "\r\nfffffffffffffffff\r\n"), { "400" } },
	{ SAYS(CHUNKED "\r\n1\r\nx\r\n0\r\nT: a\n\r\n"), { "400" } },
	{ SAYS(CHUNKED "\r\n10001\r\n"), { "413", "65536" } },
	/* bodies that are too long, before they come */
	{ SAYS(PATCH "Content-Length: 1073741824\r\n\r\n"), { "413", "65536" } },
	{ SAYS(PATCH "Content-Length: 65537\r\nExpect: 100-continue\r\n\r\n"), { "HTTP/1.1 413" } },
};

static void check_answers(const struct exchange *exchange, size_t split)
{
	const char *at = heard;
	for (size_t i = 0;
		i < sizeof exchange->answers / sizeof *exchange->answers && exchange->answers[i];
		i++) {
		const char *found = strstr(at, exchange->answers[i]);
		ck_assert_msg(found, "\"%s\" split at %zu: no \"%s\" in \"%s\"", exchange->request,
			split, exchange->answers[i], at);
		at = found + strlen(exchange->answers[i]);
	}
	if (strncmp(exchange->request, "HEAD", 4) == 0)
		ck_assert_str_eq(heard + heard_len - 4, "\r\n\r\n");
}

START_TEST(requests_at_every_split)
{
	const struct exchange *exchange = &exchanges[_i];
	start();
	for (size_t split = 0; split <= exchange->len; split++) {
		int fd = peer_unix();
		say_bytes(fd, exchange->request, split);
		turn_loop();
		say_bytes(fd, exchange->request + split, exchange->len - split);
		shutdown(fd, SHUT_WR);
		hear_all(fd);
		check_answers(exchange, split);
		close(fd);
	}
	UNTIL(http_connections(http) == 0);
	serve_end();
}
END_TEST

START_TEST(requests_byte_by_byte)
{
	const struct exchange *exchange = &exchanges[_i];
	start();
	int fd = peer_tcp();
	for (size_t i = 0; i < exchange->len; i++) {
		say_bytes(fd, exchange->request + i, 1);
		turn_loop();
	}
	shutdown(fd, SHUT_WR);
	hear_all(fd);
	ck_assert_msg(strncmp(heard, "HTTP/1.1 ", 9) == 0, "%s", heard);
	ck_assert_ptr_null(strstr(heard, "unix"));
	close(fd);
	serve_end();
}
END_TEST

/* Whatever comes, an answer is one, and the next one is served. */
static void survives(const char *request, size_t len)
{
	int fd = peer_unix();
	say_bytes(fd, request, len);
	shutdown(fd, SHUT_WR);
	hear_all(fd);
	ck_assert_msg(heard_len == 0 || strncmp(heard, "HTTP/1.1 ", 9) == 0, "\"%.*s\": \"%s\"",
		(int)len, request, heard);
	close(fd);
}

START_TEST(requests_cut_off_and_spoilt)
{
	static const char odd[] = "\0\r\n :/%\xff\x7f";
	char spoilt[512];
	start();
	for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i += 3) {
		const struct exchange *exchange = &exchanges[i];
		for (size_t k = 0; k < exchange->len; k++) {
			survives(exchange->request, k);
			memcpy(spoilt, exchange->request, exchange->len);
			spoilt[k] = odd[(i + k) % (sizeof odd - 1)];
			survives(spoilt, exchange->len);
			memmove(spoilt + k, spoilt + k + 1, exchange->len - k - 1);
			survives(spoilt, exchange->len - 1);
		}
	}
	survives(exchanges[0].request, exchanges[0].len);
	ck_assert_ptr_nonnull(strstr(heard, "200 OK"));
	serve_end();
}
END_TEST

/* ---- sizes ---- */

/* A request whose head has `head` bytes, and a body. */
static void ask(size_t head, const char *more, size_t body)
{
	static char text[2 * 1024 * 1024];
	int fd = peer_unix();
	size_t n = (size_t)sprintf(text,
		"PATCH /v1/config HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s", more);
	if (head > 0) {
		n += (size_t)sprintf(text + n, "X: ");
		memset(text + n, 'x', head - n);
		n = head - 4;
	} else {
		n -= 2;
	}
	memcpy(text + n, "\r\n\r\n", 4);
	n += 4;
	memset(text + n, 'b', body);
	say_bytes(fd, text, n + body);
	hear_all(fd);
	close(fd);
}

#define HEARD(text) ck_assert_msg(strstr(heard, text), "no \"%s\" in \"%s\"", text, heard)

START_TEST(heads_and_bodies_up_to_the_limit)
{
	char many[4096] = "";
	start();
	ask(HTTP_HEAD_MAX, "", 0);
	HEARD("200 OK");
	ask(HTTP_HEAD_MAX + 1, "", 0);
	HEARD("431 Request Header Fields Too Large");
	ask(1024 * 1024, "", 0);
	HEARD("431");
	for (int i = 0; i < HTTP_HEADERS_MAX - 1; i++)
		strcat(many, "a: b\r\n");
	ask(0, many, 0);
	HEARD("431");
	ask(0, many + strlen("a: b\r\n"), 0); /* with Host and Connection */
	HEARD("200 OK");
	ask(0, "Content-Length: 65536\r\n", HTTP_BODY_MAX);
	HEARD("(65536)");
	ask(0, "Content-Length: 65537\r\n", HTTP_BODY_MAX + 1);
	HEARD("413 Content Too Large");
	serve_end();
}
END_TEST

START_TEST(parameters_up_to_the_limit)
{
	char request[1024];
	start();
	for (int count = HTTP_PARAMETERS_MAX; count <= HTTP_PARAMETERS_MAX + 1; count++) {
		int fd = peer_unix();
		strcpy(request, "GET /?");
		for (int i = 0; i < count; i++)
			strcat(request, "a&");
		strcat(request, " HTTP/1.0\r\n\r\n");
		say(fd, request);
		hear_all(fd);
		HEARD(count > HTTP_PARAMETERS_MAX ? "400" : "200");
		close(fd);
	}
	serve_end();
}
END_TEST

/* What was announced is refused before it is read, and who sends it all the same finds the
   answer. */
START_TEST(a_gigabyte_is_refused)
{
	static char block[1024 * 1024];
	start();
	for (int tcp = 0; tcp < 2; tcp++) {
		int fd = tcp ? peer_tcp() : peer_unix();
		say(fd, "PATCH /v1/config HTTP/1.1\r\nHost: a\r\n"
			"Content-Length: 1073741824\r\n\r\n");
		ck_assert(say_bytes(fd, block, sizeof block / 2));
		hear_all(fd);
		HEARD("413");
		HEARD("Connection: close");
		close(fd);
	}
	serve_end();
}
END_TEST

static void chunks(size_t count, size_t size)
{
	static char chunk[16384 + 16];
	int fd = peer_unix();
	say(fd, "PATCH /v1/config HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
		"Transfer-Encoding: chunked\r\n\r\n");
	for (size_t i = 0; i < count; i++) {
		size_t n = (size_t)sprintf(chunk, "%zx\r\n", size);
		memset(chunk + n, 'c', size);
		memcpy(chunk + n + size, "\r\n", 2);
		say_bytes(fd, chunk, n + size + 2);
	}
	say(fd, "0\r\n\r\n");
	hear_all(fd);
	close(fd);
}

START_TEST(chunks_up_to_the_limit)
{
	start();
	chunks(4, 16384);
	HEARD("(65536)");
	chunks(5, 16384);
	HEARD("413");
	chunks(1000, 1);
	HEARD("(1000)");
	chunks(65536, 1);
	HEARD("too many chunks");
	serve_end();
}
END_TEST

START_TEST(a_client_may_wait_for_100_continue)
{
	start();
	int fd = peer_unix();
	say(fd, "PATCH /v1/config HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
		"Expect: 100-Continue\r\n\r\n");
	hear(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "xy");
	hear(fd, "body=xy(2)");
	ck_assert_ptr_null(strstr(heard, "100 Continue"));
	say(fd, "GET / HTTP/1.1\r\nHost: kept\r\n\r\n");
	hear(fd, "host=kept");
	close(fd);
	serve_end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http");
	TCase *wire = tcase_create("wire");
	tcase_add_loop_test(wire, requests_at_every_split, 0, sizeof exchanges / sizeof *exchanges);
	tcase_add_loop_test(wire, requests_byte_by_byte, 0, sizeof exchanges / sizeof *exchanges);
	tcase_add_test(wire, requests_cut_off_and_spoilt);
	suite_add_tcase(suite, wire);
	TCase *sizes = tcase_create("sizes");
	tcase_add_test(sizes, heads_and_bodies_up_to_the_limit);
	tcase_add_test(sizes, parameters_up_to_the_limit);
	tcase_add_test(sizes, a_gigabyte_is_refused);
	tcase_add_test(sizes, chunks_up_to_the_limit);
	tcase_add_test(sizes, a_client_may_wait_for_100_continue);
	suite_add_tcase(suite, sizes);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
