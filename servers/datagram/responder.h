/*
 * A responder decides what a datagram server replies. It is pure: it gets a datagram and its
 * sender, and gives a reply or none. It knows no socket, loop or clock and allocates nothing. A
 * reply has at most RESPONDER_REPLY_MAX bytes, so that the server cannot be used for amplification.
 */
#ifndef SERVERS_DATAGRAM_RESPONDER_H
#define SERVERS_DATAGRAM_RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/config/config.h"
#include "servers/events/event.h"

enum { RESPONDER_REPLY_MAX = 16 }; /* bytes */

/* What a responder may use. It outlives the responder. */
struct responder_host {
	/* to be read at every datagram, so that a change holds for the next one */
	const struct config *config;
	enum endpoint_id endpoint;
	uint64_t seed;
};

/* How a responder emits events. The driver (the endpoint) adds the peer and the time. */
struct responder_log {
	void (*emit)(void *driver, enum event_type type, const struct field *fields, size_t count);
	void *driver;
};

/* A datagram that has arrived. All of it is valid during the call. */
struct datagram {
	const char *data;
	size_t len;
	int family;           /* 4 or 6 */
	uint64_t n;           /* its number among the requests of that family, from 1 on */
	const void *sender;   /* the sender's address as bytes, the same for the same sender */
	size_t sender_len;
};

struct responder_ops {
	const char *name;

	/* Bytes that the driver allocates for `self`, zeroed. */
	size_t size;

	/* Bytes of a datagram's text that its events show at most: WIRE_COMMAND_MAX with F_BYTES,
	   WIRE_SHOWN with F_SAID. The datagram's cost depends on it (fold.h). */
	size_t shown;

	/* Called once, before the first receive. `log` is valid during the call only, and is to be
	   copied. */
	void (*init)(void *self, const struct responder_host *host,
		const struct responder_log *log);

	/* A datagram has arrived. Writes the reply and returns its length; 0: no reply. */
	size_t (*receive)(void *self, const struct datagram *datagram,
		char reply[RESPONDER_REPLY_MAX]);
};

/* The endpoint udp-print: shows each datagram, and never replies. */
extern const struct responder_ops responder_print;

/* The endpoint reset: answers RESET:n. */
extern const struct responder_ops responder_reset;

#endif
