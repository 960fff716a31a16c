/*
 * What happens to a datagram, from arrival to reply: `receive` decides its fate as a request,
 * `arrive` calls the responder and decides the fate of the reply, `send_out` sends the reply, at
 * once or when its delay is over.
 */
#include "servers/datagram/endpoint_private.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "servers/datagram/peer_key.h"

/* Batches that are read before the streams are served again. */
enum { READS_A_TURN = 4, CROWDED_READS_A_TURN = 64 };

/* Makes a datagram the current one: events and replies that follow belong to it. */
static void regard(struct endpoint_udp *endpoint, const struct batch_origin *origin, bool told)
{
	endpoint->origin = origin;
	telling_regard(&endpoint->telling, &origin->peer, told);
}

static void arrive(struct side *side, const char *data, size_t len, uint64_t n);

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
		telling_dropped(&endpoint->telling, side->number, direction, pending->n,
			"the family was switched off");
		return;
	}
	if (pending->outward)
		send_out(side, pending->data, pending->len);
	else
		arrive(side, pending->data, pending->len, pending->n);
	batch_out_send(endpoint->out, side->fd, on_refused, endpoint);
	if (side->leaving && side->under_way == 0)
		udp_side_close(side);
}

void udp_on_lost(void *item)
{
	struct pending *pending = item;
	struct side *side = pending->side;
	regard(side->endpoint, &pending->origin, pending->told);
	telling_dropped(&side->endpoint->telling, side->number,
		pending->outward ? FATE_REPLY : FATE_REQUEST, pending->n, "the lab has stopped");
}

static void hold(struct side *side, enum fate_direction direction, const char *data, size_t len,
	uint64_t n, double delay)
{
	struct endpoint_udp *endpoint = side->endpoint;
	struct pending *pending = delays_add(&endpoint->delays, peer_key(&endpoint->origin->peer),
		sizeof *pending + len, delay, on_due);
	if (!pending) {
		telling_dropped(&endpoint->telling, side->number, direction, n,
			"too many are delayed");
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
	int64_t where =
		config_integer(endpoint->options.config, KEY_RESET_DIRECTION, endpoint->base.id);
	return where == RESET_BOTH || (where == RESET_REPLY) == (direction == FATE_REPLY);
}

const struct impair_spec *udp_spec(struct endpoint_udp *endpoint, enum fate_direction direction)
{
	static const struct impair_spec perfect = { 0 };
	return is_impaired(endpoint, direction) ? impair_config_spec(&endpoint->impair) : &perfect;
}

/* A datagram has passed the network. The responder decides on the reply, which has its own fate. */
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
	struct impair_fate fate =
		impair_next(&side->answer, udp_spec(endpoint, FATE_REPLY), reply_len);
	if (telling_fate(&endpoint->telling, side->number, FATE_REPLY, &fate))
		return;
	impair_flip(&fate, reply);
	if (endpoint->telling.told)
		habits_answered(&endpoint->habits, peer_key(&endpoint->origin->peer), clock_now());
	TELL(&endpoint->telling, EVENT_REPLY, F_INTEGER("family", side->number),
		F_INTEGER("n", fate.n), F_INTEGER("bytes", reply_len),
		F_BYTES("text", reply, reply_len));
	for (unsigned i = 0; i < fate.copies; i++) {
		if (fate.delay[i] > 0)
			hold(side, FATE_REPLY, reply, reply_len, fate.n, fate.delay[i]);
		else
			send_out(side, reply, reply_len);
	}
}

