/*
 * A datagram endpoint: one socket a family, a responder, and an imperfect network in both directions. What arrives goes
 * through `receive` (its fate as a request), `arrive` (the responder), `reply` (its fate as a reply) and out, at once or
 * when its delay is over.
 */
#include <errno.h>
#include <ev.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/wire.h"
#include "servers/datagram/batch.h"
#include "servers/datagram/endpoint_delays.h"
#include "servers/datagram/impair_config.h"
#include "servers/datagram/peer_key.h"
#include "servers/datagram/responder.h"
#include "servers/datagram/telling.h"
#include "servers/datagram/turns.h"
#include "servers/endpoint.h"

enum {
	FAMILIES = 2,
	READS_A_TURN = 4,       /* batches; then the streams get their turn */
	PORT_TRIES = 64,        /* free ports, until one is free on every address */
	LAST_BATCHES = 64,      /* what had arrived is served when a family's turn ends */
};

/* The wall clock is looked at this often at least: it may be set, and summer time begins. */
static const double TURN_SECONDS_MAX = 30;
/* When a family's port could not be opened again. */
static const double RETRY_SECONDS = 1;
static const double SWEEP_SECONDS = 1;

/* One family of the endpoint. */
struct side {
	struct endpoint_udp *endpoint;
	struct address address;
	int number;  /* 4 or 6 */
	unsigned turn; /* TURN_4 or TURN_6 */
	int fd;      /* -1: closed */
	bool active; /* served, else closed or silent */
	bool leaving; /* refuses whoever is new, and closes when nothing is under way any more */
	size_t under_way;
	struct ev_io io;
	struct impair request, answer;
};

/* A datagram under way: on its way in, or on its way out. */
struct pending {
	struct side *side;
	struct batch_origin origin;
	bool outward;
	bool told; /* in detail */
	uint64_t n;
	size_t len;
	char data[];
};

struct endpoint_udp {
	struct endpoint base;
	struct endpoint_options options;
	struct responder_host host;
	const struct responder_ops *responder;
	void *self;
	struct side sides[FAMILIES];
	size_t side_count;
	struct turns turns;
	bool turn_told; /* once, also where nothing is served */
	double started;
	struct ev_timer turn, sweep;
	struct impair_config impair;
	struct batch_in *in;
	struct batch_out *out;
	struct delays delays;
	struct telling telling;
	const struct batch_origin *origin; /* of the datagram that is being dealt with */
	bool stopped;

	struct { uint64_t received, replies; } totals;
};

static struct endpoint_udp *from_base(struct endpoint *base)
{
	return (struct endpoint_udp *)base; /* its first member */
}

/* From here on events and replies are about this datagram. */
static void regard(struct endpoint_udp *endpoint, const struct batch_origin *origin, bool told)
{
	endpoint->origin = origin;
	telling_regard(&endpoint->telling, &origin->peer, told);
}

static void on_sweep(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct endpoint_udp *endpoint = timer->data;
	telling_sweep(&endpoint->telling);
}

/* ---- the way of a datagram ---- */

static void arrive(struct side *side, const char *data, size_t len, uint64_t n);
static void side_close(struct side *side);

static void on_refused(void *context, const struct batch_origin *to, bool told, int error)
{
	struct endpoint_udp *endpoint = context;
	regard(endpoint, to, told);
	char what[128];
	snprintf(what, sizeof what, "a reply could not be sent: %s", strerror(error));
	TELL(&endpoint->telling, EVENT_ERROR, F_TEXT("fault", "network"), F_TEXT("what", what));
}

static void send_out(struct side *side, const char *data, size_t len)
{
	struct endpoint_udp *endpoint = side->endpoint;
	const struct batch_origin *origin = endpoint->origin;
	bool told = endpoint->telling.told;
	if (!batch_out_add(endpoint->out, origin, told, data, len)) {
		batch_out_send(endpoint->out, side->fd, on_refused, endpoint);
		regard(endpoint, origin, told);
		batch_out_add(endpoint->out, origin, told, data, len);
	}
	endpoint->totals.replies++;
}

