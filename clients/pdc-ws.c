/*
 * Part 5 of the lab: the data concentrator over WebSocket. The carrier keeps messages apart, so nothing has
 * to be searched for in a stream as in pdc.c: one message in, one line out. Carriers (common/transport.h)
 * stack: WebSocket over TCP, or over TLS over TCP.
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
#include "common/tls_context.h"
#include "common/transport.h"
#include "common/wire.h"

enum {
	OPTION_IPV4 = CLI_FIRST,
	OPTION_IPV6,
	OPTION_HOST,
	OPTION_PORT,
	OPTION_CA,
	OPTION_TIMEOUT,
	OPTION_JSON,
};

static const struct cli_option options[] = {
	{ OPTION_IPV4, '4', "ipv4", NULL, "IPv4 only" },
	{ OPTION_IPV6, '6', "ipv6", NULL, "IPv6 only" },
	{ OPTION_HOST, 'H', "host", "HOST", "the PMU, without a URL (else $PMULAB_HOST, else localhost)" },
	{ OPTION_PORT, 'p', "port", "PORT",
		"its port, where the URL has none (else $PMULAB_PMU_WS_PORT or 5006; for wss://, "
		"$PMULAB_PMU_WSS_PORT "
		"or 5008)" },
	{ OPTION_CA, 0, "ca", "FILE",
		"wss://: certificates to trust (else $PMULAB_CA_FILE, else the lab's own ca.pem)" },
	{ OPTION_TIMEOUT, 't', "timeout", "SECONDS",
		"give up after so much silence; 0: never (10 more than the command's own interval)" },
	{ OPTION_JSON, 0, "json", NULL, "print the numbers as one JSON object instead of the data" },
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "pdc-ws",
	.usage = "[options] [URL] COMMAND",
	.about = "Sends COMMAND to a PMU over WebSocket and prints its answer: messages one a line, the "
		 "moment they\n"
		 "arrive, or the flood as it is. The numbers go to stderr.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.epilogue = "Examples:\n"
		    "  pdc-ws CMD_short:0\n"
		    "  pdc-ws CMD_floodme >flood.txt\n"
		    "  pdc-ws ws://tcpip.epfl.ch:5006/ CMD_short:1\n"
		    "  pdc-ws wss://localhost/ CMD_short:0\n"
		    "\n"
		    "Exit status: 0 done, 1 failed or refused by the PMU, 2 wrong usage, 3 the answer is not "
		    "a PMU's.",
};

enum { RECV_SIZE = 65536, MESSAGE_LIMIT = 128 * 1024 * 1024, GOODBYE_SECONDS = 2 };

struct settings {
	const char *host, *port_text, *ca, *command;
	struct client_url url; /* the one given, or what stands for it */
	uint16_t port;
	int family;
	double timeout; /* seconds; -1: not given */
	bool json;
};

struct pdc {
	struct settings settings;
	char peer[ADDRESS_TEXT];
	struct client_refusal refusal;
	bool flood; /* one large message, printed as it is */
	struct wire_splitter splitter; /* only to check that these are PMU messages: `pmu` says whether to */
	bool pmu;
	bool inside; /* of a message, of which something is printed */

	/* The numbers. */
	long bytes;
	struct transport_about about;
	struct segments segments;
	bool segments_known;
	double seconds;
	const char *ended; /* one word for --json */
	struct err err; /* what went wrong, if anything */
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
	case OPTION_CA:
		settings->ca = value;
		return true;
	case OPTION_TIMEOUT:
		return cli_seconds("--timeout", value, &settings->timeout, err);
	case OPTION_JSON:
		settings->json = true;
		return true;
	}
	return false;
}

