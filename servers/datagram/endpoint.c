/* A datagram endpoint: one socket for each address family, a responder, and an imperfect network in
   both directions. */
#include "servers/datagram/endpoint_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/json.h"

enum { PORT_TRIES = 64 }; /* free ports to try, until one is free on every address */

static const double SWEEP_SECONDS = 1;

static struct endpoint_udp *from_base(struct endpoint *base)
{
	return (struct endpoint_udp *)base; /* its first member */
}

static void on_sweep(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct endpoint_udp *endpoint = timer->data;
	for (size_t i = 0; i < endpoint->side_count; i++)
		udp_tell_missed(&endpoint->sides[i]);
	telling_sweep(&endpoint->telling);
}

static void udp_destroy(struct endpoint *base)
{
	struct endpoint_udp *endpoint = from_base(base);
	struct ev_loop *loop = endpoint->options.loop;
	ev_timer_stop(loop, &endpoint->turn);
	ev_timer_stop(loop, &endpoint->sweep);
	delays_clear(&endpoint->delays, NULL);
	for (size_t i = 0; i < endpoint->side_count; i++)
		udp_side_close(&endpoint->sides[i]);
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
	ev_timer_init(&endpoint->turn, udp_on_turn, 0, 0);
	ev_timer_init(&endpoint->sweep, on_sweep, SWEEP_SECONDS, SWEEP_SECONDS);
	endpoint->turn.data = endpoint->sweep.data = endpoint;
	udp_read_turns(endpoint);
	return &endpoint->base;
}

/* Whether the endpoint serves the address when there are several. reset serves both families,
   udp-print IPv4 only: code A and code B of the handout use IPv4, and code A's "localhost" is
   127.0.0.1. */
static bool serves(const struct endpoint_udp *endpoint, const struct address *address)
{
	return endpoint_table[endpoint->base.id].groups & GROUP_RESET ||
	       address->ss.ss_family == AF_INET;
}

static bool bind_all(struct endpoint_udp *endpoint, uint16_t port, struct err *err)
{
	for (size_t i = 0; i < endpoint->side_count; i++) {
		struct side *side = &endpoint->sides[i];
		address_set_port(&side->address, port);
		if (!udp_side_open(side, err)) {
			int error = errno;
			for (size_t k = 0; k < i; k++)
				udp_side_close(&endpoint->sides[k]);
			errno = error;
			return false;
		}
		net_local_address(side->fd, &side->address);
		port = address_port(&side->address);
	}
	endpoint->base.port = port;
	return true;
}

/* A family that is served in turn with the other one may have no address. When the configuration
   asks for fixed families, one of them needs an address. */
static bool check_families(const struct endpoint_udp *endpoint, const struct turns *turns,
	struct err *err)
{
	unsigned families = 0;
	for (size_t i = 0; i < endpoint->side_count; i++)
		families |= endpoint->sides[i].turn;
	if (turns->kind != TURNS_FIXED || turns->families & families)
		return true;
	bool six = turns->families & TURN_6;
	err_set(err, STATUS_USAGE,
		"%s.family=%d, but there is no IPv%d address to serve it on; add --bind %s",
		endpoint_table[endpoint->base.id].name, six ? 6 : 4, six ? 6 : 4,
		six ? "::1" : "127.0.0.1");
	return false;
}

