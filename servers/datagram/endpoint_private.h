/*
 * What the files of a datagram endpoint share: endpoint.c is the contract, families.c the families'
 * turns, way.c the way of a datagram, side.c a family's socket.
 */
#ifndef SERVERS_DATAGRAM_ENDPOINT_PRIVATE_H
#define SERVERS_DATAGRAM_ENDPOINT_PRIVATE_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/datagram/batch.h"
#include "servers/datagram/delays.h"
#include "servers/datagram/impair_config.h"
#include "servers/datagram/responder.h"
#include "servers/datagram/shares.h"
#include "servers/datagram/telling.h"
#include "servers/endpoint.h"
#include "servers/impair/turns.h"

enum { FAMILIES = 2 };

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
	uint32_t missed; /* of this socket, as told */
	bool behind;     /* the last turn has left something unread */
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
	/* once, also where nothing is served; and again where other turns are asked for */
	bool turn_told;
	double started;
	struct ev_timer turn, sweep;
	struct impair_config impair;
	struct batch_in *in;
	struct batch_out *out;
	struct shares shares;
	struct delays delays;
	struct telling telling;
	const struct batch_origin *origin; /* of the datagram that is being dealt with */
	bool stopped;

	struct { uint64_t received, replies, missed; } totals;
};

/* ---- side.c ---- */

/* Binds the side's socket, if it is closed. STATUS_BIND. */
bool udp_side_open(struct side *side, struct err *err);
void udp_side_close(struct side *side);

/* Tells how many the kernel's queue had no room for since the last time. */
void udp_tell_missed(struct side *side);

/* ---- way.c ---- */

/* Reads and deals with at most `batches` of what has come, whoever sent it. */
void udp_read_batches(struct side *side, int batches);

/* What the network does to datagrams in this direction, as the configuration says now. Valid until
   the next call. */
const struct impair_spec *udp_spec(struct endpoint_udp *endpoint, enum fate_direction direction);

/* The watcher of a side's socket. */
void udp_on_readable(struct ev_loop *loop, struct ev_io *io, int events);

/* Tells of a delayed datagram that is given up: the lab ends (delays_clear). */
void udp_on_lost(void *item);

/* ---- families.c ---- */

/* Reads `turns` from the configuration. */
void udp_read_turns(struct endpoint_udp *endpoint);

/* The configuration has changed: reads it again, and takes the turn that it asks for. */
void udp_change_turns(struct endpoint_udp *endpoint);

/* Opens and closes what the time asks for, tells when that has changed, and sets the timer for the
   next turn. */
void udp_take_turn(struct endpoint_udp *endpoint);

/* What `family` of struct endpoint_ops asks for. */
const char *udp_family(const struct endpoint *base, double *left);

/* The timer of the turns. */
void udp_on_turn(struct ev_loop *loop, struct ev_timer *timer, int events);

#endif