/* [URL] COMMAND, and where that leads. */
static bool parse_operands(struct settings *settings, int count, char **operands, struct err *err)
{
	bool url = count > 0 && strstr(operands[0], "://");
	if (count != 1 + url || operands[url][0] == '\0') {
		err_set(err, STATUS_USAGE, "%sone COMMAND is needed, such as CMD_short:0; see pdc-ws --help",
			url ? "after the URL, " : "");
		return false;
	}
	settings->command = operands[url];
	if (!client_url_parse(&settings->url, url ? operands[0] : "ws://localhost/", err))
		return false;
	if (url && (settings->host || (settings->port_text && settings->url.port[0]))) {
		err_set(err, STATUS_USAGE, "host and port are in the URL; leave out --host and --port");
		return false;
	}
	settings->host = url ? settings->url.host : client_host(settings->host);
	long port = 0;
	if (settings->url.port[0]) {
		bool valid = cli_integer("the URL's port", settings->url.port, 1, 65535, &port, err);
		settings->port = (uint16_t)port;
		return valid;
	}
	if (settings->url.secure)
		return client_port(
			settings->port_text, "PMULAB_PMU_WSS_PORT", LAB_WSS_PORT, &settings->port, err);
	return client_port(settings->port_text, "PMULAB_PMU_WS_PORT", LAB_WS_PORT, &settings->port, err);
}

/* The carriers on `fd`, one on the other. NULL: out of memory. */
static struct transport *open_transport(const struct settings *settings, int fd, struct tls_context *tls)
{
	struct transport *lower =
		tls ? transport_tls_create(tls, fd, settings->host) : transport_plain_create(fd);
	if (!lower)
		return NULL;
	/* The lab's deployed servers read commands as TEXT, as Python's ws.send("CMD_short:0") sends them. */
	const struct ws_options ws_options = { .text = true, .message_limit = MESSAGE_LIMIT };
	char host[300]; /* as the Host header wants it */
	snprintf(host, sizeof host, strchr(settings->host, ':') ? "[%s]:%u" : "%s:%u", settings->host,
		(unsigned)settings->port);
	return transport_ws_connect(lower, host, settings->url.path, &ws_options);
}

/* Says what an operation that was not carried out came to. */
static void io_failed(struct pdc *pdc, struct transport *t, enum io io)
{
	if (io == IO_WANT_READ || io == IO_WANT_WRITE) { /* SO_RCVTIMEO or SO_SNDTIMEO ran out */
		pdc->ended = "silent";
		err_set(&pdc->err, STATUS_FAILED, "%s: nothing came for %g s", pdc->peer,
			pdc->settings.timeout);
		return;
	}
	pdc->ended = io == IO_REFUSED ? "broken" : "failed";
	pdc->err = t->err;
	err_prefix(&pdc->err, "%s", pdc->peer);
}

/* Makes visible what was printed. `pdc-ws ... | head -1` has seen enough: then this ends without an error. */
static bool flush_output(struct pdc *pdc)
{
	if (fflush(stdout) == 0)
		return true;
	pdc->ended = "stdout closed";
	if (errno != EPIPE)
		err_set(&pdc->err, STATUS_FAILED, "stdout: %s", strerror(errno));
	return false;
}

/* A message or a part of one; a newline of ours ends each message but the flood. */
static void show(struct pdc *pdc, const char *data, size_t len, bool last)
{
	if (pdc->settings.json)
		return;
	fwrite(data, 1, len, stdout);
	if (last && !pdc->flood)
		putchar('\n');
	pdc->inside = !last && !pdc->flood;
}

/* The messages together must be what the PMU says over TCP as well. */
static void check(struct pdc *pdc, const char *data, size_t len)
{
	while (pdc->pmu && len > 0) {
		bool complete;
		size_t taken = wire_splitter_feed(&pdc->splitter, data, len, &complete);
		data += taken;
		len -= taken;
	}
}

/* What one read has brought. */
static void take(struct pdc *pdc, const char *data, size_t len, bool last)
{
	size_t held;
	pdc->bytes += (long)len;
	if (client_refusal_take(&pdc->refusal, data, len, &held))
		return;
	check(pdc, pdc->refusal.text, held);
	check(pdc, data, len);
	show(pdc, pdc->refusal.text, held, false);
	show(pdc, data, len, last);
}

/* Reads until the peer's Close. */
static void receive(struct pdc *pdc, struct transport *t)
{
	char buffer[RECV_SIZE];
	for (;;) {
		size_t len;
		bool last;
		enum io io = t->ops->recv(t, buffer, sizeof buffer, &len, &last);
		if (io == IO_EOF) {
			pdc->ended = "closed";
			return;
		}
		if (io != IO_DONE) {
			io_failed(pdc, t, io);
			return;
		}
		if (len > 0 || last)
			take(pdc, buffer, len, last);
		if (!flush_output(pdc) || pdc->splitter.broken)
			return;
		io = t->ops->flush(t); /* pongs */
		if (io != IO_DONE) {
			io_failed(pdc, t, io);
			return;
		}
	}
}

