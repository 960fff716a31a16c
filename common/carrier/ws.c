/*
 * WebSocket over another transport, both sides: the upgrade, then frames. It answers Ping and Close
 * frames by itself. It sends its buffer before it waits for more bytes, so it also works on a
 * blocking descriptor. WS_OUT_MAX limits the memory that a peer can make it use. The file is long
 * since it is one state machine: frames and the upgrade are in files of their own already.
 */
#include <stdlib.h>
#include <string.h>

#include "common/carrier/transport.h"
#include "common/carrier/ws_frames.h"
#include "common/carrier/ws_upgrade.h"

enum {
	/* the most frames without data that one call reads; then it is another connection's turn */
	STEPS_A_CALL = 1024,
	HEAD_READ = 2048,    /* bytes of a read during the upgrade */
};

enum state {
	STATE_BELOW,   /* the handshake of the transport below */
	STATE_UPGRADE,
	STATE_OPEN,
	STATE_CLOSED,  /* the peer's Close frame has arrived */
	STATE_ENDED,   /* the peer has ended without a Close frame */
	STATE_REFUSED, /* the connection is over; only a queued answer must still leave */
};

struct transport_ws {
	struct transport base;
	struct transport *lower;
	struct ws_upgrade *upgrade; /* NULL once open */
	bool client;
	bool was_open;
	char *path; /* NULL on the server's side before the upgrade */
	char *note;
	enum state state;
	struct ws_frames frames;
	enum io read_io; /* the result of the last recv of the transport below */

	char *early; /* frames that arrived together with the head; NULL once read */
	size_t early_from, early_len;
	const uint8_t *rest; /* data that did not fit into the caller's buffer; in wslay's */
	size_t rest_len;
	bool rest_last;

	unsigned peer_code;
	char peer_reason[WS_CONTROL_MAX];
};

static struct transport_ws *ws_from(struct transport *t)
{
	return (struct transport_ws *)t; /* base is the first member */
}

/* Passes on what the transport below answered, and why. A fault of the peer that is known says more
   than what follows from it, such as a write that fails since the peer has gone. */
static enum io ws_below(struct transport_ws *ws, enum io io)
{
	if ((io == IO_FAILED || io == IO_REFUSED) && ws->state != STATE_REFUSED)
		ws->base.err = ws->lower->err;
	return io;
}

static enum io ws_fail_memory(struct transport_ws *ws)
{
	err_set(&ws->base.err, STATUS_FAILED, "out of memory");
	return IO_FAILED;
}

/* Offers the buffer to the transport below, once. `*held`: the buffer had bytes, and may still have
   some. */
static enum io ws_push(struct transport_ws *ws, bool *held)
{
	const uint8_t *data;
	size_t len, taken = 0;
	*held = false;
	if (!ws_frames_held(&ws->frames, &data, &len))
		return ws_fail_memory(ws);
	if (len == 0)
		return IO_DONE;
	*held = true;
	enum io io = ws->lower->ops->send(ws->lower, data, len, &taken);
	if (io != IO_DONE)
		return ws_below(ws, io);
	ws_frames_sent(&ws->frames, taken);
	return IO_DONE;
}

static enum io ws_push_all(struct transport_ws *ws)
{
	bool held = true;
	enum io io = IO_DONE;
	while (io == IO_DONE && held)
		io = ws_push(ws, &held);
	return io;
}

static enum io ws_flush(struct transport *t)
{
	struct transport_ws *ws = ws_from(t);
	enum io io = ws_push_all(ws);
	return io == IO_DONE ? ws_below(ws, ws->lower->ops->flush(ws->lower)) : io;
}

/* ---- the upgrade ---- */

static enum io ws_open(struct transport_ws *ws, const char *early, size_t len)
{
	if (!ws_frames_open(&ws->frames))
		return ws_fail_memory(ws);
	if (len > 0) {
		ws->early = malloc(len);
		if (!ws->early)
			return ws_fail_memory(ws);
		memcpy(ws->early, early, len);
		ws->early_len = len;
	}
	ws->state = STATE_OPEN;
	ws->was_open = true;
	return IO_DONE;
}

