/*
 * Code A of the handout: sends one datagram. UDP has no connection, so the sender does not learn
 * whether anybody has received the datagram.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/client.h"
#include "clients/client_options.h"
#include "clients/client_udp.h"
#include "common/cli/cli.h"
#include "common/err.h"
#include "common/json.h"
#include "common/net.h"

static const struct cli_option rows[] = {
	CLIENT_ROWS_FAMILY,
	CLIENT_ROW_HOST("the receiver's name or address"),
	CLIENT_ROW_PORT("its port (else $PMULAB_UDP_PRINT_PORT, else 5001)"),
	CLIENT_ROW_TIMEOUT("give up when the datagram cannot leave for so long; 0: never (0)"),
	CLIENT_ROW_JSON,
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "udp-send",
	.summary = "send one UDP datagram",
	.usage = "[options] [TEXT]",
	.about =
		"Sends TEXT (else what code A says) in one UDP datagram. "
		"IPv4, unless HOST only has IPv6.",
	.options = rows,
	.count = sizeof rows / sizeof rows[0],
	.examples = "udp-send\n"
		    "udp-send -p 5001 'Good night, good night!'",
	.exit_status = "0 sent, which does not mean received, 1 failed, 2 wrong usage.",
	.see_also = "echo-client pmulab udp-recv",
};

int main(int argc, char **argv)
{
	struct client_options options = { 0 };
	struct address to;
	struct err err = { 0 };
	int operands = client_parse(&cli, argc, argv, client_on_option, &options);
	if (argc - operands > 1) {
		err_set(&err, STATUS_USAGE, "one TEXT at most, in quotes; see udp-send --help");
		return cli_fail(cli.program, &err);
	}
	const char *text = argc > operands ? argv[operands] : "Hello, Romeo ";
	if (!client_find_port(&options, "PMULAB_UDP_PRINT_PORT", LAB_PRINT_PORT, 1, &err) ||
		!client_resolve(client_host(&options), options.port, options.family, &to, &err))
		return cli_fail(cli.program, &err);

	char name[ADDRESS_TEXT];
	address_format(&to, name);
	int fd = socket(to.ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		net_set_timeout(fd, options.timeout);
	ssize_t sent =
		fd < 0 ? -1 : sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to.ss, to.len);
	bool silent;
	if (sent < 0)
		err_set(&err, STATUS_FAILED, "%s: %s", name, client_socket_error(&silent));
	if (fd >= 0)
		close(fd);

	if (options.json) {
		char line[1024];
		struct json json;
		json_begin(&json, line, sizeof line);
		json_put_string(&json, "to", name);
		json_put_integer(&json, "bytes", sent < 0 ? 0 : sent);
		client_print_json(&json, &err);
	} else if (sent >= 0) {
		puts("Message sent");
		fprintf(stderr, "%zd byte%s to %s\n", sent, client_plural(sent), name);
	}
	client_flush(&err);
	return err.text[0] ? cli_fail(cli.program, &err) : STATUS_OK;
}
