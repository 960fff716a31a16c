/* What all clients need and none should spell out: where the lab is, who is at the other end, how to show it. */
#ifndef CLIENTS_CLIENT_H
#define CLIENTS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/net.h"

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

/* The other end's address, for what is told about it. */
void client_peer(int fd, char text[ADDRESS_TEXT]);

/* Prints "label: " and the bytes to stdout as one line; what is not printable ASCII as \n, \x1b, \\. */
void client_print_piece(const char *label, const char *data, size_t len);

/* "s" unless `count` is 1. */
const char *client_plural(long count);

#endif
