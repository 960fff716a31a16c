/*
 * Writes frames into a buffer. So header and payload leave in one piece. The buffer is allocated
 * only while it has bytes: an idle connection needs none. The order of its bytes never changes: a
 * Close frame follows the data before it.
 */
#include <assert.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "common/carrier/ws_frames.h"

static size_t held(const struct ws_frames *f)
{
	return f->out_to - f->out_from;
}

/* Makes room for `len` more bytes. False: out of memory. */
static bool reserve(struct ws_frames *f, size_t len)
{
	if (f->out_size - f->out_to >= len)
		return true;
	if (f->out_from > 0) {
		memmove(f->out, f->out + f->out_from, held(f));
		f->out_to -= f->out_from;
		f->out_from = 0;
	}
	if (f->out_size - f->out_to >= len)
		return true;
	uint8_t *grown = realloc(f->out, f->out_to + len);
	if (!grown) {
		f->out_failed = true;
		return false;
	}
	f->out = grown;
	f->out_size = f->out_to + len;
	return true;
}

bool ws_frames_hold(struct ws_frames *f, const void *data, size_t len)
{
	if (len == 0)
		return true;
	if (!reserve(f, len))
		return false;
	memcpy(f->out + f->out_to, data, len);
	f->out_to += len;
	return true;
}

/* ---- wslay's callbacks ---- */

static ssize_t on_send(const uint8_t *data, size_t len, int flags, void *user_data)
{
	struct ws_frames *f = user_data;
	size_t room = f->out_size - f->out_to; /* the callers have reserved it */
	size_t n = len < room ? len : room;
	if (n == 0)
		return -1;
	memcpy(f->out + f->out_to, data, n);
	f->out_to += n;
	return (ssize_t)n;
}

static ssize_t on_recv(uint8_t *buf, size_t len, int flags, void *user_data)
{
	struct ws_frames *f = user_data;
	if (!f->may_read)
		return -1;
	f->may_read = false;
	size_t n = f->read(f->context, buf, len);
	f->hungry = n == 0;
	return n > 0 ? (ssize_t)n : -1;
}

static int on_genmask(uint8_t *buf, size_t len, void *user_data)
{
	return RAND_bytes(buf, (int)len) == 1 ? 0 : -1;
}

static const struct wslay_frame_callbacks callbacks = {
	.send_callback = on_send,
	.recv_callback = on_recv,
	.genmask_callback = on_genmask,
};

bool ws_frames_open(struct ws_frames *f)
{
	if (wslay_frame_context_init(&f->wslay, &callbacks, f) == 0)
		return true;
	f->wslay = NULL;
	return false;
}

void ws_frames_finish(struct ws_frames *f)
{
	if (f->wslay)
		wslay_frame_context_free(f->wslay);
	free(f->out);
	f->wslay = NULL;
	f->out = NULL;
}

/* ---- control frames ---- */

static bool put_control(struct ws_frames *f, uint8_t opcode, const uint8_t *data, size_t len)
{
	struct wslay_frame_iocb frame = {
		.fin = 1,
		.opcode = opcode,
		.mask = f->client,
		.payload_length = len,
		.data = data,
		.data_length = len,
	};
	if (!reserve(f, WS_HEADER_MAX + len))
		return false;
	ssize_t n = wslay_frame_send(f->wslay, &frame);
	if (n == (ssize_t)len)
		return true;
	f->out_failed = true; /* no random bytes for the mask */
	return false;
}

static bool put_controls(struct ws_frames *f)
{
	bool room = f->wslay && f->sending_frame == 0 && held(f) < WS_ANSWERS_MAX;
	if (room && f->ping_due) {
		f->ping_due = false;
		if (!put_control(f, WSLAY_PING, NULL, 0))
			return false;
	}
	if (room && f->pong_due) {
		f->pong_due = false;
		if (!put_control(f, WSLAY_PONG, f->pong, f->pong_len))
			return false;
	}
	if (room && f->close_due) {
		f->close_due = false;
		f->closed = true;
		return put_control(f, WSLAY_CONNECTION_CLOSE, f->close, f->close_len);
	}
	return true;
}

void ws_frames_ping(struct ws_frames *f)
{
	if (!f->close_due && !f->closed)
		f->ping_due = true;
}

void ws_frames_pong(struct ws_frames *f, const void *data, size_t len)
{
	if (f->close_due || f->closed)
		return;
	(void)put_controls(f); /* sends the pong for the ping before, if there is room */
	memcpy(f->pong, data, len);
	f->pong_len = len;
	f->pong_due = true;
}

void ws_frames_close(struct ws_frames *f, unsigned code, const char *reason)
{
	if (f->close_due || f->closed)
		return;
	f->close_due = true;
	f->close_len = 0;
	if (code == WS_CLOSE_NO_CODE)
		return;
	size_t len = strlen(reason);
	if (len > WS_CONTROL_MAX - 2)
		len = WS_CONTROL_MAX - 2;
	f->close[0] = (uint8_t)(code >> 8);
	f->close[1] = (uint8_t)code;
	memcpy(f->close + 2, reason, len);
	f->close_len = 2 + len;
}

/* ---- data frames ---- */

bool ws_frames_may_send(const struct ws_frames *f)
{
	return f->sending_frame > 0 || (!f->close_due && !f->closed);
}

static size_t frame_size(const struct ws_frames *f)
{
	return f->fragment > 0 && f->fragment < f->sending ? f->fragment : f->sending;
}

size_t ws_frames_send(struct ws_frames *f, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	size_t done = 0;
	if (f->sending == 0) {
		f->sending = len;
		f->sending_first = true;
	}
	assert(held(f) == 0 && len == f->sending);
	size_t frames = f->fragment > 0 ? len / f->fragment + 1 : 1;
	size_t wanted = frames < WS_OUT_MAX ? len + frames * WS_HEADER_MAX : WS_OUT_MAX;
	if (!reserve(f, wanted < WS_OUT_MAX ? wanted : WS_OUT_MAX))
		return 0;
	while (f->sending > 0 && ws_frames_may_send(f)) {
		bool begins = f->sending_frame == 0;
		if (begins) {
			if (f->out_size - f->out_to <= WS_HEADER_MAX)
				break;
			f->sending_frame = frame_size(f);
		}
		uint8_t opcode = f->send_text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME;
		if (!f->sending_first)
			opcode = WSLAY_CONTINUATION_FRAME;
		struct wslay_frame_iocb frame = {
			.fin = f->sending_frame == f->sending,
			.opcode = opcode,
			.mask = f->client,
			/* wslay uses it when a frame begins; later it must be at least
			   data_length */
			.payload_length = f->sending_frame,
			.data = bytes + done,
			.data_length = f->sending_frame,
		};
		ssize_t n = wslay_frame_send(f->wslay, &frame);
		if (n <= 0) {
			if (begins)
				f->out_failed = true; /* not for lack of room: no mask */
			break;
		}
		f->sending_first = false;
		f->sending_frame -= (size_t)n;
		f->sending -= (size_t)n;
		done += (size_t)n;
	}
	return done;
}

/* ---- the buffer for the transport below ---- */

bool ws_frames_held(struct ws_frames *f, const uint8_t **data, size_t *len)
{
	if (f->out_failed || !put_controls(f))
		return false;
	*data = f->out ? f->out + f->out_from : NULL;
	*len = held(f);
	return true;
}

void ws_frames_sent(struct ws_frames *f, size_t len)
{
	f->out_from += len;
	if (held(f) > 0)
		return;
	free(f->out);
	f->out = NULL;
	f->out_from = f->out_to = f->out_size = 0;
}
