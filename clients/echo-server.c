/*
 * Code C of the handout: a blocking echo server. It accepts one client after another, reads 16 bytes at a
 * time and sends them back, until the client closes. A second client waits meanwhile in the backlog.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/client.h"
#include "common/cli.h"
#include "common/err.h"
#include "common/net.h"

enum { OPTION_BIND = CLI_FIRST, OPTION_PORT, OPTION_BUFFER, OPTION_TIMEOUT, OPTION_COUNT };

static const struct cli_option options[] = {
	{ OPTION_BIND, 0, "bind", "ADDRESS", "listen on this address of the machine (127.0.0.1)" },
	{ OPTION_PORT, 'p', "port", "PORT",
		"and this port (else $PMULAB_ECHO_PORT, else 5002); 0: a free one" },
	{ OPTION_BUFFER, 'b', "buffer", "BYTES", "what one recv() may return at most (16)" },
	{ OPTION_TIMEOUT, 't', "timeout", "SECONDS", "leave a client after so much silence; 0: never (0)" },
	{ OPTION_COUNT, 0, "count", "N", "stop after N clients" },
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "echo-server",
	.usage = "[options]",
	.about = "Sends back over TCP what comes, to one client after another, and prints each piece.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.epilogue = "Examples:\n"
		    "  echo-server\n"
		    "  echo-server -b 100       the message of code D in one line\n"
		    "  echo-server -p 0 --count 1\n"
		    "\n"
		    "Exit status: 0 after N clients, 1 failed, 2 wrong usage, 3 the address cannot be bound.",
};

struct settings {
	const char *bind, *port;
	long buffer, count; /* count 0: no end */
	double timeout; /* seconds; 0: none */
};

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	struct settings *settings = context;
	switch (id) {
	case OPTION_BIND:
		settings->bind = value;
		return true;
	case OPTION_PORT:
		settings->port = value;
		return true;
	case OPTION_BUFFER:
		return cli_integer("--buffer", value, 1, 65536, &settings->buffer, err);
	case OPTION_TIMEOUT:
		return cli_seconds("--timeout", value, &settings->timeout, err);
	case OPTION_COUNT:
		return cli_integer("--count", value, 1, 1000000000, &settings->count, err);
	}
	return false;
}

static bool send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, data, len, 0);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return false;
		data += sent;
		len -= (size_t)sent;
	}
	return true;
}

/* One client, from its connection to its end. What goes wrong here is that client's matter only. */
static void serve(const struct settings *settings, int fd, const char *peer)
{
	char buffer[65536];
	for (;;) {
		ssize_t len = recv(fd, buffer, (size_t)settings->buffer, 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len == 0) {
			printf("No more data from %s\n", peer);
			return;
		}
		if (len > 0)
			client_print_piece("received", buffer, (size_t)len);
		if (len < 0 || !send_all(fd, buffer, (size_t)len)) {
			bool silent = errno == EAGAIN || errno == EWOULDBLOCK; /* SO_RCVTIMEO, SO_SNDTIMEO */
			fprintf(stderr, "%s: %s: %s\n", cli.program, peer,
				silent ? "timed out" : strerror(errno));
			return;
		}
	}
}

/* Accepts and serves until `count` clients were served, or something that concerns all goes wrong. */
static bool serve_all(const struct settings *settings, int listener, struct err *err)
{
	for (long served = 0; settings->count == 0 || served < settings->count;) {
		char peer[ADDRESS_TEXT];
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0) {
			err_set(err, STATUS_FAILED, "accept: %s", strerror(errno));
			return false;
		}
		net_set_timeout(fd, settings->timeout);
		client_peer(fd, peer);
		serve(settings, fd, peer);
		close(fd);
		served++;
		if (ferror(stdout)) {
			err_set(err, STATUS_FAILED, "stdout: cannot be written");
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct settings settings = { .bind = "127.0.0.1", .buffer = 16 };
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
	if (argc > operands) {
		err_set(&err, STATUS_USAGE, "\"%s\" is one word too many; see echo-server --help",
			argv[operands]);
		return cli_fail(cli.program, &err);
	}
	uint16_t port = 0; /* the kernel chooses */
	bool chosen = settings.port && strcmp(settings.port, "0") == 0;
	if (!chosen && !client_port(settings.port, "PMULAB_ECHO_PORT", LAB_ECHO_PORT, &port, &err))
		return cli_fail(cli.program, &err);
	struct address address;
	if (!address_parse(&address, settings.bind, port)) {
		err_set(&err, STATUS_USAGE, "--bind: \"%s\" is no IP address", settings.bind);
		return cli_fail(cli.program, &err);
	}

	signal(SIGPIPE, SIG_IGN); /* a client that is gone shows as EPIPE */
	setvbuf(stdout, NULL, _IOLBF, 0); /* each line is visible at once, in a pipe too */
	const struct listen_options listen_options = { .backlog = 1 };
	int listener = net_listen(&address, &listen_options, &err);
	if (listener < 0)
		return cli_fail(cli.program, &err);
	char text[ADDRESS_TEXT];
	net_local_address(listener, &address);
	address_format(&address, text);
	fprintf(stderr, "listening on %s\n", text);
	fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) & ~O_NONBLOCK); /* accept() shall wait */

	bool done = serve_all(&settings, listener, &err);
	close(listener);
	return done ? STATUS_OK : cli_fail(cli.program, &err);
}
