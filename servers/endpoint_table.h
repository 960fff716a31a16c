/* The table of endpoints. A new server is a new row. The configuration, --help, the ports file and
   the emulator read it. */
#ifndef SERVERS_ENDPOINT_TABLE_H
#define SERVERS_ENDPOINT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct endpoint_ops;
struct responder_ops;
struct session_ops;

enum endpoint_id {
	ENDPOINT_UDP_PRINT,
	ENDPOINT_ECHO,
	ENDPOINT_PMU,
	ENDPOINT_RESET,
	ENDPOINT_TV,
	ENDPOINT_PMU_WS,
	ENDPOINT_PMU_TLS,
	ENDPOINT_PMU_WSS,
	ENDPOINT_COUNT,
	ENDPOINT_NONE = -1, /* no endpoint: a key or an event of the whole program */
};

/* The groups of configuration keys that an endpoint has, as bits. */
enum endpoint_group {
	GROUP_ECHO = 1 << 0,
	GROUP_PMU = 1 << 1,
	GROUP_WS = 1 << 2, /* its carrier is WebSocket */
	GROUP_TLS = 1 << 3, /* its carrier is TLS, or WebSocket over TLS */
	GROUP_RESET = 1 << 4,
	GROUP_TV = 1 << 5,
	GROUP_DATAGRAM = 1 << 6, /* it has loss and the other impairments */
};

struct endpoint_type {
	const char *name;       /* "pmu-ws" */
	uint16_t port;          /* the default port */
	unsigned groups;        /* enum endpoint_group values, or-ed */
	const struct endpoint_ops *ops;
	const struct session_ops *session;     /* a stream's session; NULL for other endpoints */
	/* answers datagrams one by one; NULL for other endpoints */
	const struct responder_ops *responder;
	/* the default of <endpoint>.loss; NULL: the endpoint has no such key */
	const char *loss;
	const char *about;      /* half a line for --help */
};

extern const struct endpoint_type endpoint_table[ENDPOINT_COUNT];

/* The endpoint of that name; ENDPOINT_NONE: there is none. */
enum endpoint_id endpoint_find(const char *name);

#endif
