/*
 * The emulated round trip of a TCP socket. On the lab's network Nagle's algorithm (RFC 896) holds a
 * small segment back until the one before is acknowledged, one round trip later. On loopback that
 * is at once: 20 messages would be 20 segments. So Nagle is off (TCP_NODELAY, set by the endpoint)
 * and TCP_CORK (tcp(7)) takes its place: after a segment has left, the socket is corked for one
 * round trip. shutdown(2) sends what is held, as close did in the lab.
 */
#ifndef SERVERS_STREAM_ROUND_TRIP_H
#define SERVERS_STREAM_ROUND_TRIP_H

#include <stdbool.h>
#include <stddef.h>

struct round_trip {
	int fd;
	double seconds;   /* 0: none is emulated */
	bool corked;
	bool held;        /* something has been sent into the corked socket */
	double uncork_at; /* INFINITY: not corked */
};

/* `fd` is the caller's. The kernel opens a cork by itself after 200 ms, so `seconds` is at most
   that. */
void round_trip_init(struct round_trip *trip, int fd, double seconds);

/* Times are of one clock, in seconds; `due` is when what is sent was to leave, which may have been
   a little earlier. Before `len` bytes are sent: of more than one segment the full ones leave, and
   the last waits like any small one. */
void round_trip_before_send(struct round_trip *trip, size_t len);

void round_trip_after_send(struct round_trip *trip, double due);

/* To be called when `uncork_at` has come; earlier calls do nothing. What was held leaves, and is
   itself under way for the next round trip. */
void round_trip_expire(struct round_trip *trip, double now);

/* Lets everything leave now. */
void round_trip_end(struct round_trip *trip);

#endif
