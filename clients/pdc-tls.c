/*
 * Part 6 of the lab, the client's side: pdc over TLS. It believes the PMU only when its certificate is signed
 * by the lab's CA and issued for the host that was asked for. After that it is part 2 again: TLS carries a
 * stream of bytes too, and one SSL_read() may bring half a message or five of them.
 */
#include <errno.h>
#include <limits.h>
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
	OPTION_LEGACY,
	OPTION_TIMEOUT,
	OPTION_JSON
};

static const struct cli_option options[] = {
	{ OPTION_IPV4, '4', "ipv4", NULL, "IPv4 only" },
	{ OPTION_IPV6, '6', "ipv6", NULL, "IPv6 only" },
	{ OPTION_HOST, 'H', "host", "HOST", "the PMU's name or address (else $PMULAB_HOST, else localhost)" },
	{ OPTION_PORT, 'p', "port", "PORT", "its port (else $PMULAB_PMU_TLS_PORT, else 5007)" },
	{ OPTION_CA, 'c', "ca", "FILE",
		"trust the CAs in this file (else $PMULAB_CA_FILE, else the lab's own CA on this machine)" },
	{ OPTION_LEGACY, 0, "legacy", NULL, "accept 1024-bit keys and SHA-1, as the handout's" },
	{ OPTION_TIMEOUT, 't', "timeout", "SECONDS",
		"give up after so much silence; 0: never (10 more than the command's own interval)" },
	{ OPTION_JSON, 0, "json", NULL, "print the numbers as one JSON object instead of the data" },
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "pdc-tls",
	.usage = "[options] COMMAND",
	.about = "Sends COMMAND to a PMU over TLS and prints its answer: messages one a line, the moment "
		 "they\n"
		 "arrive, or the flood as it is. The numbers go to stderr. Nothing is sent to a PMU whose\n"
		 "certificate is not good.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.epilogue =
		"Examples:\n"
		"  pdc-tls CMD_short:0         the lab's own PMU on this machine\n"
		"  pdc-tls --ca cacert.pem -p 5003 CMD_short:0\n"
		"  pdc-tls --ca cacert.pem --legacy -p 5003 CMD_short:0   with the handout's 1024-bit key\n"
		"\n"
		"Exit status: 0 done, 1 failed or refused by the PMU or not trusted, 2 wrong usage, 3 the "
		"answer is\nnot TLS or not a PMU's.",
};

struct settings {
	const char *host, *port_text, *command;
	char ca_file[PATH_MAX];
	uint16_t port;
	int family;
	double timeout; /* seconds; -1: not given */
	bool legacy, json;
};

struct pdc {
	struct settings settings;
	char peer[ADDRESS_TEXT];

	/* What came. */
	char head[512]; /* its first bytes: a refusal is one line that starts with "ERROR " */
	size_t head_len;
	bool undecided; /* `head` may be a refusal or the beginning of one; nothing is shown yet */
	bool messages; /* PMU messages are expected, not the flood or something unknown */
	struct wire_splitter splitter;
	size_t shown; /* bytes of the message under way that are printed already */

	/* The numbers. */
	long bytes;
	double seconds;
	const char *ended; /* one word for --json */
	struct err err; /* what went wrong, if anything */
};

/* How the PMU says that it did not understand. */
static const char refusal[] = "ERROR ";

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
		snprintf(settings->ca_file, sizeof settings->ca_file, "%s", value);
		return true;
	case OPTION_LEGACY:
		settings->legacy = true;
		return true;
	case OPTION_TIMEOUT:
		return cli_seconds("--timeout", value, &settings->timeout, err);
	case OPTION_JSON:
		settings->json = true;
		return true;
	}
	return false;
}

/* Where `pmulab serve` keeps its CA, unless somebody has said something else. */
static void find_ca(struct settings *settings)
{
	const char *file = getenv("PMULAB_CA_FILE"), *state = getenv("XDG_STATE_HOME"),
		   *home = getenv("HOME");
	if (settings->ca_file[0])
		return;
	if (file && *file)
		snprintf(settings->ca_file, sizeof settings->ca_file, "%s", file);
	else if (state && *state == '/')
		snprintf(settings->ca_file, sizeof settings->ca_file, "%s/pmulab/ca.pem", state);
	else
		snprintf(settings->ca_file, sizeof settings->ca_file, "%s/.local/state/pmulab/ca.pem",
			home ? home : "");
}

static void print(const struct pdc *pdc, const char *data, size_t len)
{
	if (!pdc->settings.json)
		fwrite(data, 1, len, stdout);
}

