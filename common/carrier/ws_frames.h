/*
 * RFC 6455's frames and messages (5, 7), without I/O: ws_frames_in.c reads them strictly,
 * ws_frames_out.c writes them into a buffer. wslay cuts and masks frames; which frames may follow
 * each other, UTF-8, close codes and limits are ours. wslay's own message layer (wslay_event_*) is
 * not used: it keeps whole messages and a queue of pongs without bound, and lets pass some of what
 * RFC 6455 refuses.
 */
#ifndef COMMON_CARRIER_WS_FRAMES_H
#define COMMON_CARRIER_WS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <wslay/wslay.h>

#include "common/utf8.h"

enum {
	WS_CONTROL_MAX = 125,  /* bytes of a control frame's payload, RFC 6455 5.5 */
	WS_HEADER_MAX = 14,    /* bytes of a frame's header, RFC 6455 5.2 */
	WS_OUT_MAX = 65536,    /* bytes of frames under way to the carrier below */
	/* bytes of them while pongs still join: the answers to one read of pings */
	WS_ANSWERS_MAX = 4096,
};

/* RFC 6455 7.4.1 */
enum ws_close_code {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_PROTOCOL = 1002,
	WS_CLOSE_NO_CODE = 1005,  /* never sent: the Close frame was empty */
	WS_CLOSE_ABNORMAL = 1006, /* never sent: there was no Close frame */
	WS_CLOSE_NOT_UTF8 = 1007,
	WS_CLOSE_TOO_BIG = 1009,
};

enum ws_event_kind {
	WS_EVENT_HUNGRY,    /* the reader gave nothing */
	WS_EVENT_NOTHING,   /* a step forward; call again */
	WS_EVENT_DATA,      /* `data`, `len`, `last`; len is 0 only with last */
	WS_EVENT_PING,      /* `data`, `len` to be sent back in a Pong */
	WS_EVENT_CLOSE,     /* `code`, and the reason in `data`, `len` */
	WS_EVENT_VIOLATION, /* `code` to close with, `what` the peer sent; read no more */
};

struct ws_event {
	enum ws_event_kind kind;
	const uint8_t *data; /* valid until the next call of ws_frames_next */
	size_t len;
	bool last;
	unsigned code;
	const char *what;
};

/* Fills `buf` with up to `size` bytes from below; 0: none now. */
typedef size_t ws_read(void *context, void *buf, size_t size);

struct ws_frames {
	wslay_frame_context_ptr wslay; /* NULL until opened */
	bool client;                   /* this side masks, the peer does not */

	/* in */
	ws_read *read;
	void *context;
	/* one read a step: a blocking descriptor blocks only in need */
	bool may_read;
	bool hungry;
	size_t message_limit;          /* 0: none */
	bool in_frame, in_message, text;
	uint64_t frame_left;           /* bytes of the frame that are still to come */
	uint64_t message_len;          /* bytes of the message that its frames have declared */
	struct utf8 utf8;
	uint8_t control[WS_CONTROL_MAX];
	size_t control_len;
	uint64_t frames_in, messages_in;

	/* out */
	uint8_t *out;                  /* NULL when nothing is held */
	size_t out_from, out_to, out_size;
	bool out_failed;               /* out of memory */
	bool send_text;
	size_t fragment;               /* bytes a frame; 0: one frame a message */
	size_t sending;                /* bytes of the message that are not yet in frames */
	size_t sending_frame;          /* of them, in the frame that has begun */
	bool sending_first;
	bool ping_due, pong_due, close_due;
	/* the Close has been put into `out`; nothing may follow it */
	bool closed;
	uint8_t pong[WS_CONTROL_MAX], close[WS_CONTROL_MAX];
	size_t pong_len, close_len;
};

/* `frames` is zeroed; client, read, context, message_limit, send_text and fragment are set. False:
   out of memory. */
bool ws_frames_open(struct ws_frames *frames);
void ws_frames_finish(struct ws_frames *frames);

/* One step of reading: at most one call of `read`. Not after a violation or a Close. */
enum ws_event_kind ws_frames_next(struct ws_frames *frames, struct ws_event *event);

/*
 * What is held for below: ws_frames_held moves control frames that are due into the buffer where
 * they may stand (between frames, while little is held) and shows the buffer; ws_frames_sent takes
 * from its front. False: out of memory.
 */
bool ws_frames_held(struct ws_frames *frames, const uint8_t **data, size_t *len);
void ws_frames_sent(struct ws_frames *frames, size_t len);

/* Bytes as they are (the upgrade). False: out of memory. */
bool ws_frames_hold(struct ws_frames *frames, const void *data, size_t len);

/*
 * A message, or the rest of one, into frames; nothing is held before. Returns how many bytes it
 * took, 0: out of memory. Not when ws_frames_may_send is false.
 */
size_t ws_frames_send(struct ws_frames *frames, const void *data, size_t len);

/* False once a Close stands in the way. */
bool ws_frames_may_send(const struct ws_frames *frames);

/* Control frames fall due; a later pong replaces one that could not leave (RFC 6455 5.5.3). Only
   the first Close counts. `code` WS_CLOSE_NO_CODE sends an empty one. `reason` is cut where it is
   too long. */
void ws_frames_ping(struct ws_frames *frames);
void ws_frames_pong(struct ws_frames *frames, const void *data, size_t len);
void ws_frames_close(struct ws_frames *frames, unsigned code, const char *reason);

#endif
