/*
 * For tests of transports: a lower transport that follows a script (how many bytes each recv
 * brings, how many each send takes, what comes at the end), and bytes written as C strings.
 */
#ifndef TESTS_UNIT_CARRIER_SUPPORT_H
#define TESTS_UNIT_CARRIER_SUPPORT_H

#include <stdlib.h>
#include <string.h>

#include "common/carrier/transport.h"

struct bytes {
	const char *data;
	size_t len;
};

/* The bytes of a literal with its embedded NULs, as an initializer of struct bytes. */
#define BYTES(literal)                                                                             \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

struct scripted {
	struct transport base;
	const char *input;
	size_t input_len, read;
	size_t split;     /* a place in the input: no recv brings bytes from both sides of it */
	size_t recv_max;  /* bytes that a recv brings at most; 0: no limit */
	enum io end;      /* the result of a recv behind the input */
	size_t send_max;  /* bytes that a send takes at most; 0: no limit */
	bool send_blocks; /* every other send returns IO_WANT_WRITE */
	bool send_stuck;  /* every send returns IO_WANT_WRITE */
	bool blocked;
	char *output;
	size_t output_len, output_size;
	/* sends and recvs that moved bytes; calls of finish */
	unsigned sends, recvs, finishes;
};

static inline enum io scripted_handshake(struct transport *t)
{
	return IO_DONE;
}

static inline enum io scripted_recv(struct transport *t, void *buf, size_t size, size_t *len,
	bool *last)
{
	struct scripted *s = (struct scripted *)t;
	size_t n = s->input_len - s->read;
	if (n == 0) {
		err_set(&t->err, STATUS_FAILED, "scripted end");
		return s->end;
	}
	if (s->read < s->split && n > s->split - s->read)
		n = s->split - s->read;
	if (s->recv_max > 0 && n > s->recv_max)
		n = s->recv_max;
	if (n > size)
		n = size;
	memcpy(buf, s->input + s->read, n);
	s->read += n;
	s->recvs++;
	*len = n;
	*last = false;
	return IO_DONE;
}

static inline enum io scripted_send(struct transport *t, const void *data, size_t len,
	size_t *taken)
{
	struct scripted *s = (struct scripted *)t;
	s->blocked = !s->blocked;
	if (s->send_stuck || (s->send_blocks && s->blocked))
		return IO_WANT_WRITE;
	size_t n = s->send_max > 0 && len > s->send_max ? s->send_max : len;
	if (s->output_size < s->output_len + n) {
		s->output_size = 2 * (s->output_len + n);
		s->output = realloc(s->output, s->output_size);
	}
	memcpy(s->output + s->output_len, data, n);
	s->output_len += n;
	s->sends++;
	*taken = n;
	return IO_DONE;
}

static inline enum io scripted_nothing(struct transport *t)
{
	return IO_DONE;
}

static inline enum io scripted_finish(struct transport *t)
{
	((struct scripted *)t)->finishes++;
	return IO_DONE;
}

static inline void scripted_describe(const struct transport *t, struct transport_about *about)
{
	*about = (struct transport_about){ .tls_version = "",
		.tls_cipher = "",
		.ws_path = "",
		.ws_note = "",
		.ws_close_reason = "",
		.recv_calls = ((const struct scripted *)t)->recvs };
}

static inline void scripted_destroy(struct transport *t)
{
	free(((struct scripted *)t)->output);
	free(t);
}

/* Makes one that brings `input` and then returns IO_WANT_READ. `input` outlives it. Destroying the
   transport frees it. */
static inline struct scripted *scripted_create(const char *input, size_t len)
{
	static const struct transport_ops ops = {
		.name = "scripted",
		.handshake = scripted_handshake,
		.recv = scripted_recv,
		.send = scripted_send,
		.flush = scripted_nothing,
		.ping = scripted_nothing,
		.finish = scripted_finish,
		.describe = scripted_describe,
		.destroy = scripted_destroy,
	};
	struct scripted *s = calloc(1, sizeof *s);
	s->base.ops = &ops;
	s->input = input;
	s->input_len = len;
	s->end = IO_WANT_READ;
	return s;
}

/* Repeats the call while it returns IO_WANT_WRITE, which the script uses for "later". */
#define WHILE_BLOCKED(io, call)                                                                    \
	do {                                                                                       \
		(io) = (call);                                                                     \
	} while ((io) == IO_WANT_WRITE)

#endif
