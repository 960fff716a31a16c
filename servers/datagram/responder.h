/*
 * A responder decides what a datagram server says. It is pure: bytes and a sender in, a reply or
 * silence out; it knows no socket, loop or clock, allocates nothing, and never answers more than
 * RESPONDER_REPLY_MAX bytes (no amplification).
 */
#ifndef SERVERS_DATAGRAM_RESPONDER_H
#define SERVERS_DATAGRAM_RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/config/config.h"
#include "servers/events/event.h"

enum { RESPONDER_REPLY_MAX = 16 }; /* bytes */

/* What a responder is given; outlives it. */
struct responder_host {
	/* read at every datagram, so that a change holds for the next one */
	const struct config *config;
	enum endpoint_id endpoint;
	uint64_t seed;
};

/* How it tells what it understood; the driver adds who and when. */
struct responder_log {
	void (*emit)(void *driver, enum event_type type, const struct field *fields, size_t count);
	void *driver;
};

struct datagram {
	const char *data;
	size_t len;
	int family;           /* 4 or 6 */
	uint64_t n;           /* counts the datagrams of that family from 1 */
	const void *sender;   /* the sender's address as bytes, the same for the same sender */
	size_t sender_len;
};

struct responder_ops {
	const char *name;

	/* Bytes that the driver sets aside for `self`, zeroed. */
	size_t size;

	/* Bytes of a datagram's text that it tells at most: WIRE_COMMAND_MAX with F_BYTES,
	   WIRE_SHOWN with F_SAID. What is told is paid for (fold.h). */
	size_t shown;

	void (*init)(void *self, const struct responder_host *host,
		const struct responder_log *log);

	/* A datagram has arrived. Writes the answer and returns its length; 0 is silence. */
	size_t (*receive)(void *self, const struct datagram *datagram,
		char reply[RESPONDER_REPLY_MAX]);
};

extern const struct responder_ops responder_print;
extern const struct responder_ops responder_reset;

#endif
