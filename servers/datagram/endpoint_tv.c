/*
 * The television station: says the play in its group, a line an interval, hears what participants say there, and
 * answers those who talk much. What it says goes through an imperfect network (`broadcast`); what it hears is all
 * written down (`hear`). Nothing goes to anybody but the group.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/json.h"
#include "servers/datagram/audience.h"
#include "servers/datagram/batch.h"
#include "servers/datagram/endpoint_delays.h"
#include "servers/datagram/impair_config.h"
#include "servers/datagram/multicast.h"
#include "servers/datagram/riddles.h"
#include "servers/datagram/station.h"
#include "servers/datagram/telling.h"
#include "servers/endpoint.h"

enum {
	FAMILY = 4,
	READS_A_TURN = 4, /* batches; then the streams get their turn */
};

static const double SWEEP_SECONDS = 1;
/* After a longer sleep, the lines that were missed are not said in a hurry. */
static const double LATE_SECONDS = 1;

struct endpoint_tv {
	struct endpoint base;
	struct endpoint_options options;
	struct address group, source;
	int hearing, speaking; /* descriptors; -1: none */
	struct ev_io io;
	struct ev_timer line, sweep;
	double said; /* when the last line was due; clock_now() */
	unsigned intervals; /* from then to the next one */
	double interval; /* seconds */
	double due; /* the next line */
	uint32_t missed; /* that the kernel's queue had no room for, as told */

	struct station station;
	struct audience *audience;
	struct fate_stream chance;
	struct impair impair;
	struct impair_config imperfection;
	struct batch_in *in;
	struct delays delays;
	struct telling telling;
	bool stopped;

	struct { uint64_t lines, heard, participants, answers; } totals;
};

/* A datagram on its way to the group. */
struct pending {
	struct endpoint_tv *tv;
	uint64_t n;
	size_t len;
	char data[];
};

static struct endpoint_tv *from_base(struct endpoint *base)
{
	return (struct endpoint_tv *)base; /* its first member */
}

/* ---- speaking ---- */

/* From here on events are about what the station does by itself. */
static void regard_nobody(struct endpoint_tv *tv)
{
	telling_regard(&tv->telling, NULL, true);
}

static void transmit(struct endpoint_tv *tv, const char *data, size_t len)
{
	if (sendto(tv->speaking, data, len, 0, (const struct sockaddr *)&tv->group.ss, tv->group.len) >= 0)
		return;
	char what[128];
	snprintf(what, sizeof what, "a datagram could not be sent to the group: %s", strerror(errno));
	/* An interface that is down is told as often as a sender that spins. */
	if (telling_admit(&tv->telling, &tv->group, 1))
		telling_error(&tv->telling, "network", what);
}

static void on_due(void *item)
{
	const struct pending *pending = item;
	transmit(pending->tv, pending->data, pending->len);
}

/* The lab ends before its delay is over. */
static void on_lost(void *item)
{
	const struct pending *pending = item;
	regard_nobody(pending->tv);
	telling_dropped(&pending->tv->telling, FAMILY, FATE_REPLY, pending->n, "the lab has stopped");
}

static void hold(struct endpoint_tv *tv, const char *data, size_t len, uint64_t n, double delay)
{
	struct pending *pending = delays_add(&tv->delays, 0, sizeof *pending + len, delay, on_due);
	if (!pending) {
		telling_dropped(&tv->telling, FAMILY, FATE_REPLY, n, "too many are delayed");
		return;
	}
	*pending = (struct pending){ .tv = tv, .n = n, .len = len };
	memcpy(pending->data, data, len);
}

/* Through the imperfect network to the group. Returns the datagram's number; 0: it is lost. */
static uint64_t broadcast(struct endpoint_tv *tv, const char *data, size_t len)
{
	char copy[STATION_DATAGRAM_MAX];
	struct impair_fate fate = impair_next(&tv->impair, impair_config_spec(&tv->imperfection), len);
	if (telling_fate(&tv->telling, FAMILY, FATE_REPLY, &fate))
		return 0;
	memcpy(copy, data, len);
	impair_flip(&fate, copy);
	for (unsigned i = 0; i < fate.copies; i++) {
		if (fate.delay[i] > 0)
			hold(tv, copy, len, fate.n, fate.delay[i]);
		else
			transmit(tv, copy, len);
	}
	return fate.n;
}

