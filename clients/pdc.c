/*
 * Part 2 of the lab: a phasor data concentrator. It sends one command over TCP and shows what the PMU
 * answers, each message on a line of its own. TCP is a stream: what one recv() returns may be half a
 * message or five of them, so the messages are found by what they say, not by how they arrive.
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
#include "common/wire.h"

enum {
	OPTION_IPV4 = CLI_FIRST,
	OPTION_IPV6,
	OPTION_HOST,
	OPTION_PORT,
	OPTION_BUFFER,
	OPTION_TIMEOUT,
	OPTION_JSON
};

static const struct cli_option options[] = {
	{ OPTION_IPV4, '4', "ipv4", NULL, "IPv4 only" },
	{ OPTION_IPV6, '6', "ipv6", NULL, "IPv6 only" },
	{ OPTION_HOST, 'H', "host", "HOST", "the PMU's name or address (else $PMULAB_HOST, else localhost)" },
	{ OPTION_PORT, 'p', "port", "PORT", "its port (else $PMULAB_PMU_PORT, else 5003)" },
	{ OPTION_BUFFER, 'b', "buffer", "BYTES", "what one recv() may return at most (4096)" },
	{ OPTION_TIMEOUT, 't', "timeout", "SECONDS",
		"give up after so much silence; 0: never (10 more than the command's own interval)" },
	{ OPTION_JSON, 0, "json", NULL, "print the numbers as one JSON object instead of the data" },
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "pdc",
	.usage = "[options] COMMAND",
	.about = "Sends COMMAND to a PMU over TCP and prints its answer: messages one a line, the moment "
		 "they\n"
		 "arrive, or the flood as it is. The numbers go to stderr.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.epilogue = "Examples:\n"
		    "  pdc CMD_short:0             20 messages, all at once\n"
		    "  pdc CMD_short:1             one a second\n"
		    "  pdc -b 16 CMD_short:0       with a small receive buffer, as in code D\n"
		    "  pdc CMD_floodme >flood.txt  one large message\n"
		    "  pdc -4 -H tcpip.epfl.ch -p 5003 CMD_short:0\n"
		    "\n"
		    "Exit status: 0 done, 1 failed or refused by the PMU, 2 wrong usage, 3 the answer is not "
		    "a PMU's.",
};

struct settings {
	const char *host, *port_text, *command;
	uint16_t port;
	int family;
	long buffer;
	double timeout; /* seconds; -1: not given */
	bool json;
};

struct pdc {
	struct settings settings;
	char peer[ADDRESS_TEXT];

	/* What came. */
	struct client_refusal refusal;
	bool messages; /* PMU messages are expected, not the flood or something unknown */
	struct wire_splitter splitter;
	size_t shown; /* bytes of the message under way that are printed already */

