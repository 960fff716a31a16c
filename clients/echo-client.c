/*
 * Code D of the handout: sends a message and reads until all of it has come back, 16 bytes at a
 * time. Code D then loops for ever to keep the connection. With --hold this client keeps it too,
 * but does not use the processor.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/client.h"
#include "clients/client_options.h"
#include "common/cli/cli.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/net.h"

enum { OPTION_HOLD = CLIENT_FIRST };

static const struct cli_option rows[] = {
	CLIENT_ROWS_FAMILY,
	CLIENT_ROW_HOST("the server's name or address"),
	CLIENT_ROW_PORT("its port (else $PMULAB_ECHO_PORT, else 5002)"),
	CLIENT_ROW_BUFFER("16"),
	CLIENT_ROW_TIMEOUT("give up after so much silence; 0: never (10)"),
	{ OPTION_HOLD, 0, "hold", NULL, "keep the connection at the end, until Ctrl-C" },
	CLIENT_ROW_JSON,
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "echo-client",
	.summary = "send a text to an echo server over TCP",
	.usage = "[options] [MESSAGE]",
	.about =
		"Sends MESSAGE (else what Juliet says in code D) to an echo server over TCP "
		"and prints what\n"
		"comes back, one line for each recv().",
	.options = rows,
	.count = sizeof rows / sizeof rows[0],
	.examples = "echo-client\n"
		    "echo-client -b 4 'Good night, good night!'\n"
		    "echo-client --hold & netstat -an | grep 5002",
	.exit_status = "0 all came back, 1 failed, 2 wrong usage, 3 something else came back.",
	.see_also = "echo-server pdc pmulab udp-send",
};

struct settings {
	struct client_options options;
	bool hold;
};

struct numbers {
	char peer[ADDRESS_TEXT];
	size_t sent, received;
	long recv_calls;
	double seconds;
};

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	struct settings *settings = context;
	if (id != OPTION_HOLD)
		return client_on_option(&settings->options, id, value, err);
	settings->hold = true;
	return true;
}

static void io_failed(const struct client_options *options, const char *peer, struct err *err)
{
	bool silent;
	const char *reason = client_socket_error(&silent);
	if (silent)
		err_set(err, STATUS_FAILED, "%s: nothing happened for %g s", peer,
			options->timeout);
	else
		err_set(err, STATUS_FAILED, "%s: %s", peer, reason);
}

/* Sends the message and reads as many bytes as were sent. */
static bool exchange(const struct client_options *options, int fd, const char *message,
	struct numbers *numbers, struct err *err)
{
	static char buffer[CLIENT_BUFFER_MAX]; /* only the used part takes memory */
	size_t expected = strlen(message);

	if (!options->json)
		client_print_piece("sending", message, expected);
	numbers->sent = client_send_all(fd, message, expected);
	if (numbers->sent < expected) {
		io_failed(options, numbers->peer, err);
		return false;
	}
	while (numbers->received < expected) {
		ssize_t len = recv(fd, buffer, (size_t)options->buffer, 0);
		if (len < 0 && errno == EINTR)
			continue;
		numbers->recv_calls++;
		if (len < 0) {
			io_failed(options, numbers->peer, err);
			return false;
		}
		if (len == 0) {
			err_set(err, STATUS_PROTOCOL, "%s: closed after %zu of %zu bytes",
				numbers->peer, numbers->received, expected);
			return false;
		}
		if (!options->json)
			client_print_piece("received", buffer, (size_t)len);
		if ((size_t)len > expected - numbers->received ||
			memcmp(buffer, message + numbers->received, (size_t)len) != 0) {
			err_set(err, STATUS_PROTOCOL, "%s: what came back is not what was sent",
				numbers->peer);
			return false;
		}
		numbers->received += (size_t)len;
	}
	return true;
}

static void report_json(const struct numbers *numbers, long buffer, struct err *err)
{
	char text[2048];
	struct json json;
	json_begin(&json, text, sizeof text);
	json_put_string(&json, "peer", numbers->peer);
	json_put_integer(&json, "sent", (int64_t)numbers->sent);
	json_put_integer(&json, "received", (int64_t)numbers->received);
	json_put_integer(&json, "recv_calls", numbers->recv_calls);
	json_put_integer(&json, "buffer", buffer);
	json_put_real(&json, "seconds", numbers->seconds);
	client_print_json(&json, err);
}

int main(int argc, char **argv)
{
	struct settings settings = { .options = { .buffer = 16, .timeout = 10 } };
	struct client_options *options = &settings.options;
	struct numbers numbers = { 0 };
	struct err err = { 0 };
	int operands = client_parse(&cli, argc, argv, on_option, &settings);
	if (!client_find_port(options, "PMULAB_ECHO_PORT", LAB_ECHO_PORT, 1, &err))
		return cli_fail(cli.program, &err);
	if (argc - operands > 1) {
		err_set(&err, STATUS_USAGE,
			"one MESSAGE at most, in quotes; see echo-client --help");
		return cli_fail(cli.program, &err);
	}
	const char *message =
		argc > operands ? argv[operands] : "O Romeo, Romeo! wherefore art thou Romeo?";

	signal(SIGPIPE, SIG_IGN); /* writing to a closed connection fails with EPIPE */
	setvbuf(stdout, NULL, _IOLBF, 0); /* print each line at once, also into a pipe */
	int fd = net_connect(client_host(options), options->port, options->family, options->timeout,
		&err);
	if (fd < 0)
		return cli_fail(cli.program, &err);
	client_peer(fd, numbers.peer);
	double start = clock_now();
	bool done = exchange(options, fd, message, &numbers, &err);
	numbers.seconds = clock_now() - start;
	if (options->json)
		report_json(&numbers, options->buffer, &err);
	else
		fprintf(stderr, "%zu byte%s, %ld recv() call%s of up to %ld\n", numbers.received,
			client_plural((long)numbers.received), numbers.recv_calls,
			client_plural(numbers.recv_calls), options->buffer);
	if (done)
		client_flush(&err);
	while (done && settings.hold)
		pause();
	close(fd);
	return err.text[0] ? cli_fail(cli.program, &err) : STATUS_OK;
}
