/* The control server's streams: what a reader gets that reads on, stops reading or leaves, and what
   the producer is told. */
#include "tests/unit/http/http_peer.h"

static struct http_request *kept;  /* of /later */
static struct http_stream *stream; /* of /stream */
static unsigned handled, drained, closed;
static size_t waiting_when_drained;

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static void hello(void *context, struct http_request *request)
{
	http_respond(request, 200, "text/plain", "hello", 5, NULL);
}

static void later(void *context, struct http_request *request)
{
	kept = request;
}

static void on_drain(void *context)
{
	drained++;
	waiting_when_drained = http_stream_waiting(stream);
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

static const struct http_route routes[] = {
	{ "GET", "/", hello },
	{ "GET", "/later", later },
	{ "GET", "/stream", start_stream },
};

static void on_request(void *context, struct http_request *request)
{
	handled++;
	http_route(routes, sizeof routes / sizeof *routes, NULL, request);
}

static void start(void)
{
	const struct http_options options = { .on_request = on_request };
	serve(&options);
}

static void start_hasty(void)
{
	const struct http_options options = { .on_request = on_request,
		.limits = { .stall = 0.05 } };
	serve(&options);
}

static int open_stream(const char *request)
{
	int fd = peer_unix();
	say(fd, request);
	UNTIL(stream);
	return fd;
}

START_TEST(a_stream_is_chunks_and_the_connection_goes_on)
{
	int fd = open_stream(GET("/stream") GET("/"));
	hear(fd, "\r\nTransfer-Encoding: chunked\r\n\r\n");
	ck_assert(http_stream_write(stream, "one\n", 4));
	ck_assert(http_stream_write(stream, "the second one\n", 15));
	hear(fd, "4\r\none\n\r\nf\r\nthe second one\n\r\n");
	ck_assert_uint_eq(handled, 1);
	http_stream_end(stream);
	hear(fd, "hello");
	ck_assert_int_eq(strncmp(heard, "0\r\n\r\nHTTP/1.1 200 OK\r\n", 22), 0);
	ck_assert_uint_eq(closed, 0);
	close(fd);
}
END_TEST

START_TEST(a_stream_to_an_old_client_ends_with_the_connection)
{
	int fd = open_stream("GET /stream HTTP/1.0\r\n\r\n");
	ck_assert(http_stream_write(stream, "one\n", 4));
	hear(fd, "\r\n\r\none\n");
	ck_assert_ptr_null(strstr(heard, "chunked"));
	http_stream_end(stream);
	hear_all(fd);
	close(fd);
	UNTIL(http_connections(http) == 0);
	ck_assert_uint_eq(closed, 0);
}
END_TEST

START_TEST(a_head_of_a_stream_has_nobody_to_write_for)
{
	int fd = peer_unix();
	say(fd, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" GET("/"));
	hear(fd, "hello");
	ck_assert_ptr_null(stream);
	close(fd);
}
END_TEST

START_TEST(a_stopped_reader_holds_up_nobody)
{
	static char piece[10000];
	size_t written = 0;
	memset(piece, 'p', sizeof piece);
	int fd = open_stream(GET("/stream"));
	for (int i = 0; i < 1000; i++) {
		bool took = http_stream_write(stream, piece, sizeof piece);
		ck_assert_uint_le(http_stream_waiting(stream), HTTP_STREAM_MAX);
		written += took ? sizeof piece : 0;
		turn_loop();
		if (!took)
			break;
	}
	ck_assert_uint_gt(http_stream_waiting(stream), HTTP_STREAM_MAX / 2);
	ck_assert(!http_stream_write(stream, piece, sizeof piece));
	ck_assert_uint_eq(drained, 0);
	int other = peer_unix();
	say(other, GET("/"));
	hear(other, "hello");
	close(other);
	heard_len = 0;
	UNTIL((hear_some(fd), drained == 1));
	ck_assert_uint_le(waiting_when_drained, HTTP_STREAM_MAX / 2);
	ck_assert(http_stream_write(stream, piece, sizeof piece));
	http_stream_end(stream);
	UNTIL((hear_some(fd), strstr(heard, "\r\n0\r\n\r\n")));
	size_t pieces = 0;
	for (size_t i = 0; i < heard_len; i++)
		pieces += heard[i] == 'p';
	ck_assert_uint_eq(pieces, written + sizeof piece + 1); /* one stands in Content-Type */
	close(fd);
}
END_TEST

START_TEST(a_reader_that_leaves_is_noticed)
{
	int fd = open_stream(GET("/stream"));
	hear(fd, "\r\n\r\n"); /* what is left unread would be a reset */
	ck_assert_uint_eq(closed, 0);
	close(fd);
	UNTIL(closed == 1);
	ck_assert_uint_eq(http_connections(http), 0);
}
END_TEST

START_TEST(a_reader_that_talks_and_leaves_is_noticed)
{
	static char much[2 * 4096];
	int fd = open_stream(GET("/stream"));
	hear(fd, "\r\n\r\n");
	memset(much, 'x', sizeof much - 1);
	say(fd, much);
	turn_loop();
	close(fd);
	UNTIL(closed == 1);
	ck_assert_uint_eq(http_connections(http), 0);
}
END_TEST

START_TEST(a_reader_that_stays_stopped_is_cut)
{
	static char piece[HTTP_STREAM_PIECE_MAX];
	int fd = open_stream(GET("/stream"));
	while (stream && http_stream_write(stream, piece, sizeof piece))
		turn_loop();
	UNTIL(closed == 1);
	ck_assert_uint_eq(http_connections(http), 0);
	close(fd);
}
END_TEST

START_TEST(at_the_end_streams_are_closed_and_requests_gone)
{
	int fd = open_stream(GET("/stream")), other = peer_tcp();
	say(other, GET("/later"));
	UNTIL(kept);
	ck_assert(http_stream_write(stream, "the last word\n", 14));
	http_destroy(http);
	http = NULL;
	ck_assert_uint_eq(closed, 1);
	hear_all(fd);
	ck_assert_ptr_nonnull(strstr(heard, "the last word\n"));
	hear_all(other);
	close(fd);
	close(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http_streams");
	TCase *all = tcase_create("all"), *hasty = tcase_create("hasty");
	tcase_add_checked_fixture(all, start, serve_end);
	tcase_add_test(all, a_stream_is_chunks_and_the_connection_goes_on);
	tcase_add_test(all, a_stream_to_an_old_client_ends_with_the_connection);
	tcase_add_test(all, a_head_of_a_stream_has_nobody_to_write_for);
	tcase_add_test(all, a_stopped_reader_holds_up_nobody);
	tcase_add_test(all, a_reader_that_leaves_is_noticed);
	tcase_add_test(all, a_reader_that_talks_and_leaves_is_noticed);
	tcase_add_test(all, at_the_end_streams_are_closed_and_requests_gone);
	suite_add_tcase(suite, all);
	tcase_add_checked_fixture(hasty, start_hasty, serve_end);
	tcase_add_test(hasty, a_reader_that_stays_stopped_is_cut);
	suite_add_tcase(suite, hasty);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