static enum io ws_judge(struct transport_ws *ws, const char *early, size_t len)
{
	size_t output_len;
	if (ws_upgrade_verdict(ws->upgrade) == WS_UPGRADE_ACCEPTED) {
		enum io io = ws_open(ws, early, len);
		if (io != IO_DONE)
			return io;
		if (!ws->client) {
			ws->path = strdup(ws_upgrade_path(ws->upgrade));
			ws->note = strdup(ws_upgrade_note(ws->upgrade));
			if (!ws->path || !ws->note)
				return ws_fail_memory(ws);
		}
	} else {
		ws->base.err = *ws_upgrade_err(ws->upgrade);
		ws->state = STATE_REFUSED;
	}
	if (!ws->client) {
		const char *output = ws_upgrade_output(ws->upgrade, &output_len);
		if (!ws_frames_hold(&ws->frames, output, output_len))
			return ws_fail_memory(ws);
	}
	ws_upgrade_destroy(ws->upgrade);
	ws->upgrade = NULL;
	return IO_DONE;
}

static enum io ws_read_head(struct transport_ws *ws)
{
	char buf[HEAD_READ];
	size_t len = 0, used = 0;
	bool last;
	enum io io = ws->lower->ops->recv(ws->lower, buf, sizeof buf, &len, &last);
	if (io == IO_EOF)
		err_set(&ws->base.err, STATUS_FAILED,
			"the peer closed the connection before the WebSocket was open");
	if (io != IO_DONE)
		return ws_below(ws, io);
	if (ws_upgrade_feed(ws->upgrade, buf, len, &used) == WS_UPGRADE_MORE)
		return IO_DONE;
	return ws_judge(ws, buf + used, len - used);
}

static enum io ws_handshake(struct transport *t)
{
	struct transport_ws *ws = ws_from(t);
	size_t len;
	enum io io;
	if (ws->state == STATE_BELOW) {
		io = ws->lower->ops->handshake(ws->lower);
		if (io == IO_EOF)
			ws->base.err = ws->lower->err;
		if (io != IO_DONE)
			return ws_below(ws, io);
		ws->state = STATE_UPGRADE;
		if (ws_upgrade_verdict(ws->upgrade) == WS_UPGRADE_REFUSED) {
			io = ws_judge(ws, NULL, 0);
		} else {
			const char *request = ws_upgrade_output(ws->upgrade, &len);
			io = ws_frames_hold(&ws->frames, request, len) ? IO_DONE
								       : ws_fail_memory(ws);
		}
		if (io != IO_DONE)
			return io;
	}
	for (;;) {
		io = ws_flush(t);
		if (io != IO_DONE)
			return io;
		if (ws->state != STATE_UPGRADE)
			return ws->state == STATE_REFUSED ? IO_REFUSED : IO_DONE;
		io = ws_read_head(ws);
		if (io != IO_DONE)
			return io;
	}
}

/* ---- frames in ---- */

static size_t ws_read_below(void *context, void *buf, size_t size)
{
	struct transport_ws *ws = context;
	size_t len = 0;
	bool last;
	if (ws->early) {
		len = ws->early_len - ws->early_from;
		if (len > size)
			len = size;
		memcpy(buf, ws->early + ws->early_from, len);
		ws->early_from += len;
		if (ws->early_from == ws->early_len) {
			free(ws->early);
			ws->early = NULL;
		}
		return len;
	}
	/* Send everything before waiting for the peer. If that fails, the read will tell. */
	(void)ws_flush(&ws->base);
	ws->read_io = ws->lower->ops->recv(ws->lower, buf, size, &len, &last);
	return ws->read_io == IO_DONE ? len : 0;
}

