/* Answers and streams. They are queued as a whole, and sent as fast as the reader takes them. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "servers/http/http_private.h"

enum {
	HEAD_SIZE = 1024,      /* bytes of an answer's head without the caller's headers */
	CHUNK_FRAMING = 16,    /* bytes around a chunk, at most */
	STREAM_END = 5,        /* "0\r\n\r\n" */
};

static const struct {
	unsigned status;
	const char *reason;
} reasons[] = { { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" },
	{ 303, "See Other" }, { 304, "Not Modified" }, { 400, "Bad Request" },
	{ 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" },
	{ 405, "Method Not Allowed" }, { 406, "Not Acceptable" }, { 408, "Request Timeout" },
	{ 409, "Conflict" }, { 410, "Gone" }, { 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" }, { 417, "Expectation Failed" },
	{ 421, "Misdirected Request" }, { 422, "Unprocessable Content" },
	{ 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" },
	{ 501, "Not Implemented" }, { 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" } };

static const char *reason_of(unsigned status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return ""; /* RFC 9112, section 4: may be empty */
}

static void print(struct http_conn *conn, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void print(struct http_conn *conn, const char *format, ...)
{
	char text[HEAD_SIZE];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	assert(len >= 0 && (size_t)len < sizeof text);
	http_output_append(conn, text, (size_t)len);
}

void http_say_continue(struct http_conn *conn)
{
	print(conn, "HTTP/1.1 100 Continue\r\n\r\n");
}

/* ---- heads ---- */

/* Headers may hold text from a peer; a control character in it could split the answer. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static void put_headers(struct http_conn *conn, const struct http_header *headers)
{
	for (; headers && headers->name; headers++) {
		assert(is_plain(headers->name) && is_plain(headers->value));
		http_output_append(conn, headers->name, strlen(headers->name));
		http_output_append(conn, ": ", 2);
		http_output_append(conn, headers->value, strlen(headers->value));
		http_output_append(conn, "\r\n", 2);
	}
}

static void put_head(struct http_conn *conn, unsigned status, const char *type,
	const struct http_header *headers)
{
	char date[40];
	struct tm utc;
	time_t now = time(NULL);
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	/* strftime would use the locale's language (RFC 9110, section 5.6.7) */
	gmtime_r(&now, &utc);
	snprintf(date, sizeof date, "%s, %02d %s %d %02d:%02d:%02d GMT", days[utc.tm_wday],
		utc.tm_mday, months[utc.tm_mon], 1900 + utc.tm_year, utc.tm_hour, utc.tm_min,
		utc.tm_sec);
	print(conn, "HTTP/1.1 %u %s\r\nDate: %s\r\n", status, reason_of(status), date);
	if (type)
		print(conn, "Content-Type: %s\r\n", type);
	if (conn->close)
		print(conn, "Connection: close\r\n");
	put_headers(conn, conn->http->options.headers);
	put_headers(conn, headers);
}

/* The queued bytes leave in this turn or in the next one. */
static void answer_with(struct http_conn *conn, enum http_state state)
{
	conn->state = state;
	conn->deadline = 0; /* the reader's deadline begins with the first send */
	http_conn_watch(conn);
}

void http_respond(struct http_request *request, unsigned status, const char *type, const void *body,
	size_t len, const struct http_header *headers)
{
	struct http_conn *conn = request->conn;
	assert(conn->state == HTTP_HANDLED);
	conn->close |= conn->eof && conn->input_len == 0;
	put_head(conn, status, type, headers);
	if (status != 204 && status != 304) /* RFC 9110, section 8.6 */
		print(conn, "Content-Length: %zu\r\n", len);
	print(conn, "\r\n");
	if (!http_request_is_head(request) && status != 204 && status != 304)
		http_output_append(conn, body, len);
	answer_with(conn, HTTP_ANSWERING);
}

void http_refuse(struct http_request *request, unsigned status, const struct http_header *headers,
	const char *error, const char *hint)
{
	const struct http_options *options = &request->conn->http->options;
	char body[HTTP_REFUSAL_MAX];
	size_t len;
	/* A peer that is not let in must not occupy a place. */
	if (status == 401 || status == 403)
		request->conn->close = true;
	if (options->write_refusal) {
		len = options->write_refusal(options->context, error, hint, body, sizeof body);
		assert(len <= sizeof body);
	} else {
		int printed =
			snprintf(body, sizeof body, "%s\n%s%s", error, hint, *hint ? "\n" : "");
		len = printed < (int)sizeof body ? (size_t)printed : sizeof body - 1;
	}
	const char *type =
		options->refusal_type ? options->refusal_type : "text/plain; charset=utf-8";
	http_respond(request, status, type, body, len, headers);
}

/* ---- streams ---- */

struct http_stream *http_stream_start(struct http_request *request, const char *type,
	const struct http_header *headers, const struct http_stream_ops *ops, void *context)
{
	struct http_conn *conn = request->conn;
	assert(conn->state == HTTP_HANDLED);
	bool head = http_request_is_head(request);
	bool chunked = request->parser.http_minor > 0;
	conn->close |= !chunked;
	put_head(conn, 200, type, headers);
	print(conn, chunked && !head ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
	if (head || conn->dead) {
		answer_with(conn, HTTP_ANSWERING);
		return NULL;
	}
	conn->stream = (struct http_stream){ .conn = conn,
		.ops = ops,
		.context = context,
		.chunked = chunked };
	conn->dead |= conn->eof;
	answer_with(conn, HTTP_STREAMING);
	return &conn->stream;
}

bool http_stream_write(struct http_stream *stream, const void *data, size_t len)
{
	struct http_conn *conn = stream->conn;
	assert(stream->ops && len > 0 && len <= HTTP_STREAM_PIECE_MAX);
	if (http_output_waiting(conn) + len + CHUNK_FRAMING + STREAM_END > HTTP_STREAM_MAX) {
		stream->hungry = true;
		return false;
	}
	if (!http_output_reserve(conn, len + CHUNK_FRAMING)) {
		conn->dead = true; /* on_close tells the producer */
		http_conn_watch(conn);
		return false;
	}
	if (stream->chunked)
		print(conn, "%zx\r\n", len);
	http_output_append(conn, data, len);
	if (stream->chunked)
		http_output_append(conn, "\r\n", 2);
	http_conn_watch(conn);
	return true;
}

size_t http_stream_waiting(const struct http_stream *stream)
{
	return http_output_waiting(stream->conn);
}

void http_stream_end(struct http_stream *stream)
{
	struct http_conn *conn = stream->conn;
	assert(stream->ops);
	stream->ops = NULL;
	if (stream->chunked)
		http_output_append(conn, "0\r\n\r\n", STREAM_END);
	conn->state = HTTP_ANSWERING;
	/* for HTTP/1.0 there may be nothing left to send: the connection's end is the stream's */
	http_conn_watch(conn);
}

void http_stream_feed(struct http_conn *conn)
{
	struct http_stream *stream = &conn->stream;
	if (!stream->ops || !stream->hungry || http_output_waiting(conn) > HTTP_STREAM_MAX / 2)
		return;
	stream->hungry = false;
	stream->ops->on_drain(stream->context);
}