static void on_due(void *item)
{
	struct pending *pending = item;
	struct side *side = pending->side;
	struct endpoint_udp *endpoint = side->endpoint;
	enum fate_direction direction = pending->outward ? FATE_REPLY : FATE_REQUEST;
	side->under_way--;
	regard(endpoint, &pending->origin, pending->told);
	if (side->fd < 0) {
		telling_dropped(&endpoint->telling, side->number, direction, pending->n, "the family was switched off");
		return;
	}
	if (pending->outward)
		send_out(side, pending->data, pending->len);
	else
		arrive(side, pending->data, pending->len, pending->n);
	batch_out_send(endpoint->out, side->fd, on_refused, endpoint);
	if (side->leaving && side->under_way == 0)
		side_close(side);
}

/* The lab ends before its delay is over. */
static void on_lost(void *item)
{
	struct pending *pending = item;
	struct side *side = pending->side;
	regard(side->endpoint, &pending->origin, pending->told);
	telling_dropped(&side->endpoint->telling, side->number, pending->outward ? FATE_REPLY : FATE_REQUEST, pending->n,
		"the lab has stopped");
}

static void hold(struct side *side, enum fate_direction direction, const char *data, size_t len, uint64_t n, double delay)
{
	struct endpoint_udp *endpoint = side->endpoint;
	struct pending *pending = delays_add(&endpoint->delays, peer_key(&endpoint->origin->peer), sizeof *pending + len, delay,
		on_due);
	if (!pending) {
		telling_dropped(&endpoint->telling, side->number, direction, n, "too many are delayed");
		return;
	}
	*pending = (struct pending){
		.side = side,
		.origin = *endpoint->origin,
		.outward = direction == FATE_REPLY,
		.told = endpoint->telling.told,
		.n = n,
		.len = len,
	};
	memcpy(pending->data, data, len);
	side->under_way++;
}

static bool is_impaired(const struct endpoint_udp *endpoint, enum fate_direction direction)
{
	if (!(endpoint_table[endpoint->base.id].groups & GROUP_RESET))
		return direction == FATE_REQUEST;
	int64_t where = config_integer(endpoint->options.config, KEY_RESET_DIRECTION, endpoint->base.id);
	return where == RESET_BOTH || (where == RESET_REPLY) == (direction == FATE_REPLY);
}

static struct impair_fate next_fate(struct endpoint_udp *endpoint, struct impair *impair, enum fate_direction direction,
	size_t len)
{
	static const struct impair_spec perfect = { 0 };
	const struct impair_spec *spec = impair_config_spec(&endpoint->impair);
	return impair_next(impair, is_impaired(endpoint, direction) ? spec : &perfect, len);
}

/* A datagram is there: the responder decides, and its answer has a fate of its own. */
static void arrive(struct side *side, const char *data, size_t len, uint64_t n)
{
	struct endpoint_udp *endpoint = side->endpoint;
	char reply[RESPONDER_REPLY_MAX];
	const struct datagram datagram = {
		.data = data,
		.len = len,
		.family = side->number,
		.n = n,
		.sender = &endpoint->origin->peer.ss,
		.sender_len = endpoint->origin->peer.len,
	};
	size_t reply_len = endpoint->responder->receive(endpoint->self, &datagram, reply);
	if (reply_len == 0)
		return;
	struct impair_fate fate = next_fate(endpoint, &side->answer, FATE_REPLY, reply_len);
	if (telling_fate(&endpoint->telling, side->number, FATE_REPLY, &fate))
		return;
	impair_flip(&fate, reply);
	TELL(&endpoint->telling, EVENT_REPLY, F_INTEGER("family", side->number), F_INTEGER("n", fate.n),
		F_INTEGER("bytes", reply_len), F_BYTES("text", reply, reply_len));
	for (unsigned i = 0; i < fate.copies; i++) {
		if (fate.delay[i] > 0)
			hold(side, FATE_REPLY, reply, reply_len, fate.n, fate.delay[i]);
		else
			send_out(side, reply, reply_len);
	}
}

static void receive(struct side *side, const struct batch_origin *origin, char *data, size_t len)
{
	struct endpoint_udp *endpoint = side->endpoint;
	endpoint->totals.received++;
	size_t written = len < WIRE_COMMAND_MAX ? len : WIRE_COMMAND_MAX; /* wire_escape */
	unsigned cost = telling_cost(impair_config_spec(&endpoint->impair), data, written);
	regard(endpoint, origin, telling_admit(&endpoint->telling, &origin->peer, cost));
	if (!side->active) {
		telling_dropped(&endpoint->telling, side->number, FATE_REQUEST, 0, "the family is not served now");
		return;
	}
	struct impair_fate fate = next_fate(endpoint, &side->request, FATE_REQUEST, len);
	TELL(&endpoint->telling, EVENT_RECEIVE, F_INTEGER("family", side->number), F_INTEGER("n", fate.n),
		F_INTEGER("bytes", len), F_BYTES("text", data, len));
	if (telling_fate(&endpoint->telling, side->number, FATE_REQUEST, &fate))
		return;
	impair_flip(&fate, data);
	for (unsigned i = 0; i < fate.copies; i++) {
		if (fate.delay[i] > 0)
			hold(side, FATE_REQUEST, data, len, fate.n, fate.delay[i]);
		else
			arrive(side, data, len, fate.n);
	}
}

