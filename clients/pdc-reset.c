/*
 * Part 3 of the lab: tells a PMU to advance its clock, over UDP, which may lose the command or its
 * answer. The server listens in IPv4 or in IPv6; the client does not know which. So it sends
 * RESET:n over both, from two sockets, and waits for both with poll(2). After a second of silence
 * it sends again.
 */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clients/client.h"
#include "clients/client_options.h"
#include "clients/client_reset.h"
#include "clients/client_udp.h"
#include "common/cli/cli.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/net.h"
#include "common/wire.h"

enum { OPTION_SECONDS = CLIENT_FIRST, OPTION_TRIES, OPTION_RUNS };

/* The client gives up after this number of tries in a row that met only closed ports. Fewer may
   mean that the server is just changing its family. */
enum { REFUSED_MAX = 3 };

/* The client gives up after this number of "Wrong command." in a row. One alone may be a late
   answer to another program's datagram. */
enum { WRONG_MAX = 3 };

/* Seconds. A client that waits less floods the PMU, and hears no answer in time. */
static const double timeout_min = 0.01;

static const struct cli_option rows[] = {
	CLIENT_ROWS_FAMILY,
	CLIENT_ROW_HOST("the PMU's name or address"),
	CLIENT_ROW_PORT("its port (else $PMULAB_RESET_PORT, else 5004)"),
	{ OPTION_SECONDS, 'n', NULL, "N", "advance the PMU's clock by at most N seconds (20)" },
	CLIENT_ROW_TIMEOUT("wait so long for an answer, at least 10ms, then send again (1)"),
	{ OPTION_TRIES, 0, "tries", "N", "give up after sending N times (never)" },
	{ OPTION_RUNS, 0, "runs", "N", "do it N times, and tell mean and loss (1)" },
	CLIENT_ROW_JSON,
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "pdc-reset",
	.summary = "reset a PMU's clock over UDP",
	.usage = "[options]",
	.about =
		"Sends RESET:n to a PMU over UDP, in IPv4 and in IPv6, "
		"again and again until an OFFSET=X comes.",
	.options = rows,
	.count = sizeof rows / sizeof rows[0],
	.examples =
		"pdc-reset\n"
		"pdc-reset --runs 60         how many packets does it take, how many are lost?\n"
		"pdc-reset -6 -H lab3.iew.epfl.ch -p 5004 --tries 10",
	.exit_status =
		"0 answered, 1 failed or given up, 2 wrong usage, 3 given up, "
		"and what came from the\n"
		"PMU was no OFFSET=X.",
	.see_also = "pdc pmulab udp-send",
};

struct settings {
	struct client_options options;
	long n, tries, runs; /* tries 0: no limit */
};

/* A way to the PMU: over IPv4 or over IPv6. */
struct way {
	const char *name;
	int family;
	bool usable; /* the PMU has an address in this family, and this machine can send to it */
	struct address server;
	int fd; /* -1: none */
	/* the socket of the run before, still open for late answers; -1: none */
	int previous;
	bool answers; /* an OFFSET has come over it, in any run */
	long sent, refused; /* packets of this run; those of them that met a closed port */
	/* a packet since the last sending met a closed port; the first such packet was reported */
	bool refused_now, refusal_told;
};

struct pdc {
	struct settings settings;
	struct way ways[2];
	struct reset_ignored ignored;
	int wrong; /* refusals of the command in a row, in this run */
	struct err err; /* why the client cannot go on */
};

static bool check_timeout(double timeout, struct err *err)
{
	if (timeout >= timeout_min)
		return true;
	err_set(err, STATUS_USAGE,
		"--timeout: %g s is no time to wait for an answer; at least 10ms", timeout);
	return false;
}

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	struct settings *settings = context;
	switch (id) {
	case OPTION_SECONDS:
		return cli_integer("-n", value, 0, WIRE_OFFSET_MAX, &settings->n, err);
	case OPTION_TRIES:
		return cli_integer("--tries", value, 1, 1000000000, &settings->tries, err);
	case OPTION_RUNS:
		return cli_integer("--runs", value, 1, 1000000, &settings->runs, err);
	}
	return client_on_option(&settings->options, id, value, err);
}

/* Finds the PMU's address in `family`. False: the user does not want this family, or there is no
   address (`err` says why). The caller needs only one of the two. */
static bool find_way(struct pdc *pdc, struct way *way, const char *name, int family)
{
	const struct client_options *options = &pdc->settings.options;
	const char *host = client_host(options);
	/* The lab's ports file has one address for all clients; a lab on loopback answers in both
	   families. */
	if (!options->host && (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0))
		host = "localhost";
	*way = (struct way){ .name = name, .family = family, .fd = -1, .previous = -1 };
	way->usable = (options->family == AF_UNSPEC || options->family == family) &&
		      client_resolve(host, options->port, family, &way->server, &pdc->err);
	return way->usable;
}

