/* The output queue of a connection. It takes whole answers, and sends them as fast as the peer
   reads. */
#include "servers/http/http_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { OUTPUT_KEPT = 65536 }; /* bytes of memory that an idle connection may keep */

size_t http_output_waiting(const struct http_conn *conn)
{
	return conn->out.len - conn->out.sent;
}

void http_output_finish(struct http_conn *conn)
{
	free(conn->out.data);
	conn->out = (struct http_output){ 0 };
}

bool http_output_flush(struct http_conn *conn)
{
	struct http_output *out = &conn->out;
	if (out->sent == out->len)
		return true;
	ssize_t n = send(conn->fd, out->data + out->sent, out->len - out->sent, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	out->sent += (size_t)n;
	if (out->sent == out->len) {
		out->sent = out->len = 0;
		if (out->size > OUTPUT_KEPT)
			http_output_finish(conn);
	}
	return true;
}

bool http_output_reserve(struct http_conn *conn, size_t len)
{
	struct http_output *out = &conn->out;
	if (out->sent > 0 && out->size - out->len < len) {
		out->len -= out->sent;
		memmove(out->data, out->data + out->sent, out->len);
		out->sent = 0;
	}
	if (out->size - out->len >= len)
		return true;
	size_t size = out->len + len > 2 * out->size ? out->len + len : 2 * out->size;
	char *data = realloc(out->data, size);
	if (!data)
		return false;
	out->data = data;
	out->size = size;
	return true;
}

bool http_output_append(struct http_conn *conn, const void *data, size_t len)
{
	if (!http_output_reserve(conn, len)) {
		conn->dead = true; /* freed at the end of its turn */
		return false;
	}
	if (len > 0)
		memcpy(conn->out.data + conn->out.len, data, len);
	conn->out.len += len;
	return true;
}