/* The text that programs of other years wait for. */
static void look_at_habits(struct endpoint_udp *endpoint)
{
	static const char *const words[] = {
		[HABIT_AGAIN] = "asks again although it was answered",
		[HABIT_SPIN] = "asks more than 20 times in a second although it is answered",
	};
	enum endpoint_id id = endpoint->base.id;
	char what[160];
	if (!(endpoint_table[id].groups & GROUP_RESET) || !endpoint->telling.told)
		return;
	enum habit habit =
		habits_asked(&endpoint->habits, peer_key(&endpoint->origin->peer), clock_now());
	if (habit == HABIT_NONE)
		return;
	bool equals =
		config_integer(endpoint->options.config, KEY_RESET_SEPARATOR, id) == RESET_EQUALS;
	snprintf(what, sizeof what, "%s: a program that waits for OFFSET%cX does so (%s)",
		words[habit], equals ? ':' : '=',
		equals ? "--profile epfl-2016" : "--set reset.separator==");
	TELL(&endpoint->telling, EVENT_HINT, F_TEXT("what", what));
}

static void receive(struct side *side, const struct batch_origin *origin, char *data, size_t len)
{
	struct endpoint_udp *endpoint = side->endpoint;
	endpoint->totals.received++;
	unsigned cost = telling_cost(impair_config_spec(&endpoint->impair), data, len,
		endpoint->responder->shown);
	regard(endpoint, origin, telling_admit(&endpoint->telling, &origin->peer, cost));
	if (!side->active) {
		telling_dropped(&endpoint->telling, side->number, FATE_REQUEST, 0,
			"the family is not served now");
		return;
	}
	if (endpoint->base.paused) {
		telling_dropped(&endpoint->telling, side->number, FATE_REQUEST, 0,
			"the endpoint is paused");
		return;
	}
	struct impair_fate fate =
		impair_next(&side->request, udp_spec(endpoint, FATE_REQUEST), len);
	TELL(&endpoint->telling, EVENT_RECEIVE, F_INTEGER("family", side->number),
		F_INTEGER("n", fate.n), F_INTEGER("bytes", len), F_BYTES("text", data, len));
	look_at_habits(endpoint);
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

/* Drops a datagram because of its sender's share. It gets no number, so the numbers, and thus the
   fates, of other datagrams are the same as without it. */
static void give_up(struct side *side, const struct batch_origin *origin)
{
	struct endpoint_udp *endpoint = side->endpoint;
	endpoint->totals.received++;
	regard(endpoint, origin, telling_admit(&endpoint->telling, &origin->peer, 1));
	telling_dropped(&endpoint->telling, side->number, FATE_REQUEST, 0,
		"its sender fills the queue");
}

/* True: the queue may still hold datagrams. */
static bool read_batches(struct side *side, int batches, bool shared)
{
	struct endpoint_udp *endpoint = side->endpoint;
	int count = BATCH_SIZE;
	for (int b = 0; b < batches && count == BATCH_SIZE; b++) {
		count = batch_in_read(endpoint->in, side->fd);
		for (int i = 0; i < count; i++) {
			size_t len;
			char *data = batch_in_data(endpoint->in, i, &len);
			const struct batch_origin *origin = batch_in_origin(endpoint->in, i);
			if (shared && !shares_take(&endpoint->shares, peer_key(&origin->peer),
					      peer_key_host(&origin->peer)))
				give_up(side, origin);
			else
				receive(side, origin, data, len);
		}
		batch_out_send(endpoint->out, side->fd, on_refused, endpoint);
	}
	return count == BATCH_SIZE;
}

void udp_read_batches(struct side *side, int batches)
{
	read_batches(side, batches, false);
}

/* A reply takes four times as long as reading. A sender that is faster than the replies would fill
   the queue that all senders share, and the kernel would drop other senders' datagrams. So when the
   queue is more than half full, each sender only gets its share of a turn. */
void udp_on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct side *side = io->data;
	struct batch_queue queue;
	bool crowded = side->behind && batch_queue(side->fd, &queue) && queue.held > queue.room / 2;
	if (crowded)
		shares_begin(&side->endpoint->shares);
	side->behind = read_batches(side, crowded ? CROWDED_READS_A_TURN : READS_A_TURN, crowded);
}