/* Opens a new socket, and so a new port, for each run: an answer that is too late for one run does
   not count in the next. The socket is not connected: connect(2) would hide the datagrams of other
   senders, which are counted. */
static void open_way(struct way *way)
{
	way->sent = way->refused = 0;
	way->refused_now = false;
	way->fd = way->usable ? socket(way->family, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	way->usable = way->fd >= 0;
	if (way->usable)
		client_hear_refusals(way->fd, way->family);
}

/* The run has ended, perhaps with the other family's answer, and this family's answer may still be
   under way. So the run's socket stays open until the end of the next run (`last`: it does not).
   This reads the late answers to the run before, and closes that run's socket. */
static void close_way(struct way *way, bool last)
{
	for (int i = 0; i < (last ? 2 : 1); i++) {
		char data[WIRE_OFFSET_TEXT_MAX];
		struct address from = { .len = sizeof from.ss };
		long x;
		ssize_t len;
		while (!way->answers && way->previous >= 0 &&
			(len = recvfrom(way->previous, data, sizeof data, MSG_DONTWAIT,
				 (struct sockaddr *)&from.ss, &from.len)) >= 0) {
			way->answers = client_is_from(&from, &way->server) &&
				       wire_parse_offset(data, (size_t)len, &x);
			from.len = sizeof from.ss;
		}
		if (way->previous >= 0)
			close(way->previous);
		way->previous = way->fd;
		way->fd = -1;
	}
}

/* Counts the packets that met a closed port. This does not end the run: the server may be just
   changing its family. */
static void take_refusals(struct way *way, bool quiet)
{
	long refused = client_take_refusals(way->fd);
	if (refused > 0 && !way->refusal_told && !quiet)
		fprintf(stderr, "connection refused over %s: nobody listens there now\n",
			way->name);
	way->refused += refused;
	way->refused_now |= refused > 0;
	way->refusal_told |= refused > 0;
}

static void send_reset(struct pdc *pdc, struct way *way)
{
	char text[WIRE_OFFSET_TEXT_MAX];
	size_t len = wire_format_reset(text, pdc->settings.n);
	if (!way->usable)
		return;
	way->usable = false;
	/* the first sendto(2) may fail with the error of an earlier packet */
	for (int i = 0; i < 2 && !way->usable; i++) {
		take_refusals(way, pdc->settings.options.json);
		way->refused_now = false;
		way->usable = sendto(way->fd, text, len, 0, (struct sockaddr *)&way->server.ss,
				      way->server.len) >= 0;
	}
	if (way->usable)
		way->sent++;
	else
		err_set(&pdc->err, STATUS_FAILED, "no way to the PMU over %s: %s", way->name,
			strerror(errno));
}

/* Reads a datagram from this socket. True: the run ends, with an OFFSET or with `err`. */
static bool receive(struct pdc *pdc, struct way *way, long *x)
{
	static char data[CLIENT_DATAGRAM_MAX];
	struct address from = { .len = sizeof from.ss };
	/* poll(2) also reports a datagram with a wrong checksum. The kernel then drops it, and
	   recvfrom(2) would wait. */
	ssize_t got = recvfrom(way->fd, data, sizeof data, MSG_DONTWAIT,
		(struct sockaddr *)&from.ss, &from.len);
	if (got < 0)
		return false;
	size_t len = (size_t)got;
	bool json = pdc->settings.options.json;
	if (!client_is_from(&from, &way->server)) {
		reset_ignore(&pdc->ignored.foreign, &from, "who was not asked", data, len, json);
		return false;
	}
	/* The OFFSET may answer an earlier packet than the last one. It does not say, and it
	   counts. */
	if (wire_parse_offset(data, len, x) && *x <= pdc->settings.n)
		return true;
	reset_ignore(&pdc->ignored.malformed, &from, "which is no OFFSET=X", data, len, json);
	bool wrong =
		len == strlen(WIRE_WRONG_COMMAND) && memcmp(data, WIRE_WRONG_COMMAND, len) == 0;
	pdc->wrong = wrong ? pdc->wrong + 1 : 0;
	if (pdc->wrong < WRONG_MAX)
		return false;
	err_set(&pdc->err, STATUS_FAILED, "the PMU refuses RESET:%ld: \"%s\", %d times in a row",
		pdc->settings.n, WIRE_WRONG_COMMAND, pdc->wrong);
	return true;
}

/* Waits for both sockets at once. Returns the way whose datagram ends the run; NULL: time-out. */
static struct way *wait_for_answer(struct pdc *pdc, long *x)
{
	double deadline = clock_now() + pdc->settings.options.timeout;
	for (double left; (left = deadline - clock_now()) > 0;) {
		struct pollfd ready[2];
		for (int i = 0; i < 2; i++) /* poll(2) skips a descriptor of -1 */
			ready[i] = (struct pollfd){ .fd = pdc->ways[i].fd, .events = POLLIN };
		/* Rounded up, or the loop would spin for the last millisecond. */
		if (poll(ready, 2, (int)ceil(fmin(left, 3600) * 1000)) <= 0)
			continue;
		for (int i = 0; i < 2; i++) {
			if (ready[i].revents & POLLERR)
				take_refusals(&pdc->ways[i], pdc->settings.options.json);
			if (ready[i].revents && receive(pdc, &pdc->ways[i], x))
				return &pdc->ways[i];
		}
	}
	return NULL;
}

/* One run: sends over both families and waits, until there is an answer, or --tries is reached, or
   `err` is set. */
static struct reset_run run(struct pdc *pdc)
{
	struct way *four = &pdc->ways[0], *six = &pdc->ways[1], *way = NULL;
	struct reset_run result = { 0 };
	double start = clock_now();
	int refused = 0; /* tries in a row that met only closed ports */
	pdc->wrong = 0;
	open_way(four);
	open_way(six);
	while (!way && (pdc->settings.tries == 0 || result.tries < pdc->settings.tries)) {
		send_reset(pdc, four);
		send_reset(pdc, six);
		if (!four->usable && !six->usable)
			break;
		pdc->err.text[0] = '\0'; /* one family is enough */
		result.tries++;
		way = wait_for_answer(pdc, &result.x);
		bool somebody =
			(four->usable && !four->refused_now) || (six->usable && !six->refused_now);
		refused = somebody ? 0 : refused + 1;
		if (!way && refused == REFUSED_MAX) {
			err_set(&pdc->err, STATUS_FAILED,
				"connection refused, %d times in a row "
				"(is the lab running? start it with scripts/lab)",
				refused);
			break;
		}
	}
	result.answered = way && !pdc->err.text[0];
	result.packets = four->sent + six->sent;
	result.time = time(NULL);
	result.seconds = clock_now() - start;
	if (result.answered) {
		way->answers = true;
		result.family = way->name;
		result.family_packets = way->sent;
		result.refused = way->refused;
		address_format(&way->server, result.server);
	}
	return result;
}

/* Does all runs, and prints the results. */
static void run_all(struct pdc *pdc)
{
	const struct settings *settings = &pdc->settings;
	bool several = settings->runs > 1, json = settings->options.json;
	struct reset_runs runs = { 0 };
	struct reset_run last = { 0 };
	while (runs.runs < settings->runs && !pdc->err.text[0]) {
		last = run(pdc);
		for (int i = 0; i < 2; i++)
			close_way(&pdc->ways[i], false);
		if (!pdc->err.text[0])
			reset_runs_add(&runs, &last);
		if (!json && !pdc->err.text[0])
			reset_print_run(&last, several ? runs.runs : 0);
		if (!client_flush(&pdc->err))
			break;
	}
	for (int i = 0; i < 2; i++)
		close_way(&pdc->ways[i], true);
	runs.both_answer = pdc->ways[0].answers && pdc->ways[1].answers;
	if (!pdc->err.text[0])
		reset_runs_judge(&runs, &last, &pdc->ignored, &pdc->err);
	if (json)
		reset_print_json(&runs, &last, &pdc->ignored, &pdc->err);
	else
		reset_print_numbers(&runs, &last, &pdc->ignored);
}

int main(int argc, char **argv)
{
	struct pdc pdc = { .settings = { .options = { .timeout = 1 }, .n = 20, .runs = 1 } };
	struct settings *settings = &pdc.settings;
	int operands = client_parse(&cli, argc, argv, on_option, settings);
	if (!client_no_operands(&cli, argc, argv, operands, &pdc.err) ||
		!check_timeout(settings->options.timeout, &pdc.err) ||
		!client_find_port(&settings->options, "PMULAB_RESET_PORT", LAB_RESET_PORT, 1,
			&pdc.err))
		return cli_fail(cli.program, &pdc.err);
	bool four = find_way(&pdc, &pdc.ways[0], "IPv4", AF_INET),
	     six = find_way(&pdc, &pdc.ways[1], "IPv6", AF_INET6);
	if (!four && !six)
		return cli_fail(cli.program, &pdc.err);
	pdc.err.text[0] = '\0';

	signal(SIGPIPE, SIG_IGN); /* writing to a closed stdout fails with EPIPE */
	run_all(&pdc);
	return pdc.err.text[0] ? cli_fail(cli.program, &pdc.err) : STATUS_OK;
}
