/*
 * Part 2 of the lab: a phasor data concentrator. It sends one command over TCP and prints the PMU's
 * answer, each message on a line of its own. TCP is a stream: one recv(2) may return half a message
 * or five of them. So messages are found by their text, not by how they arrive.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/client.h"
#include "clients/client_options.h"
#include "clients/client_pmu.h"
#include "common/cli/cli.h"
#include "common/err.h"
#include "common/json.h"
#include "common/net.h"

static const struct cli_option rows[] = {
	CLIENT_ROWS_FAMILY,
	CLIENT_ROW_HOST("the PMU's name or address"),
	CLIENT_ROW_PORT("its port (else $PMULAB_PMU_PORT, else 5003)"),
	CLIENT_ROW_BUFFER("4096"),
	CLIENT_ROW_TIMEOUT(
		"give up after so much silence; 0: never "
		"(10 more than the command's own interval)"),
	CLIENT_ROW_JSON,
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "pdc",
	.summary = "ask a PMU for its data over TCP",
	.usage = "[options] COMMAND",
	.about =
		"Sends COMMAND to a PMU over TCP and prints its answer: "
		"messages one a line, the moment\n"
		"they arrive, or the flood as it is. The numbers go to stderr.",
	.options = rows,
	.count = sizeof rows / sizeof rows[0],
	.examples = "pdc CMD_short:0             20 messages, all at once\n"
		    "pdc CMD_short:1             one a second\n"
		    "pdc -b 16 CMD_short:0       with a small receive buffer, as in code D\n"
		    "pdc CMD_floodme >flood.txt  one large message\n"
		    "pdc -4 -H tcpip.epfl.ch -p 5003 CMD_short:0",
	.exit_status =
		"0 done, 1 failed or refused by the PMU, 2 wrong usage, "
		"3 the answer is not a PMU's.",
	.see_also = "echo-client pdc-reset pdc-tls pdc-ws pmulab",
};

/* The counts of this client; the others are in struct client_pmu. */
struct numbers {
	long recv_calls;
	struct segments segments;
	bool segments_known;
};

/* Reads until the PMU closes: nothing else shows that the answer is complete. */
static void receive(struct client_pmu *pmu, int fd, size_t size, struct numbers *numbers)
{
	static char buffer[CLIENT_BUFFER_MAX]; /* only the used part takes memory */
	for (;;) {
		ssize_t len = recv(fd, buffer, size, 0);
		if (len < 0 && errno == EINTR) /* stopped and continued (signal(7)) */
			continue;
		numbers->recv_calls++;
		if (len == 0) {
			client_pmu_closed(pmu);
			return;
		}
		if (len < 0) {
			bool silent;
			const char *reason = client_socket_error(&silent);
			if (silent)
				client_pmu_fail(pmu, "silent", STATUS_FAILED,
					"nothing came for %g s", pmu->timeout);
			else
				client_pmu_fail(pmu, "failed", STATUS_FAILED, "%s", reason);
			return;
		}
		if (!client_pmu_take(pmu, buffer, (size_t)len))
			return;
	}
}

/* The answers to Q9, Q10, Q13 and Q15. */
static void report(const struct client_pmu *pmu, const struct numbers *numbers, long buffer)
{
	client_pmu_print_counts(pmu);
	fprintf(stderr, ", %ld recv() call%s of up to %ld", numbers->recv_calls,
		client_plural(numbers->recv_calls), buffer);
	if (numbers->segments_known)
		fprintf(stderr, ", %u data segment%s", numbers->segments.in,
			client_plural(numbers->segments.in));
	fputc('\n', stderr);
}

static void report_json(struct client_pmu *pmu, const struct numbers *numbers, long buffer)
{
	char text[CLIENT_PMU_JSON_SIZE];
	struct json json;
	client_pmu_json_begin(pmu, &json, text);
	json_put_integer(&json, "recv_calls", numbers->recv_calls);
	json_put_integer(&json, "buffer", buffer);
	if (numbers->segments_known)
		json_put_integer(&json, "segments", numbers->segments.in);
	client_pmu_json_end(pmu, &json);
}

int main(int argc, char **argv)
{
	struct client_options options = { .buffer = 4096, .timeout = -1 };
	struct client_pmu pmu = { 0 };
	struct numbers numbers = { 0 };
	int operands = client_parse(&cli, argc, argv, client_on_option, &options);
	if (!client_pmu_init(&pmu, cli.program, &options, argc - operands, argv + operands) ||
		!client_find_port(&options, "PMULAB_PMU_PORT", LAB_PMU_PORT, 1, &pmu.err))
		return cli_fail(cli.program, &pmu.err);

	signal(SIGPIPE, SIG_IGN); /* writing to a closed stdout or connection fails with EPIPE */
	int fd = net_connect(
		client_host(&options), options.port, options.family, pmu.connect_timeout, &pmu.err);
	if (fd < 0)
		return cli_fail(cli.program, &pmu.err);
	client_pmu_connected(&pmu, fd);

	size_t len = strlen(pmu.text);
	if (client_send_all(fd, pmu.text, len) == len)
		receive(&pmu, fd, (size_t)options.buffer, &numbers);
	else
		client_pmu_fail(&pmu, "failed", STATUS_FAILED, "sending the command: %s",
			strerror(errno));
	numbers.segments_known = net_segments(fd, &numbers.segments);
	close(fd);

	if (client_pmu_end(&pmu) && pmu.bytes == 0)
		client_pmu_fail(&pmu, "closed", STATUS_PROTOCOL, "closed without an answer");
	if (options.json)
		report_json(&pmu, &numbers, options.buffer);
	else
		report(&pmu, &numbers, options.buffer);
	return pmu.err.text[0] ? cli_fail(cli.program, &pmu.err) : STATUS_OK;
}
