/* What all clients need and none should spell out: where the lab is, and a plural. */
#ifndef CLIENTS_CLIENT_H
#define CLIENTS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* The lab's ports when nothing else is said. */
enum {
	LAB_ECHO_PORT = 5002,
	LAB_PMU_PORT = 5003,
	LAB_WS_PORT = 5006,
	LAB_TLS_PORT = 5007,
	LAB_WSS_PORT = 5008
};

/* `option` if it is given, else the environment's PMULAB_HOST, else localhost. */
const char *client_host(const char *option);

/* `option` (--port) if it is given, else the environment's `variable`, else `lab_port`. False with `err`
   (STATUS_USAGE) for what is no port. */
bool client_port(
	const char *option, const char *variable, uint16_t lab_port, uint16_t *port, struct err *err);

/* "s" unless `count` is 1. */
const char *client_plural(long count);

#endif
