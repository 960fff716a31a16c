/*
 * Code C of the handout: a blocking echo server. It accepts one client after another, reads 16
 * bytes at a time and sends them back, until the client closes. Meanwhile a second client waits in
 * the backlog.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/client.h"
#include "clients/client_options.h"
#include "common/cli/cli.h"
#include "common/err.h"
#include "common/json.h"
#include "common/net.h"

static const struct cli_option rows[] = {
	CLIENT_ROW_BIND,
	CLIENT_ROW_PORT("and this port (else $PMULAB_ECHO_PORT, else 5002); 0: a free one"),
	CLIENT_ROW_BUFFER("16"),
	CLIENT_ROW_TIMEOUT("leave a client after so much silence; 0: never (0)"),
	CLIENT_ROW_COUNT("stop after N clients"),
	CLIENT_ROW_JSON,
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "echo-server",
	.summary = "send back what comes over TCP",
	.usage = "[options]",
	.about =
		"Sends back over TCP what comes, to one client after another, "
		"and prints each piece.",
	.options = rows,
	.count = sizeof rows / sizeof rows[0],
	.examples = "echo-server\n"
		    "echo-server -b 100       the message of code D in one line\n"
		    "echo-server -p 0 --count 1\n"
		    "echo-server --count 1 --json   how many recv() calls one client takes",
	.exit_status = "0 after N clients, 1 failed, 2 wrong usage, 3 the address cannot be bound.",
	.see_also = "echo-client pmulab udp-recv",
};

struct numbers {
	long clients, received, sent, recv_calls; /* received and sent: bytes */
};

/* Serves one client, from its connection to its end. An error here ends this client only. */
static void serve(const struct client_options *options, int fd, struct numbers *numbers)
{
	static char buffer[CLIENT_BUFFER_MAX]; /* only the used part takes memory */
	char peer[ADDRESS_TEXT];
	net_set_timeout(fd, options->timeout);
	client_peer(fd, peer);
	for (;;) {
		ssize_t len = recv(fd, buffer, (size_t)options->buffer, 0);
		if (len < 0 && errno == EINTR)
			continue;
		numbers->recv_calls++;
		if (len == 0) {
			if (!options->json)
				printf("No more data from %s\n", peer);
			return;
		}
		size_t sent = 0;
		if (len > 0) {
			numbers->received += len;
			if (!options->json)
				client_print_piece("received", buffer, (size_t)len);
			sent = client_send_all(fd, buffer, (size_t)len);
			numbers->sent += (long)sent;
		}
		if (len < 0 || sent < (size_t)len) {
			bool silent;
			fprintf(stderr, "%s: %s: %s\n", cli.program, peer,
				client_socket_error(&silent));
			return;
		}
	}
}

/* Serves clients until --count of them were served. It ends early, with `err`, if accepting fails
   or stdout cannot be written. */
static void serve_all(const struct client_options *options, int listener, struct numbers *numbers,
	struct err *err)
{
	for (; options->count == 0 || numbers->clients < options->count; numbers->clients++) {
		int fd = client_accept(listener, SOCK_CLOEXEC, err);
		if (fd < 0)
			return;
		serve(options, fd, numbers);
		close(fd);
		if (ferror(stdout)) {
			err_set(err, STATUS_FAILED, "stdout: cannot be written");
			return;
		}
	}
}

static void report_json(const struct numbers *numbers, long buffer, struct err *err)
{
	char text[1024];
	struct json json;
	json_begin(&json, text, sizeof text);
	json_put_integer(&json, "clients", numbers->clients);
	json_put_integer(&json, "received", numbers->received);
	json_put_integer(&json, "sent", numbers->sent);
	json_put_integer(&json, "recv_calls", numbers->recv_calls);
	json_put_integer(&json, "buffer", buffer);
	client_print_json(&json, err);
}

int main(int argc, char **argv)
{
	struct client_options options = { .bind = "127.0.0.1", .buffer = 16 };
	struct numbers numbers = { 0 };
	struct err err = { 0 };
	int operands = client_parse(&cli, argc, argv, client_on_option, &options);
	if (!client_no_operands(&cli, argc, argv, operands, &err) ||
		!client_find_port(&options, "PMULAB_ECHO_PORT", LAB_ECHO_PORT, 0, &err))
		return cli_fail(cli.program, &err);

	signal(SIGPIPE, SIG_IGN); /* writing to a closed connection fails with EPIPE */
	setvbuf(stdout, NULL, _IOLBF, 0); /* print each line at once, also into a pipe */
	int listener = client_listen(options.bind, options.port, 1, &err);
	if (listener < 0)
		return cli_fail(cli.program, &err);
	serve_all(&options, listener, &numbers, &err);
	close(listener);
	if (options.json)
		report_json(&numbers, options.buffer, &err);
	return err.text[0] ? cli_fail(cli.program, &err) : STATUS_OK;
}