/* Reads at most `batches`. False: nothing is left. */
static bool read_batches(struct side *side, int batches)
{
	struct endpoint_udp *endpoint = side->endpoint;
	int count = BATCH_SIZE;
	for (int b = 0; b < batches && count == BATCH_SIZE; b++) {
		count = batch_in_read(endpoint->in, side->fd);
		for (int i = 0; i < count; i++) {
			size_t len;
			char *data = batch_in_data(endpoint->in, i, &len);
			receive(side, batch_in_origin(endpoint->in, i), data, len);
		}
		batch_out_send(endpoint->out, side->fd, on_refused, endpoint);
	}
	return count == BATCH_SIZE;
}

static void on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	read_batches(io->data, READS_A_TURN);
}

/* ---- families ---- */

static bool side_open(struct side *side, struct err *err)
{
	if (side->leaving) /* it can hear nobody any more; what is under way leaves through the new one, from the same port */
		side_close(side);
	if (side->fd < 0)
		side->fd = batch_bind(&side->address, err);
	return side->fd >= 0;
}

static void side_watch(struct side *side)
{
	ev_io_stop(side->endpoint->options.loop, &side->io);
	ev_io_init(&side->io, on_readable, side->fd, EV_READ);
	side->io.data = side;
	ev_io_start(side->endpoint->options.loop, &side->io);
}

static void side_close(struct side *side)
{
	ev_io_stop(side->endpoint->options.loop, &side->io);
	if (side->fd >= 0)
		close(side->fd);
	side->fd = -1;
	side->leaving = false;
}

static double since_midnight(void)
{
	struct timespec now;
	struct tm local;
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	return local.tm_hour * 3600.0 + local.tm_min * 60.0 + local.tm_sec + (double)now.tv_nsec * 1e-9;
}

static void tell_turn(struct endpoint_udp *endpoint, unsigned families, double left)
{
	static const char *const names[] = { "none", "IPv4", "IPv6", "IPv4 and IPv6" };
	const struct subject subject = { .endpoint = endpoint->base.id };
	if (isfinite(left))
		EMIT(endpoint->options.journal, EVENT_FAMILY, &subject, F_TEXT("active", names[families]),
			F_REAL("seconds", left));
	else
		EMIT(endpoint->options.journal, EVENT_FAMILY, &subject, F_TEXT("active", names[families]));
}

/* The port is opened before the other family's is closed, and what had arrived there is served. False: try again. */
static bool side_serve(struct side *side, bool active)
{
	struct endpoint_udp *endpoint = side->endpoint;
	bool closed = endpoint_table[endpoint->base.id].groups & GROUP_RESET &&
		config_integer(endpoint->options.config, KEY_RESET_INACTIVE, endpoint->base.id) == RESET_CLOSED;
	if (active || !closed) {
		struct err err;
		bool was_closed = side->fd < 0;
		if (!side_open(side, &err)) {
			telling_error(&endpoint->telling, "server", err.text);
			return false;
		}
		if (side->active && !active)
			read_batches(side, LAST_BATCHES);
		if (was_closed || !ev_is_active(&side->io))
			side_watch(side);
	} else {
		if (side->active && side->fd >= 0) {
			batch_refuse(side->fd);
			read_batches(side, LAST_BATCHES);
			side->leaving = side->under_way > 0;
		}
		if (side->leaving)
			ev_io_stop(endpoint->options.loop, &side->io);
		else
			side_close(side);
	}
	side->active = active;
	return true;
}

