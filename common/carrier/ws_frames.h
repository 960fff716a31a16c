/*
 * WebSocket frames and messages (RFC 6455 5 and 7), without I/O. ws_frames_in.c reads them
 * strictly; ws_frames_out.c writes them into a buffer. wslay splits and masks frames. This code
 * checks the order of frames, UTF-8, close codes and limits. wslay's own message layer
 * (wslay_event_*) is not used: it keeps whole messages and a queue of pongs without limit, and
 * accepts some things that RFC 6455 forbids.
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
	WS_OUT_MAX = 65536,    /* bytes of data frames in the buffer for the transport below */
	/* control frames are added only while the buffer has fewer bytes; this is enough to answer
	   the pings of one read */
	WS_ANSWERS_MAX = 4096,
};

/* RFC 6455 7.4.1. 1005 and 1006 are never sent. */
enum ws_close_code {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_PROTOCOL = 1002,
	WS_CLOSE_NO_CODE = 1005,  /* the Close frame was empty */
	WS_CLOSE_ABNORMAL = 1006, /* there was no Close frame */
	WS_CLOSE_NOT_UTF8 = 1007,
	WS_CLOSE_TOO_BIG = 1009,
};

/* What a peer means that closes with this code (RFC 6455 7.4.1); NULL: the usual end, or none. */
const char *ws_close_meaning(unsigned code);

enum ws_event_kind {
	WS_EVENT_HUNGRY,    /* `read` returned nothing */
	WS_EVENT_NOTHING,   /* a step forward without a result; call again */
	WS_EVENT_DATA,      /* `data`, `len`, `last`; `len` is 0 only with `last` */
	WS_EVENT_PING,      /* `data`, `len`: the payload, to be sent back in a Pong */
	WS_EVENT_CLOSE,     /* `code`, and the reason in `data`, `len` (not NUL-terminated) */
	WS_EVENT_VIOLATION, /* `what` the peer sent, `code` to close with; read no more */
};

struct ws_event {
	enum ws_event_kind kind;
	const uint8_t *data; /* valid until the next call of ws_frames_next */
	size_t len;
	bool last; /* the message ends with this data */
	unsigned code;
	const char *what; /* static */
};

/* Fills `buf` with up to `size` bytes from the transport below. Returns how many; 0: none now. */
typedef size_t ws_read(void *context, void *buf, size_t size);

struct ws_frames {
	wslay_frame_context_ptr wslay; /* NULL until opened */
	bool client;                   /* this side masks its frames, the peer does not */

	/* reading */
	ws_read *read;
	void *context;
	/* one call of `read` a step, so that a blocking descriptor blocks only if it must */
	bool may_read;
	bool hungry;                   /* `read` returned nothing in this step */
	size_t message_limit;          /* 0: none */
	bool in_frame, in_message, text;
	uint64_t frame_left;           /* payload bytes of the frame that are still to come */
	uint64_t message_len;          /* payload bytes that the message's frames have declared */
	struct utf8 utf8;
	uint8_t control[WS_CONTROL_MAX];
	size_t control_len;
	uint64_t frames_in, messages_in;

	/* writing */
	uint8_t *out;                  /* the buffer; NULL when it is empty */
	size_t out_from, out_to, out_size;
	bool out_failed;               /* out of memory, or no random bytes for a mask */
	bool send_text;
	size_t fragment;               /* payload bytes a frame; 0: one frame a message */
	size_t sending;                /* bytes of the message that are not yet in frames */
	size_t sending_frame;          /* of them, in the current frame */
	bool sending_first;            /* the next frame is the message's first */
	bool ping_due, pong_due, close_due;
	/* the Close frame is in `out`, or has left; nothing may follow it */
	bool closed;
	uint8_t pong[WS_CONTROL_MAX], close[WS_CONTROL_MAX];
	size_t pong_len, close_len;
};

/* Before this call `frames` is all zero, except for client, read, context, message_limit, send_text
   and fragment, and for bytes of ws_frames_hold. False: out of memory. */
bool ws_frames_open(struct ws_frames *frames);

/* Frees what `frames` holds. Accepts one that was not opened. */
void ws_frames_finish(struct ws_frames *frames);

/* One step of reading, with at most one call of `read`. Returns `event->kind`. Do not call it after
   a violation or a Close. */
enum ws_event_kind ws_frames_next(struct ws_frames *frames, struct ws_event *event);

/*
 * The buffer for the transport below. ws_frames_held first adds the control frames that are due, if
 * they may stand there (between two frames, while the buffer has few bytes). Then it shows the
 * buffer, `data` being valid until the buffer changes. False: out of memory, or no random bytes for
 * a mask. ws_frames_sent removes `len` bytes from its front.
 */
bool ws_frames_held(struct ws_frames *frames, const uint8_t **data, size_t *len);
void ws_frames_sent(struct ws_frames *frames, size_t len);

/* Adds bytes to the buffer as they are, for the upgrade; ws_frames_open need not have been called.
   False: out of memory. */
bool ws_frames_hold(struct ws_frames *frames, const void *data, size_t len);

/*
 * Puts a message into frames, or all the rest of a message of which it took only a part before. The
 * buffer must be empty, and ws_frames_may_send true. Returns how many bytes it took; 0: out of
 * memory, or no random bytes for a mask.
 */
size_t ws_frames_send(struct ws_frames *frames, const void *data, size_t len);

/* Whether data may be sent. It may until a Close frame is due; a data frame that has begun is sent
   to its end. */
bool ws_frames_may_send(const struct ws_frames *frames);

/* Make a control frame due; ws_frames_held adds it to the buffer. Nothing is added after a Close. A
   later pong replaces one that is still due (RFC 6455 5.5.3); it has at most WS_CONTROL_MAX bytes.
   Only the first Close counts. With the code WS_CLOSE_NO_CODE the Close frame is empty. `reason` is
   UTF-8, and is truncated at WS_CONTROL_MAX - 2 bytes. */
void ws_frames_ping(struct ws_frames *frames);
void ws_frames_pong(struct ws_frames *frames, const void *data, size_t len);
void ws_frames_close(struct ws_frames *frames, unsigned code, const char *reason);

#endif
