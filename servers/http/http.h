/*
 * An HTTP/1.1 server (RFC 9110, 9112) in the caller's libev loop: over a Unix socket and over TCP,
 * small, strict and bounded. It knows nothing of the lab: a handler answers what comes. One thread,
 * no callback from inside a call unless its comment says so.
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
	HTTP_HEADERS_MAX = 100,        /* of a request; more: 431 */
	HTTP_PARAMETERS_MAX = 32,      /* of a query; more: 400 */
	HTTP_BODY_MAX = 65536,         /* bytes of a request's body; more: 413, before it is read */
	/* bytes that wait for one stream's reader, chunk framing included */
	HTTP_STREAM_MAX = 262144,
	HTTP_STREAM_PIECE_MAX = 65536, /* bytes of one http_stream_write */
	HTTP_REFUSAL_MAX = 2048,       /* bytes of a refusal's body */
};

struct http;         /* a server */
struct http_request; /* what came, until it is answered */
struct http_stream;  /* an answer without a known end */

/* A header of an answer; lists of them end with a row of NULLs. No control character in either (a
   bug). */
struct http_header {
	const char *name, *value;
};

/* Each 0: the value in brackets. Seconds. */
struct http_limits {
	/* [64] at once, for each listener by itself: who fills one does not close the other. The
	   next one takes the place of who has been here longest without a whole request, which gets
	   503; else of who has been idle longest. If all are at work, it is the next one that gets
	   503 */
	unsigned connections;
	/* [10] for a request with its body: from its first byte, the first one from the
	   connection's beginning; then 408 */
	double request;
	double idle;          /* [60] between two requests; then it is closed without a word */
	/* [60] that a reader takes nothing of an answer or a stream; then it is cut */
	double stall;
};

struct http_options {
	struct ev_loop *loop; /* the caller's; outlives the server */
	void *context;        /* for the functions below */

	/* Asked of each connection (accepted, `fd`) before anything is read. False: it is closed
	   without a word. NULL: everybody may come. */
	bool (*admit)(void *context, int fd);

	/*
	 * A whole request, body and all. It is answered by exactly one http_respond, http_refuse or
	 * http_stream_start (or http_route, which calls one of them): at once or later, from the
	 * loop. Then the request is gone.
	 */
	void (*on_request)(void *context, struct http_request *request);

	/*
	 * Writes the body of a refusal: "error" and "hint" as the API shows them. Both are one line
	 * of UTF-8, may hold what the peer sent (escape them), `hint` may be "". Answers its
	 * length, `size` at most (HTTP_REFUSAL_MAX). Every refusal comes through here: the server's
	 * own (400, 404, 405, 408, 413, 417, 431, 501, 503, 505), the guard's, and whatever is
	 * given to http_refuse. NULL: two lines of plain text.
	 */
	size_t (*write_refusal)(void *context, const char *error, const char *hint, char *body,
		size_t size);
	const char *refusal_type;          /* its Content-Type; NULL: "text/plain; charset=utf-8" */

	const struct http_header *headers; /* stand in each answer (guard_headers); NULL: none */
	struct http_limits limits;
};

/* NULL: out of memory. What `options` points at outlives the server; the structure itself is
   copied. */
struct http *http_create(const struct http_options *options);

/*
 * Closes everything: listeners (the Unix socket's file goes if it is still ours), connections,
 * streams (each on_close is called from inside). Requests that are not answered are gone. Accepts
 * NULL. Not from inside a callback.
 */
void http_destroy(struct http *http);

/*
 * Listens on a Unix socket of mode 0600. The file of one that has ended without removing it is
 * replaced; a socket that is listened on, and whatever is no socket, is left alone. False with one
 * line in `err` (STATUS_BIND). The default place and its folder: servers/control/place.h.
 */
bool http_listen_unix(struct http *http, const char *path, struct err *err);

/* Listens on a TCP address, in the network namespace in which it is called. Port 0 asks for a free
   one. `bound` gets what it is; may be NULL. False with `err` (STATUS_BIND); errno is that of the
   call that failed. */
bool http_listen_tcp(struct http *http, const struct address *address, struct address *bound,
	struct err *err);

/* Open connections, those with streams among them. */
unsigned http_connections(const struct http *http);

/* ---- a request; all that is given lives until it is answered ---- */

/* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" or "OPTIONS"; others got 501. */
const char *http_request_method(const struct http_request *request);