/* Nothing more will come: finds the words for what went wrong. */
static void judge(struct pdc *pdc)
{
	size_t held;
	if (client_refusal_end(&pdc->refusal, &held, &pdc->err)) {
		pdc->ended = "refused";
		return;
	}
	if (held > 0) { /* "ERR" and no more */
		check(pdc, pdc->refusal.text, held);
		show(pdc, pdc->refusal.text, held, true);
	}
	if (pdc->inside)
		putchar('\n');
	if (!flush_output(pdc) || pdc->err.text[0])
		return;

	unsigned code = pdc->about.ws_close_code;
	bool closed = strcmp(pdc->ended, "closed") == 0;
	if (closed)
		wire_splitter_end(&pdc->splitter);
	if (pdc->splitter.broken ||
		(closed && pdc->pmu && pdc->splitter.count != (long)pdc->about.messages_in)) {
		char seen[WIRE_ESCAPED_MAX];
		pdc->ended = "broken";
		wire_escape(seen, pdc->splitter.held, pdc->splitter.length);
		err_set(&pdc->err, STATUS_PROTOCOL, "%s: this is no PMU message, or was cut: \"%s\"",
			pdc->peer, seen);
	} else if (closed && !pdc->about.orderly) {
		pdc->ended = "broken";
		err_set(&pdc->err, STATUS_PROTOCOL, "%s: the connection ended without a Close frame",
			pdc->peer);
	} else if (closed && code != 1000 && code != 1005) { /* RFC 6455 7.4.1: normal; none given */
		char reason[WIRE_ESCAPED_MAX];
		wire_escape(reason, pdc->about.ws_close_reason, strlen(pdc->about.ws_close_reason));
		err_set(&pdc->err, STATUS_FAILED, "%s: closed with %u%s%s", pdc->peer, code,
			*reason ? ": " : "", reason);
	} else if (closed && pdc->about.messages_in == 0) {
		err_set(&pdc->err, STATUS_PROTOCOL, "%s: closed without an answer", pdc->peer);
	}
}

/* The answers to Q23 to Q25. */
static void report(const struct pdc *pdc)
{
	const struct transport_about *about = &pdc->about;
	long messages = (long)about->messages_in, frames = (long)about->frames_in,
	     calls = (long)about->recv_calls;
	fprintf(stderr, "%ld message%s in %ld frame%s, %ld recv() call%s, ", messages,
		client_plural(messages), frames, client_plural(frames), calls, client_plural(calls));
	char reason[WIRE_ESCAPED_MAX];
	wire_escape(reason, about->ws_close_reason, strlen(about->ws_close_reason));
	if (about->ws_close_code == 0)
		fputs("not closed by the PMU\n", stderr);
	else
		fprintf(stderr, "closed with %u%s%s\n", about->ws_close_code, *reason ? ": " : "", reason);
}

static void report_json(struct pdc *pdc)
{
	const struct transport_about *about = &pdc->about;
	char text[8192];
	struct json json;
	json_begin(&json, text, sizeof text);
	json_string(&json, "command", pdc->settings.command);
	json_string(&json, "peer", pdc->peer);
	json_integer(&json, "messages", (int64_t)about->messages_in);
	json_integer(&json, "frames", (int64_t)about->frames_in);
	json_integer(&json, "bytes", pdc->bytes);
	json_integer(&json, "recv_calls", (int64_t)about->recv_calls);
	if (pdc->segments_known)
		json_integer(&json, "segments", pdc->segments.in); /* the upgrade's and TLS's among them */
	if (about->tls_version[0])
		json_string(&json, "tls", about->tls_version);
	json_integer(&json, "close_code", about->ws_close_code);
	json_string(&json, "close_reason", about->ws_close_reason);
	json_real(&json, "seconds", pdc->seconds);
	json_string(&json, "ended", pdc->ended);
	json_string(&json, "error", pdc->err.text[0] ? pdc->err.text : NULL);
	if (json_end(&json) > 0)
		puts(text);
	else
		err_set(&pdc->err, STATUS_FAILED, "the command is too long to be reported");
	flush_output(pdc);
}

