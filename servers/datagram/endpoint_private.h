/*
 * What the files of a datagram endpoint share. endpoint.c implements struct endpoint_ops,
 * families.c switches the address families, way.c takes a datagram from arrival to reply, side.c
 * opens and closes a family's socket.
 */
#ifndef SERVERS_DATAGRAM_ENDPOINT_PRIVATE_H
#define SERVERS_DATAGRAM_ENDPOINT_PRIVATE_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/datagram/batch.h"
#include "servers/datagram/delays.h"
#include "servers/datagram/habits.h"
#include "servers/datagram/impair_config.h"
#include "servers/datagram/responder.h"
#include "servers/datagram/shares.h"
#include "servers/datagram/telling.h"
#include "servers/endpoint.h"
#include "servers/impair/turns.h"

enum { FAMILIES = 2 };

/* One address family of the endpoint. */
struct side {
	struct endpoint_udp *endpoint;
	struct address address;
	int number;  /* 4 or 6 */
	unsigned turn; /* TURN_4 or TURN_6 */
	int fd;      /* -1: closed */
	bool active; /* served; else closed, or open and silent (reset.inactive) */
	/* new datagrams are refused; the socket closes when no delayed datagram is pending */
	bool leaving;
	size_t under_way; /* delayed datagrams that are pending */
	uint32_t missed; /* datagrams of this socket that the kernel dropped, as reported so far */
	bool behind;     /* the last read may have left datagrams in the queue */
	struct ev_io io;
	struct impair request, answer; /* the two directions */
};

/* A delayed datagram: a request, or a reply. */
struct pending {
	struct side *side;
	struct batch_origin origin;
	bool outward; /* a reply */
	bool told; /* its events are emitted (telling.h) */
	uint64_t n; /* its number in its direction */
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
	/* the event `family` was emitted: once at the start, even when no family is served, and
	   again when the configuration asks for other turns */
	bool turn_told;
	double started; /* clock_now() */
	struct ev_timer turn, sweep;
	struct impair_config impair;
	struct batch_in *in;
	struct batch_out *out;
	struct shares shares;
	struct habits habits;
	struct delays delays;
	struct telling telling;
	const struct batch_origin *origin; /* of the current datagram */
	bool stopped;

	struct { uint64_t received, replies, missed; } totals;
};

/* ---- side.c ---- */

/* Opens the side's socket in the endpoint's network namespace, if it is closed. A leaving socket is
   replaced by a new one. False: the port cannot be bound (STATUS_BIND, with errno), or the
   namespace cannot be entered (STATUS_FAILED). */
bool udp_side_open(struct side *side, struct err *err);

/* Stops the watcher, reports missed datagrams, and closes the socket, if it is open. */
void udp_side_close(struct side *side);

/* Reports how many datagrams the kernel has dropped since the last call because the socket's queue
   was full. */
void udp_tell_missed(struct side *side);

/* ---- way.c ---- */

/* Reads at most `batches` batches from the socket and handles each datagram, without regard to
   shares (shares.h). */
void udp_read_batches(struct side *side, int batches);

/* The impairments of this direction, as the configuration says now. A direction that is not
   impaired has a perfect network: see reset.direction; at other endpoints only requests are
   impaired. Valid until the next call. */
const struct impair_spec *udp_spec(struct endpoint_udp *endpoint, enum fate_direction direction);

/* The callback of a side's socket: it is readable. */
void udp_on_readable(struct ev_loop *loop, struct ev_io *io, int events);

/* Emits `drop` for a delayed datagram (struct pending) that is lost because the lab ends; for
   delays_clear. */
void udp_on_lost(void *item);

/* ---- families.c ---- */

/* Sets endpoint->turns from the configuration. */
void udp_read_turns(struct endpoint_udp *endpoint);

/* To be called when the configuration has changed: reads the turns again and applies them. */
void udp_change_turns(struct endpoint_udp *endpoint);

/* Opens and closes the sockets as the current turn asks for, emits `family` when that has changed,
   and starts the timer for the next turn. */
void udp_take_turn(struct endpoint_udp *endpoint);

/* Implements `family` of struct endpoint_ops. */
const char *udp_family(const struct endpoint *base, double *left);

/* The callback of the turns' timer. */
void udp_on_turn(struct ev_loop *loop, struct ev_timer *timer, int events);

#endif
