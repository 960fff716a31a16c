/* What the station does with the datagrams that it receives from its group. */
#include "servers/station/endpoint_private.h"

#include <netinet/in.h>
#include <string.h>

#include "servers/station/riddles.h"

enum { READS_A_TURN = 4 }; /* batches that are read before the streams are served again */

static bool is_own(const struct endpoint_tv *tv, const struct address *peer)
{
	const struct sockaddr_in *own = (const struct sockaddr_in *)&tv->source.ss;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&peer->ss;
	return in->sin_port == own->sin_port && in->sin_addr.s_addr == own->sin_addr.s_addr;
}

static void complain(struct endpoint_tv *tv, const char *what, const char *data, size_t len)
{
	TELL(&tv->telling, EVENT_ERROR, F_TEXT("fault", "peer"), F_TEXT("what", what),
		F_BYTES("bytes", data, len));
}

static void answer(struct endpoint_tv *tv, const char *id, uint64_t number)
{
	char datagram[WIRE_ID_BYTES + RIDDLE_ANSWER_MAX];
	char *text = datagram + WIRE_ID_BYTES;
	memcpy(datagram, tv->station.id, WIRE_ID_BYTES);
	size_t len = WIRE_ID_BYTES + riddle_answer(text, &tv->chance, id, number);
	uint64_t n = tv_broadcast(tv, datagram, len);
	if (n == 0)
		return;
	tv->totals.answers++;
	TELL(&tv->telling, EVENT_ANSWER, F_INTEGER("n", n), F_BYTES("id", id, WIRE_ID_BYTES),
		F_TEXT("text", text));
}

static void hear_participant(struct endpoint_tv *tv, const char *data, size_t len,
	const struct speech *speech)
{
	const char *id = data;
	struct audience_heard heard = audience_hear(tv->audience, id, speech->characters);
	tv->totals.participants += heard.first;
	TELL(&tv->telling, EVENT_PARTICIPANT, F_BYTES("id", id, WIRE_ID_BYTES),
		F_INTEGER("characters", speech->characters), F_INTEGER("total", heard.total),
		F_SAID("text", speech->text, speech->len));
	if (speech->kind == SPEECH_DOUBTFUL && heard.first)
		complain(tv,
			"the ID reads like the beginning of the text; if it is, put six bytes in "
			"front that say whose it is, such as 123456",
			data, len);
	if (speech->kind == SPEECH_NO_ID && heard.first)
		complain(tv,
			"the ID is missing: the first six bytes say whose a datagram is, such as "
			"123456; these have a blank, a control character or an accent, and count "
			"as an ID all the same; the text follows at once",
			data, len);
	if (memcmp(id, tv->station.id, WIRE_ID_BYTES) == 0)
		/* The sender may be another station: the two would answer each other for ever. */
		complain(tv, "somebody else uses the station's own ID, and gets no answer", data,
			len);
	else if (heard.answer > 0)
		answer(tv, id, heard.answer);
}

static void hear(struct endpoint_tv *tv, const struct address *peer, const char *data, size_t len)
{
	if (is_own(tv, peer))
		return;
	unsigned cost = telling_cost(impair_config_spec(&tv->imperfection), data, len, WIRE_SHOWN);
	telling_regard(&tv->telling, peer, telling_admit(&tv->telling, peer, cost));
	if (tv->base.paused) {
		telling_dropped(&tv->telling, TV_FAMILY, FATE_REQUEST, 0, "the endpoint is paused");
		return;
	}
	struct speech speech = speech_parse(data, len);
	tv->totals.heard++;
	switch (speech.kind) {
	case SPEECH_SHORT:
		complain(tv,
			"too short: a datagram begins with six bytes that say whose it is, such as "
			"123456",
			data, len);
		break;
	case SPEECH_NOT_UTF8:
		complain(tv, "this is not UTF-8: encode the text, and cut it between characters",
			data, len);
		break;
	case SPEECH_NO_ID:
	case SPEECH_FINE:
	case SPEECH_DOUBTFUL:
		hear_participant(tv, data, len, &speech);
		break;
	}
}

void tv_on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct endpoint_tv *tv = io->data;
	int count = BATCH_SIZE;
	for (int b = 0; b < READS_A_TURN && count == BATCH_SIZE; b++) {
		count = batch_in_read(tv->in, tv->hearing);
		for (int i = 0; i < count; i++) {
			size_t len;
			const char *data = batch_in_data(tv->in, i, &len);
			hear(tv, &batch_in_origin(tv->in, i)->peer, data, len);
		}
	}
}

void tv_sweep(struct endpoint_tv *tv)
{
	uint64_t forgotten = audience_forgotten(tv->audience);
	struct batch_queue queue;
	if (batch_queue(tv->hearing, &queue) && queue.missed != tv->missed)
		telling_missed(&tv->telling, TV_FAMILY, queue.missed - tv->missed);
	tv->missed = queue.missed;
	telling_sweep(&tv->telling);
	tv_regard_nobody(tv);
	if (forgotten > 0)
		TELL(&tv->telling, EVENT_FORGET, F_INTEGER("count", forgotten));
}
