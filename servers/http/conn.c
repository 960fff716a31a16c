/*
 * One connection. It reads a request, has it handled, writes the answer, and only then reads on.
 * Its turn of the loop is bounded: one recv, one send, a few pipelined requests. A connection with
 * a request is freed only at the end of its own turn, so that no handler holds freed memory. A
 * connection without a request may also be turned out.
 */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "servers/http/http_private.h"

enum {
	REQUESTS_A_TURN = 16,      /* pipelined requests that one turn answers */
	/* bytes, SO_SNDBUF: small, so that waiting bytes wait in our buffer, where they are
	   counted */
	SEND_BUFFER = 65536,
	/* bytes that are read and thrown away behind the last request */
	DISCARDED_MAX = 1024 * 1024,
	KEEPALIVE_SECONDS = 60,    /* seconds of silence, after which the kernel probes the peer */
};

/* The time that all requests of one turn of the loop may take together. Then it is the lab's
   turn. */
static const double TURN_SECONDS = 0.005;

/* The wait after the last byte, so that the peer gets the answer, and not a reset in its place (RFC
   9112, section 9.6). */
static const double LINGER_SECONDS = 2;

/* ---- its end ---- */

static void unlink_conn(struct http_conn *conn)
{
	if (conn->previous)
		conn->previous->next = conn->next;
	else
		conn->http->conns = conn->next;
	if (conn->next)
		conn->next->previous = conn->previous;
	if (conn->surplus)
		conn->listener->surplus--;
	else
		conn->listener->count--;
}

void http_conn_destroy(struct http_conn *conn)
{
	conn->driving = true; /* on_close must not set this connection's watchers */
	ev_io_stop(conn->http->options.loop, &conn->io);
	ev_timer_stop(conn->http->options.loop, &conn->timer);
	if (!conn->dead)
		http_output_flush(conn);
	if (conn->stream.ops)
		conn->stream.ops->on_close(conn->stream.context);
	unlink_conn(conn);
	close(conn->fd);
	http_output_finish(conn);
	http_request_finish(&conn->request);
	free(conn);
}

/* ---- its turn ---- */

/* Throws away bytes behind a request whose answer is the last one; the connection closes after
   that. */
static void discard(struct http_conn *conn)
{
	char bytes[HTTP_INPUT];
	ssize_t n = recv(conn->fd, bytes, sizeof bytes, 0);
	if (n > 0) {
		conn->discarded += (size_t)n;
		conn->close = true;
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
		conn->discarded > DISCARDED_MAX)
		conn->dead = true;
}

static void receive(struct http_conn *conn)
{
	size_t room = sizeof conn->input - conn->input_len;
	/* a peer that half-closes does not read a stream any more */
	if (conn->state == HTTP_LINGERING || conn->state == HTTP_STREAMING) {
		discard(conn);
		return;
	}
	if (room == 0 || conn->eof)
		return;
	ssize_t n = recv(conn->fd, conn->input + conn->input_len, room, 0);
	if (n > 0)
		conn->input_len += (size_t)n;
	else if (n == 0)
		conn->eof = true;
	else if (errno != EAGAIN && errno != EINTR)
		conn->dead = true;
}

static void refuse(struct http_conn *conn, unsigned status, const char *error, const char *hint)
{
	conn->close = true;
	conn->state = HTTP_HANDLED;
	http_refuse(&conn->request, status, NULL, error, hint);
}

/* Parses the input. A complete request is passed to the handler, which answers at once or later. */
static void take(struct http_conn *conn)
{
	struct http_request *request = &conn->request;
	enum http_verdict verdict = HTTP_MORE;
	if (conn->input_len > 0 && !conn->begun) {
		conn->begun = true;
		http_conn_deadline(conn, conn->http->options.limits.request);
	}
	size_t fed = 0;
	while (verdict == HTTP_MORE && fed < conn->input_len) {
		size_t used;
		verdict =
			http_request_feed(request, conn->input + fed, conn->input_len - fed, &used);
		fed += used;
	}
	conn->input_len -= fed;
	memmove(conn->input, conn->input + fed, conn->input_len);
	if (verdict == HTTP_REFUSED) {
		refuse(conn, request->status, request->error, request->hint);
	} else if (verdict == HTTP_WHOLE) {
		conn->state = HTTP_HANDLED;
		conn->deadline = 0;
		conn->close = !request->keep;
		double began = clock_now();
		conn->http->options.on_request(conn->http->options.context, request);
		conn->http->spent += clock_now() - began;
	} else if (conn->eof) {
		conn->dead = true;
	} else if (request->head_done && request->expects) {
		request->expects = false;
		http_say_continue(conn);
	}
}

/* The connection needs no place any more. When too many connections are only leaving, the one that
   has been leaving longest is freed. */
static void give_up_place(struct http_conn *conn)
{
	struct http_listener *listener = conn->listener;
	struct http_conn *oldest = NULL;
	if (conn->surplus)
		return;
	conn->surplus = true;
	listener->count--;
	if (++listener->surplus <= conn->http->options.limits.connections)
		return;
	for (struct http_conn *other = conn->http->conns; other; other = other->next)
		if (other != conn && other->listener == listener && other->surplus &&
			(!oldest || other->deadline < oldest->deadline))
			oldest = other;
	assert(oldest);
	http_conn_destroy(oldest);
}

