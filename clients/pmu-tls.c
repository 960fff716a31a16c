/*
 * Part 6 of the lab, the server's side: a PMU that speaks TLS. It accepts one client after another, shows its
 * certificate, reads CMD_short:d and answers with n messages, d seconds apart. A second client waits
 * meanwhile in the backlog, so each one's time is limited.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/client.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/net.h"
#include "common/tls_context.h"
#include "common/transport.h"
#include "common/wire.h"

enum {
	OPTION_BIND = CLI_FIRST,
	OPTION_PORT,
	OPTION_CERT,
	OPTION_KEY,
	OPTION_LEGACY,
	OPTION_MESSAGES,
	OPTION_FIRST,
	OPTION_TIMEOUT,
	OPTION_COUNT
};

static const struct cli_option options[] = {
	{ OPTION_CERT, 0, "cert", "FILE", "the certificate that the TAs have signed, PEM" },
	{ OPTION_KEY, 0, "key", "FILE", "its private key, PEM" },
	{ OPTION_LEGACY, 0, "legacy", NULL, "use 1024-bit keys and SHA-1 too, as the handout's" },
	{ OPTION_BIND, 0, "bind", "ADDRESS", "listen on this address of the machine (127.0.0.1)" },
	{ OPTION_PORT, 'p', "port", "PORT", "and this port (5003); 0: a free one" },
	{ OPTION_MESSAGES, 'n', "messages", "N", "messages for one CMD_short (20)" },
	{ OPTION_FIRST, 0, "first", "I", "the first message's number (1)" },
	{ OPTION_TIMEOUT, 't', "timeout", "SECONDS",
		"leave a client that has not sent its command by then, or takes nothing for so long (10)" },
	{ OPTION_COUNT, 0, "count", "N", "stop after N clients" },
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "pmu-tls",
	.usage = "--cert FILE --key FILE [options]",
	.about =
		"Answers CMD_short:d over TLS with n messages, d seconds apart, to one client after another.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.epilogue = "Examples:\n"
		    "  pmu-tls --cert 123456_cert.pem --key 123456_key.pem\n"
		    "  pmu-tls --cert 123456_cert.pem --key 123456_key.pem --legacy -p 0 --count 1\n"
		    "\n"
		    "Exit status: 0 after N clients, 1 failed, 2 wrong usage or certificate, 3 the address\n"
		    "cannot be bound.",
};

struct settings {
	const char *bind, *cert, *key;
	long port, messages, first, count; /* count 0: no end */
	double timeout; /* seconds */
	bool legacy;
};

/* The client that is being served. */
struct client {
	const struct settings *settings;
	int fd;
	struct transport *tls;
	double deadline; /* clock_now() */
	struct err err;
	struct wire_command command;
	long messages, bytes; /* sent so far */
};

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	struct settings *settings = context;
	switch (id) {
	case OPTION_BIND:
		settings->bind = value;
		return true;
	case OPTION_PORT:
		return cli_integer("--port", value, 0, 65535, &settings->port, err);
	case OPTION_CERT:
		settings->cert = value;
		return true;
	case OPTION_KEY:
		settings->key = value;
		return true;
	case OPTION_LEGACY:
		settings->legacy = true;
		return true;
	case OPTION_MESSAGES:
		return cli_integer("--messages", value, 1, 1000000, &settings->messages, err);
	case OPTION_FIRST:
		return cli_integer("--first", value, 0, 1000000000, &settings->first, err);
	case OPTION_TIMEOUT:
		return cli_seconds("--timeout", value, &settings->timeout, err);
	case OPTION_COUNT:
		return cli_integer("--count", value, 1, 1000000000, &settings->count, err);
	}
	return false;
}

/* For poll(2): never less than `seconds`, or the caller would spin; at most an hour. */
static int milliseconds(double seconds)
{
	return (int)ceil(fmin(seconds, 3600) * 1000);
}

/* Blocks until the transport can go on; poll(2) takes the time that is left. With SO_RCVTIMEO instead, a
   client that sends one byte now and then would stay for ever, and all others would wait. */
