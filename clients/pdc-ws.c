/*
 * Part 5 of the lab: the data concentrator over WebSocket. WebSocket separates messages, so the
 * client need not find them in a stream as pdc.c does: one message in, one line out. Transports
 * (common/carrier/transport.h) stack: WebSocket over TCP, or WebSocket over TLS over TCP.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/client.h"
#include "clients/client_options.h"
#include "clients/client_pmu.h"
#include "common/carrier/tls_context.h"
#include "common/carrier/transport.h"
#include "common/cli/cli.h"
#include "common/err.h"
#include "common/json.h"
#include "common/net.h"
#include "common/wire.h"

static const struct cli_option rows[] = {
	CLIENT_ROWS_FAMILY,
	CLIENT_ROW_HOST("the PMU, without a URL"),
	CLIENT_ROW_PORT(
		"its port, where the URL has none (else $PMULAB_PMU_WS_PORT or 5006; for wss://, "
		"$PMULAB_PMU_WSS_PORT or 5008)"),
	CLIENT_ROW_CA("wss://: trust"),
	CLIENT_ROW_TIMEOUT(
		"give up after so much silence; 0: never "
		"(10 more than the command's own interval)"),
	CLIENT_ROW_JSON,
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "pdc-ws",
	.summary = "ask a PMU for its data over WebSocket",
	.usage = "[options] [URL] COMMAND",
	.about =
		"Sends COMMAND to a PMU over WebSocket and prints its answer: "
		"messages one a line, the moment\n"
		"they arrive, or the flood as it is. The numbers go to stderr.",
	.options = rows,
	.count = sizeof rows / sizeof rows[0],
	.examples = "pdc-ws CMD_short:0\n"
		    "pdc-ws CMD_floodme >flood.txt\n"
		    "pdc-ws ws://tcpip.epfl.ch:5006/ CMD_short:1\n"
		    "pdc-ws wss://localhost/ CMD_short:0",
	.exit_status =
		"0 done, 1 failed or refused by the PMU, 2 wrong usage, "
		"3 the answer is not a PMU's.",
	.see_also = "pdc pdc-tls pmulab",
};

enum { RECV_SIZE = 65536, MESSAGE_LIMIT = 128 * 1024 * 1024, GOODBYE_SECONDS = 2 };

/* The counts of this client; the others are in struct client_pmu. */
struct numbers {
	struct transport_about about;
	struct segments segments;
	bool segments_known;
};

/* Finds host, port and path: in the URL, or as the other clients do. `text` NULL: there is no URL.
   `options->host` may then point into `url`. */
static bool find_server(
	struct client_url *url, const char *text, struct client_options *options, struct err *err)
{
	if (!client_url_parse(url, text ? text : "ws://localhost/", err))
		return false;
	if (text && (options->host || (options->port_text && url->port[0]))) {
		err_set(err, STATUS_USAGE,
			"host and port are in the URL; leave out --host and --port");
		return false;
	}
	if (text)
		options->host = url->host;
	if (url->port[0]) {
		long port;
		bool valid = cli_integer("the URL's port", url->port, 1, 65535, &port, err);
		options->port = valid ? (uint16_t)port : 0;
		return valid;
	}
	if (url->secure)
		return client_find_port(options, "PMULAB_PMU_WSS_PORT", LAB_WSS_PORT, 1, err);
	return client_find_port(options, "PMULAB_PMU_WS_PORT", LAB_WS_PORT, 1, err);
}

/* Makes the stack of transports on `fd`. NULL: out of memory. */
static struct transport *open_transport(
	int fd, struct tls_context *tls, const char *host, uint16_t port, const char *path)
{
	struct transport *lower =
		tls ? transport_tls_create(tls, fd, host) : transport_plain_create(fd);
	if (!lower)
		return NULL;
	/* The lab's deployed servers read commands as TEXT, as Python's ws.send("CMD_short:0")
	   sends them. */
	const struct ws_options ws_options = { .text = true, .message_limit = MESSAGE_LIMIT };
	char host_header[300];
	snprintf(host_header, sizeof host_header, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
		(unsigned)port);
	return transport_ws_connect(lower, host_header, path, &ws_options);
}

/* Upgrades to WebSocket and sends the command. */
static enum io ask(struct client_pmu *pmu, struct transport *t)
{
	size_t len = strlen(pmu->text), sent = 0;
	enum io io = t->ops->handshake(t);
	while (io == IO_DONE && sent < len) {
		size_t taken = 0;
		io = t->ops->send(t, pmu->text + sent, len - sent, &taken);
		sent += taken;
	}
	return io == IO_DONE ? t->ops->flush(t) : io;
}

/* Reads the answer. IO_EOF: the PMU has sent its Close frame, or has closed without one. IO_DONE:
   client_pmu_take_message has said not to read on. */
static enum io receive(struct client_pmu *pmu, struct transport *t)
{
	char buffer[RECV_SIZE];
	for (;;) {
		size_t len;
		bool last;
		enum io io = t->ops->recv(t, buffer, sizeof buffer, &len, &last);
		if (io != IO_DONE)
			return io;
		if ((len > 0 || last) && !client_pmu_take_message(pmu, buffer, len, last))
			return IO_DONE;
		io = t->ops->flush(t); /* sends pongs */
		if (io != IO_DONE)
			return io;
	}
}