/* The next line. One that is late by up to `late` seconds keeps its time, so that those behind it keep theirs. */
static void schedule(struct endpoint_tv *tv, double late)
{
	double now = clock_now();
	tv->interval = config_seconds(tv->options.config, KEY_TV_INTERVAL, tv->base.id);
	tv->due = tv->said + tv->intervals * tv->interval;
	if (tv->due < now - late)
		tv->due = now;
	ev_now_update(tv->options.loop);
	ev_timer_stop(tv->options.loop, &tv->line);
	ev_timer_set(&tv->line, tv->due > now ? tv->due - now : 0, 0);
	ev_timer_start(tv->options.loop, &tv->line);
}

static void on_line(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct endpoint_tv *tv = timer->data;
	char datagram[STATION_DATAGRAM_MAX];
	tv->said = tv->due;
	size_t len = station_next(&tv->station, datagram, &tv->intervals);
	regard_nobody(tv);
	uint64_t n = broadcast(tv, datagram, len);
	if (n > 0) {
		tv->totals.lines++;
		TELL(&tv->telling, EVENT_LINE, F_INTEGER("n", n), F_INTEGER("bytes", len), F_SAID("text", datagram, len));
	}
	schedule(tv, LATE_SECONDS);
}

/* ---- hearing ---- */

static bool is_own(const struct endpoint_tv *tv, const struct address *peer)
{
	const struct sockaddr_in *own = (const struct sockaddr_in *)&tv->source.ss;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&peer->ss;
	return in->sin_port == own->sin_port && in->sin_addr.s_addr == own->sin_addr.s_addr;
}

static void complain(struct endpoint_tv *tv, const char *what, const char *data, size_t len)
{
	TELL(&tv->telling, EVENT_ERROR, F_TEXT("fault", "peer"), F_TEXT("what", what), F_BYTES("bytes", data, len));
}

static void answer(struct endpoint_tv *tv, const char *id, uint64_t number)
{
	char datagram[WIRE_ID_BYTES + RIDDLE_ANSWER_MAX];
	char *text = datagram + WIRE_ID_BYTES;
	memcpy(datagram, tv->station.id, WIRE_ID_BYTES);
	size_t len = WIRE_ID_BYTES + riddle_answer(text, &tv->chance, id, number);
	uint64_t n = broadcast(tv, datagram, len);
	if (n == 0)
		return;
	tv->totals.answers++;
	TELL(&tv->telling, EVENT_ANSWER, F_INTEGER("n", n), F_BYTES("id", id, WIRE_ID_BYTES), F_TEXT("text", text));
}

static void hear_participant(struct endpoint_tv *tv, const char *data, size_t len, const struct speech *speech)
{
	const char *id = data;
	struct audience_heard heard = audience_hear(tv->audience, id, speech->characters);
	tv->totals.participants += heard.first;
	TELL(&tv->telling, EVENT_PARTICIPANT, F_BYTES("id", id, WIRE_ID_BYTES), F_INTEGER("characters", speech->characters),
		F_INTEGER("total", heard.total), F_SAID("text", speech->text, speech->len));
	if (speech->kind == SPEECH_DOUBTFUL && heard.first)
		complain(tv, "the ID reads like the beginning of the text; if it is, put six bytes in front that say whose it is, "
			"such as 123456", data, len);
	if (speech->kind == SPEECH_NO_ID && heard.first)
		complain(tv, "the ID is missing: the first six bytes say whose a datagram is, such as 123456; these have a blank, a "
			"control character or an accent, and count as an ID all the same; the text follows at once", data, len);
	if (memcmp(id, tv->station.id, WIRE_ID_BYTES) == 0)
		/* Perhaps another station: the two would answer each other. */
		complain(tv, "somebody else uses the station's own ID, and gets no answer", data, len);
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
		telling_dropped(&tv->telling, FAMILY, FATE_REQUEST, 0, "the endpoint is paused");
		return;
	}
	struct speech speech = speech_parse(data, len);
	tv->totals.heard++;
	switch (speech.kind) {
	case SPEECH_SHORT:
		complain(tv, "too short: a datagram begins with six bytes that say whose it is, such as 123456", data, len);
		break;
	case SPEECH_NOT_UTF8:
		complain(tv, "this is not UTF-8: encode the text, and cut it between characters", data, len);
		break;
	case SPEECH_NO_ID:
	case SPEECH_FINE:
	case SPEECH_DOUBTFUL:
		hear_participant(tv, data, len, &speech);
		break;
	}
}

static void on_readable(struct ev_loop *loop, struct ev_io *io, int events)
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

