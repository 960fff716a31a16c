/*
 * The control server's HTTP over Unix sockets and loopback: requests in any pieces, what is refused and how, limits, slow
 * and stopped peers, and the way a request takes to its route.
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/http_peer.h"

/* ---- the server under test: it shows what it has understood ---- */

static struct http_request *kept;   /* of /later */
static struct http_stream *stream;  /* of /stream */
static unsigned handled, drained, closed;

static void show(void *context, struct http_request *request)
{
	char text[4096];
	size_t len;
	const char *name, *value, *body = http_request_body(request, &len);
	int n = snprintf(text, sizeof text, "%s %s part=%s host=%s body=%.*s(%zu)", http_request_method(request),
		http_request_path(request), http_request_part(request), http_request_header(request, "hOST"), (int)len,
		len < 64 ? body : "", len);
	for (size_t i = 0; http_request_parameter_at(request, i, &name, &value); i++)
		n += snprintf(text + n, sizeof text - (size_t)n, " [%s]=[%s]", name, value);
	n += snprintf(text + n, sizeof text - (size_t)n, " %s|", http_request_is_unix(request) ? "unix" : "tcp");
	http_respond(request, 200, "text/plain", text, (size_t)n, NULL);
}

static void later(void *context, struct http_request *request)
{
	kept = request;
}

static void on_drain(void *context)
{
	drained++;
}

static void on_close(void *context)
{
	closed++;
	stream = NULL;
}

static const struct http_stream_ops stream_ops = { .on_drain = on_drain, .on_close = on_close };

static void start_stream(void *context, struct http_request *request)
{
	stream = http_stream_start(request, "text/event-stream", NULL, &stream_ops, NULL);
}

static void large(void *context, struct http_request *request)
{
	static char body[900000];
	memset(body, 'x', sizeof body);
	http_respond(request, 200, "text/plain", body, sizeof body, NULL);
}

static const struct http_route routes[] = {
	{ "GET", "/", show },
	{ "PUT", "/v1/config/*", show },
	{ "DELETE", "/v1/config/*", show },
	{ "GET", "/v1/config", show },
	{ "PATCH", "/v1/config", show },
	{ "POST", "/v1/connections/*/close", show },
	{ "GET", "/later", later },
	{ "GET", "/stream", start_stream },
	{ "GET", "/large", large },
};

static void on_request(void *context, struct http_request *request)
{
	handled++;
	http_route(routes, sizeof routes / sizeof *routes, NULL, request);
}

static size_t write_refusal(void *context, const char *error, const char *hint, char *body, size_t size)
{
	return (size_t)snprintf(body, size, "{\"error\": \"%s\", \"hint\": \"%s\"}", error, hint);
}

static struct http_options options = { .on_request = on_request, .write_refusal = write_refusal,
	.refusal_type = "application/json" };

static void start(void)
{
	serve(&options);
}

static void start_hasty(void) __attribute__((unused));
static void start_hasty(void)
{
	struct http_options hasty = options;
	hasty.limits = (struct http_limits){ .request = 0.05, .idle = 0.05, .stall = 0.05 };
	serve(&hasty);
}

/* ---- requests at every split ---- */

struct exchange {
	const char *request;
	size_t len;
	const char *answers[3]; /* each stands in what comes, in this order */
};

#define SAYS(text) .request = (text), .len = sizeof(text) - 1

/* Each ends the connection: what was heard is all there is. */
static const struct exchange exchanges[] = {
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), { "200 OK", "GET / part= host=a body=(0) unix|" } },
	{ SAYS("GET /?a=1&b=x+y%25&c&=e&a=2 HTTP/1.0\r\n\r\n"),
		{ "GET / part= ", "[a]=[1] [b]=[x y%] [c]=[] []=[e] [a]=[2]" } },
	{ SAYS("PUT /v1/config/reset%2Eloss HTTP/1.1\r\nhost:  b:80 \t\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"),
		{ "PUT /v1/config/reset.loss part=reset.loss host=b:80 body=abc(3)" } },
	{ SAYS("POST /v1/connections/12/close HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n"
	       "3\r\nabc\r\n5;x=y\r\nd\r\n\0e\r\n0\r\nTrailer: x\r\n\r\n"),
		{ "part=12 host=a", "(8)" } },
	{ SAYS("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), { "200 OK", "Content-Length: 34\r\n\r\n" } },
	{ SAYS("OPTIONS /v1/config HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
		{ "204 No Content", "Allow: GET, HEAD, PATCH, OPTIONS\r\n" } },
	{ SAYS("DELETE /v1/config HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
		{ "405 Method Not Allowed", "Allow: GET, HEAD, PATCH, OPTIONS\r\n", "\"hint\": \"it takes GET" } },
	{ SAYS("GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
		{ "404 Not Found", "application/json", "{\"error\": \"there is nothing" } },
	{ SAYS("GET /v1/config/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), { "404" } },
	{ SAYS("PUT /v1/config/a/b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), { "404" } },
	/* one behind the other; the last one says when to stop */
	{ SAYS("GET /?1 HTTP/1.1\r\nHost: a\r\n\r\nPATCH /v1/config HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nxyGET /?3 "
	       "HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\nGET /?4 HTTP/1.1\r\nHost: d\r\n\r\n"),
		{ "host=a body=(0) [1]=[] unix|HTTP/1.1 200", "host=b body=xy(2)", "host=c body=(0) [3]=[] unix|" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n"
	       "Host: b\r\nConnection: close\r\n\r\n"),
		{ "host=a body=x(1)", "GET / part= host=b" } },
	/* an offer that is not taken; a preface of HTTP/2 */
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n"), { "200 OK" } },
	{ SAYS("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), { "HTTP/1.1 505" } },
	{ SAYS("\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), { "200 OK" } },
	/* what is not served */
	{ SAYS("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"), { "501 Not Implemented", "Connection: close" } },
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
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nx"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\nx"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\nx"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), { "501" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\nHost: a\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\n\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n"), { "400" } },
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcde0\r\n\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nT: a\n\r\n"), { "400" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n"), { "413", "65536" } },
	/* bodies that are too long, before they come */
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n"), { "413", "65536" } },
	{ SAYS("PATCH /v1/config HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\nExpect: 100-continue\r\n\r\n"), { "HTTP/1.1 413" } },
};

static void check_answers(const struct exchange *exchange, size_t split)
{
	const char *at = heard;
	for (size_t i = 0; i < sizeof exchange->answers / sizeof *exchange->answers && exchange->answers[i]; i++) {
		const char *found = strstr(at, exchange->answers[i]);
		ck_assert_msg(found, "\"%s\" split at %zu: no \"%s\" in \"%s\"", exchange->request, split,
			exchange->answers[i], at);
		at = found + strlen(exchange->answers[i]);
	}
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
	char expected[16];
	for (size_t i = 0; i < exchange->len; i++) {
		say_bytes(fd, exchange->request + i, 1);
		turn_loop();
	}
	shutdown(fd, SHUT_WR);
	hear_all(fd);
	/* The first answer's status, and the parts that do not speak of the socket. */
	snprintf(expected, sizeof expected, "HTTP/1.1 ");
	ck_assert_msg(strncmp(heard, expected, 9) == 0, "%s", heard);
	close(fd);
	UNTIL(http_connections(http) == 0);
	serve_end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http");
	TCase *wire = tcase_create("wire");
	tcase_add_loop_test(wire, requests_at_every_split, 0, sizeof exchanges / sizeof *exchanges);
	tcase_add_loop_test(wire, requests_byte_by_byte, 0, sizeof exchanges / sizeof *exchanges);
	suite_add_tcase(suite, wire);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
