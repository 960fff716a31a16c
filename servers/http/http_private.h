/* Shared by the files of the HTTP server: a connection, the request that it reads, the answer that
   it writes. */
#ifndef SERVERS_HTTP_HTTP_PRIVATE_H
#define SERVERS_HTTP_HTTP_PRIVATE_H

#include <llhttp.h>
#include <sys/types.h>

#include "servers/http/http.h"

enum {
	HTTP_INPUT = 4096,    /* bytes that are read at once; a pipelined request waits here */
	HTTP_PART_SIZE = 128, /* bytes of the segment that matches a route's "*", with its NUL */
};

struct http_pair {
	const char *name, *value;
};

/* ---- target.c: pure ---- */

struct http_target {
	/* the memory that the pointers below point into */
	char text[HTTP_HEAD_MAX + HTTP_PARAMETERS_MAX + 2];
	const char *path;
	struct http_pair parameters[HTTP_PARAMETERS_MAX];
	size_t count;
	const char *error, *hint; /* why it was refused */
};

/* Reads the target, which stands between the method and the version: less than HTTP_HEAD_MAX bytes.
   False: `error` and `hint` say why. */
bool http_target_read(struct http_target *target, const char *raw);

/* ---- parse.c: takes bytes, gives a verdict; request.c: the handler's view ---- */

enum http_verdict { HTTP_MORE, HTTP_WHOLE, HTTP_REFUSED };

struct http_request {
	struct http_conn *conn;
	llhttp_t parser;
	/* the target and the headers as they arrived, each with a NUL behind it */
	char sent[HTTP_HEAD_MAX + 1];
	size_t sent_len;
	const char *name;             /* the name of the header whose value is being read */
	const char *value;
	const char *raw_target;
	struct http_target target;
	struct http_pair headers[HTTP_HEADERS_MAX];
	size_t header_count;
	char part[HTTP_PART_SIZE];
	char *body;
	size_t body_len, body_size;
	size_t head_len;     /* bytes of the head so far */
	/* bytes that are not body: the head, and the framing of chunks */
	size_t framing_len;
	const char *scanned; /* up to here the line ends were checked */
	char before;         /* the byte before `scanned` */
	char first;          /* the request's first byte */
	bool after_data;     /* the byte before belonged to the body */
	/* a framing error, once one was seen */
	const char *flaw;
	bool head_done, whole;
	bool expects;        /* the peer waits for 100 Continue, which was not sent yet */
	bool keep;           /* the connection may stay open */
	unsigned status;     /* the refusal's status; 0: none */
	const char *error, *hint;
};

/* Prepares for the next request. Before the first call the memory is zeroed. */
void http_request_begin(struct http_request *request);

/* Frees what the request holds. */
void http_request_finish(struct http_request *request);

/* Takes bytes. `*used` is how many it took; with HTTP_MORE pass the rest again. Bytes behind a
   whole request belong to the next one. HTTP_REFUSED: status, error and hint say why. */
enum http_verdict http_request_feed(struct http_request *request, const char *data, size_t len,
	size_t *used);

bool http_request_is_head(const struct http_request *request);

/* ---- conn.c ---- */

enum http_state {
	HTTP_READING,   /* reads a request, or has nothing yet */
	HTTP_HANDLED,   /* the handler has the request */
	HTTP_ANSWERING, /* sends an answer that is complete */
	HTTP_STREAMING, /* sends a stream */
	/* all was sent, and the sending direction is shut down; waits for the peer's close */
	HTTP_LINGERING,
};

struct http_stream {
	struct http_conn *conn;
	const struct http_stream_ops *ops; /* NULL: there is no stream */
	void *context;
	bool chunked;
	bool hungry; /* a write was refused */
};

/* The bytes to send: data[sent..len). */
struct http_output {
	char *data;
	size_t len, sent, size;
};

struct http_conn {
	struct http *http;
	struct http_listener *listener;
	struct http_conn *next, *previous;
	struct ev_io io;
	struct ev_timer timer;
	int fd;
	enum http_state state;
	bool driving;    /* in its own turn; its watchers are set at the turn's end */
	bool begun;      /* the request's deadline is set */
	bool heard;      /* a whole request was answered without closing the connection */
	bool eof;        /* the peer has ended its direction */
	bool close;      /* closed after this answer */
	bool dead;       /* freed at the turn's end */
	/* the connection has no place: it only gets a 503 or the rest of its answer */
	bool surplus;
	double deadline; /* on clock_now; 0: none */
	size_t discarded;
	char peer[ADDRESS_TEXT];
	struct address local;
	char input[HTTP_INPUT];
	size_t input_len;
	struct http_output out;
	struct http_stream stream;
	struct http_request request;
};

/* Makes a connection of `fd` (connected, non-blocking) and drives it from now on. `surplus`: it
   only gets a 503. False: out of memory; `fd` is still the caller's. */
bool http_conn_start(struct http_listener *listener, int fd, bool surplus,
	const struct address *peer);

/* What would be lost if another connection took its place. */
enum http_worth {
	HTTP_SILENT, /* its first request is not complete */
	HTTP_IDLE,   /* it has no request to answer now */
	HTTP_AT_WORK,
};
enum http_worth http_conn_worth(const struct http_conn *conn);

/* Ends a connection that is not at work, a silent one with a 503. It does not count from now on.
   Not to be called during any connection's turn. */
void http_conn_turn_out(struct http_conn *conn);

/* Frees a connection. Sends what can be sent at once, unless the connection is dead. */
void http_conn_destroy(struct http_conn *conn);

/* ---- output.c ---- */

/* Queues bytes. False: out of memory; the connection is then freed at its turn's end. */
bool http_output_append(struct http_conn *conn, const void *data, size_t len);

/* Makes room for `len` more bytes. False: out of memory. */
bool http_output_reserve(struct http_conn *conn, size_t len);

/* Calls send(2) once. False: the peer is gone. */
bool http_output_flush(struct http_conn *conn);

/* The bytes that are queued and not sent. */
size_t http_output_waiting(const struct http_conn *conn);

/* Frees the queue. */
void http_output_finish(struct http_conn *conn);

/* ---- watch.c ---- */

/* Sets the connection's deadline: `seconds` from now. */
void http_conn_deadline(struct http_conn *conn, double seconds);

/* Sets the watchers to what the connection waits for. Does nothing during its own turn, which does
   so at its end. */
void http_conn_watch(struct http_conn *conn);

/* ---- response.c ---- */

/* Queues "100 Continue" (RFC 9110, section 10.1.1). */
void http_say_continue(struct http_conn *conn);

/* Calls on_drain if a write was refused and there is room again. */
void http_stream_feed(struct http_conn *conn);

/* ---- http.c, unix_socket.c ---- */

struct http_listener {
	struct http *http;
	struct http_listener *next;
	struct ev_io io;
	int fd;
	/* connections that have a place, and connections that only leave; each number has its own
	   limit */
	unsigned count, surplus;
	char *path;              /* the Unix socket's path; NULL: TCP */
	dev_t device;
	ino_t inode;
};

struct http {
	struct http_options options;
	struct http_listener *listeners;
	struct http_conn *conns;
	struct ev_timer rest; /* until accepting resumes */
	/* the loop's iteration, and the seconds that its requests have taken so far */
	unsigned iteration;
	double spent;
};

/* Makes a listening socket at `path`, with the file's identity. -1 with `err`. */
int http_unix_bind(const char *path, dev_t *device, ino_t *inode, struct err *err);

/* Removes the file at `path` if it still has that identity. */
void http_unix_unlink(const char *path, dev_t device, ino_t inode);

#endif
