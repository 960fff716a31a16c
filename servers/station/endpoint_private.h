/*
 * What the files of the station share. endpoint.c implements struct endpoint_ops, speak.c sends the
 * play, hear.c receives and answers participants.
 */
#ifndef SERVERS_STATION_ENDPOINT_PRIVATE_H
#define SERVERS_STATION_ENDPOINT_PRIVATE_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net.h"
#include "servers/datagram/batch.h"
#include "servers/datagram/delays.h"
#include "servers/datagram/impair_config.h"
#include "servers/datagram/telling.h"
#include "servers/endpoint.h"
#include "servers/station/audience.h"
#include "servers/station/station.h"

enum { TV_FAMILY = 4 };

struct endpoint_tv {
	struct endpoint base;
	struct endpoint_options options;
	struct address group, source;
	int hearing, speaking; /* the receiving and the sending socket; -1: none */
	struct ev_io io;
	struct ev_timer line, sweep;
	double said; /* when the last line was due; clock_now() */
	unsigned intervals; /* from that line to the next one */
	double interval; /* seconds */
	double due; /* when the next line is due; clock_now() */
	uint32_t missed; /* datagrams that the kernel dropped, as reported so far */

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

/* ---- speak.c ---- */

/* The events that follow are about the station itself: they are always emitted, without a peer. */
void tv_regard_nobody(struct endpoint_tv *tv);

/* Sends a datagram (at most STATION_DATAGRAM_MAX bytes) to the group, through the imperfect
   network. Returns its number; 0: it is lost. */
uint64_t tv_broadcast(struct endpoint_tv *tv, const char *data, size_t len);

/* Emits `drop` for a delayed datagram that is lost because the lab ends; for delays_clear. */
void tv_on_lost(void *item);

/* Starts the timer for the next line. A line that is late by at most `late` seconds keeps its due
   time, so that the lines after it keep theirs. A line that is later is due now. */
void tv_schedule(struct endpoint_tv *tv, double late);

/* `late` of tv_schedule: after a longer sleep, the missed lines are not sent at once. */
#define TV_LATE_SECONDS 1.0

/* The callback of the lines' timer: sends the next line. */
void tv_on_line(struct ev_loop *loop, struct ev_timer *timer, int events);

/* ---- hear.c ---- */

/* The callback of the receiving socket: it is readable. */
void tv_on_readable(struct ev_loop *loop, struct ev_io *io, int events);

/* Emits the counts of missed and folded datagrams and of forgotten participants. Called once a
   second and when the station stops. */
void tv_sweep(struct endpoint_tv *tv);

#endif
