/* Code C of the handout: recv(16), send the same bytes back, until the peer closes. It holds one
   chunk at a time. So while a peer does not read, the server does not read from it either. */
#include "servers/stream/session.h"

#include <assert.h>
#include <string.h>

struct session_echo {
	size_t chunk; /* bytes, echo.chunk */
	size_t len;   /* bytes in `held` */
	bool sending; /* `held` is being sent; it is free when next() is called again */
	bool eof, stop;
	char held[];
};

static size_t echo_chunk(const struct session_host *host)
{
	return (size_t)config_integer(host->config, KEY_ECHO_CHUNK, host->endpoint);
}

static size_t echo_size(const struct session_host *host)
{
	return sizeof(struct session_echo) + echo_chunk(host);
}

static void echo_init(void *self, const struct session_host *host, const struct session_log *log)
{
	struct session_echo *echo = self;
	echo->chunk = echo_chunk(host);
}

static void echo_input(void *self, const char *data, size_t len, bool last)
{
	struct session_echo *echo = self;
	assert(echo->len == 0 && len <= echo->chunk);
	memcpy(echo->held, data, len);
	echo->len = len;
}

static void echo_tell(void *self, enum session_signal signal)
{
	struct session_echo *echo = self;
	if (signal == SESSION_EOF)
		echo->eof = true;
	else
		echo->stop = true;
}

static struct action echo_next(void *self, double now)
{
	struct session_echo *echo = self;
	if (echo->sending) {
		echo->sending = false;
		echo->len = 0;
	}
	if (echo->len > 0) {
		echo->sending = true;
		return (struct action){ .kind = ACTION_SEND, .data = echo->held, .len = echo->len };
	}
	if (echo->stop)
		return (struct action){ .kind = ACTION_CLOSE, .why = "stopping" };
	if (echo->eof)
		return (struct action){ .kind = ACTION_CLOSE, .why = "peer closed" };
	return (struct action){ .kind = ACTION_READ, .len = echo->chunk };
}

static bool echo_takes_input(const void *self)
{
	const struct session_echo *echo = self;
	return !echo->eof && echo->len == 0;
}

static bool echo_waits_for_peer(const void *self)
{
	return true;
}

const struct session_ops session_echo = {
	.name = "echo",
	.commands = false,
	.size = echo_size,
	.init = echo_init,
	.input = echo_input,
	.tell = echo_tell,
	.next = echo_next,
	.takes_input = echo_takes_input,
	.waits_for_peer = echo_waits_for_peer,
};
