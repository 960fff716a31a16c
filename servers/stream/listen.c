#include "servers/stream/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ACCEPTS_A_TURN = 64, /* then it is the connections' turn */
	PORT_TRIES = 64,     /* free ports that are tried, until one is free on every address */
	BACKLOG = 4096,
	SEND_BUFFER_MIN = 65536,  /* bytes */
	/* bytes; the kernel's default of net.core.wmem_max, which is the most one gets */
	SEND_BUFFER_MAX = 212992,
};

/* The pause in accepting when the process has run out of descriptors or memory. */
static const double REST_SECONDS = 0.1;

/* ---- the sockets ---- */

/* The kernel doubles SO_SNDBUF for its own bookkeeping (socket(7)). A flood that fits leaves in one
   send(). 0: the kernel's choice. */
static int send_buffer(size_t flood)
{
	if (flood > SEND_BUFFER_MAX || flood == 0)
		return 0; /* the kernel lets it grow */
	return flood + flood / 4 > SEND_BUFFER_MIN ? (int)(flood + flood / 4) : SEND_BUFFER_MIN;
}

/*
 * round_trip.c emulates Nagle's algorithm, so the kernel's is off. Segments that it releases must
 * leave at once. BBR paces, and would still hold the first message when the cork closes behind it.
 * cubic, which the lab's servers had, and reno, which every Linux has, do not pace (tcp(7),
 * TCP_CONGESTION). Accepted connections inherit both settings.
 */
static void leave_segments_to_us(int fd)
{
	static const char *const unpaced[] = { "cubic", "reno" };
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	for (size_t i = 0; i < sizeof unpaced / sizeof unpaced[0]; i++)
		if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, unpaced[i],
			    (socklen_t)strlen(unpaced[i])) == 0)
			return;
}

static int listen_on(const struct address *address, int mss, size_t flood, struct err *err)
{
	const struct listen_options options = { .backlog = BACKLOG,
		.mss = mss,
		.send_buffer = send_buffer(flood) };
	int fd = net_listen(address, &options, err);
	if (fd >= 0)
		leave_segments_to_us(fd);
	return fd;
}

/* TCP_MAXSEG 0 means the kernel's choice, as for a new listener. A buffer that was once set does
   not grow by itself any more, so a flood that is too large for any buffer gets the largest one. */
void listeners_change(struct listeners *listeners, int mss, size_t flood)
{
	int buffer = flood > SEND_BUFFER_MAX ? SEND_BUFFER_MAX : send_buffer(flood);
	for (size_t i = 0; i < listeners->count; i++) {
		int fd = listeners->list[i].fd;
		setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof mss);
		if (buffer > 0)
			setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	}
}

/* ---- accepting ---- */

void listeners_start(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		ev_io_start(listeners->loop, &listeners->list[i].io);
}

void listeners_stop(struct listeners *listeners)
{
	ev_timer_stop(listeners->loop, &listeners->rest);
	for (size_t i = 0; i < listeners->count; i++)
		ev_io_stop(listeners->loop, &listeners->list[i].io);
}

static void on_rest_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	listeners_start(timer->data);
}

/* Out of descriptors: pending connections stay in the listener's backlog, and the loop must not
   spin on them. */
static void rest(struct listeners *listeners, int error)
{
	listeners->owner->rest(listeners->context, error);
	listeners_stop(listeners);
	ev_timer_set(&listeners->rest, REST_SECONDS, 0);
	ev_timer_start(listeners->loop, &listeners->rest);
}

static void on_acceptable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct listeners *listeners = io->data;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct address peer = { .len = sizeof peer.ss };
		int fd = accept4(io->fd, (struct sockaddr *)&peer.ss, &peer.len,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			listeners->owner->take(listeners->context, fd, &peer);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			rest(listeners, errno);
			return;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return;
		} /* else: a connection that failed before it was taken (accept(2)); the next one */
	}
}

/* ---- opening and closing ---- */

void listeners_init(struct listeners *listeners, struct ev_loop *loop,
	const struct listeners_owner *owner, void *context)
{
	*listeners = (struct listeners){ .loop = loop, .owner = owner, .context = context };
	ev_timer_init(&listeners->rest, on_rest_over, 0, 0);
	listeners->rest.data = listeners;
}

/* Closes them, and keeps the room for another try. */
static void unbind(struct listeners *listeners)
{
	listeners_stop(listeners);
	for (size_t i = 0; i < listeners->count; i++)
		close(listeners->list[i].fd);
	listeners->count = 0;
}

void listeners_close(struct listeners *listeners)
{
	unbind(listeners);
	free(listeners->list);
	listeners->list = NULL;
}

/* One try of listeners_open. 0 takes the port that the first address gets. */
static bool open_once(struct listeners *listeners, const struct address *addresses, size_t count,
	uint16_t *port, int mss, size_t flood, struct err *err)
{
	uint16_t bound = *port;
	for (size_t i = 0; i < count; i++) {
		struct address address = addresses[i];
		address_set_port(&address, bound);
		int fd = listen_on(&address, mss, flood, err);
		if (fd < 0) {
			int error = errno;
			unbind(listeners);
			errno = error;
			return false;
		}
		net_local_address(fd, &address);
		bound = address_port(&address);
		struct listener *listener = &listeners->list[listeners->count++];
		listener->fd = fd;
		address_format(&address, listener->text);
		ev_io_init(&listener->io, on_acceptable, fd, EV_READ);
		listener->io.data = listeners;
	}
	*port = bound;
	return true;
}

bool listeners_open(struct listeners *listeners, const struct address *addresses, size_t count,
	uint16_t *port, int mss, size_t flood, struct err *err)
{
	listeners->list = calloc(count, sizeof *listeners->list);
	if (!listeners->list) {
		err_set(err, STATUS_FAILED, "out of memory");
		errno = ENOMEM;
		return false;
	}
	int tries = *port == 0 ? PORT_TRIES : 1;
	while (!open_once(listeners, addresses, count, port, mss, flood, err))
		if (--tries == 0 || errno != EADDRINUSE)
			return false;
	return true;
}
