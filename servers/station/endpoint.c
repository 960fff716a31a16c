/*
 * The television station. It sends the play to its multicast group, one line each interval. It
 * receives what participants send to the group, and answers those who send enough text. What it
 * sends goes through an imperfect network, and only to the group. What it receives is not impaired.
 */
#include "servers/station/endpoint_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/json.h"
#include "servers/station/multicast.h"

static const double SWEEP_SECONDS = 1;

static struct endpoint_tv *from_base(struct endpoint *base)
{
	return (struct endpoint_tv *)base; /* its first member */
}

static void on_sweep(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	tv_sweep(timer->data);
}

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
	impair_init(&tv->impair, options->seed, name, TV_FAMILY, FATE_REPLY);
	impair_config_init(&tv->imperfection, options->config, options->id);
	tv->chance = fate_stream(options->seed, name, TV_FAMILY, FATE_REPLY);
	station_init(&tv->station, options->text, options->text_len,
		config_text(options->config, KEY_TV_ID, options->id));
	ev_init(&tv->io, tv_on_readable);
	ev_timer_init(&tv->line, tv_on_line, 0, 0);
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
	inet_pton(AF_INET, config_text(tv->options.config, KEY_TV_INTERFACE, tv->base.id),
		&interface);
	return interface;
}

/* `addresses` is for the other endpoints. The station listens at its group's address, on its
   interface. */
static bool tv_listen(struct endpoint *base, const struct address *addresses, size_t count,
	uint16_t port, struct err *err)
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
		tv->speaking = multicast_speak(&tv->source, interface,
			(int)config_integer(config, KEY_TV_TTL, base->id), err);
	if (tv->speaking < 0) {
		int error = errno;
		endpoint_advise(err, &tv->options, error, port);
		if (error != EADDRINUSE && error != EACCES)
			err_append(err,
				"; give --set %s.interface=ADDRESS, an address of this machine's "
				"where multicast works, or name the endpoints that you need "
				"without %s",
				endpoint_table[base->id].name, endpoint_table[base->id].name);
		return false;
	}
	base->port = address_port(&tv->group);
	return true;
}

/* The user has asked for these settings. The station warns of their effects all the same. */
static void warn(struct endpoint_tv *tv)
{
	int ttl = (int)config_integer(tv->options.config, KEY_TV_TTL, tv->base.id);
	bool loopback = multicast_is_loopback(interface_of(tv));
	char what[200];
	if (!multicast_is(&tv->group)) {
		snprintf(what, sizeof what,
			"warning: tv.group=%s is no multicast address: the station sends to that "
			"host alone, and nobody can join",
			config_text(tv->options.config, KEY_TV_GROUP, tv->base.id));
		telling_error(&tv->telling, "configuration", what);
	}
	if ((loopback && ttl == 0) || tv->options.isolated)
		return;
	snprintf(what, sizeof what,
		"warning: with tv.interface=%s and tv.ttl=%d what the station sends %s this "
		"machine",
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
	tv_schedule(tv, TV_LATE_SECONDS);
}

/* Delayed datagrams are lost, as in a network that is switched off. */
static void tv_stop(struct endpoint *base)
{
	struct endpoint_tv *tv = from_base(base);
	ev_timer_stop(tv->options.loop, &tv->line);
	ev_timer_stop(tv->options.loop, &tv->sweep);
	delays_clear(&tv->delays, tv_on_lost);
	tv_sweep(tv);
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
	/* tv_stop has left nothing to abort. */
}

static bool tv_check(struct endpoint *base, struct err *err)
{
	return impair_config_check(&from_base(base)->imperfection, err);
}

/* A new interval holds for the next line, too. When that line would be late then, it is due now,
   and the lines after it do not catch up. */
static void tv_changed(struct endpoint *base)
{
	struct endpoint_tv *tv = from_base(base);
	if (ev_is_active(&tv->line) &&
		tv->interval != config_seconds(tv->options.config, KEY_TV_INTERVAL, base->id))
		tv_schedule(tv, 0);
}

static void tv_pause(struct endpoint *base, bool paused)
{
	struct endpoint_tv *tv = from_base(base);
	base->paused = paused;
	if (paused)
		ev_timer_stop(tv->options.loop, &tv->line);
	else if (!tv->stopped)
		tv_schedule(tv, 0);
}

static bool tv_impair(struct endpoint *base, int family, enum fate_direction direction,
	struct impair *impair, struct impair_spec *spec)
{
	struct endpoint_tv *tv = from_base(base);
	if (family != TV_FAMILY || direction != FATE_REPLY)
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