static void sweep(struct endpoint_tv *tv)
{
	uint64_t forgotten = audience_forgotten(tv->audience);
	struct batch_queue queue;
	if (batch_queue(tv->hearing, &queue) && queue.missed != tv->missed)
		telling_missed(&tv->telling, FAMILY, queue.missed - tv->missed);
	tv->missed = queue.missed;
	telling_sweep(&tv->telling);
	regard_nobody(tv);
	if (forgotten > 0)
		TELL(&tv->telling, EVENT_FORGET, F_INTEGER("count", forgotten));
}

static void on_sweep(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	sweep(timer->data);
}

/* ---- the contract of an endpoint ---- */

static void close_sockets(struct endpoint_tv *tv)
{
	ev_io_stop(tv->options.loop, &tv->io);
	if (tv->hearing >= 0)
		close(tv->hearing);
	if (tv->speaking >= 0)
		close(tv->speaking);
	tv->hearing = tv->speaking = -1;
}

static void tv_destroy(struct endpoint *base)
{
	struct endpoint_tv *tv = from_base(base);
	ev_timer_stop(tv->options.loop, &tv->line);
	ev_timer_stop(tv->options.loop, &tv->sweep);
	delays_clear(&tv->delays, NULL);
	close_sockets(tv);
	batch_in_destroy(tv->in);
	audience_destroy(tv->audience);
	free(tv);
}

static struct endpoint *tv_create(const struct endpoint_options *options)
{
	const char *name = endpoint_table[options->id].name;
	struct endpoint_tv *tv = calloc(1, sizeof *tv);
	if (!tv)
		return NULL;
	tv->base = (struct endpoint){ .ops = &endpoint_tv_ops, .id = options->id };
	tv->options = *options;
	tv->hearing = tv->speaking = -1;
	telling_init(&tv->telling, options->journal, options->id);
	delays_init(&tv->delays, options->loop);
	impair_init(&tv->impair, options->seed, name, FAMILY, FATE_REPLY);
	impair_config_init(&tv->imperfection, options->config, options->id);
	tv->chance = fate_stream(options->seed, name, FAMILY, FATE_REPLY);
	station_init(&tv->station, options->text, options->text_len, config_text(options->config, KEY_TV_ID, options->id));
	ev_init(&tv->io, on_readable);
	ev_timer_init(&tv->line, on_line, 0, 0);
	ev_timer_init(&tv->sweep, on_sweep, SWEEP_SECONDS, SWEEP_SECONDS);
	tv->io.data = tv->line.data = tv->sweep.data = tv;
	tv->in = batch_in_create();
	tv->audience = audience_create(AUDIENCE_MAX, options->seed);
	if (!tv->in || !tv->audience) {
		tv_destroy(&tv->base);
		return NULL;
	}
	return &tv->base;
}

static struct in_addr interface_of(const struct endpoint_tv *tv)
{
	struct in_addr interface;
	inet_pton(AF_INET, config_text(tv->options.config, KEY_TV_INTERFACE, tv->base.id), &interface);
	return interface;
}

/* `addresses` are those of the other endpoints: the station is where its group is, on its interface. */
static bool tv_listen(struct endpoint *base, const struct address *addresses, size_t count, uint16_t port,
	struct err *err)
{
	struct endpoint_tv *tv = from_base(base);
	const struct config *config = tv->options.config;
	struct in_addr interface = interface_of(tv);
	if (!impair_config_check(&tv->imperfection, err))
		return false;
	address_parse(&tv->group, config_text(config, KEY_TV_GROUP, base->id), port);
	if (!multicast_check(&tv->group, interface, err))
		return false;
	tv->hearing = multicast_hear(&tv->group, interface, err);
	if (tv->hearing >= 0)
		tv->speaking = multicast_speak(&tv->source, interface, (int)config_integer(config, KEY_TV_TTL, base->id), err);
	if (tv->speaking < 0) {
		int error = errno;
		endpoint_advise(err, &tv->options, error, port);
		if (error != EADDRINUSE && error != EACCES)
			err_append(err, "; give --set %s.interface=ADDRESS, an address of this machine's where multicast works, or "
				"name the endpoints that you need without %s", endpoint_table[base->id].name,
				endpoint_table[base->id].name);
		return false;
	}
	base->port = address_port(&tv->group);
	return true;
}

