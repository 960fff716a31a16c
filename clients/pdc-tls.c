/*
 * Part 6 of the lab, the client's side: pdc over TLS. It trusts a PMU only if the PMU's certificate
 * is signed by the lab's CA and issued for the requested host. The rest is as in part 2: TLS
 * carries a stream of bytes too, and one SSL_read(3) may return half a message or five of them.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
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

static const struct cli_option rows[] = {
	CLIENT_ROWS_FAMILY,
	CLIENT_ROW_HOST("the PMU's name or address"),
	CLIENT_ROW_PORT("its port (else $PMULAB_PMU_TLS_PORT, else 5007)"),
	CLIENT_ROW_CA("trust"),
	CLIENT_ROW_LEGACY("accept 1024-bit keys and SHA-1, as the handout's"),
	CLIENT_ROW_TIMEOUT(
		"give up after so much silence; 0: never "
		"(10 more than the command's own interval)"),
	CLIENT_ROW_JSON,
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "pdc-tls",
	.summary = "ask a PMU for its data over TLS",
	.usage = "[options] COMMAND",
	.about =
		"Sends COMMAND to a PMU over TLS and prints its answer: "
		"messages one a line, the moment\n"
		"they arrive, or the flood as it is. The numbers go to stderr. "
		"Nothing is sent to a PMU whose\n"
		"certificate is not good.",
	.options = rows,
	.count = sizeof rows / sizeof rows[0],
	.examples =
		"pdc-tls CMD_short:0         the lab's own PMU on this machine\n"
		"pdc-tls --ca cacert.pem -p 5003 CMD_short:0\n"
		"pdc-tls --ca cacert.pem --legacy -p 5003 CMD_short:0   "
		"with the handout's 1024-bit key",
	.exit_status =
		"0 done, 1 failed or refused by the PMU or not trusted, 2 wrong usage, "
		"3 the answer is\n"
		"not TLS or not a PMU's.",
	.see_also = "pdc pmu-tls pmulab",
};

static bool send_command(struct client_pmu *pmu, struct transport *tls)
{
	const char *data = pmu->text;
	for (size_t len = strlen(data), taken; len > 0; len -= taken, data += taken) {
		enum io io = tls->ops->send(tls, data, len, &taken);
		if (io != IO_DONE) {
			client_pmu_fail_io(pmu, tls, io, "sending the command: nothing moved");
			return false;
		}
	}
	return true;
}

/* Reads until the PMU ends the answer: nothing else shows that the answer is complete. */
static void receive(struct client_pmu *pmu, struct transport *tls)
{
	char buffer[4096];
	for (;;) {
		size_t len;
		bool last;
		enum io io = tls->ops->recv(tls, buffer, sizeof buffer, &len, &last);
		if (io == IO_EOF) {
			client_pmu_closed(pmu);
			return;
		}
		if (io != IO_DONE) {
			client_pmu_fail_io(pmu, tls, io,
				"waiting for the end of the answer: nothing moved");
			return;
		}
		if (!client_pmu_take(pmu, buffer, len))
			return;
	}
}

static void report(const struct client_pmu *pmu, const struct transport_about *about)
{
	client_pmu_print_counts(pmu);
	fprintf(stderr, ", %ld recv() call%s, %s %s\n", (long)about->recv_calls,
		client_plural((long)about->recv_calls), about->tls_version, about->tls_cipher);
	/* Anybody on the way can forge TCP's end, but not close_notify (RFC 8446 6.1). */
	if (strcmp(pmu->ended, "closed") == 0 && !about->orderly)
		fprintf(stderr,
			"%s: %s: ended without close_notify: nothing proves that this was all\n",
			cli.program, pmu->peer);
}

static void report_json(struct client_pmu *pmu, const struct transport_about *about)
{
	char text[CLIENT_PMU_JSON_SIZE];
	struct json json;
	client_pmu_json_begin(pmu, &json, text);
	json_put_string(&json, "tls", about->tls_version);
	json_put_string(&json, "cipher", about->tls_cipher);
	json_put_integer(&json, "recv_calls", (int64_t)about->recv_calls);
	json_put_bool(&json, "close_notify", about->orderly);
	client_pmu_json_end(pmu, &json);
}

/* How long the PMU may take to read why we refuse its certificate. */
static const double ALERT_SECONDS = 1;

/* Handshake, command, answer, goodbye. */
static void exchange(struct client_pmu *pmu, struct transport *tls, int fd, bool json)
{
	struct transport_about about;
	enum io io = tls->ops->handshake(tls); /* it checks the certificate */
	if (io != IO_DONE)
		client_pmu_fail_io(pmu, tls, io, "TLS handshake: nothing moved");
	if (io == IO_REFUSED)
		client_end_tcp(fd, ALERT_SECONDS); /* else a reset overtakes our alert */
	if (io == IO_DONE && send_command(pmu, tls))
		receive(pmu, tls);
	if (client_pmu_end(pmu) && pmu->bytes == 0)
		client_pmu_fail(pmu, "closed", STATUS_PROTOCOL, "closed without an answer");
	if (io == IO_DONE)
		tls->ops->finish(tls); /* sends close_notify; does not wait for the peer's */
	tls->ops->describe(tls, &about);
	if (json)
		report_json(pmu, &about);
	else if (io == IO_DONE)
		report(pmu, &about);
}

int main(int argc, char **argv)
{
	struct client_options options = { .timeout = -1 };
	struct client_pmu pmu = { 0 };
	char ca_file[PATH_MAX];
	int operands = client_parse(&cli, argc, argv, client_on_option, &options);
	if (!client_pmu_init(&pmu, cli.program, &options, argc - operands, argv + operands) ||
		!client_find_port(&options, "PMULAB_PMU_TLS_PORT", LAB_TLS_PORT, 1, &pmu.err) ||
		!client_find_ca(&options, ca_file, sizeof ca_file, &pmu.err))
		return cli_fail(cli.program, &pmu.err);
	struct tls_context *context = tls_context_client(ca_file, options.legacy, &pmu.err);
	if (!context)
		return cli_fail(cli.program, &pmu.err);
	client_tls_keys(cli.program, context);

	signal(SIGPIPE, SIG_IGN); /* writing to a closed stdout or connection fails with EPIPE */
	const char *host = client_host(&options);
	int fd = net_connect(host, options.port, options.family, pmu.connect_timeout, &pmu.err);
	if (fd >= 0) {
		client_pmu_connected(&pmu, fd);
		struct transport *tls = transport_tls_create(context, fd, host);
		if (tls)
			exchange(&pmu, tls, fd, options.json);
		else
			client_pmu_fail(&pmu, "failed", STATUS_FAILED, "out of memory");
		transport_destroy(tls);
		close(fd);
	}
	tls_context_destroy(context);
	return pmu.err.text[0] ? cli_fail(cli.program, &pmu.err) : STATUS_OK;
}
