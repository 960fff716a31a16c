/* What the files of the HTTP server share: a connection, the request that it reads, the answer that
   it writes. */
#ifndef SERVERS_HTTP_HTTP_PRIVATE_H
#define SERVERS_HTTP_HTTP_PRIVATE_H

#include <llhttp.h>
#include <sys/types.h>

#include "servers/http/http.h"

enum {
	HTTP_INPUT = 4096,    /* bytes that are read at once; a pipelined request waits here */
	HTTP_PART_SIZE = 128, /* what stands for a route's "*", with its NUL */
};

struct http_pair {
	const char *name, *value;
};

/* ---- target.c: pure ---- */

struct http_target {
	/* all that the pointers below point at */
	char text[HTTP_HEAD_MAX + HTTP_PARAMETERS_MAX + 2];
	const char *path;
	struct http_pair parameters[HTTP_PARAMETERS_MAX];
	size_t count;
	const char *error, *hint; /* why it was refused */
};

/* Reads what stands between the method and the version; less than HTTP_HEAD_MAX bytes. */
bool http_target_read(struct http_target *target, const char *raw);

/* ---- parse.c: bytes in, a verdict out; request.c: what the handler sees of them ---- */

enum http_verdict { HTTP_MORE, HTTP_WHOLE, HTTP_REFUSED };

struct http_request {
	struct http_conn *conn;
	llhttp_t parser;
	/* the target and each header as they came, each with a NUL behind it */
	char sent[HTTP_HEAD_MAX + 1];
	size_t sent_len;
	const char *name;             /* of the header whose value is being read */
	const char *value;
	const char *raw_target;
	struct http_target target;
	struct http_pair headers[HTTP_HEADERS_MAX];
	size_t header_count;
	char part[HTTP_PART_SIZE];
	char *body;
	size_t body_len, body_size;
	size_t head_len;     /* bytes of the head so far */
	/* bytes that were not body: the head, and what stands between chunks */
	size_t framing_len;
	const char *scanned; /* up to here the ends of lines were looked at */
	char before;         /* the byte before it */
	char first;          /* the request's first one */
	bool after_data;     /* the byte before belonged to a body */
	const char *flaw;
	bool head_done, whole;
	bool expects;        /* 100-continue, and it has not been said yet */
	bool keep;           /* the connection may go on */
	unsigned status;     /* of the refusal; 0: none */
	const char *error, *hint;
};

/* Makes ready for the next one; the first time the memory is zeroed. */
void http_request_begin(struct http_request *request);
void http_request_finish(struct http_request *request);

/* Takes bytes, all of them as long as the answer is HTTP_MORE, unless `*used` says less: then the
   rest again. What stands behind a whole request is the next one's. Refused: status, error and hint
   say why. */
enum http_verdict http_request_feed(struct http_request *request, const char *data, size_t len,
	size_t *used);

bool http_request_is_head(const struct http_request *request);

/* ---- conn.c ---- */

enum http_state {
	HTTP_READING,   /* a request, or nothing yet */
	HTTP_HANDLED,   /* the handler has it */
	HTTP_ANSWERING, /* the end of what is to be sent is known */
	HTTP_STREAMING, /* it is not */
	/* all was sent, and the sending half is closed: until the peer closes too */
	HTTP_LINGERING,
};

struct http_stream {
	struct http_conn *conn;
	const struct http_stream_ops *ops; /* NULL: nobody streams */
	void *context;
	bool chunked;
	bool hungry; /* a write was refused */
};

/* What is to be sent: data[sent..len). */
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
	bool driving;    /* in its own turn: what it waits for is settled at the turn's end */
	bool begun;      /* the request has its deadline */
	bool heard;      /* a whole request has come, and was let pass */
	bool eof;        /* the peer sends no more */
	bool close;      /* after this answer */
	bool dead;       /* freed at the turn's end */
	/* it has no place: all that is left for it is to hear why, or the last of its answer */
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

/* Drives `fd` (connected, non-blocking) from now on. `surplus`: only to be told 503. False: no
   memory, `fd` is the caller's. */
bool http_conn_start(struct http_listener *listener, int fd, bool surplus,
	const struct address *peer);

/* What would be lost if another had its place. */
enum http_worth {
	HTTP_SILENT, /* its first request has not come in whole */
	HTTP_IDLE,   /* it has none to answer now */
	HTTP_AT_WORK,
};
enum http_worth http_conn_worth(const struct http_conn *conn);

/* Ends one that is not at work, a silent one with a 503; from now on it does not count. Not in any
   connection's turn. */
void http_conn_turn_out(struct http_conn *conn);

/* At the server's end: what can be sent at once is. */
void http_conn_destroy(struct http_conn *conn);

/* ---- output.c ---- */

/* Queues bytes. False: no memory, and the connection is dead at its turn's end. */
bool http_output_append(struct http_conn *conn, const void *data, size_t len);

/* Room for `len` more bytes. False: no memory. */
bool http_output_reserve(struct http_conn *conn, size_t len);

/* One send(2). False: the peer is gone. */
bool http_output_flush(struct http_conn *conn);
size_t http_output_waiting(const struct http_conn *conn);
void http_output_finish(struct http_conn *conn);

/* ---- watch.c ---- */

/* `seconds` from now on, until its next one. */
void http_conn_deadline(struct http_conn *conn, double seconds);

/* Sets what it waits for; for what happens outside of its turn. */
void http_conn_watch(struct http_conn *conn);

/* ---- response.c ---- */

/* "100 Continue" (RFC 9110 10.1.1). */
void http_say_continue(struct http_conn *conn);

/* Calls on_drain if it is time for it. */
void http_stream_feed(struct http_conn *conn);

/* ---- http.c, unix_socket.c ---- */

struct http_listener {
	struct http *http;
	struct http_listener *next;
	struct ev_io io;
	int fd;
	/* connections that have a place, and those that are only leaving; each has its limit */
	unsigned count, surplus;
	char *path;              /* of the Unix socket; NULL: TCP */
	dev_t device;
	ino_t inode;
};

struct http {
	struct http_options options;
	struct http_listener *listeners;
	struct http_conn *conns;
	struct ev_timer rest; /* until accepting goes on */
	unsigned iteration;   /* of the loop, and the seconds that its requests have taken so far */
	double spent;
};

/* A listening socket at `path`, and the file's identity. -1: `err`. */
int http_unix_bind(const char *path, dev_t *device, ino_t *inode, struct err *err);
void http_unix_unlink(const char *path, dev_t device, ino_t inode);

#endif
