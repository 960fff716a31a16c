/*
 * Part 6 of the lab, the server's side: a PMU that speaks TLS. It accepts one client after another,
 * shows its certificate, reads CMD_short:d and answers with n messages, d seconds apart. Meanwhile
 * a second client waits in the backlog, so each client's time is limited.
 */
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/client.h"
#include "clients/client_options.h"
#include "common/carrier/tls_context.h"
#include "common/carrier/transport.h"
#include "common/cli/cli.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/wire.h"

enum { OPTION_CERT = CLIENT_FIRST, OPTION_KEY, OPTION_MESSAGES, OPTION_FIRST };

static const struct cli_option rows[] = {
	{ OPTION_CERT, 0, "cert", "FILE", "the certificate that the TAs have signed, PEM" },
	{ OPTION_KEY, 0, "key", "FILE", "its private key, PEM" },
	CLIENT_ROW_LEGACY("use 1024-bit keys and SHA-1 too, as the handout's"),
	CLIENT_ROW_BIND,
	CLIENT_ROW_PORT("and this port (5003); 0: a free one"),
	{ OPTION_MESSAGES, 'n', "messages", "N", "messages for one CMD_short (20)" },
	{ OPTION_FIRST, 0, "first", "I", "the first message's number (1)" },
	CLIENT_ROW_TIMEOUT(
		"leave a client that has not sent its command by then, "
		"or takes nothing for so long; 0: never (10)"),
	CLIENT_ROW_COUNT("stop after N clients"),
	CLIENT_ROW_JSON,
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "pmu-tls",
	.summary = "a PMU that answers over TLS",
	.usage = "--cert FILE --key FILE [options]",
	.about =
		"Answers CMD_short:d over TLS with n messages, d seconds apart, "
		"to one client after another.",
	.options = rows,
	.count = sizeof rows / sizeof rows[0],
	.examples = "pmu-tls --cert 123456_cert.pem --key 123456_key.pem\n"
		    "pmu-tls --cert 123456_cert.pem --key 123456_key.pem --legacy -p 0 --count 1",
	.exit_status = "0 after N clients, 1 failed, 2 wrong usage or certificate, 3 the address\n"
		       "cannot be bound.",
	.see_also = "pdc-tls pmulab",
};

enum { GOODBYE_SECONDS = 2 };

struct settings {
	struct client_options options;
	const char *cert, *key;
	long messages, first;
};

struct numbers {
	long clients, answered; /* answered: the clients that got all their messages */
	long messages, bytes; /* sent */
};

/* The current client. */
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
	case OPTION_CERT:
		settings->cert = value;
		return true;
	case OPTION_KEY:
		settings->key = value;
		return true;
	case OPTION_MESSAGES:
		return cli_integer("--messages", value, 1, 1000000, &settings->messages, err);
	case OPTION_FIRST:
		return cli_integer("--first", value, 0, 1000000000, &settings->first, err);
	}
	return client_on_option(&settings->options, id, value, err);
}

/* The end of the time limit that a client has from now on, on clock_now. */
static double deadline_of(const struct settings *settings)
{
	return settings->options.timeout > 0 ? clock_now() + settings->options.timeout : INFINITY;
}

/* Handles a result of the transport that is not IO_DONE. True: poll(2) has waited, so call the
   transport again. False: the client's `err` is set. The deadline limits all waits together. With
   SO_RCVTIMEO instead, a client that sends one byte now and then would stay for ever, and the other
   clients would wait. */
static bool again(struct client *client, enum io io, const char *what)
{
	if (io == IO_WANT_READ || io == IO_WANT_WRITE) {
		if (client_wait(client->fd, io == IO_WANT_WRITE ? POLLOUT : POLLIN,
			    client->deadline))
			return true;
		err_set(&client->err, STATUS_FAILED, "%s: timed out", what);
	} else if (io == IO_EOF) {
		err_set(&client->err, STATUS_FAILED, "%s: the client has closed the connection",
			what);
	} else {
		client->err = client->tls->err;
	}
	return false;
}

/* Does the handshake or `finish`, which take several calls. */
static bool complete(struct client *client, enum io (*step)(struct transport *), const char *what)
{
	enum io io;
	do
		io = step(client->tls);
	while (io != IO_DONE && again(client, io, what));
	return io == IO_DONE;
}