	/* The numbers. */
	long bytes, recv_calls;
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
	case OPTION_BUFFER:
		return cli_integer("--buffer", value, 1, 1 << 24, &settings->buffer, err);
	case OPTION_TIMEOUT:
		return cli_seconds("--timeout", value, &settings->timeout, err);
	case OPTION_JSON:
		settings->json = true;
		return true;
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

static void print(const struct pdc *pdc, const char *data, size_t len)
{
	if (!pdc->settings.json)
		fwrite(data, 1, len, stdout);
}

/* Makes visible what was printed. `pdc ... | head -1` has seen enough: then this ends without an error. */
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
static void show_messages(struct pdc *pdc, const char *data, size_t len)
{
	struct wire_splitter *splitter = &pdc->splitter;
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

static void show(struct pdc *pdc, const char *data, size_t len)
{
	if (pdc->messages)
		show_messages(pdc, data, len);
	else
		print(pdc, data, len);
}

/* What one recv() has brought. */
static void take(struct pdc *pdc, const char *data, size_t len)
{
	size_t held;
	pdc->bytes += (long)len;
	if (client_refusal_take(&pdc->refusal, data, len, &held))
		return;
	show(pdc, pdc->refusal.text, held);
	show(pdc, data, len);
}

/* Reads until the peer closes: nothing else tells that the answer is complete. */
static void receive(struct pdc *pdc, int fd, char *buffer)
{
	for (;;) {
		ssize_t len = recv(fd, buffer, (size_t)pdc->settings.buffer, 0);
		if (len < 0 && errno == EINTR) /* stopped and continued, signal(7) */
			continue;
		pdc->recv_calls++;
		if (len == 0) {
			pdc->ended = "closed";
			return;
		}
		if (len < 0) {
			bool silent = errno == EAGAIN || errno == EWOULDBLOCK; /* SO_RCVTIMEO, socket(7) */
			pdc->ended = silent ? "silent" : "failed";
			if (silent)
				err_set(&pdc->err, STATUS_FAILED, "%s: nothing came for %g s", pdc->peer,
					pdc->settings.timeout);
			else
				err_set(&pdc->err, STATUS_FAILED, "%s: %s", pdc->peer, strerror(errno));
			return;
		}
		take(pdc, buffer, (size_t)len);
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
	bool closed = strcmp(pdc->ended, "closed") == 0;
	size_t held;
	if (client_refusal_end(&pdc->refusal, &held, &pdc->err)) {
		pdc->ended = "refused";
		return;
	}
	show(pdc, pdc->refusal.text, held);
	if (closed)
		wire_splitter_end(&pdc->splitter);
	if (pdc->shown > 0)
		print(pdc, "\n", 1);
	if (!flush_output(pdc))
		return;

	if (closed && pdc->bytes == 0) {
		err_set(&pdc->err, STATUS_PROTOCOL, "%s: closed without an answer", pdc->peer);
	} else if (pdc->splitter.broken) {
		char seen[WIRE_ESCAPED_MAX];
		pdc->ended = "broken";
		wire_escape(seen, pdc->splitter.held, pdc->splitter.length);
		err_set(&pdc->err, STATUS_PROTOCOL, "%s: this is no PMU message, or was cut: \"%s\"",
			pdc->peer, seen);
	}
}

/* The answers to Q9, Q10, Q13 and Q15. */
static void report(struct pdc *pdc)
{
	if (pdc->messages)
		fprintf(stderr, "%ld message%s, ", pdc->splitter.count, client_plural(pdc->splitter.count));
	fprintf(stderr, "%ld byte%s, %ld recv() call%s of up to %ld", pdc->bytes, client_plural(pdc->bytes),
		pdc->recv_calls, client_plural(pdc->recv_calls), pdc->settings.buffer);
	if (pdc->segments_known)
		fprintf(stderr, ", %u data segment%s", pdc->segments.in, client_plural(pdc->segments.in));
	fputc('\n', stderr);
}

static void report_json(struct pdc *pdc)
{
	char text[8192];
	struct json json;
	json_begin(&json, text, sizeof text);
	json_string(&json, "command", pdc->settings.command);
	json_string(&json, "peer", pdc->peer);
	if (pdc->messages)
		json_integer(&json, "messages", pdc->splitter.count);
	json_integer(&json, "bytes", pdc->bytes);
	json_integer(&json, "recv_calls", pdc->recv_calls);
	json_integer(&json, "buffer", pdc->settings.buffer);
	if (pdc->segments_known)
		json_integer(&json, "segments", pdc->segments.in);
	json_real(&json, "seconds", pdc->seconds);
	json_string(&json, "ended", pdc->ended);
	json_string(&json, "error", pdc->err.text[0] ? pdc->err.text : NULL);
	if (json_end(&json) > 0)
		puts(text);
	else
		err_set(&pdc->err, STATUS_FAILED, "the command is too long to be reported");
	flush_output(pdc);
}

/* One exchange on a connection that stands. False when it did not go well: see `err`. */
static bool exchange(struct pdc *pdc, int fd)
{
	client_peer(fd, pdc->peer);
	char *buffer = malloc((size_t)pdc->settings.buffer);
	if (!buffer) {
		err_set(&pdc->err, STATUS_FAILED, "out of memory");
		return false;
	}
	double start = clock_now();
	if (send_all(fd, pdc->settings.command, strlen(pdc->settings.command))) {
		receive(pdc, fd, buffer);
	} else {
		pdc->ended = "failed";
		err_set(&pdc->err, STATUS_FAILED, "%s: sending the command: %s", pdc->peer, strerror(errno));
	}
	pdc->seconds = clock_now() - start;
	pdc->segments_known = net_segments(fd, &pdc->segments);
	free(buffer);

	judge(pdc);
	if (pdc->settings.json)
		report_json(pdc);
	else
		report(pdc);
	return pdc->err.text[0] == '\0';
}

int main(int argc, char **argv)
{
	struct pdc pdc = { .ended = "" };
	struct settings *settings = &pdc.settings;
	*settings = (struct settings){ .family = AF_UNSPEC, .buffer = 4096, .timeout = -1 };
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
		err_set(&pdc.err, STATUS_USAGE, "one COMMAND is needed, such as CMD_short:0; see pdc --help");
		return cli_fail(cli.program, &pdc.err);
	}
	settings->command = argv[operands];
	settings->host = client_host(settings->host);
	if (!client_port(settings->port_text, "PMULAB_PMU_PORT", LAB_PMU_PORT, &settings->port, &pdc.err))
		return cli_fail(cli.program, &pdc.err);

	/* What to expect depends on the command. A wrong one is sent too, to see what the PMU says. */
	struct wire_command command = { 0 };
	enum wire_verdict verdict =
		wire_parse_command(settings->command, strlen(settings->command), &command);
	bool known = verdict == WIRE_COMMAND || verdict == WIRE_OPEN;
	pdc.messages = known && command.kind == WIRE_SHORT;
	wire_splitter_init(&pdc.splitter);

	signal(SIGPIPE, SIG_IGN); /* a closed stdout or connection shows as EPIPE */
	double patience = 10;
	int fd = net_connect(settings->host, settings->port, settings->family,
		settings->timeout < 0 ? patience : settings->timeout, &pdc.err);
	if (fd < 0)
		return cli_fail(cli.program, &pdc.err);
	if (settings->timeout < 0) {
		settings->timeout =
			patience + command.interval; /* the silence between two messages is wanted */
		net_set_timeout(fd, settings->timeout);
	}
	bool done = exchange(&pdc, fd);
	close(fd);
	return done ? STATUS_OK : cli_fail(cli.program, &pdc.err);
}