static enum io ws_on_close(struct transport_ws *ws, const struct ws_event *event)
{
	ws->state = STATE_CLOSED;
	ws->peer_code = event->code;
	memcpy(ws->peer_reason, event->data, event->len);
	ws->peer_reason[event->len] = '\0';
	ws_frames_close(&ws->frames, event->code, "");
	return IO_EOF;
}

static enum io ws_on_violation(struct transport_ws *ws, const struct ws_event *event)
{
	ws->state = STATE_REFUSED;
	err_set(&ws->base.err, STATUS_PROTOCOL, "the peer sent %s (%u)", event->what, event->code);
	ws_frames_close(&ws->frames, event->code, event->what);
	return IO_REFUSED;
}

/* One step of reading. IO_DONE: `event` is set. */
static enum io ws_step(struct transport_ws *ws, struct ws_event *event)
{
	switch (ws_frames_next(&ws->frames, event)) {
	case WS_EVENT_HUNGRY:
		ws_below(ws, ws->read_io);
		if (ws->read_io == IO_EOF || ws->read_io == IO_REFUSED)
			ws->state = ws->read_io == IO_EOF ? STATE_ENDED : STATE_REFUSED;
		return ws->read_io;
	case WS_EVENT_PING:
		ws_frames_pong(&ws->frames, event->data, event->len);
		return IO_DONE;
	case WS_EVENT_CLOSE:
		return ws_on_close(ws, event);
	case WS_EVENT_VIOLATION:
		return ws_on_violation(ws, event);
	default:
		return IO_DONE;
	}
}

static void ws_deliver(struct transport_ws *ws, void *buf, size_t size, size_t *len, bool *last)
{
	*len = ws->rest_len < size ? ws->rest_len : size;
	if (*len > 0)
		memcpy(buf, ws->rest, *len);
	ws->rest += *len;
	ws->rest_len -= *len;
	*last = ws->rest_last && ws->rest_len == 0;
}

static enum io ws_recv(struct transport *t, void *buf, size_t size, size_t *len, bool *last)
{
	struct transport_ws *ws = ws_from(t);
	if (ws->rest_len > 0) {
		ws_deliver(ws, buf, size, len, last);
		return IO_DONE;
	}
	if (ws->state != STATE_OPEN)
		return ws->state == STATE_REFUSED ? IO_REFUSED : IO_EOF;
	for (int steps = 0; steps < STEPS_A_CALL; steps++) {
		struct ws_event event;
		enum io io = ws_step(ws, &event);
		if (io == IO_EOF || io == IO_REFUSED)
			/* a caller that gives up now has answered all the same */
			(void)ws_flush(t);
		if (io != IO_DONE)
			return io;
		if (event.kind != WS_EVENT_DATA)
			continue;
		ws->rest = event.data;
		ws->rest_len = event.len;
		ws->rest_last = event.last;
		ws_deliver(ws, buf, size, len, last);
		return IO_DONE;
	}
	*len = 0;
	*last = false;
	return IO_DONE;
}

/* ---- frames out ---- */

static enum io ws_send(struct transport *t, const void *data, size_t len, size_t *taken)
{
	struct transport_ws *ws = ws_from(t);
	bool held;
	enum io io = ws_push_all(ws);
	if (io != IO_DONE)
		return io;
	if (ws->state == STATE_REFUSED)
		return IO_REFUSED;
	if (!ws_frames_may_send(&ws->frames)) {
		/* RFC 6455 5.5.1: no data may follow our Close, and the peer discards data after
		   its own. */
		err_set(&ws->base.err, STATUS_FAILED,
			"the peer closed the WebSocket before it was sent everything");
		return IO_REFUSED;
	}
	*taken = ws_frames_send(&ws->frames, data, len);
	if (*taken == 0)
		return ws_fail_memory(ws);
	io = ws_push(ws, &held);
	return io == IO_WANT_WRITE || io == IO_WANT_READ ? IO_DONE : io;
}

