/*
 * Code D of the handout: sends a message and reads until all of it has come back, 16 bytes at a time. Code D
 * then loops for ever to keep the connection; so does this one under --hold, without using the processor.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/client.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/net.h"

enum {
	OPTION_IPV4 = CLI_FIRST,
	OPTION_IPV6,
	OPTION_HOST,
	OPTION_PORT,
	OPTION_BUFFER,
	OPTION_TIMEOUT,
	OPTION_HOLD,
	OPTION_JSON,
};

static const struct cli_option options[] = {
	{ OPTION_IPV4, '4', "ipv4", NULL, "IPv4 only" },
	{ OPTION_IPV6, '6', "ipv6", NULL, "IPv6 only" },
	{ OPTION_HOST, 'H', "host", "HOST",
		"the server's name or address (else $PMULAB_HOST, else localhost)" },
	{ OPTION_PORT, 'p', "port", "PORT", "its port (else $PMULAB_ECHO_PORT, else 5002)" },
	{ OPTION_BUFFER, 'b', "buffer", "BYTES", "what one recv() may return at most (16)" },
	{ OPTION_TIMEOUT, 't', "timeout", "SECONDS", "give up after so much silence; 0: never (10)" },
	{ OPTION_HOLD, 0, "hold", NULL, "keep the connection at the end, until Ctrl-C" },
	{ OPTION_JSON, 0, "json", NULL, "print the numbers as one JSON object instead of the data" },
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "echo-client",
	.usage = "[options] [MESSAGE]",
	.about = "Sends MESSAGE (else what Juliet says in code D) to an echo server over TCP and prints what "
		 "comes\n"
		 "back, one line for each recv().",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.epilogue = "Examples:\n"
		    "  echo-client\n"
		    "  echo-client -b 4 'Good night, good night!'\n"
		    "  echo-client --hold & netstat -an | grep 5002\n"
		    "\n"
		    "Exit status: 0 all came back, 1 failed, 2 wrong usage, 3 something else came back.",
};

struct settings {
	const char *host, *port_text;
	int family;
	long buffer;
	double timeout; /* seconds */
	bool hold, json;
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
	switch (id) {
	case OPTION_IPV4:
		settings->family = AF_INET;
		return true;
	case OPTION_IPV6:
		settings->family = AF_INET6;
		return true;
	case OPTION_HOST:
		settings->host = value;
		return true;
	case OPTION_PORT:
		settings->port_text = value;
		return true;
	case OPTION_BUFFER:
		return cli_integer("--buffer", value, 1, 65536, &settings->buffer, err);
	case OPTION_TIMEOUT:
		return cli_seconds("--timeout", value, &settings->timeout, err);
	case OPTION_HOLD:
		settings->hold = true;
		return true;
	case OPTION_JSON:
		settings->json = true;
		return true;
	}
	return false;
}

static void io_failed(const struct settings *settings, const char *peer, struct err *err)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK) /* SO_RCVTIMEO or SO_SNDTIMEO, socket(7) */
		err_set(err, STATUS_FAILED, "%s: nothing happened for %g s", peer, settings->timeout);
	else
		err_set(err, STATUS_FAILED, "%s: %s", peer, strerror(errno));
}

/* Sends the message and reads as many bytes as were sent. */
static bool exchange(const struct settings *settings, int fd, const char *message, struct numbers *numbers,
	struct err *err)
{
	size_t expected = strlen(message);
	char buffer[65536];

	client_peer(fd, numbers->peer);
	if (!settings->json)
		client_print_piece("sending", message, expected);
	while (numbers->sent < expected) {
		ssize_t len = send(fd, message + numbers->sent, expected - numbers->sent, 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0) {
			io_failed(settings, numbers->peer, err);
			return false;
		}
		numbers->sent += (size_t)len;
	}
	while (numbers->received < expected) {
		ssize_t len = recv(fd, buffer, (size_t)settings->buffer, 0);
		if (len < 0 && errno == EINTR)
			continue;
		numbers->recv_calls++;
		if (len < 0) {
			io_failed(settings, numbers->peer, err);
			return false;
		}
		if (len == 0) {
			err_set(err, STATUS_PROTOCOL, "%s: closed after %zu of %zu bytes", numbers->peer,
				numbers->received, expected);
			return false;
		}
		if (!settings->json)
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

static void report_json(const struct numbers *numbers, long buffer, const struct err *err)
{
	char text[2048];
	struct json json;
	json_begin(&json, text, sizeof text);
	json_string(&json, "peer", numbers->peer);
	json_integer(&json, "sent", (int64_t)numbers->sent);
	json_integer(&json, "received", (int64_t)numbers->received);
	json_integer(&json, "recv_calls", numbers->recv_calls);
	json_integer(&json, "buffer", buffer);
	json_real(&json, "seconds", numbers->seconds);
	json_string(&json, "error", err->text[0] ? err->text : NULL);
	json_end(&json);
	puts(text);
}

int main(int argc, char **argv)
{
	struct settings settings = { .family = AF_UNSPEC, .buffer = 16, .timeout = 10 };
	struct numbers numbers = { 0 };
	struct err err = { 0 };
	int operands;
	switch (cli_parse(&cli, argc, argv, on_option, &settings, &operands, &err)) {
	case CLI_DONE:
		return STATUS_OK;
	case CLI_ERROR:
		return cli_fail(cli.program, &err);
	case CLI_RUN:
		break;
	}
	uint16_t port;
	if (!client_port(settings.port_text, "PMULAB_ECHO_PORT", LAB_ECHO_PORT, &port, &err))
		return cli_fail(cli.program, &err);
	if (argc - operands > 1) {
		err_set(&err, STATUS_USAGE, "one MESSAGE at most, in quotes; see echo-client --help");
		return cli_fail(cli.program, &err);
	}
	const char *message = argc > operands ? argv[operands] : "O Romeo, Romeo! wherefore art thou Romeo?";

	signal(SIGPIPE, SIG_IGN); /* a connection that is gone shows as EPIPE */
	setvbuf(stdout, NULL, _IOLBF, 0); /* each line is visible at once, in a pipe too */
	int fd = net_connect(client_host(settings.host), port, settings.family, settings.timeout, &err);
	if (fd < 0)
		return cli_fail(cli.program, &err);
	double start = clock_now();
	bool done = exchange(&settings, fd, message, &numbers, &err);
	numbers.seconds = clock_now() - start;
	if (settings.json)
		report_json(&numbers, settings.buffer, &err);
	else
		fprintf(stderr, "%zu byte%s, %ld recv() call%s of up to %ld\n", numbers.received,
			client_plural((long)numbers.received), numbers.recv_calls,
			client_plural(numbers.recv_calls), settings.buffer);
	if (fflush(stdout) != 0 && errno != EPIPE && done) {
		err_set(&err, STATUS_FAILED, "stdout: %s", strerror(errno));
		done = false;
	}
	while (done && settings.hold)
		pause();
	close(fd);
	return done ? STATUS_OK : cli_fail(cli.program, &err);
}
