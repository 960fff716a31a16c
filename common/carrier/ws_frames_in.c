/*
 * Reads frames. wslay reports a header together with the first bytes of its payload, or at once if
 * the payload is empty; only then can this code refuse a bad header. wslay itself refuses a bad
 * length and a bad control frame.
 */
#include "common/carrier/ws_frames.h"

#include <string.h>

static enum ws_event_kind violation(struct ws_event *event, unsigned code, const char *what)
{
	event->kind = WS_EVENT_VIOLATION;
	event->code = code;
	event->what = what;
	return WS_EVENT_VIOLATION;
}

/* Checks a header (RFC 6455 5.2 and 5.4). NULL: it is good. Otherwise `*code` is the close code to
   answer with. */
static const char *check_header(
	const struct ws_frames *f, const struct wslay_frame_iocb *frame, unsigned *code)
{
	*code = WS_CLOSE_PROTOCOL;
	if (frame->rsv)
		return "a frame with a reserved bit set (no extension was agreed on)";
	if (!frame->mask && !f->client)
		return "a frame that is not masked";
	if (frame->mask && f->client)
		return "a masked frame, which a server must not";
	switch (frame->opcode) {
	case WSLAY_CONNECTION_CLOSE:
	case WSLAY_PING:
	case WSLAY_PONG:
		return NULL;
	case WSLAY_CONTINUATION_FRAME:
		if (!f->in_message)
			return "a continuation frame with no message to continue";
		break;
	case WSLAY_TEXT_FRAME:
	case WSLAY_BINARY_FRAME:
		if (f->in_message)
			return "a new message inside a fragmented one";
		break;
	default:
		return "a frame with a reserved opcode";
	}
	uint64_t before = f->in_message ? f->message_len : 0;
	if (f->message_limit > 0 &&
		(before > f->message_limit || frame->payload_length > f->message_limit - before)) {
		*code = WS_CLOSE_TOO_BIG;
		return "a message longer than is accepted here";
	}
	return NULL;
}

static void begin_frame(struct ws_frames *f, const struct wslay_frame_iocb *frame)
{
	f->in_frame = true;
	f->frame_left = frame->payload_length;
	f->control_len = 0;
	if (wslay_is_ctrl_frame(frame->opcode))
		return;
	if (!f->in_message) {
		f->in_message = true;
		f->text = frame->opcode == WSLAY_TEXT_FRAME;
		f->message_len = 0;
		f->utf8 = (struct utf8){ 0 };
	}
	f->message_len += frame->payload_length;
}

static enum ws_event_kind take_data(struct ws_frames *f, const struct wslay_frame_iocb *frame,
	bool ended, struct ws_event *event)
{
	bool last = ended && frame->fin;
	if (f->text && (!utf8_feed(&f->utf8, frame->data, frame->data_length) ||
			       (last && !utf8_complete(&f->utf8))))
		return violation(event, WS_CLOSE_NOT_UTF8, "a TEXT message that is not UTF-8");
	if (ended)
		f->frames_in++;
	if (last) {
		f->in_message = false;
		f->messages_in++;
	}
	if (frame->data_length == 0 && !last)
		return WS_EVENT_NOTHING;
	event->data = frame->data;
	event->len = frame->data_length;
	event->last = last;
	return WS_EVENT_DATA;
}

/* Whether the code may stand in a Close frame (RFC 6455 7.4). */
static bool close_code_is_valid(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
		(code >= 3000 && code <= 4999);
}

const char *ws_close_meaning(unsigned code)
{
	static const struct {
		unsigned code;
		const char *meaning;
	} known[] = {
		{ WS_CLOSE_PROTOCOL, "it takes what it was sent for a breach of the protocol" },
		{ 1003, "it does not take messages of this type (BINARY or TEXT: ws.reply)" },
		{ WS_CLOSE_NOT_UTF8, "what it was sent is not UTF-8 for it" },
		{ 1008, "what it was sent is against its policy" },
		{ WS_CLOSE_TOO_BIG, "the message is too big for it" },
		{ 1010, "it wants an extension" },
		{ 1011, "it has failed by itself" },
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i].code == code)
			return known[i].meaning;
	return NULL;
}

static enum ws_event_kind take_close(struct ws_frames *f, struct ws_event *event)
{
	struct utf8 utf8 = { 0 };
	event->code = WS_CLOSE_NO_CODE;
	event->data = f->control;
	event->len = 0;
	if (f->control_len == 0)
		return WS_EVENT_CLOSE;
	if (f->control_len == 1)
		return violation(event, WS_CLOSE_PROTOCOL, "a Close frame of one byte");
	event->code = (unsigned)f->control[0] << 8 | f->control[1];
	/* 1005 must not be sent (RFC 6455 7.4.1). A client that sends it all the same (Perl's
	   AnyEvent) means what it says: no code. */
	if (event->code != WS_CLOSE_NO_CODE && !close_code_is_valid(event->code))
		return violation(event, WS_CLOSE_PROTOCOL,
			"a Close frame with a code that must not be sent");
	event->data = f->control + 2;
	event->len = f->control_len - 2;
	if (!utf8_feed(&utf8, event->data, event->len) || !utf8_complete(&utf8))
		return violation(event, WS_CLOSE_NOT_UTF8,
			"a Close frame whose reason is not UTF-8");
	return WS_EVENT_CLOSE;
}

static enum ws_event_kind take_control(struct ws_frames *f, const struct wslay_frame_iocb *frame,
	bool ended, struct ws_event *event)
{
	/* wslay has refused a payload over WS_CONTROL_MAX. */
	memcpy(f->control + f->control_len, frame->data, frame->data_length);
	f->control_len += frame->data_length;
	if (!ended || frame->opcode == WSLAY_PONG)
		return WS_EVENT_NOTHING;
	if (frame->opcode == WSLAY_CONNECTION_CLOSE)
		return take_close(f, event);
	event->data = f->control;
	event->len = f->control_len;
	return WS_EVENT_PING;
}

static enum ws_event_kind step(struct ws_frames *f, struct ws_event *event)
{
	struct wslay_frame_iocb frame = { 0 };
	f->may_read = true;
	f->hungry = false;
	ssize_t n = wslay_frame_recv(f->wslay, &frame);
	if (n == WSLAY_ERR_WANT_READ)
		return f->hungry ? WS_EVENT_HUNGRY : WS_EVENT_NOTHING;
	if (n < 0)
		return violation(event, WS_CLOSE_PROTOCOL,
			"a control frame that is fragmented or long, "
			"or a length not in its shortest form");
	if (!f->in_frame) {
		unsigned code;
		const char *wrong = check_header(f, &frame, &code);
		if (wrong)
			return violation(event, code, wrong);
		begin_frame(f, &frame);
	}
	f->frame_left -= frame.data_length;
	bool ended = f->frame_left == 0;
	f->in_frame = !ended;
	return wslay_is_ctrl_frame(frame.opcode) ?
		take_control(f, &frame, ended, event) : take_data(f, &frame, ended, event);
}

enum ws_event_kind ws_frames_next(struct ws_frames *f, struct ws_event *event)
{
	*event = (struct ws_event){ .kind = WS_EVENT_NOTHING };
	event->kind = step(f, event);
	return event->kind;
}