static enum io ws_ping(struct transport *t)
{
	struct transport_ws *ws = ws_from(t);
	if (ws->state != STATE_OPEN)
		return IO_DONE;
	ws_frames_ping(&ws->frames);
	return ws_flush(t);
}

/* ---- the end ---- */

static enum io ws_finish(struct transport *t)
{
	struct transport_ws *ws = ws_from(t);
	ws->rest_len = 0;
	if (ws->was_open)
		ws_frames_close(&ws->frames, WS_CLOSE_NORMAL, "");
	enum io io = ws_flush(t);
	if (io != IO_DONE)
		return io;
	/* If our Close has not been put into the buffer by now, the caller has kept back the rest
	   of a frame, and no Close may stand inside it. */
	for (int steps = 0; ws->state == STATE_OPEN && ws->frames.closed; steps++) {
		struct ws_event event;
		if (steps == STEPS_A_CALL)
			/* the peer sends without end; the caller's time limit ends that */
			return IO_WANT_READ;
		io = ws_step(ws, &event);
		if (io == IO_WANT_READ || io == IO_WANT_WRITE || io == IO_FAILED)
			return io;
	}
	return ws_below(ws, ws->lower->ops->finish(ws->lower));
}

static void ws_describe(const struct transport *t, struct transport_about *about)
{
	const struct transport_ws *ws = (const struct transport_ws *)t;
	ws->lower->ops->describe(ws->lower, about);
	about->ws_path = ws->was_open && ws->path ? ws->path : "";
	about->ws_note = ws->note ? ws->note : "";
	about->ws_close_reason = ws->peer_reason;
	about->ws_close_code = ws->peer_code;
	if (ws->was_open && ws->state != STATE_OPEN && ws->state != STATE_CLOSED)
		about->ws_close_code = WS_CLOSE_ABNORMAL;
	about->orderly = ws->state == STATE_CLOSED;
	about->frames_in = ws->frames.frames_in;
	about->messages_in = ws->frames.messages_in;
}

static void ws_destroy(struct transport *t)
{
	struct transport_ws *ws = ws_from(t);
	transport_destroy(ws->lower);
	ws_upgrade_destroy(ws->upgrade);
	ws_frames_finish(&ws->frames);
	free(ws->early);
	free(ws->path);
	free(ws->note);
	free(ws);
}

static const struct transport_ops ws_ops = {
	.name = "ws",
	.handshake = ws_handshake,
	.recv = ws_recv,
	.send = ws_send,
	.flush = ws_flush,
	.ping = ws_ping,
	.finish = ws_finish,
	.describe = ws_describe,
	.destroy = ws_destroy,
};

static struct transport *ws_create(struct transport *lower, struct ws_upgrade *upgrade, bool client,
	const char *path, const struct ws_options *options)
{
	struct transport_ws *ws = calloc(1, sizeof *ws);
	if (!ws || !upgrade)
		goto fail;
	if (path && !(ws->path = strdup(path)))
		goto fail;
	ws->base.ops = &ws_ops;
	ws->lower = lower;
	ws->upgrade = upgrade;
	ws->client = client;
	ws->frames.client = client;
	ws->frames.read = ws_read_below;
	ws->frames.context = ws;
	ws->frames.message_limit = options->message_limit;
	ws->frames.send_text = options->text;
	ws->frames.fragment = options->fragment;
	return &ws->base;
fail:
	free(ws);
	ws_upgrade_destroy(upgrade);
	transport_destroy(lower);
	return NULL;
}

struct transport *transport_ws_accept(struct transport *lower, const struct ws_options *options)
{
	bool secure = strcmp(lower->ops->name, "tls") == 0;
	return ws_create(lower, ws_upgrade_create_server(secure), false, NULL, options);
}

struct transport *transport_ws_connect(struct transport *lower, const char *host, const char *path,
	const struct ws_options *options)
{
	return ws_create(lower, ws_upgrade_create_client(host, path), true, path, options);
}