static void exchange(struct client_pmu *pmu, struct transport *t, int fd)
{
	enum io io = ask(pmu, t);
	bool asked = io == IO_DONE;
	if (asked)
		io = receive(pmu, t);
	if (asked && io == IO_EOF) {
		client_pmu_closed(pmu);
		/* answers the Close frame; the result does not matter here */
		t->ops->finish(t);
		/* RFC 6455 7.1.1: the server closes TCP first */
		client_end_tcp(fd, GOODBYE_SECONDS);
	} else if (io != IO_DONE) {
		client_pmu_fail_io(pmu, t, io, "nothing came");
	}
}

/* The messages are good: judges how the connection has ended. */
static void judge_close(struct client_pmu *pmu, const struct transport_about *about)
{
	unsigned code = about->ws_close_code;
	if (!about->orderly) {
		client_pmu_fail(pmu, "broken", STATUS_PROTOCOL,
			"the connection ended without a Close frame");
	} else if (code != 1000 && code != 1005) { /* normal; no code given (RFC 6455 7.4.1) */
		char reason[WIRE_ESCAPED_MAX];
		wire_escape(reason, about->ws_close_reason, strlen(about->ws_close_reason));
		client_pmu_fail(pmu, "closed", STATUS_FAILED, "closed with %u%s%s", code,
			*reason ? ": " : "", reason);
	} else if (about->messages_in == 0) {
		client_pmu_fail(pmu, "closed", STATUS_PROTOCOL, "closed without an answer");
	}
}

/* The answers to Q23 to Q25. */
static void report(const struct transport_about *about)
{
	long messages = (long)about->messages_in, frames = (long)about->frames_in,
	     calls = (long)about->recv_calls;
	fprintf(stderr, "%ld message%s in %ld frame%s, %ld recv() call%s, ", messages,
		client_plural(messages), frames, client_plural(frames), calls,
		client_plural(calls));
	char reason[WIRE_ESCAPED_MAX];
	wire_escape(reason, about->ws_close_reason, strlen(about->ws_close_reason));
	if (about->ws_close_code == 0)
		fputs("not closed by the PMU\n", stderr);
	else
		fprintf(stderr, "closed with %u%s%s\n", about->ws_close_code, *reason ? ": " : "",
			reason);
}

static void report_json(struct client_pmu *pmu, const struct numbers *numbers)
{
	const struct transport_about *about = &numbers->about;
	char text[CLIENT_PMU_JSON_SIZE];
	struct json json;
	client_pmu_json_begin(pmu, &json, text);
	json_put_integer(&json, "frames", (int64_t)about->frames_in);
	json_put_integer(&json, "recv_calls", (int64_t)about->recv_calls);
	if (numbers->segments_known)
		/* those of TLS and of the upgrade included */
		json_put_integer(&json, "segments", numbers->segments.in);
	if (about->tls_version[0])
		json_put_string(&json, "tls", about->tls_version);
	json_put_integer(&json, "close_code", about->ws_close_code);
	json_put_string(&json, "close_reason", about->ws_close_reason);
	client_pmu_json_end(pmu, &json);
}

/* Uses the established connection, and prints the results. */
static void run(struct client_pmu *pmu, struct transport *t, int fd, bool json)
{
	struct numbers numbers;
	exchange(pmu, t, fd);
	numbers.segments_known = net_segments(fd, &numbers.segments);
	t->ops->describe(t, &numbers.about);
	pmu->messages = (long)numbers.about.messages_in;
	if (client_pmu_end(pmu))
		judge_close(pmu, &numbers.about);
	if (json)
		report_json(pmu, &numbers);
	else
		report(&numbers.about);
}

int main(int argc, char **argv)
{
	struct client_options options = { .timeout = -1 };
	struct client_pmu pmu = { 0 };
	struct client_url url;
	struct tls_context *tls = NULL;
	int at = client_parse(&cli, argc, argv, client_on_option, &options);
	const char *url_text = at < argc && strstr(argv[at], "://") ? argv[at++] : NULL;
	if (!client_pmu_init(&pmu, cli.program, &options, argc - at, argv + at) ||
		!find_server(&url, url_text, &options, &pmu.err))
		return cli_fail(cli.program, &pmu.err);
	pmu.by_message = true;
	if (url.secure) {
		char ca_file[PATH_MAX];
		if (client_find_ca(&options, ca_file, sizeof ca_file, &pmu.err))
			tls = tls_context_client(ca_file, false, &pmu.err);
		if (!tls)
			return cli_fail(cli.program, &pmu.err);
		client_tls_keys(cli.program, tls);
	}

	signal(SIGPIPE, SIG_IGN); /* writing to a closed stdout or connection fails with EPIPE */
	const char *host = client_host(&options);
	int fd = net_connect(host, options.port, options.family, pmu.connect_timeout, &pmu.err);
	if (fd >= 0) {
		client_pmu_connected(&pmu, fd);
		struct transport *t = open_transport(fd, tls, host, options.port, url.path);
		if (t)
			run(&pmu, t, fd, options.json);
		else
			client_pmu_fail(&pmu, "failed", STATUS_FAILED, "out of memory");
		transport_destroy(t);
		close(fd);
	}
	tls_context_destroy(tls);
	return pmu.err.text[0] ? cli_fail(cli.program, &pmu.err) : STATUS_OK;
}