static void take_turn(struct endpoint_udp *endpoint)
{
	double left, again = TURN_SECONDS_MAX;
	unsigned now = 0, before = 0;
	unsigned families = turns_active(&endpoint->turns, clock_now() - endpoint->started, since_midnight(), &left);
	if (left < again)
		again = left;
	for (size_t i = 0; i < endpoint->side_count; i++)
		before |= endpoint->sides[i].active ? endpoint->sides[i].turn : 0;
	/* First those that begin, then those that end. */
	for (int active = 1; active >= 0; active--) {
		for (size_t i = 0; i < endpoint->side_count; i++) {
			struct side *side = &endpoint->sides[i];
			if (((families & side->turn) != 0) == active && !side_serve(side, active))
				again = RETRY_SECONDS;
		}
	}
	for (size_t i = 0; i < endpoint->side_count; i++)
		now |= endpoint->sides[i].active ? endpoint->sides[i].turn : 0;
	if (now != before || !endpoint->turn_told)
		tell_turn(endpoint, now, left);
	endpoint->turn_told = true;
	ev_now_update(endpoint->options.loop);
	endpoint->turn.repeat = again > 0.001 ? again : 0.001;
	ev_timer_again(endpoint->options.loop, &endpoint->turn);
}

static void on_turn(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	take_turn(timer->data);
}

/* ---- the contract of an endpoint ---- */

static void udp_destroy(struct endpoint *base)
{
	struct endpoint_udp *endpoint = from_base(base);
	struct ev_loop *loop = endpoint->options.loop;
	ev_timer_stop(loop, &endpoint->turn);
	ev_timer_stop(loop, &endpoint->sweep);
	delays_clear(&endpoint->delays, NULL);
	for (size_t i = 0; i < endpoint->side_count; i++)
		side_close(&endpoint->sides[i]);
	batch_in_destroy(endpoint->in);
	batch_out_destroy(endpoint->out);
	free(endpoint->self);
	free(endpoint);
}

static struct endpoint *udp_create(const struct endpoint_options *options)
{
	struct endpoint_udp *endpoint = calloc(1, sizeof *endpoint);
	if (!endpoint)
		return NULL;
	endpoint->base = (struct endpoint){ .ops = &endpoint_udp_ops, .id = options->id };
	endpoint->options = *options;
	telling_init(&endpoint->telling, options->journal, options->id);
	delays_init(&endpoint->delays, options->loop);
	endpoint->responder = endpoint_table[options->id].responder;
	endpoint->self = calloc(1, endpoint->responder->size);
	endpoint->in = batch_in_create();
	endpoint->out = batch_out_create();
	if (!endpoint->self || !endpoint->in || !endpoint->out) {
		udp_destroy(&endpoint->base);
		return NULL;
	}
	endpoint->host = (struct responder_host){ options->config, options->id, options->seed };
	const struct responder_log log = { .emit = telling_emit, .driver = &endpoint->telling };
	endpoint->responder->init(endpoint->self, &endpoint->host, &log);
	impair_config_init(&endpoint->impair, options->config, options->id);
	ev_timer_init(&endpoint->turn, on_turn, 0, 0);
	ev_timer_init(&endpoint->sweep, on_sweep, SWEEP_SECONDS, SWEEP_SECONDS);
	endpoint->turn.data = endpoint->sweep.data = endpoint;
	endpoint->turns = (struct turns){ .kind = TURNS_FIXED, .families = TURN_4 | TURN_6 };
	if (endpoint_table[options->id].groups & GROUP_RESET)
		turns_parse(&endpoint->turns, config_text(options->config, KEY_RESET_FAMILY, options->id), NULL);
	return &endpoint->base;
}

/* Code A and B speak IPv4, and code A's "localhost" is 127.0.0.1: the printer has one socket where reset has two. */
static bool serves(const struct endpoint_udp *endpoint, const struct address *address)
{
	return endpoint_table[endpoint->base.id].groups & GROUP_RESET || address->ss.ss_family == AF_INET;
}

static bool bind_all(struct endpoint_udp *endpoint, uint16_t port, struct err *err)
{
	for (size_t i = 0; i < endpoint->side_count; i++) {
		struct side *side = &endpoint->sides[i];
		address_set_port(&side->address, port);
		if (!side_open(side, err)) {
			int error = errno;
			for (size_t k = 0; k < i; k++)
				side_close(&endpoint->sides[k]);
			errno = error;
			return false;
		}
		net_local_address(side->fd, &side->address);
		port = address_port(&side->address);
	}
	endpoint->base.port = port;
	return true;
}

