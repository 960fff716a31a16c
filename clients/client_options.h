/*
 * The part of the command line that clients have in common: rows for their tables
 * (common/cli/cli.h), and what these rows set. What no option says, the environment says, with the
 * variables of the file that `pmulab serve --ports-file` writes; what that does not say either is
 * the lab as it starts by itself.
 */
#ifndef CLIENTS_CLIENT_OPTIONS_H
#define CLIENTS_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cli/cli.h"
#include "common/err.h"

/* The lab's ports when nothing else is said. */
enum {
	LAB_PRINT_PORT = 5001,
	LAB_ECHO_PORT = 5002,
	LAB_PMU_PORT = 5003,
	LAB_RESET_PORT = 5004,
	LAB_TV_PORT = 5005,
	LAB_WS_PORT = 5006,
	LAB_TLS_PORT = 5007,
	LAB_WSS_PORT = 5008
};

enum { CLIENT_BUFFER_MAX = 1 << 24 }; /* bytes: the largest --buffer */

/* A client sets what it wants to be otherwise than 0 before the command line is parsed. */
struct client_options {
	const char *host, *port_text, *bind, *ca, *group, *interface;
	uint16_t port; /* client_find_port */
	int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	long buffer, count;
	double timeout; /* seconds */
	bool legacy, json;
};

/* What the rows are known by; a client's own begin at CLIENT_FIRST. */
enum {
	CLIENT_IPV4 = CLI_FIRST,
	CLIENT_IPV6,
	CLIENT_HOST,
	CLIENT_PORT,
	CLIENT_BIND,
	CLIENT_CA,
	CLIENT_LEGACY,
	CLIENT_BUFFER,
	CLIENT_TIMEOUT,
	CLIENT_COUNT,
	CLIENT_GROUP,
	CLIENT_INTERFACE,
	CLIENT_JSON,
	CLIENT_FIRST
};

/* clang-format off */
#define CLIENT_ROWS_FAMILY \
	{ CLIENT_IPV4, '4', "ipv4", NULL, "IPv4 only" }, \
	{ CLIENT_IPV6, '6', "ipv6", NULL, "IPv6 only" }
#define CLIENT_ROW_HOST(what) \
	{ CLIENT_HOST, 'H', "host", "HOST", what " (else $PMULAB_HOST, else localhost)" }
#define CLIENT_ROW_PORT(what) { CLIENT_PORT, 'p', "port", "PORT", what }
#define CLIENT_ROW_BIND \
	{ CLIENT_BIND, 0, "bind", "ADDRESS", "listen on this address of the machine (127.0.0.1)" }
#define CLIENT_ROW_CA(what) \
	{ CLIENT_CA, 'c', "ca", "FILE", \
		what " the CAs in this file (else $PMULAB_CA_FILE, else the lab's own CA on this machine)" }
#define CLIENT_ROW_LEGACY(what) { CLIENT_LEGACY, 0, "legacy", NULL, what }
#define CLIENT_ROW_BUFFER(bytes) \
	{ CLIENT_BUFFER, 'b', "buffer", "BYTES", "what one recv() may return at most (" bytes ")" }
#define CLIENT_ROW_TIMEOUT(what) { CLIENT_TIMEOUT, 't', "timeout", "SECONDS", what }
#define CLIENT_ROW_COUNT(what) { CLIENT_COUNT, 0, "count", "N", what }
#define CLIENT_ROWS_GROUP                                                                                    \
	{ CLIENT_GROUP, 0, "group", "ADDRESS", "the group (else $PMULAB_TV_GROUP, else 224.1.1.1)" },        \
		{ CLIENT_INTERFACE, 0, "iface", "ADDRESS",                                                   \
			"by this machine's interface with that address (else $PMULAB_TV_INTERFACE, else 127.0.0.1)" }, \
		CLIENT_ROW_PORT("and its port (else $PMULAB_TV_PORT, else 5005)")
#define CLIENT_ROW_JSON \
	{ CLIENT_JSON, 0, "json", NULL, "print the numbers as one JSON object instead of the data" }
/* clang-format on */

/* A cli_on_option for these rows; `options` is a struct client_options. A client that has rows of
   its own calls it for the others. */
bool client_on_option(void *options, int id, const char *value, struct err *err);

/*
 * Parses the command line and returns the index of its first operand. --help and --version end the
 * program here, with status 0, and so does a mistake, with one line and status 2.
 */
int client_parse(const struct cli *cli, int argc, char **argv, cli_on_option *on_option,
	void *context);

/* False with `err` (STATUS_USAGE) where there are operands: the program takes none. */
bool client_no_operands(const struct cli *cli, int argc, char **argv, int operands,
	struct err *err);

/* The variable's value; an empty one counts as none, as is usual in shells. */
const char *client_environment(const char *variable);

/* --host, else PMULAB_HOST, else localhost. */
const char *client_host(const struct client_options *options);

/* Sets `port`: --port, else the environment's `variable` (NULL: none), else `lab_port`. `min` is
   0 where a free one may be asked for, else 1. False with `err` (STATUS_USAGE) for what is no
   port. */
bool client_find_port(struct client_options *options, const char *variable, uint16_t lab_port,
	long min, struct err *err);

/* --ca, else PMULAB_CA_FILE, else where `pmulab serve` puts its ca.pem. False with `err`
   (STATUS_USAGE) when there is no such place. */
bool client_find_ca(const struct client_options *options, char *file, size_t size, struct err *err);

/* "ws://host:port/path", RFC 6455 section 3. */
struct client_url {
	bool secure; /* wss:// */
	char host[256]; /* without the brackets of an IPv6 address */
	char port[8]; /* "": none */
	char path[512]; /* "/" where there is none */
};

/* False with `err` (STATUS_USAGE). */
bool client_url_parse(struct client_url *url, const char *text, struct err *err);

#endif