static bool wait_for(struct client *client, enum io io, double deadline)
{
	struct pollfd ready = { .fd = client->fd, .events = io == IO_WANT_WRITE ? POLLOUT : POLLIN };
	for (;;) {
		double left = deadline - clock_now();
		if (left <= 0)
			return false;
		if (poll(&ready, 1, milliseconds(left)) > 0)
			return true;
	}
}

/* True when the transport shall be asked again. */
static bool again(struct client *client, enum io io, const char *what)
{
	if (io == IO_WANT_READ || io == IO_WANT_WRITE) {
		if (wait_for(client, io, client->deadline))
			return true;
		err_set(&client->err, STATUS_FAILED, "%s: timed out", what);
	} else if (io == IO_EOF) {
		err_set(&client->err, STATUS_FAILED, "%s: the client has closed the connection", what);
	} else {
		client->err = client->tls->err;
	}
	return false;
}

static bool handshake(struct client *client)
{
	enum io io;
	do
		io = client->tls->ops->handshake(client->tls);
	while (io != IO_DONE && again(client, io, "TLS handshake"));
	return io == IO_DONE;
}

static bool send_text(struct client *client, const char *text, size_t len)
{
	client->deadline = clock_now() + client->settings->timeout;
	while (len > 0) {
		size_t taken;
		enum io io = client->tls->ops->send(client->tls, text, len, &taken);
		if (io == IO_DONE) {
			text += taken;
			len -= taken;
			client->bytes += (long)taken;
		} else if (!again(client, io, "sending")) {
			return false;
		}
	}
	return true;
}

/* A command has no end mark: "CMD_short:1" may be all of it, or the beginning of "CMD_short:10". What came in
   one piece is taken at once; what comes in pieces is given a moment to go on. */
static bool read_command(struct client *client)
{
	char text[WIRE_COMMAND_MAX];
	size_t have = 0, len;
	enum wire_verdict verdict = WIRE_PREFIX;
	bool last;
	for (int pieces = 0; have < sizeof text;) {
		enum io io =
			client->tls->ops->recv(client->tls, text + have, sizeof text - have, &len, &last);
		if (io == IO_DONE) {
			have += len;
			pieces++;
			verdict = wire_parse_command(text, have, &client->command);
			if (verdict != WIRE_PREFIX && !(verdict == WIRE_OPEN && pieces > 1))
				break;
		} else if (verdict == WIRE_OPEN) {
			if (io == IO_WANT_READ && wait_for(client, io, clock_now() + 0.1))
				continue;
			break;
		} else if (io == IO_EOF && have > 0) {
			break;
		} else if (!again(client, io, "waiting for the command")) {
			return false;
		}
	}
	bool known = verdict == WIRE_COMMAND || verdict == WIRE_OPEN;
	if (known && client->command.kind == WIRE_SHORT && client->command.interval <= WIRE_INTERVAL_MAX &&
		client->command.interval * (double)client->settings->messages <= WIRE_STREAM_MAX)
		return true;
	char seen[WIRE_ESCAPED_MAX], answer[WIRE_ESCAPED_MAX + 64];
	wire_escape(seen, text, have);
	int written =
		snprintf(answer, sizeof answer, "ERROR expected CMD_short:<seconds>, got \"%s\"\n", seen);
	if (send_text(client, answer, (size_t)written))
		err_set(&client->err, STATUS_FAILED, "not a command: \"%s\"", seen);
	return false;
}

/* False when the connection has broken meanwhile. A client that has only ended its own direction waits. */
static bool sleep_until(struct client *client, double when)
{
	struct pollfd broken = { .fd = client->fd };
	for (;;) {
		double left = when - clock_now();
		if (left <= 0)
			return true;
		if (poll(&broken, 1, milliseconds(left)) > 0) {
			err_set(&client->err, STATUS_FAILED, "the client has closed the connection");
			return false;
		}
	}
}

static bool send_messages(struct client *client)
{
	double start = clock_now();
	for (long i = 0; i < client->settings->messages; i++) {
		char text[WIRE_MESSAGE_MAX];
		size_t len = wire_format_message(text, client->settings->first + i);
		/* from the start, not from now: the pauses do not add up to a drift */
		if (!sleep_until(client, start + (double)i * client->command.interval) ||
			!send_text(client, text, len))
			return false;
		client->messages++;
	}
	return true;
}

