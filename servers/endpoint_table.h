/*
 * The endpoints, one row each. A new server is a new row. Everything that names endpoints -
 * configuration, --help, the ports file, the emulator - reads this table.
 */
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
	ENDPOINT_NONE = -1, /* the whole program, where a key or an event belongs to no endpoint */
};

/* Groups of configuration keys that an endpoint has; bits. */
enum endpoint_group {
	GROUP_ECHO = 1 << 0,
	GROUP_PMU = 1 << 1,
	GROUP_WS = 1 << 2, /* its carrier is WebSocket */
	GROUP_TLS = 1 << 3, /* its carrier is TLS, or WebSocket over TLS */
	GROUP_RESET = 1 << 4,
	GROUP_TV = 1 << 5,
	GROUP_DATAGRAM = 1 << 6, /* it has loss and the rest of an imperfect network */
};

struct endpoint_type {
	const char *name;       /* "pmu-ws" */
	uint16_t port;          /* the lab's */
	unsigned groups;        /* enum endpoint_group, or-ed */
	const struct endpoint_ops *ops;
	const struct session_ops *session;     /* streams; else NULL */
	/* datagrams that are answered one by one; else NULL */
	const struct responder_ops *responder;
	const char *loss;       /* default of <endpoint>.loss; NULL where it has none */
	const char *about;      /* half a line for --help */
};

extern const struct endpoint_type endpoint_table[ENDPOINT_COUNT];

/* ENDPOINT_NONE when there is none of that name. */
enum endpoint_id endpoint_find(const char *name);

#endif
