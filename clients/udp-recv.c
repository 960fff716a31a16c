/*
 * Code B of the handout: prints each received datagram and its sender. One recvfrom(2) returns one
 * whole datagram. So nothing has to be put together as in a stream, and the bytes that do not fit
 * into the buffer are lost.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/client.h"
#include "clients/client_options.h"
#include "clients/client_udp.h"
#include "common/cli/cli.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/net.h"

static const struct cli_option rows[] = {
	CLIENT_ROW_BIND,
	CLIENT_ROW_PORT("and this port (else $PMULAB_UDP_PRINT_PORT, else 5001); 0: a free one"),
	CLIENT_ROW_COUNT("stop after N datagrams"),
	CLIENT_ROW_TIMEOUT("give up after so much silence; 0: never (0)"),
	CLIENT_ROW_JSON,
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "udp-recv",
	.summary = "print the UDP datagrams that come",
	.usage = "[options]",
	.about =
		"Prints the UDP datagrams that come, and where from. "
		"What is not printable is escaped.",
	.options = rows,
	.count = sizeof rows / sizeof rows[0],
	.examples = "udp-recv\n"
		    "udp-recv --bind ::1 -p 0 --count 1",
	.exit_status =
		"0 after N datagrams, 1 failed, 2 wrong usage, 3 the address cannot be bound.",
	.see_also = "echo-server pmulab udp-send",
};

/* Opens a UDP socket that is bound to `address`. -1 with `err`. */
static int open_socket(const struct address *address, struct err *err)
{
	int fd = socket(address->ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address->ss, address->len) == 0)
		return fd;
	char name[ADDRESS_TEXT];
	address_format(address, name);
	err_set(err, STATUS_BIND, "%s: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

struct numbers {
	long datagrams, bytes;
	double seconds;
};

/* Receives and prints datagrams, until --count of them have come, or silence or an error ends it
   with `err`. */
static void receive(const struct client_options *options, int fd, struct numbers *numbers,
	struct err *err)
{
	static char data[CLIENT_DATAGRAM_MAX];
	while (options->count == 0 || numbers->datagrams < options->count) {
		double deadline = options->timeout > 0 ? clock_now() + options->timeout : INFINITY;
		if (!client_wait(fd, POLLIN, deadline)) {
			err_set(err, STATUS_FAILED, "nothing came for %g s", options->timeout);
			return;
		}
		struct address from = { .len = sizeof from.ss };
		ssize_t len =
			recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from.ss, &from.len);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0) {
			err_set(err, STATUS_FAILED, "recvfrom: %s", strerror(errno));
			return;
		}
		numbers->datagrams++;
		numbers->bytes += len;
		if (options->json)
			continue;
		char name[ADDRESS_TEXT];
		address_format(&from, name);
		fputs("Received data: ", stdout);
		client_print_text(data, (size_t)len);
		printf("\nFrom Address: %s\n", name);
		if (!client_flush(err))
			return;
	}
}

static void report_json(const struct numbers *numbers, struct err *err)
{
	char text[1024];
	struct json json;
	json_begin(&json, text, sizeof text);
	json_put_integer(&json, "datagrams", numbers->datagrams);
	json_put_integer(&json, "bytes", numbers->bytes);
	json_put_real(&json, "seconds", numbers->seconds);
	client_print_json(&json, err);
}

int main(int argc, char **argv)
{
	struct client_options options = { .bind = "127.0.0.1" };
	struct numbers numbers = { 0 };
	struct address address;
	struct err err = { 0 };
	int operands = client_parse(&cli, argc, argv, client_on_option, &options);
	if (!client_no_operands(&cli, argc, argv, operands, &err) ||
		!client_find_port(&options, "PMULAB_UDP_PRINT_PORT", LAB_PRINT_PORT, 0, &err))
		return cli_fail(cli.program, &err);
	if (!address_parse(&address, options.bind, options.port)) {
		err_set(&err, STATUS_USAGE, "--bind: \"%s\" is no IP address", options.bind);
		return cli_fail(cli.program, &err);
	}

	signal(SIGPIPE, SIG_IGN); /* writing to a closed stdout fails with EPIPE */
	int fd = open_socket(&address, &err);
	if (fd < 0)
		return cli_fail(cli.program, &err);
	char name[ADDRESS_TEXT];
	net_local_address(fd, &address);
	address_format(&address, name);
	fprintf(stderr, "listening on %s\n", name);
	double start = clock_now();
	receive(&options, fd, &numbers, &err);
	numbers.seconds = clock_now() - start;
	close(fd);
	if (options.json)
		report_json(&numbers, &err);
	return err.text[0] ? cli_fail(cli.program, &err) : STATUS_OK;
}