static bool udp_listen(struct endpoint *base, const struct address *addresses, size_t count,
	uint16_t port, struct err *err)
{
	struct endpoint_udp *endpoint = from_base(base);
	const char *name = endpoint_table[base->id].name;
	for (size_t i = 0; i < count && endpoint->side_count < FAMILIES; i++) {
		if (!serves(endpoint, &addresses[i]) && !(count == 1))
			continue;
		struct side *side = &endpoint->sides[endpoint->side_count++];
		bool six = addresses[i].ss.ss_family == AF_INET6;
		*side = (struct side){ .endpoint = endpoint,
			.address = addresses[i],
			.number = six ? 6 : 4,
			.turn = six ? TURN_6 : TURN_4,
			.fd = -1 };
		impair_init(&side->request, endpoint->options.seed, name, side->number,
			FATE_REQUEST);
		impair_init(&side->answer, endpoint->options.seed, name, side->number, FATE_REPLY);
	}
	if (!impair_config_check(&endpoint->impair, err) ||
		!check_families(endpoint, &endpoint->turns, err))
		return false;
	for (int i = 0; i < PORT_TRIES; i++) {
		if (bind_all(endpoint, port, err))
			return true;
		if (port != 0 || errno != EADDRINUSE)
			break;
	}
	endpoint_advise(err, &endpoint->options, errno, port);
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
	udp_take_turn(endpoint);
	ev_timer_start(endpoint->options.loop, &endpoint->sweep);
}

/* Delayed datagrams are lost, as in a network that is switched off. */
static void udp_stop(struct endpoint *base)
{
	struct endpoint_udp *endpoint = from_base(base);
	ev_timer_stop(endpoint->options.loop, &endpoint->turn);
	ev_timer_stop(endpoint->options.loop, &endpoint->sweep);
	delays_clear(&endpoint->delays, udp_on_lost);
	telling_sweep(&endpoint->telling);
	for (size_t i = 0; i < endpoint->side_count; i++)
		udp_side_close(&endpoint->sides[i]);
	endpoint->stopped = true;
	endpoint->options.on_idle(endpoint->options.context);
}

static bool udp_is_idle(const struct endpoint *base)
{
	return ((const struct endpoint_udp *)base)->stopped;
}

static void udp_abort(struct endpoint *base)
{
	/* udp_stop has left nothing to abort. */
}

static bool udp_check(struct endpoint *base, struct err *err)
{
	struct endpoint_udp *endpoint = from_base(base);
	struct turns turns = endpoint->turns;
	if (endpoint_table[base->id].groups & GROUP_RESET)
		turns_parse(&turns,
			config_text(endpoint->options.config, KEY_RESET_FAMILY, base->id), NULL);
	return impair_config_check(&endpoint->impair, err) && check_families(endpoint, &turns, err);
}

/* Only the turns are applied here. All other keys are read when a datagram arrives. */
static void udp_changed(struct endpoint *base)
{
	struct endpoint_udp *endpoint = from_base(base);
	if (!endpoint->stopped)
		udp_change_turns(endpoint);
}

/* While the endpoint is paused, datagrams are read and dropped. If they stayed in the queue, they
   would all be answered at once on resume, when most of their senders have timed out. */
static void udp_pause(struct endpoint *base, bool paused)
{
	base->paused = paused;
}

static bool udp_impair(struct endpoint *base, int family, enum fate_direction direction,
	struct impair *impair, struct impair_spec *spec)
{
	struct endpoint_udp *endpoint = from_base(base);
	for (size_t i = 0; i < endpoint->side_count; i++) {
		const struct side *side = &endpoint->sides[i];
		if (side->number != family)
			continue;
		*impair = direction == FATE_REPLY ? side->answer : side->request;
		if (spec)
			*spec = *udp_spec(endpoint, direction);
		return true;
	}
	return false;
}

static void udp_totals(const struct endpoint *base, char *text, size_t size)
{
	const struct endpoint_udp *endpoint = (const struct endpoint_udp *)base;
	struct json json;
	json_begin(&json, text, size);
	json_put_integer(&json, "received", (int64_t)endpoint->totals.received);
	json_put_integer(&json, "missed", (int64_t)endpoint->totals.missed);
	json_put_integer(&json, "dropped", (int64_t)endpoint->telling.dropped);
	json_put_integer(&json, "replies", (int64_t)endpoint->totals.replies);
	json_put_integer(&json, "errors", (int64_t)endpoint->telling.errors);
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
	.check = udp_check,
	.changed = udp_changed,
	.pause = udp_pause,
	.impair = udp_impair,
	.family = udp_family,
	.destroy = udp_destroy,
};
