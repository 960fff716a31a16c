/*
 * The plain carrier: recv(2) and send(2) on a stream socket. It turns errno into an enum io and a
 * line for a person. WebSocket uses it as its lower transport; TLS uses OpenSSL on the socket.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/carrier/transport.h"

struct transport_plain {
	struct transport base;
	int fd;
	bool ended; /* the peer's FIN has been seen */
	uint64_t recv_calls;
};

static struct transport_plain *plain_from(struct transport *t)
{
	return (struct transport_plain *)t; /* base is the first member */
}

static enum io plain_fail(struct transport *t, enum io want)
{
	const char *text;
	switch (errno) {
	case EAGAIN:
#if EAGAIN != EWOULDBLOCK
	case EWOULDBLOCK:
#endif
		return want;
	case ECONNRESET:
		text = "the peer reset the connection";
		break;
	case EPIPE:
		text = "the peer has closed the connection";
		break;
	case ETIMEDOUT:
		text = "the peer does not answer any more (timed out)";
		break;
	default:
		text = strerror(errno);
		break;
	}
	err_set(&t->err, STATUS_FAILED, "%s", text);
	return IO_FAILED;
}

static enum io plain_recv(struct transport *t, void *buf, size_t size, size_t *len, bool *last)
{
	struct transport_plain *plain = plain_from(t);
	ssize_t n;
	do
		n = recv(plain->fd, buf, size, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return plain_fail(t, IO_WANT_READ);
	if (n == 0) {
		plain->ended = true;
		return IO_EOF;
	}
	plain->recv_calls++;
	*len = (size_t)n;
	*last = false;
	return IO_DONE;
}

static enum io plain_send(struct transport *t, const void *data, size_t len, size_t *taken)
{
	struct transport_plain *plain = plain_from(t);
	ssize_t n;
	do
		n = send(plain->fd, data, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return plain_fail(t, IO_WANT_WRITE);
	*taken = (size_t)n;
	return IO_DONE;
}

static enum io plain_nothing_to_do(struct transport *t)
{
	return IO_DONE;
}

static void plain_describe(const struct transport *t, struct transport_about *about)
{
	const struct transport_plain *plain = (const struct transport_plain *)t;
	*about = (struct transport_about){
		.tls_version = "",
		.tls_cipher = "",
		.ws_path = "",
		.ws_note = "",
		.ws_close_reason = "",
		.orderly = plain->ended,
		.recv_calls = plain->recv_calls,
	};
}

static void plain_destroy(struct transport *t)
{
	free(t);
}

static const struct transport_ops plain_ops = {
	.name = "plain",
	.handshake = plain_nothing_to_do,
	.recv = plain_recv,
	.send = plain_send,
	.flush = plain_nothing_to_do,
	.ping = plain_nothing_to_do,
	.finish = plain_nothing_to_do,
	.describe = plain_describe,
	.destroy = plain_destroy,
};

struct transport *transport_plain_create(int fd)
{
	struct transport_plain *plain = calloc(1, sizeof *plain);
	if (!plain)
		return NULL;
	plain->base.ops = &plain_ops;
	plain->fd = fd;
	return &plain->base;
}

void transport_destroy(struct transport *t)
{
	if (t)
		t->ops->destroy(t);
}
