/*
 * The emulated round trip of a TCP socket. On the lab's network Nagle's algorithm (RFC 896) holds a
 * small segment back until the previous one is acknowledged, one round trip later. On loopback the
 * first 16 acknowledgements of a connection come at once (TCP_MAX_QUICKACKS): 20 messages would be
 * 17 segments, and one later. So Nagle is off (TCP_NODELAY, listen.c), and TCP_CORK (tcp(7)) takes
 * its place: after a segment has left, the socket is corked for one round trip. shutdown(2) sends
 * what the cork holds, as close did in the lab.
 *
 * All times are in seconds, on one clock of the caller's.
 */
#ifndef SERVERS_STREAM_ROUND_TRIP_H
#define SERVERS_STREAM_ROUND_TRIP_H

#include <stdbool.h>
#include <stddef.h>

/* Private, but for `uncork_at`. */
struct round_trip {
	int fd;
	double seconds;   /* 0: none is emulated */
	bool corked;
	bool held;        /* bytes have been sent into the corked socket */
	double uncork_at; /* when to call round_trip_expire; INFINITY: not corked */
};

/* `fd` stays the caller's. `seconds`: 0 to 0.2; 0: no round trip is emulated. The kernel opens a
   cork by itself after 200 ms. */
void round_trip_init(struct round_trip *trip, int fd, double seconds);

/* Call it before `len` bytes are sent. Of more than one segment the full ones leave, and the last
   waits like any small one. */
void round_trip_before_send(struct round_trip *trip, size_t len);

/* Call it after bytes were sent. `due` is when they were to leave by the schedule, which may be a
   little in the past. */
void round_trip_after_send(struct round_trip *trip, double due);

/* Call it when `uncork_at` has come; earlier calls do nothing. The bytes that were held leave, and
   the socket is corked for the next round trip. */
void round_trip_expire(struct round_trip *trip, double now);

/* Sends everything that is held, now. */
void round_trip_end(struct round_trip *trip);

#endif
