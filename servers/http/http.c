/* The server: its listeners, and the connections that they accept. */
#include "servers/http/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "servers/http/http_private.h"

enum {
	BACKLOG = 1024,
	ACCEPTS_A_TURN = 64, /* then it is the connections' turn */
	CONNECTIONS = 64,
};

static const double REQUEST_SECONDS = 10, IDLE_SECONDS = 60, STALL_SECONDS = 60;

/* The pause in accepting when the process has run out of descriptors or memory. */
static const double REST_SECONDS = 0.1;

static void listeners_start(struct http *http)
{
	for (struct http_listener *listener = http->listeners; listener; listener = listener->next)
		ev_io_start(http->options.loop, &listener->io);
}

static void on_rest_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	listeners_start(timer->data);
}

/* Out of descriptors: pending connections stay in the listener's backlog, and the loop must not
   spin on them. */
static void rest(struct http *http)
{
	for (struct http_listener *listener = http->listeners; listener; listener = listener->next)
		ev_io_stop(http->options.loop, &listener->io);
	ev_timer_stop(http->options.loop, &http->rest);
	ev_timer_set(&http->rest, REST_SECONDS, 0);
	ev_timer_start(http->options.loop, &http->rest);
}

/* The connection to turn out: the one of the least worth, and of these the oldest. NULL: each is at
   work. */
static struct http_conn *least(const struct http_listener *listener)
{
	struct http_conn *found = NULL;
	enum http_worth worth = HTTP_AT_WORK;
	for (struct http_conn *conn = listener->http->conns; conn; conn = conn->next) {
		enum http_worth its =
			conn->listener == listener ? http_conn_worth(conn) : HTTP_AT_WORK;
		if (its < worth ||
			(its == worth && its != HTTP_AT_WORK && conn->deadline < found->deadline)) {
			found = conn;
			worth = its;
		}
	}
	return found;
}

/* Accepts a connection. Beyond the limit it takes the place of one that is not at work, so that
   slow peers keep nobody out; if there is none, the new connection gets 503. */
static void take(struct http_listener *listener, int fd, const struct address *peer)
{
	const struct http_options *options = &listener->http->options;
	unsigned most = options->limits.connections;
	if (options->admit && !options->admit(options->context, fd)) {
		close(fd);
		return;
	}
	struct http_conn *gives_way = listener->count >= most ? least(listener) : NULL;
	if (gives_way)
		http_conn_turn_out(gives_way);
	if (!http_conn_start(listener, fd, listener->count >= most, peer))
		close(fd);
}

static void on_acceptable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct http_listener *listener = io->data;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct address peer = { .len = sizeof peer.ss };
		int fd = accept4(io->fd, (struct sockaddr *)&peer.ss, &peer.len,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			take(listener, fd, &peer);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			rest(listener->http);
			return;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return;
		} /* else: a connection that failed before it was taken (accept(2)); the next one */
	}
}

struct http *http_create(const struct http_options *options)
{
	struct http *http = calloc(1, sizeof *http);
	if (!http)
		return NULL;
	http->options = *options;
	struct http_limits *limits = &http->options.limits;
	limits->connections = limits->connections ? limits->connections : CONNECTIONS;
	limits->request = limits->request > 0 ? limits->request : REQUEST_SECONDS;
	limits->idle = limits->idle > 0 ? limits->idle : IDLE_SECONDS;
	limits->stall = limits->stall > 0 ? limits->stall : STALL_SECONDS;
	ev_timer_init(&http->rest, on_rest_over, 0, 0);
	http->rest.data = http;
	return http;
}

static void listener_destroy(struct http_listener *listener)
{
	ev_io_stop(listener->http->options.loop, &listener->io);
	close(listener->fd);
	if (listener->path)
		http_unix_unlink(listener->path, listener->device, listener->inode);
	free(listener->path);
	free(listener);
}

void http_destroy(struct http *http)
{
	if (!http)
		return;
	ev_timer_stop(http->options.loop, &http->rest);
	while (http->conns)
		http_conn_destroy(http->conns);
	while (http->listeners) {
		struct http_listener *listener = http->listeners;
		http->listeners = listener->next;
		listener_destroy(listener);
	}
	free(http);
}

static void listener_start(struct http *http, struct http_listener *listener, int fd)
{
	listener->http = http;
	listener->fd = fd;
	listener->next = http->listeners;
	http->listeners = listener;
	ev_io_init(&listener->io, on_acceptable, fd, EV_READ);
	listener->io.data = listener;
	ev_io_start(http->options.loop, &listener->io);
}

bool http_listen_unix(struct http *http, const char *path, struct err *err)
{
	struct http_listener *listener = calloc(1, sizeof *listener);
	char *kept = strdup(path);
	int fd = -1;
	if (!listener || !kept)
		err_set(err, STATUS_FAILED, "out of memory");
	else
		fd = http_unix_bind(path, &listener->device, &listener->inode, err);
	if (fd < 0) {
		free(listener);
		free(kept);
		return false;
	}
	listener->path = kept;
	listener_start(http, listener, fd);
	return true;
}

bool http_listen_tcp(struct http *http, const struct address *address, struct address *bound,
	struct err *err)
{
	const struct listen_options options = { .backlog = BACKLOG };
	struct http_listener *listener = calloc(1, sizeof *listener);
	if (!listener) {
		err_set(err, STATUS_FAILED, "out of memory");
		errno = ENOMEM;
		return false;
	}
	int fd = net_listen(address, &options, err);
	if (fd < 0) {
		int error = errno;
		free(listener);
		errno = error;
		return false;
	}
	if (bound)
		net_local_address(fd, bound);
	listener_start(http, listener, fd);
	return true;
}

unsigned http_connections(const struct http *http)
{
	unsigned count = 0;
	for (const struct http_listener *listener = http->listeners; listener;
		listener = listener->next)
		count += listener->count;
	return count;
}
