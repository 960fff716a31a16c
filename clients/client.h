/* What clients share: where the lab is, who is at the other end, what a refusal looks like. */
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

/* "ws://host:port/path", RFC 6455 section 3. */
struct client_url {
	bool secure; /* wss:// */
	char host[256]; /* without the brackets of an IPv6 address */
	char port[8]; /* "": none */
	char path[512]; /* "/" where there is none */
};

/* False with `err` (STATUS_USAGE). */
bool client_url_parse(struct client_url *url, const char *text, struct err *err);

/* The other end's address, for what is told about it. */
void client_peer(int fd, char text[ADDRESS_TEXT]);

/* `option` (--ca) if it is given, else PMULAB_CA_FILE, else where `pmulab serve` puts its ca.pem. False with
   `err` (STATUS_USAGE) when there is no such place. */
bool client_ca_file(const char *option, char *file, size_t size, struct err *err);

/*
 * A PMU refuses a command with one line that starts with "ERROR ". Only the first bytes of an answer tell the
 * two apart, and they may come one by one.
 */
struct client_refusal {
	char text[512]; /* what has come, as far as it fits */
	size_t len;
	bool excluded; /* it is an answer */
};

/* What a read has brought. True: it may be a refusal and is kept back. False: it is an answer, and the first
   `*held` bytes of `text`, kept back so far, come before it. */
bool client_refusal_take(struct client_refusal *refusal, const char *data, size_t len, size_t *held);

/* The answer has ended. True: it was a refusal, which `err` is now (STATUS_FAILED). False: what was kept back
   after all belongs to the answer, `*held` bytes of it. */
bool client_refusal_end(struct client_refusal *refusal, size_t *held, struct err *err);

/* Prints "label: " and the bytes to stdout as one line; what is not printable ASCII as \n, \x1b, \\. */
void client_print_piece(const char *label, const char *data, size_t len);

/* "s" unless `count` is 1. */
const char *client_plural(long count);

#endif
