/*
 * What the files of the station share: endpoint.c is the contract, speak.c what it says, hear.c
 * what it hears.
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

/* ---- speak.c ---- */

/* From here on events are about what the station does by itself. */
void tv_regard_nobody(struct endpoint_tv *tv);

/* Through the imperfect network to the group. Returns the datagram's number; 0: it is lost. */
uint64_t tv_broadcast(struct endpoint_tv *tv, const char *data, size_t len);

/* Tells of a delayed datagram that is given up: the lab ends (delays_clear). */
void tv_on_lost(void *item);

/* Sets the timer for the next line. One that is late by up to `late` seconds keeps its time, so
   that those behind it keep theirs. */
void tv_schedule(struct endpoint_tv *tv, double late);

/* After a longer sleep, the lines that were missed are not said in a hurry. */
#define TV_LATE_SECONDS 1.0

/* The timer of the lines. */
void tv_on_line(struct ev_loop *loop, struct ev_timer *timer, int events);

/* ---- hear.c ---- */

/* The watcher of the socket in the group. */
void tv_on_readable(struct ev_loop *loop, struct ev_io *io, int events);

/* Once a second, and at the end: tells in numbers what was not told one by one. */
void tv_sweep(struct endpoint_tv *tv);

#endif
