/*
 * The options that clients share: rows for their tables (common/cli/cli.h), and the values that
 * these rows set. Without an option, its value comes from the environment: from the variables that
 * `pmulab serve --ports-file` writes. Without a variable, it is that of a lab with its default
 * configuration.
 */
#ifndef CLIENTS_CLIENT_OPTIONS_H
#define CLIENTS_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cli/cli.h"
#include "common/err.h"

/* The lab's default ports. */
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

/* The values of the options. Texts are not copied. A client sets its defaults that are not 0 before
   it parses the command line. */
struct client_options {
	const char *host, *port_text, *bind, *ca, *group, *interface;
	uint16_t port; /* set by client_find_port */
	int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	long buffer, count; /* buffer: bytes; count 0: no limit */
	double timeout; /* seconds; 0: no limit */
	bool legacy, json;
};

/* The ids of the rows. A client's own ids begin at CLIENT_FIRST. */
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
		what " the CAs in this file " \
		     "(else $PMULAB_CA_FILE, else the lab's own CA on this machine)" }
#define CLIENT_ROW_LEGACY(what) { CLIENT_LEGACY, 0, "legacy", NULL, what }
#define CLIENT_ROW_BUFFER(bytes) \
	{ CLIENT_BUFFER, 'b', "buffer", "BYTES", "what one recv() may return at most (" bytes ")" }
#define CLIENT_ROW_TIMEOUT(what) { CLIENT_TIMEOUT, 't', "timeout", "SECONDS", what }
#define CLIENT_ROW_COUNT(what) { CLIENT_COUNT, 0, "count", "N", what }
#define CLIENT_ROWS_GROUP \
	{ CLIENT_GROUP, 0, "group", "ADDRESS", \
		"the group (else $PMULAB_TV_GROUP, else 224.1.1.1)" }, \
	{ CLIENT_INTERFACE, 0, "iface", "ADDRESS", \
		"by this machine's interface with that address " \
		"(else $PMULAB_TV_INTERFACE, else 127.0.0.1)" }, \
	CLIENT_ROW_PORT("and its port (else $PMULAB_TV_PORT, else 5005)")
#define CLIENT_ROW_JSON \
	{ CLIENT_JSON, 0, "json", NULL, "print the numbers as one JSON object instead of the data" }
/* clang-format on */

/* The cli_on_option of these rows; `options` is a struct client_options. A client with rows of its
   own calls it for all other ids. False with `err` (STATUS_USAGE): the value is not valid. */
bool client_on_option(void *options, int id, const char *value, struct err *err);

/*
 * Parses the command line and returns the index in argv of the first operand. It ends the program
 * after --help and --version, with STATUS_OK, and after an error, with one line on stderr: with
 * STATUS_USAGE, or with STATUS_FAILED if stdout takes no help.
 */
int client_parse(const struct cli *cli, int argc, char **argv, cli_on_option *on_option,
	void *context);

/* For programs without operands. False with `err` (STATUS_USAGE): there are some. */
bool client_no_operands(const struct cli *cli, int argc, char **argv, int operands,
	struct err *err);

/* The value of an environment variable (getenv(3)). NULL: it is not set or, as is usual in shells,
   empty. */
const char *client_environment(const char *variable);

/* The host: --host, else PMULAB_HOST, else "localhost". It belongs to argv or the environment. */
const char *client_host(const struct client_options *options);

/* Sets `options->port`: --port, else the environment's `variable` (NULL: none), else `lab_port`.
   `min` is 0 if 0 may ask for a free port, else 1. False with `err` (STATUS_USAGE): the value is no
   port. */
bool client_find_port(struct client_options *options, const char *variable, uint16_t lab_port,
	long min, struct err *err);

/* Writes the path of the CA file: --ca, else PMULAB_CA_FILE, else the place where `pmulab serve`
   puts its ca.pem. False with `err` (STATUS_USAGE): there is no such place ($HOME is not set), or
   the path does not fit into `size` bytes. */
bool client_find_ca(const struct client_options *options, char *file, size_t size, struct err *err);

/* The parts of "ws://host:port/path" (RFC 6455 section 3). */
struct client_url {
	bool secure; /* wss:// */
	char host[256]; /* without the brackets of an IPv6 address */
	char port[8]; /* a text, not checked; "": the URL has none */
	char path[512]; /* "/": the URL has none */
};

/* Splits a URL. False with `err` (STATUS_USAGE): it is no ws:// or wss:// URL, a part is too long,
   or it has a user name, a query or a fragment, which are of no use here. */
bool client_url_parse(struct client_url *url, const char *text, struct err *err);

#endif