/* A family that is served by the hour may well be missing; one that is to be served always may not. */
static bool check_families(const struct endpoint_udp *endpoint, struct err *err)
{
	unsigned families = 0;
	for (size_t i = 0; i < endpoint->side_count; i++)
		families |= endpoint->sides[i].turn;
	if (endpoint->turns.kind != TURNS_FIXED || endpoint->turns.families & families)
		return true;
	bool six = endpoint->turns.families & TURN_6;
	err_set(err, STATUS_USAGE, "%s.family=%d, but there is no IPv%d address to serve it on; add --bind %s",
		endpoint_table[endpoint->base.id].name, six ? 6 : 4, six ? 6 : 4, six ? "::1" : "127.0.0.1");
	return false;
}

static bool udp_listen(struct endpoint *base, const struct address *addresses, size_t count, bool ephemeral,
	struct err *err)
{
	struct endpoint_udp *endpoint = from_base(base);
	const char *name = endpoint_table[base->id].name;
	for (size_t i = 0; i < count && endpoint->side_count < FAMILIES; i++) {
		if (!serves(endpoint, &addresses[i]) && !(count == 1))
			continue;
		struct side *side = &endpoint->sides[endpoint->side_count++];
		bool six = addresses[i].ss.ss_family == AF_INET6;
		*side = (struct side){ .endpoint = endpoint, .address = addresses[i], .number = six ? 6 : 4,
			.turn = six ? TURN_6 : TURN_4, .fd = -1 };
		impair_init(&side->request, endpoint->options.seed, name, side->number, FATE_REQUEST);
		impair_init(&side->answer, endpoint->options.seed, name, side->number, FATE_REPLY);
	}
	if (!impair_config_check(&endpoint->impair, err) || !check_families(endpoint, err))
		return false;
	uint16_t port = ephemeral ? 0 :
		(uint16_t)config_integer(endpoint->options.config, KEY_PORT, base->id);
	for (int i = 0; i < PORT_TRIES; i++) {
		if (bind_all(endpoint, port, err))
			return true;
		if (port != 0 || errno != EADDRINUSE)
			break;
	}
	endpoint_advise(err, base->id, errno, port);
	return false;
}

static void udp_start(struct endpoint *base)
{
	struct endpoint_udp *endpoint = from_base(base);
	const struct subject subject = { .endpoint = base->id };
	endpoint->started = clock_now();
	for (size_t i = 0; i < endpoint->side_count; i++) {
		char text[ADDRESS_TEXT];
		address_format(&endpoint->sides[i].address, text);
		EMIT(endpoint->options.journal, EVENT_LISTEN, &subject, F_TEXT("address", text));
	}
	take_turn(endpoint);
	ev_timer_start(endpoint->options.loop, &endpoint->sweep);
}

/* What waits for its delay is not waited for: it is lost, as in a network that is switched off. */
static void udp_stop(struct endpoint *base)
{
	struct endpoint_udp *endpoint = from_base(base);
	ev_timer_stop(endpoint->options.loop, &endpoint->turn);
	ev_timer_stop(endpoint->options.loop, &endpoint->sweep);
	delays_clear(&endpoint->delays, on_lost);
	telling_sweep(&endpoint->telling);
	for (size_t i = 0; i < endpoint->side_count; i++)
		side_close(&endpoint->sides[i]);
	endpoint->stopped = true;
	endpoint->options.on_idle(endpoint->options.context);
}

static bool udp_is_idle(const struct endpoint *base)
{
	return ((const struct endpoint_udp *)base)->stopped;
}

static void udp_abort(struct endpoint *base)
{
	/* udp_stop has left nothing */
}

static void udp_totals(const struct endpoint *base, char *text, size_t size)
{
	const struct endpoint_udp *endpoint = (const struct endpoint_udp *)base;
	struct json json;
	json_begin(&json, text, size);
	json_integer(&json, "received", (int64_t)endpoint->totals.received);
	json_integer(&json, "dropped", (int64_t)endpoint->telling.dropped);
	json_integer(&json, "replies", (int64_t)endpoint->totals.replies);
	json_integer(&json, "errors", (int64_t)endpoint->telling.errors);
	json_end(&json);
}

const struct endpoint_ops endpoint_udp_ops = {
	.create = udp_create,
	.listen = udp_listen,
	.start = udp_start,
	.stop = udp_stop,
	.is_idle = udp_is_idle,
	.abort = udp_abort,
	.totals = udp_totals,
	.destroy = udp_destroy,
};