static bool send_text(struct client *client, const char *text, size_t len)
{
	client->deadline = deadline_of(client->settings);
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

/* Reads the command. It has no end mark: "CMD_short:1" may be complete, or the beginning of
   "CMD_short:10". A command that came in one piece is complete. One that came in pieces is complete
   after a short silence. */
static bool read_command(struct client *client)
{
	char text[WIRE_COMMAND_MAX];
	size_t have = 0, len;
	enum wire_verdict verdict = WIRE_PREFIX;
	bool last;
	for (int pieces = 0; have < sizeof text;) {
		enum io io = client->tls->ops->recv(client->tls, text + have, sizeof text - have,
			&len, &last);
		if (io == IO_DONE) {
			have += len;
			pieces++;
			verdict = wire_parse_command(text, have, &client->command);
			if (verdict != WIRE_PREFIX && !(verdict == WIRE_OPEN && pieces > 1))
				break;
		} else if (verdict == WIRE_OPEN) {
			if (io == IO_WANT_READ &&
				client_wait(client->fd, POLLIN, clock_now() + 0.1))
				continue;
			break;
		} else if (io == IO_EOF && have > 0) {
			break;
		} else if (!again(client, io, "waiting for the command")) {
			return false;
		}
	}
	bool known = verdict == WIRE_COMMAND || verdict == WIRE_OPEN;
	if (known && client->command.kind == WIRE_SHORT &&
		client->command.interval <= WIRE_INTERVAL_MAX &&
		client->command.interval * (double)client->settings->messages <= WIRE_STREAM_MAX)
		return true;
	char seen[WIRE_ESCAPED_MAX], answer[WIRE_ESCAPED_MAX + 64];
	wire_escape(seen, text, have);
	int written = snprintf(answer, sizeof answer,
		"ERROR expected CMD_short:<seconds>, got \"%s\"\n", seen);
	if (send_text(client, answer, (size_t)written))
		err_set(&client->err, STATUS_FAILED, "not a command: \"%s\"", seen);
	return false;
}

static bool send_messages(struct client *client)
{
	double start = clock_now();
	for (long i = 0; i < client->settings->messages; i++) {
		char text[WIRE_MESSAGE_MAX];
		size_t len = wire_format_message(text, client->settings->first + i);
		/* The deadline counts from the start, so that the pauses do not add up to a drift.
		   Events 0: only a broken connection ends the answer. A client that has
		   half-closed the connection waits for its messages. */
		if (client_wait(client->fd, 0, start + (double)i * client->command.interval)) {
			err_set(&client->err, STATUS_FAILED,
				"the client has closed the connection");
			return false;
		}
		if (!send_text(client, text, len))
			return false;
		client->messages++;
	}
	return true;
}

/* Serves one client, from its connection to its end. An error here ends this client only. */
static void serve(const struct settings *settings, struct tls_context *context, int fd,
	struct numbers *numbers)
{
	struct client client = { .settings = settings,
		.fd = fd,
		.deadline = deadline_of(settings) };
	struct transport_about about;
	char peer[ADDRESS_TEXT];
	client_peer(fd, peer);
	client.tls = transport_tls_create(context, fd, NULL);
	if (!client.tls) {
		fprintf(stderr, "%s: %s: out of memory\n", cli.program, peer);
		return;
	}
	bool done = complete(&client, client.tls->ops->handshake, "TLS handshake") &&
		    read_command(&client) && send_messages(&client);
	client.tls->ops->describe(client.tls, &about);
	numbers->answered += done;
	numbers->messages += client.messages;
	numbers->bytes += client.bytes;
	if (!done)
		fprintf(stderr, "%s: %s: %s\n", cli.program, peer, client.err.text);
	else if (!settings->options.json)
		printf("%s: CMD_short:%g, %ld message%s, %ld bytes, %s %s\n", peer,
			client.command.interval, client.messages, client_plural(client.messages),
			client.bytes, about.tls_version, about.tls_cipher);
	client.deadline = fmin(deadline_of(settings), clock_now() + GOODBYE_SECONDS);
	complete(&client, client.tls->ops->finish, "close_notify");
	client_end_tcp(fd, client.deadline - clock_now());
	transport_destroy(client.tls);
}

/* Serves clients until --count of them were served. It ends early, with `err`, if accepting fails
   or stdout cannot be written. */
static void serve_all(const struct settings *settings, struct tls_context *context, int listener,
	struct numbers *numbers, struct err *err)
{
	const long count = settings->options.count;
	for (; count == 0 || numbers->clients < count; numbers->clients++) {
		int fd = client_accept(listener, SOCK_CLOEXEC | SOCK_NONBLOCK, err);
		if (fd < 0)
			return;
		serve(settings, context, fd, numbers);
		close(fd);
		if (ferror(stdout)) {
			err_set(err, STATUS_FAILED, "stdout: cannot be written");
			return;
		}
	}
}

static void report_json(const struct numbers *numbers, struct err *err)
{
	char text[1024];
	struct json json;
	json_begin(&json, text, sizeof text);
	json_put_integer(&json, "clients", numbers->clients);
	json_put_integer(&json, "answered", numbers->answered);
	json_put_integer(&json, "messages", numbers->messages);
	json_put_integer(&json, "bytes", numbers->bytes);
	client_print_json(&json, err);
}

int main(int argc, char **argv)
{
	struct settings settings = {
		.options = { .bind = "127.0.0.1", .timeout = 10 }, .messages = 20, .first = 1
	};
	struct numbers numbers = { 0 };
	struct err err = { 0 };
	int operands = client_parse(&cli, argc, argv, on_option, &settings);
	if (!client_no_operands(&cli, argc, argv, operands, &err) ||
		!client_find_port(&settings.options, NULL, LAB_PMU_PORT, 0, &err))
		return cli_fail(cli.program, &err);
	if (!settings.cert || !settings.key) {
		err_set(&err, STATUS_USAGE,
			"--cert FILE and --key FILE are needed; see pmu-tls --help");
		return cli_fail(cli.program, &err);
	}
	struct tls_context *context =
		tls_context_server(settings.cert, settings.key, settings.options.legacy, &err);
	if (!context)
		return cli_fail(cli.program, &err);
	client_tls_keys(cli.program, context);

	signal(SIGPIPE, SIG_IGN); /* writing to a closed connection fails with EPIPE */
	setvbuf(stdout, NULL, _IOLBF, 0); /* print each line at once, also into a pipe */
	int listener = client_listen(settings.options.bind, settings.options.port, 16, &err);
	if (listener >= 0) {
		serve_all(&settings, context, listener, &numbers, &err);
		close(listener);
		if (settings.options.json)
			report_json(&numbers, &err);
	}
	tls_context_destroy(context);
	return err.text[0] ? cli_fail(cli.program, &err) : STATUS_OK;
}
