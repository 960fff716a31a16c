/*
 * A small, strict and bounded HTTP/1.1 server (RFC 9110, 9112) in the caller's libev loop, over a
 * Unix socket and over TCP. It knows nothing of the lab: the caller's function answers the
 * requests. Call everything from the loop's thread. A function calls back during its own call only
 * where its comment says so.
 */
#ifndef SERVERS_HTTP_HTTP_H
#define SERVERS_HTTP_HTTP_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/net.h"

enum {
	/* bytes of a request's head with its blank line; more: 431 */
	HTTP_HEAD_MAX = 8192,
	HTTP_HEADERS_MAX = 100,        /* headers of a request; more: 431 */
	HTTP_PARAMETERS_MAX = 32,      /* parameters of a query; more: 400 */
	/* bytes of a request's body; more: 413, before the excess is read */
	HTTP_BODY_MAX = 65536,
	/* bytes that wait for one stream's reader, with chunk framing */
	HTTP_STREAM_MAX = 262144,
	HTTP_STREAM_PIECE_MAX = 65536, /* bytes of one http_stream_write */
	HTTP_REFUSAL_MAX = 2048,       /* bytes of a refusal's body */
};

struct http;         /* a server */
struct http_request; /* a request, until it is answered */
struct http_stream;  /* an answer whose end is not known yet */

/* A header of an answer. A list of headers ends with a row of NULLs. A control character in either
   text is a bug (assert). */
struct http_header {
	const char *name, *value;
};

/* The server's limits. 0 stands for the value in brackets. Times are in seconds. */
struct http_limits {
	/*
	 * [64] open connections, counted for each listener separately, so that one full listener
	 * does not close the other. When the limit is reached, the next connection takes the place
	 * of another: of the one that has been waiting longest for its first request, which gets
	 * 503; else of the one that has been idle longest. When all are at work, the new connection
	 * gets 503
	 */
	unsigned connections;
	/* [10] for a whole request with its body. The first request's time begins with the
	   connection, a later one's with its first byte. Then 408; a connection that has sent
	   nothing is closed without an answer */
	double request;
	/* [60] between two requests; then the connection is closed without an answer */
	double idle;
	/* [60] without a reader taking any byte of an answer or a stream; then the connection is
	   closed */
	double stall;
};

/* What http_create takes. What it points at outlives the server; the structure itself is copied. */
struct http_options {
	struct ev_loop *loop; /* the caller's */
	void *context;        /* passed to the functions below */

	/* Called for each accepted connection (`fd`) before anything is read. False: the connection
	   is closed without an answer. NULL: every connection is accepted. */
	bool (*admit)(void *context, int fd);

	/*
	 * Called for each whole request with its body. It must be answered by exactly one call of
	 * http_respond, http_refuse, http_stream_start or http_route (which calls one of them), at
	 * once or later from the loop. The request is gone after that.
	 */
	void (*on_request)(void *context, struct http_request *request);

	/*
	 * Writes the body of a refusal into `body` and returns its length, at most `size`
	 * (HTTP_REFUSAL_MAX). `error` and `hint` are lines of UTF-8. They may hold text that the
	 * peer has sent, so escape them; `hint` may be "". It is called for every refusal: the
	 * server's own (400, 404, 405, 408, 413, 417, 431, 501, 503, 505), and those of
	 * http_refuse. NULL: two lines of plain text.
	 */
	size_t (*write_refusal)(void *context, const char *error, const char *hint, char *body,
		size_t size);
	/* the Content-Type of refusals; NULL: "text/plain; charset=utf-8" */
	const char *refusal_type;

	const struct http_header *headers; /* added to every answer; NULL: none */
	struct http_limits limits;
};

/* Makes a server that does not listen yet. NULL: out of memory. */
struct http *http_create(const struct http_options *options);

/*
 * Closes listeners, connections and streams, and frees the server. The Unix socket's file is
 * removed if it is still the server's. Each stream's on_close is called during this call. Requests
 * that are not answered are gone. Must not be called from a callback. Accepts NULL.
 */
void http_destroy(struct http *http);

/*
 * Listens on a Unix socket of mode 0600. A socket file at `path` on which nobody listens is
 * replaced. A socket on which a process listens, and any other file, is left alone: then the call
 * fails. False with one line in `err`: STATUS_BIND, or STATUS_FAILED when out of memory. The
 * default path and its folder: servers/control/place.h.
 */
bool http_listen_unix(struct http *http, const char *path, struct err *err);

/* Listens on a TCP address, in the calling thread's network namespace. Port 0 asks for a free port.
   `bound` (may be NULL) gets the address with its port. False with `err` (STATUS_BIND, or
   STATUS_FAILED when out of memory); errno is that of the call that failed. */
bool http_listen_tcp(struct http *http, const struct address *address, struct address *bound,
	struct err *err);

/* The number of open connections, with or without a stream. Connections that only leave (the peer
   gets a 503 or the rest of the last answer) do not count. */
unsigned http_connections(const struct http *http);

/* ---- a request; returned texts live until it is answered ---- */

/* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" or "OPTIONS". Other methods have been refused
   (501). */
const char *http_request_method(const struct http_request *request);

/*
 * The path, percent-decoded. It begins with "/", is UTF-8, and has no control character, no
 * backslash, and no segment that is empty, "." or ".." (a "/" may stand at its end). A path that
 * breaks this, or has an encoded "/", has been refused (400).
 */
const char *http_request_path(const struct http_request *request);

/* Removes the first `len` bytes of the path, such as a folder that only identifies the client. A
   "/" follows them. */
void http_request_skip(struct http_request *request, size_t len);

/* Path and query as they were sent, such as for a Location header. Printable ASCII that begins with
   "/" and not with "//". http_request_skip does not change it. */
const char *http_request_target(const struct http_request *request);

/* The value of the first query parameter of this name, decoded ("+" is a space); "" where it has no
   "=". UTF-8 without control characters. NULL: there is none. A "%" without two hexadecimal digits
   has been refused (400, with the advice to write %25). */
const char *http_request_parameter(const struct http_request *request, const char *name);

/* The `i`th parameter, for a caller that refuses parameters it does not know. False: `i` is behind
   the last. */
bool http_request_parameter_at(const struct http_request *request, size_t i, const char **name,
	const char **value);

/* The value of the first header of this name, without blanks around it and without control
   characters. The name's upper and lower case do not matter. NULL: there is none. Host, Origin,
   Authorization, Cookie, Content-Type, Content-Length, Transfer-Encoding and Expect never occur
   twice (400). */
const char *http_request_header(const struct http_request *request, const char *name);

/* The body. A NUL follows its `*len` bytes. Never NULL; it may be empty. */
const char *http_request_body(const struct http_request *request, size_t *len);

/* Whether the request came over the Unix socket, which only the user who started pmulab, or root,
   can open. */
bool http_request_is_unix(const struct http_request *request);

/* The peer: "127.0.0.1:40312" over TCP, "pid 4711" over the Unix socket ("unix" where the system
   does not tell). */
const char *http_request_peer(const struct http_request *request);

/* The connection's own address, which a Host header should name. NULL on the Unix socket. */
const struct address *http_request_local(const struct http_request *request);

/* The path's segment that matched the route's "*" (http_route), decoded; "" where the route has
   none. */
const char *http_request_part(const struct http_request *request);

/* ---- answers; none of them calls back, and none waits for the peer ---- */

/*
 * Answers a request. `body`: `len` bytes, which are copied. `type`: the Content-Type; NULL without
 * a body. `headers`: more headers, or NULL. The server adds Content-Length, Date and Connection,
 * and sends no body to a HEAD. When out of memory, the connection is closed.
 */
void http_respond(struct http_request *request, unsigned status, const char *type, const void *body,
	size_t len, const struct http_header *headers);

/* Answers with a body from write_refusal. `headers` may be NULL. 401 and 403 also end the
   connection. */
void http_refuse(struct http_request *request, unsigned status, const struct http_header *headers,
	const char *error, const char *hint);

/* How a stream calls its producer, from the loop. */
struct http_stream_ops {
	/* A write was refused before, and now half of the buffer is free. May write and end. */
	void (*on_drain)(void *context);

	/* The reader has gone, or has taken nothing for limits.stall, or the server ends. The
	   stream is gone, and must not be used any more. Not called after http_stream_end. */
	void (*on_close)(void *context);
};

/*
 * Answers with 200 and a body that http_stream_write supplies; chunked, or up to the connection's
 * end for HTTP/1.0. NULL: nobody will read (the request is a HEAD, or out of memory); the request
 * is answered, and on_close is not called. A reader that shuts down its sending direction counts as
 * gone. `ops` outlives the stream.
 */
struct http_stream *http_stream_start(struct http_request *request, const char *type,
	const struct http_header *headers, const struct http_stream_ops *ops, void *context);

/*
 * Queues `len` bytes (1 to HTTP_STREAM_PIECE_MAX), copied; or nothing, and returns false. After
 * false, on_drain is called when there is room again, or on_close when out of memory. The bytes
 * leave in the loop's next turn, together with what is queued until then.
 */
bool http_stream_write(struct http_stream *stream, const void *data, size_t len);

/* The bytes that wait for the reader. */
size_t http_stream_waiting(const struct http_stream *stream);

/* Ends the stream behind what is queued. The caller must not use it any more. */
void http_stream_end(struct http_stream *stream);

/* ---- routes ---- */

struct http_route {
	const char *method; /* a "GET" serves HEAD too */
	/* "/v1/config/" + "*": the "*" matches one segment that is not empty, which
	   http_request_part returns. At most one "*", anywhere: "/v1/connections/" + "*" +
	   "/close" */
	const char *path;
	void (*on_request)(void *context, struct http_request *request);
};

/*
 * Passes the request to the first row that matches; its function must answer. Without a match it
 * answers itself: OPTIONS with 204 and Allow, another method with 405 and Allow, an unknown path
 * with 404.
 */
void http_route(const struct http_route *routes, size_t count, void *context,
	struct http_request *request);

#endif