/* RFC 6455 7.1.1: the server ends the connection first. Were it closed here with the server's last bytes unread
   (TLS has some), that would be a reset. */
static void wait_for_end(int fd)
{
	char rest[4096];
	net_set_timeout(fd, GOODBYE_SECONDS);
	shutdown(fd, SHUT_WR);
	for (int reads = 0; reads < 16 && recv(fd, rest, sizeof rest, 0) > 0; reads++)
		;
}

/* Upgrade, command, answer, goodbye. */
static void exchange(struct pdc *pdc, struct transport *t, int fd)
{
	const char *command = pdc->settings.command;
	size_t len = strlen(command), sent = 0;
	enum io io = t->ops->handshake(t);
	while (io == IO_DONE && sent < len) {
		size_t taken = 0;
		io = t->ops->send(t, command + sent, len - sent, &taken);
		sent += taken;
	}
	if (io == IO_DONE)
		io = t->ops->flush(t);
	if (io != IO_DONE) {
		io_failed(pdc, t, io);
		return;
	}
	receive(pdc, t);
	if (strcmp(pdc->ended, "closed") == 0) {
		t->ops->finish(t); /* answers the Close; what becomes of that changes nothing here */
		wait_for_end(fd);
	}
}

/* A connection that stands. False when it did not go well: see `err`. */
static bool run(struct pdc *pdc, int fd, struct tls_context *tls)
{
	client_peer(fd, pdc->peer);
	struct transport *t = open_transport(&pdc->settings, fd, tls);
	if (!t) {
		err_set(&pdc->err, STATUS_FAILED, "out of memory");
		return false;
	}
	double start = clock_now();
	exchange(pdc, t, fd);
	pdc->seconds = clock_now() - start;
	pdc->segments_known = net_segments(fd, &pdc->segments);
	t->ops->describe(t, &pdc->about);
	judge(pdc);
	if (pdc->settings.json)
		report_json(pdc);
	else
		report(pdc);
	transport_destroy(t);
	return pdc->err.text[0] == '\0';
}

int main(int argc, char **argv)
{
	struct pdc pdc = { .ended = "" };
	struct settings *settings = &pdc.settings;
	*settings = (struct settings){ .family = AF_UNSPEC, .timeout = -1 };
	int operands;
	switch (cli_parse(&cli, argc, argv, on_option, settings, &operands, &pdc.err)) {
	case CLI_DONE:
		return STATUS_OK;
	case CLI_ERROR:
		return cli_fail(cli.program, &pdc.err);
	case CLI_RUN:
		break;
	}
	if (!parse_operands(settings, argc - operands, argv + operands, &pdc.err))
		return cli_fail(cli.program, &pdc.err);

	struct wire_command command = { 0 };
	enum wire_verdict verdict =
		wire_parse_command(settings->command, strlen(settings->command), &command);
	bool known = verdict == WIRE_COMMAND || verdict == WIRE_OPEN;
	pdc.flood = known && command.kind == WIRE_FLOOD;
	pdc.pmu = known && command.kind == WIRE_SHORT;
	wire_splitter_init(&pdc.splitter);

	struct tls_context *tls = NULL;
	if (settings->url.secure) {
		char ca[4096];
		if (client_ca_file(settings->ca, ca, sizeof ca, &pdc.err))
			tls = tls_context_client(ca, false, &pdc.err);
		if (!tls)
			return cli_fail(cli.program, &pdc.err);
	}
	signal(SIGPIPE, SIG_IGN); /* a closed stdout or connection shows as EPIPE */
	double patience = 10;
	bool done = false;
	int fd = net_connect(settings->host, settings->port, settings->family,
		settings->timeout < 0 ? patience : settings->timeout, &pdc.err);
	if (fd >= 0) {
		if (settings->timeout < 0) {
			settings->timeout =
				patience + command.interval; /* the silence between two messages is wanted */
			net_set_timeout(fd, settings->timeout);
		}
		done = run(&pdc, fd, tls);
		close(fd);
	}
	tls_context_destroy(tls);
	return done ? STATUS_OK : cli_fail(cli.program, &pdc.err);
}