/* What is not the default has been asked for, and is told all the same. */
static void warn(struct endpoint_tv *tv)
{
	int ttl = (int)config_integer(tv->options.config, KEY_TV_TTL, tv->base.id);
	bool loopback = multicast_is_loopback(interface_of(tv));
	char what[200];
	if (!multicast_is(&tv->group)) {
		snprintf(what, sizeof what, "warning: tv.group=%s is no multicast address: the station sends to that host alone, "
			"and nobody can join", config_text(tv->options.config, KEY_TV_GROUP, tv->base.id));
		telling_error(&tv->telling, "configuration", what);
	}
	if ((loopback && ttl == 0) || tv->options.isolated)
		return;
	snprintf(what, sizeof what, "warning: with tv.interface=%s and tv.ttl=%d what the station sends %s this machine",
		config_text(tv->options.config, KEY_TV_INTERFACE, tv->base.id), ttl,
		loopback || ttl == 0 ? "still stays on" : "leaves");
	telling_error(&tv->telling, "configuration", what);
}

static void tv_start(struct endpoint *base)
{
	struct endpoint_tv *tv = from_base(base);
	const struct subject subject = { .endpoint = base->id };
	char text[ADDRESS_TEXT];
	address_format(&tv->group, text);
	EMIT(tv->options.journal, EVENT_LISTEN, &subject, F_TEXT("address", text));
	warn(tv);
	ev_io_set(&tv->io, tv->hearing, EV_READ);
	ev_io_start(tv->options.loop, &tv->io);
	ev_timer_start(tv->options.loop, &tv->sweep);
	tv->said = clock_now();
	schedule(tv, LATE_SECONDS);
}

/* What waits for its delay is not waited for: it is lost, as in a network that is switched off. */
static void tv_stop(struct endpoint *base)
{
	struct endpoint_tv *tv = from_base(base);
	ev_timer_stop(tv->options.loop, &tv->line);
	ev_timer_stop(tv->options.loop, &tv->sweep);
	delays_clear(&tv->delays, on_lost);
	sweep(tv);
	close_sockets(tv);
	tv->stopped = true;
	tv->options.on_idle(tv->options.context);
}

static bool tv_is_idle(const struct endpoint *base)
{
	return ((const struct endpoint_tv *)base)->stopped;
}

static void tv_abort(struct endpoint *base)
{
	/* tv_stop has left nothing */
}

static bool tv_check(struct endpoint *base, struct err *err)
{
	return impair_config_check(&from_base(base)->imperfection, err);
}

/* A new interval holds for the line that is waited for, too; but nothing is made up for. */
static void tv_changed(struct endpoint *base)
{
	struct endpoint_tv *tv = from_base(base);
	if (ev_is_active(&tv->line) && tv->interval != config_seconds(tv->options.config, KEY_TV_INTERVAL, base->id))
		schedule(tv, 0);
}

static void tv_pause(struct endpoint *base, bool paused)
{
	struct endpoint_tv *tv = from_base(base);
	base->paused = paused;
	if (paused)
		ev_timer_stop(tv->options.loop, &tv->line);
	else if (!tv->stopped)
		schedule(tv, 0);
}

static bool tv_impair(struct endpoint *base, int family, enum fate_direction direction, struct impair *impair,
	struct impair_spec *spec)
{
	struct endpoint_tv *tv = from_base(base);
	if (family != FAMILY || direction != FATE_REPLY)
		return false;
	*impair = tv->impair;
	if (spec)
		*spec = *impair_config_spec(&tv->imperfection);
	return true;
}

static void tv_totals(const struct endpoint *base, char *text, size_t size)
{
	const struct endpoint_tv *tv = (const struct endpoint_tv *)base;
	struct json json;
	json_begin(&json, text, size);
	json_put_integer(&json, "lines", (int64_t)tv->totals.lines);
	json_put_integer(&json, "heard", (int64_t)tv->totals.heard);
	json_put_integer(&json, "missed", (int64_t)tv->missed);
	json_put_integer(&json, "participants", (int64_t)tv->totals.participants);
	json_put_integer(&json, "answers", (int64_t)tv->totals.answers);
	json_put_integer(&json, "dropped", (int64_t)tv->telling.dropped);
	json_put_integer(&json, "errors", (int64_t)tv->telling.errors);
	json_end(&json);
}

const struct endpoint_ops endpoint_tv_ops = {
	.create = tv_create,
	.listen = tv_listen,
	.start = tv_start,
	.stop = tv_stop,
	.is_idle = tv_is_idle,
	.abort = tv_abort,
	.totals = tv_totals,
	.check = tv_check,
	.changed = tv_changed,
	.pause = tv_pause,
	.impair = tv_impair,
	.destroy = tv_destroy,
};