/* Our close_notify, then TCP's FIN. What the client may still have sent is read, or close() would answer it
   with a reset, which can overtake the messages (RFC 1122 4.2.2.13). */
static void say_goodbye(struct client *client)
{
	char buffer[4096];
	enum io io;
	client->deadline = clock_now() + fmin(client->settings->timeout, 2);
	do
		io = client->tls->ops->finish(client->tls);
	while (io != IO_DONE && again(client, io, "close_notify"));
	shutdown(client->fd, SHUT_WR);
	while (wait_for(client, IO_WANT_READ, client->deadline) &&
		recv(client->fd, buffer, sizeof buffer, 0) > 0)
		;
}

/* One client, from its connection to its end. What goes wrong here is that client's matter only. */
static void serve(const struct settings *settings, struct tls_context *context, int fd)
{
	struct client client = {
		.settings = settings, .fd = fd, .deadline = clock_now() + settings->timeout
	};
	struct transport_about about;
	char peer[ADDRESS_TEXT];
	client_peer(fd, peer);
	client.tls = transport_tls_create(context, fd, NULL);
	if (!client.tls) {
		fprintf(stderr, "%s: %s: out of memory\n", cli.program, peer);
		return;
	}
	bool done = handshake(&client) && read_command(&client) && send_messages(&client);
	client.tls->ops->describe(client.tls, &about);
	if (done)
		printf("%s: CMD_short:%g, %ld message%s, %ld bytes, %s %s\n", peer, client.command.interval,
			client.messages, client_plural(client.messages), client.bytes, about.tls_version,
			about.tls_cipher);
	else
		fprintf(stderr, "%s: %s: %s\n", cli.program, peer, client.err.text);
	say_goodbye(&client);
	transport_destroy(client.tls);
}

/* Accepts and serves until `count` clients were served, or something that concerns all goes wrong. */
static bool serve_all(
	const struct settings *settings, struct tls_context *context, int listener, struct err *err)
{
	for (long served = 0; settings->count == 0 || served < settings->count;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0) {
			err_set(err, STATUS_FAILED, "accept: %s", strerror(errno));
			return false;
		}
		serve(settings, context, fd);
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
	struct settings settings = {
		.bind = "127.0.0.1", .port = LAB_PMU_PORT, .messages = 20, .first = 1, .timeout = 10
	};
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
	struct address address;
	if (argc > operands)
		err_set(&err, STATUS_USAGE, "\"%s\" is one word too many; see pmu-tls --help",
			argv[operands]);
	else if (!settings.cert || !settings.key)
		err_set(&err, STATUS_USAGE, "--cert FILE and --key FILE are needed; see pmu-tls --help");
	else if (!address_parse(&address, settings.bind, (uint16_t)settings.port))
		err_set(&err, STATUS_USAGE, "--bind: \"%s\" is no IP address", settings.bind);
	if (err.text[0])
		return cli_fail(cli.program, &err);
	struct tls_context *context = tls_context_server(settings.cert, settings.key, settings.legacy, &err);
	if (!context)
		return cli_fail(cli.program, &err);

	signal(SIGPIPE, SIG_IGN); /* a client that is gone shows as EPIPE */
	setvbuf(stdout, NULL, _IOLBF, 0); /* each line is visible at once, in a pipe too */
	const struct listen_options listen_options = { .backlog = 16 };
	int listener = net_listen(&address, &listen_options, &err);
	if (listener < 0) {
		tls_context_destroy(context);
		return cli_fail(cli.program, &err);
	}
	char text[ADDRESS_TEXT];
	net_local_address(listener, &address);
	address_format(&address, text);
	fprintf(stderr, "listening on %s\n", text);
	fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) & ~O_NONBLOCK); /* accept() shall wait */

	bool done = serve_all(&settings, context, listener, &err);
	close(listener);
	tls_context_destroy(context);
	return done ? STATUS_OK : cli_fail(cli.program, &err);
}