/* Makes visible what was printed. `pdc-tls ... | head -1` has seen enough: then there is no error. */
static bool flush_output(struct pdc *pdc)
{
	if (fflush(stdout) == 0)
		return true;
	pdc->ended = "stdout closed";
	if (errno != EPIPE)
		err_set(&pdc->err, STATUS_FAILED, "stdout: %s", strerror(errno));
	return false;
}

/* Messages, each with a newline of ours behind it. What is there of a message under way is shown too: where
   the first one's number ends is only known when the second one begins, perhaps a second later. */
static void show(struct pdc *pdc, const char *data, size_t len)
{
	struct wire_splitter *splitter = &pdc->splitter;
	if (!pdc->messages) {
		print(pdc, data, len);
		return;
	}
	while (len > 0) {
		bool complete;
		size_t taken = wire_splitter_feed(splitter, data, len, &complete);
		data += taken;
		len -= taken;
		if (splitter->broken)
			return;
		print(pdc, splitter->held + pdc->shown, splitter->length - pdc->shown);
		pdc->shown = splitter->length;
		if (complete) {
			print(pdc, "\n", 1);
			pdc->shown = 0;
		}
	}
}

static size_t minimum(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* What one SSL_read() has brought. */
static void take(struct pdc *pdc, const char *data, size_t len)
{
	pdc->bytes += (long)len;
	if (pdc->undecided) {
		size_t before = pdc->head_len;
		pdc->head_len += minimum(len, sizeof pdc->head - 1 - before);
		memcpy(pdc->head + before, data, pdc->head_len - before);
		if (strncmp(pdc->head, refusal, minimum(pdc->head_len, strlen(refusal))) == 0)
			return;
		pdc->undecided = false;
		show(pdc, pdc->head, before);
	}
	show(pdc, data, len);
}

/* An answer of the transport that is neither data nor the end. Waiting means here that time has run out. */
static void fail(struct pdc *pdc, const struct transport *tls, enum io io, const char *what)
{
	bool silent = io == IO_WANT_READ || io == IO_WANT_WRITE;
	pdc->ended = silent ? "silent" : "failed";
	if (silent) {
		err_set(&pdc->err, STATUS_FAILED, "%s: %s: nothing moved for %g s", pdc->peer, what,
			pdc->settings.timeout);
	} else {
		pdc->err = tls->err;
		err_prefix(&pdc->err, "%s", pdc->peer);
	}
}

static bool send_command(struct pdc *pdc, struct transport *tls)
{
	const char *data = pdc->settings.command;
	for (size_t len = strlen(data), taken; len > 0; len -= taken, data += taken) {
		enum io io = tls->ops->send(tls, data, len, &taken);
		if (io != IO_DONE) {
			fail(pdc, tls, io, "sending the command");
			return false;
		}
	}
	return true;
}

/* Reads until the peer ends: nothing else tells that the answer is complete. */
static void receive(struct pdc *pdc, struct transport *tls)
{
	char buffer[4096];
	for (;;) {
		size_t len;
		bool last;
		enum io io = tls->ops->recv(tls, buffer, sizeof buffer, &len, &last);
		if (io == IO_EOF) {
			pdc->ended = "closed";
			return;
		}
		if (io != IO_DONE) {
			fail(pdc, tls, io, "waiting for the end of the answer");
			return;
		}
		take(pdc, buffer, len);
		if (!flush_output(pdc))
			return;
		if (pdc->splitter.broken) {
			pdc->ended = "broken";
			return;
		}
	}
}

/* Nothing more will come: closes the last line, and finds the words for what went wrong. */
static void judge(struct pdc *pdc)
{
	bool refused = pdc->undecided && pdc->head_len >= strlen(refusal);
	bool closed = strcmp(pdc->ended, "closed") == 0;
	if (pdc->undecided && !refused)
		show(pdc, pdc->head, pdc->head_len);
	if (closed)
		wire_splitter_end(&pdc->splitter);
	if (pdc->shown > 0)
		print(pdc, "\n", 1);
	flush_output(pdc);

	if (refused) {
		pdc->ended = "refused";
		for (char *c = pdc->head; *c; c++) /* a terminal must not obey what a peer sends */
			if (*c < ' ' || *c > '~')
				*c = *c == '\n' ? '\0' : '?';
		err_set(&pdc->err, STATUS_FAILED, "%s", pdc->head);
	} else if (closed && pdc->bytes == 0) {
		err_set(&pdc->err, STATUS_PROTOCOL, "%s: closed without an answer", pdc->peer);
	} else if (pdc->splitter.broken) {
		char seen[WIRE_ESCAPED_MAX];
		pdc->ended = "broken";
		wire_escape(seen, pdc->splitter.held, pdc->splitter.length);
		err_set(&pdc->err, STATUS_PROTOCOL, "%s: this is no PMU message, or was cut: \"%s\"",
			pdc->peer, seen);
	}
}

static void report(struct pdc *pdc, const struct transport_about *about)
{
	long calls = (long)about->recv_calls;
	if (pdc->messages)
		fprintf(stderr, "%ld message%s, ", pdc->splitter.count, client_plural(pdc->splitter.count));
	fprintf(stderr, "%ld byte%s, %ld recv() call%s, %s %s\n", pdc->bytes, client_plural(pdc->bytes),
		calls, client_plural(calls), about->tls_version, about->tls_cipher);
	/* TCP's end can be forged by whoever stands between; close_notify cannot (RFC 8446 6.1). */
	if (strcmp(pdc->ended, "closed") == 0 && !about->orderly)
		fprintf(stderr, "%s: %s: ended without close_notify: nothing proves that this was all\n",
			cli.program, pdc->peer);
}

static void report_json(struct pdc *pdc, const struct transport_about *about)
{
	char text[8192];
	struct json json;
	json_begin(&json, text, sizeof text);
	json_string(&json, "command", pdc->settings.command);
	json_string(&json, "peer", pdc->peer);
	json_string(&json, "tls", about->tls_version);
	json_string(&json, "cipher", about->tls_cipher);
	if (pdc->messages)
		json_integer(&json, "messages", pdc->splitter.count);
	json_integer(&json, "bytes", pdc->bytes);
	json_integer(&json, "recv_calls", (int64_t)about->recv_calls);
	json_real(&json, "seconds", pdc->seconds);
	json_string(&json, "ended", pdc->ended);
	json_bool(&json, "close_notify", about->orderly);
	json_string(&json, "error", pdc->err.text[0] ? pdc->err.text : NULL);
	if (json_end(&json) > 0)
		puts(text);
	else
		err_set(&pdc->err, STATUS_FAILED, "the command is too long to be reported");
	flush_output(pdc);
}

/* One exchange on a connection that stands. False when it did not go well: see `err`. */
static bool exchange(struct pdc *pdc, struct tls_context *context, int fd)
{
	struct transport *tls = transport_tls_create(context, fd, pdc->settings.host);
	struct transport_about about;
	client_peer(fd, pdc->peer);
	if (!tls) {
		err_set(&pdc->err, STATUS_FAILED, "out of memory");
		return false;
	}
	double start = clock_now();
	enum io io = tls->ops->handshake(tls); /* this is where the certificate is looked at */
	if (io != IO_DONE) {
		fail(pdc, tls, io, "TLS handshake");
	} else {
		if (send_command(pdc, tls))
			receive(pdc, tls);
		judge(pdc);
		tls->ops->finish(tls); /* our close_notify; the peer's is not waited for */
	}
	pdc->seconds = clock_now() - start;
	tls->ops->describe(tls, &about);
	if (pdc->settings.json)
		report_json(pdc, &about);
	else if (io == IO_DONE)
		report(pdc, &about);
	transport_destroy(tls);
	return pdc->err.text[0] == '\0';
}

int main(int argc, char **argv)
{
	struct pdc pdc = { .undecided = true, .ended = "" };
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
	if (argc - operands != 1 || argv[operands][0] == '\0') {
		err_set(&pdc.err, STATUS_USAGE,
			"one COMMAND is needed, such as CMD_short:0; see pdc-tls --help");
		return cli_fail(cli.program, &pdc.err);
	}
	settings->command = argv[operands];
	settings->host = client_host(settings->host);
	if (!client_port(settings->port_text, "PMULAB_PMU_TLS_PORT", LAB_TLS_PORT, &settings->port, &pdc.err))
		return cli_fail(cli.program, &pdc.err);
	find_ca(settings);
	struct tls_context *context = tls_context_client(settings->ca_file, settings->legacy, &pdc.err);
	if (!context)
		return cli_fail(cli.program, &pdc.err);

	/* What to expect depends on the command. A wrong one is sent too, to see what the PMU says. */
	struct wire_command command = { 0 };
	enum wire_verdict verdict =
		wire_parse_command(settings->command, strlen(settings->command), &command);
	bool known = verdict == WIRE_COMMAND || verdict == WIRE_OPEN;
	pdc.messages = known && command.kind == WIRE_SHORT;
	wire_splitter_init(&pdc.splitter);

	signal(SIGPIPE, SIG_IGN); /* a closed stdout or connection shows as EPIPE */
	if (settings->timeout < 0)
		settings->timeout = 10 + command.interval; /* the silence between two messages is wanted */
	int fd = net_connect(settings->host, settings->port, settings->family, settings->timeout, &pdc.err);
	bool done = fd >= 0 && exchange(&pdc, context, fd);
	if (fd >= 0)
		close(fd);
	tls_context_destroy(context);
	return done ? STATUS_OK : cli_fail(cli.program, &pdc.err);
}