/*
 * The path, percent-decoded: begins with "/", is UTF-8 without control characters and backslashes,
 * has no segment that is empty, "." or ".." (but for a "/" at its end), and a coded "/" got 400 as
 * all of these did. Compared as it is.
 */
const char *http_request_path(const struct http_request *request);

/* Leaves out the first `len` bytes of the path: a folder that only says who asks. Behind them
   stands a "/". */
void http_request_skip(struct http_request *request, size_t len);

/* Path and query as they were sent, for a Location. Printable ASCII, begins with "/" and not with
   "//". */
const char *http_request_target(const struct http_request *request);

/* The first parameter of this name in the query, decoded ("+" is a space), or "" where it has no
   "="; NULL: there is none. UTF-8 without control characters. A "%" that stands for itself got 400
   and the advice to write %25. */
const char *http_request_parameter(const struct http_request *request, const char *name);

/* The i-th parameter, for who has to refuse those it does not know; false: there are no more. */
bool http_request_parameter_at(const struct http_request *request, size_t i, const char **name,
	const char **value);

/* The first header of this name, in any case; NULL: there is none. Without blanks around it and
   control characters. Host, Origin, Authorization, Cookie, Content-Type, Content-Length,
   Transfer-Encoding and Expect never come twice (400). */
const char *http_request_header(const struct http_request *request, const char *name);

/* May be empty; a NUL stands behind it. Never NULL. */
const char *http_request_body(const struct http_request *request, size_t *len);

/* It came over the Unix socket: who may open that is who started pmulab. */
bool http_request_is_unix(const struct http_request *request);

/* Who asks: "127.0.0.1:40312", or "pid 4711" on the Unix socket ("unix" where the system does not
   tell). */
const char *http_request_peer(const struct http_request *request);

/* The connection's own address (of TCP): what a Host header should say. NULL on the Unix socket. */
const struct address *http_request_local(const struct http_request *request);

/* What stood for the route's "*" (http_route), decoded; "" where there was none. */
const char *http_request_part(const struct http_request *request);

/* ---- answers; none of them calls back, and none waits for the peer ---- */

/*
 * Answers with `len` bytes, which are copied. `type`: Content-Type, NULL without a body. `headers`:
 * more of them, or NULL. Content-Length, Date and Connection are the server's, and a HEAD gets no
 * body. Out of memory: the connection is cut.
 */
void http_respond(struct http_request *request, unsigned status, const char *type, const void *body,
	size_t len, const struct http_header *headers);

/* Answers through write_refusal. */
void http_refuse(struct http_request *request, unsigned status, const struct http_header *headers,
	const char *error, const char *hint);

/* What a stream tells its producer, from the loop. */
struct http_stream_ops {
	/* A write was refused, and now half of the buffer is free. May write and end. */
	void (*on_drain)(void *context);

	/* The reader has gone, or has taken nothing for limits.stall, or the server ends. The
	   stream is gone: nothing may be called with it any more. Not called for one that
	   http_stream_end has ended. */
	void (*on_close)(void *context);
};

/*
 * Answers with 200 and what http_stream_write will give, chunked (to HTTP/1.0: until close). NULL:
 * there is nobody to write for (a HEAD; out of memory), the request is answered and on_close will
 * not come. A reader that closes its sending half has gone.
 */
struct http_stream *http_stream_start(struct http_request *request, const char *type,
	const struct http_header *headers, const struct http_stream_ops *ops, void *context);

/*
 * Queues all of it or, answering false, nothing: then on_drain comes when there is room again. It
 * leaves in the loop's next turn, together with what is queued until then. `len`: 1 to
 * HTTP_STREAM_PIECE_MAX.
 */
bool http_stream_write(struct http_stream *stream, const void *data, size_t len);

/* Bytes that wait for the reader. */
size_t http_stream_waiting(const struct http_stream *stream);

/* The end, behind what is queued; the stream is no longer the caller's. */
void http_stream_end(struct http_stream *stream);

/* ---- routes ---- */

struct http_route {
	const char *method; /* "GET" serves HEAD too */
	/* "/v1/config/" + "*": one segment that is not empty, http_request_part tells which; once
	   at most, anywhere: "/v1/connections/" + "*" + "/close" */
	const char *path;
	void (*on_request)(void *context, struct http_request *request);
};

/*
 * Gives the request to the first row that fits, or answers: OPTIONS with 204 and Allow, another
 * method with 405 and Allow, an unknown path with 404.
 */
void http_route(const struct http_route *routes, size_t count, void *context,
	struct http_request *request);

#endif