static void answered(struct http_conn *conn)
{
	if (conn->close && conn->eof) {
		conn->dead = true;
	} else if (conn->close) {
		give_up_place(conn);
		shutdown(conn->fd, SHUT_WR);
		conn->state = HTTP_LINGERING;
		http_conn_deadline(conn, LINGER_SECONDS);
	} else {
		http_request_begin(&conn->request);
		conn->state = HTTP_READING;
		conn->heard = true;
		conn->begun = false;
		http_conn_deadline(conn, conn->http->options.limits.idle);
	}
}

static void send_some(struct http_conn *conn)
{
	size_t waiting = http_output_waiting(conn);
	if (waiting > 0 && !http_output_flush(conn)) {
		conn->dead = true;
		return;
	}
	size_t left = http_output_waiting(conn);
	if (conn->state == HTTP_ANSWERING && left == 0)
		answered(conn);
	else if (conn->state == HTTP_STREAMING && left == 0)
		conn->deadline = 0;
	else if ((conn->state == HTTP_ANSWERING || conn->state == HTTP_STREAMING) && left < waiting)
		http_conn_deadline(conn, conn->http->options.limits.stall);
	if (conn->state == HTTP_STREAMING)
		http_stream_feed(conn);
}

/* Whether the requests of this turn of the loop have taken long enough. */
static bool is_spent(struct http *http)
{
	unsigned now = ev_iteration(http->options.loop);
	if (now != http->iteration)
		http->spent = 0;
	http->iteration = now;
	return http->spent >= TURN_SECONDS;
}

static void drive(struct http_conn *conn)
{
	for (int i = 0; i < REQUESTS_A_TURN && !conn->dead; i++) {
		if (conn->state == HTTP_READING && is_spent(conn->http))
			break;
		if (conn->state == HTTP_READING)
			take(conn);
		if (!conn->dead)
			send_some(conn);
		if (conn->state != HTTP_READING || (conn->input_len == 0 && !conn->eof))
			break;
	}
}

static void turn(struct http_conn *conn, int events)
{
	conn->driving = true;
	if (events & EV_READ)
		receive(conn);
	drive(conn);
	conn->driving = false;
	if (conn->dead)
		http_conn_destroy(conn);
	else
		http_conn_watch(conn);
}

static void on_io(struct ev_loop *loop, struct ev_io *io, int events)
{
	turn(io->data, events);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct http_conn *conn = timer->data;
	bool late = conn->deadline > 0 && conn->deadline <= clock_now();
	if (late && conn->state == HTTP_READING && conn->request.head_len > 0 &&
		conn->input_len == 0) {
		conn->driving = true;
		refuse(conn, 408, "the request did not come to its end in time", "");
	} else if (late) {
		conn->dead = true;
	}
	turn(conn, 0);
}

/* ---- its beginning ---- */

static void describe_peer(struct http_conn *conn, const struct address *peer)
{
	struct ucred who;
	socklen_t len = sizeof who;
	if (!conn->listener->path)
		address_format(peer, conn->peer);
	else if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.pid > 0)
		snprintf(conn->peer, sizeof conn->peer, "pid %d", (int)who.pid);
	else
		snprintf(conn->peer, sizeof conn->peer, "unix");
}

/* Answers 503, since there is no place for the connection; it lives only for that. */
static void refuse_place(struct http_conn *conn)
{
	give_up_place(conn);
	conn->driving = true;
	refuse(conn, 503, "as many connections as the control server takes are open",
		"close one, or wait");
	turn(conn, 0);
}

enum http_worth http_conn_worth(const struct http_conn *conn)
{
	if (conn->state != HTTP_READING || conn->surplus)
		return HTTP_AT_WORK;
	if (!conn->heard)
		return HTTP_SILENT;
	return conn->request.head_len == 0 && conn->input_len == 0 ? HTTP_IDLE : HTTP_AT_WORK;
}

void http_conn_turn_out(struct http_conn *conn)
{
	if (conn->heard)
		http_conn_destroy(conn); /* as when its idle time is over */
	else
		refuse_place(conn);
}

bool http_conn_start(struct http_listener *listener, int fd, bool surplus,
	const struct address *peer)
{
	struct http_conn *conn = calloc(1, sizeof *conn);
	if (!conn)
		return false;
	struct http *http = listener->http;
	conn->listener = listener;
	conn->http = http;
	conn->fd = fd;
	conn->next = http->conns;
	if (conn->next)
		conn->next->previous = conn;
	http->conns = conn;
	listener->count++;
	describe_peer(conn, peer);
	net_local_address(fd, &conn->local);
	int size = SEND_BUFFER, on = 1;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (!listener->path) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		/* finds a reader of events that has vanished */
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){ KEEPALIVE_SECONDS }, sizeof(int));
	}
	conn->request.conn = conn;
	http_request_begin(&conn->request);
	ev_io_init(&conn->io, on_io, fd, EV_READ);
	conn->io.data = conn;
	ev_timer_init(&conn->timer, on_timer, 0, 0);
	conn->timer.data = conn;
	conn->begun = true;
	http_conn_deadline(conn, http->options.limits.request);
	if (surplus)
		refuse_place(conn);
	else
		http_conn_watch(conn);
	return true;
}
