/*
 * Reads the journal and collects each flow: the numbers of the datagrams of one endpoint, family
 * and direction, and which of them were lost. Then counts the losses and their runs.
 */
#include "servers/commands/loss_stats.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli/cli.h"
#include "common/stats.h"
#include "common/wire.h"
#include "servers/commands/ndjson.h"
#include "servers/impair/loss.h"

static const struct cli_option options[] = { CLI_COMMON };

const struct cli loss_stats_cli = {
	.program = "pmulab loss stats",
	.summary = "count what was lost in a file of `pmulab serve --events`",
	.usage = "EVENTS.ndjson",
	.about = "Counts the losses in a file of `pmulab serve --events`; - reads stdin.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.notes =
		"The interval is Wilson's at 95 %. It takes each loss for itself: where losses "
		"come in runs,\n"
		"the true one is wider. \"fitted\" is the burst model with the observed loss and "
		"mean run; the\n"
		"key <endpoint>.loss takes it as it stands.",
	.examples = "pmulab loss stats lab.ndjson",
	.exit_status = "0, 1 the file cannot be read or tells of no datagrams, 2 usage.",
};

struct flow {
	char *endpoint;
	long family;
	bool reply;
	/* for each datagram n in the journal: 2 n + 1 when it was lost, else 2 n; in any order, and
	   some n twice */
	uint64_t *told;
	size_t count, size;
};

struct journal {
	struct ndjson file;
	struct flow *flows;
	size_t count;
	json_t *config; /* of the `start` event; NULL: there was none */
	/* events that the journal lost (`lost`); datagrams that it only counts (`repeated`) */
	uint64_t missing, repeated;
};

static bool out_of_memory(struct err *err)
{
	err_set(err, STATUS_FAILED, "out of memory");
	return false;
}

static struct flow *find_flow(struct journal *journal, const char *endpoint, long family,
	bool reply)
{
	for (size_t i = 0; i < journal->count; i++) {
		struct flow *flow = &journal->flows[i];
		if (flow->family == family && flow->reply == reply &&
			strcmp(flow->endpoint, endpoint) == 0)
			return flow;
	}
	struct flow *flows = realloc(journal->flows, (journal->count + 1) * sizeof *flows);
	if (!flows)
		return NULL;
	journal->flows = flows;
	char *name = strdup(endpoint);
	if (!name)
		return NULL;
	flows[journal->count] = (struct flow){ .endpoint = name, .family = family, .reply = reply };
	return &flows[journal->count++];
}

static bool flow_add(struct flow *flow, uint64_t n, bool lost)
{
	if (flow->count == flow->size) {
		size_t size = flow->size > 0 ? 2 * flow->size : 1024;
		uint64_t *told = realloc(flow->told, size * sizeof *told);
		if (!told)
			return false;
		flow->told = told;
		flow->size = size;
	}
	flow->told[flow->count++] = 2 * n + lost;
	return true;
}

/* ---- reading ---- */

/* Adds datagram n of the event. One that was dropped for another reason than simulated loss is not
   `lost`. */
static bool add_datagram(struct journal *journal, const json_t *event, bool reply, bool lost,
	struct err *err)
{
	json_int_t n = ndjson_integer(event, "n");
	json_t *family = json_object_get(event, "family");
	const char *endpoint = ndjson_text(event, "endpoint");
	if (n <= 0 || n > INT64_MAX / 2 || !*endpoint)
		return true; /* about no single datagram */
	struct flow *flow =
		find_flow(journal, endpoint, family ? (long)json_integer_value(family) : 4, reply);
	return (flow && flow_add(flow, (uint64_t)n, lost)) || out_of_memory(err);
}

static bool read_start(struct journal *journal, const json_t *event, struct err *err)
{
	if (journal->config) {
		err_set(err, STATUS_FAILED,
			"%s:%" PRIu64 ": a second run begins here; one file for each, please",
			journal->file.path, journal->file.line);
		return false;
	}
	json_t *config = json_object_get(event, "config");
	journal->config = config ? json_incref(config) : json_object();
	return true;
}

static bool read_datagram(struct journal *journal, const json_t *event, struct err *err)
{
	return add_datagram(journal, event, false, false, err);
}

static bool read_reply(struct journal *journal, const json_t *event, struct err *err)
{
	return add_datagram(journal, event, true, false, err);
}

static bool read_drop(struct journal *journal, const json_t *event, struct err *err)
{
	const char *reason = ndjson_text(event, "reason");
	bool chance = !*reason || strcmp(reason, "loss") == 0;
	return add_datagram(journal, event, strcmp(ndjson_text(event, "direction"), "reply") == 0,
		chance, err);
}

static bool read_lost(struct journal *journal, const json_t *event, struct err *err)
{
	journal->missing += ndjson_count(event, "count");
	return true;
}

static bool read_repeated(struct journal *journal, const json_t *event, struct err *err)
{
	journal->repeated += ndjson_count(event, "count");
	return true;
}

static const struct {
	const char *event;
	bool (*read)(struct journal *journal, const json_t *event, struct err *err);
} readers[] = {
	{ "start", read_start },
	{ "receive", read_datagram },
	{ "drop", read_drop },
	{ "reply", read_reply },
	{ "line", read_reply }, /* the play's datagrams go from the lab, as replies do */
	{ "answer", read_reply },
	{ "lost", read_lost },
	{ "repeated", read_repeated },
};

static bool read_event(void *context, const json_t *event, struct err *err)
{
	struct journal *journal = context;
	const char *name = ndjson_text(event, "event");
	for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++)
		if (strcmp(name, readers[i].event) == 0)
			return readers[i].read(journal, event, err);
	return true;
}

static bool journal_read(struct journal *journal, struct err *err)
{
	return ndjson_read(&journal->file, read_event, journal, err);
}

static void journal_finish(struct journal *journal)
{
	for (size_t i = 0; i < journal->count; i++) {
		free(journal->flows[i].endpoint);
		free(journal->flows[i].told);
	}
	free(journal->flows);
	json_decref(journal->config);
}

/* ---- counting ---- */

static int compare_told(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static int compare_flows(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;
	int order = strcmp(x->endpoint, y->endpoint);
	if (order == 0)
		order = (x->family > y->family) - (x->family < y->family);
	return order != 0 ? order : x->reply - y->reply;
}

/* A gap in the numbers ends a run. `*missing`: how many numbers below the last one are not in the
   journal. */
static struct stats_runs count_runs(struct flow *flow, uint64_t *missing)
{
	struct stats_runs runs = { 0 };
	uint64_t last = 0;
	qsort(flow->told, flow->count, sizeof flow->told[0], compare_told);
	for (size_t i = 0; i < flow->count; i++) {
		uint64_t n = flow->told[i] / 2;
		/* When a number is there twice, the last entry counts; lost sorts behind
		   arrived. */
		if (i + 1 < flow->count && flow->told[i + 1] / 2 == n)
			continue;
		if (n != last + 1)
			stats_runs_break(&runs);
		stats_runs_add(&runs, flow->told[i] & 1);
		last = n;
	}
	*missing = last - runs.tries;
	return runs;
}

/* The configured loss; "none" where it does not hold for this direction (reset.direction). NULL:
   the journal does not say. */
static const char *configured(const struct journal *journal, const struct flow *flow)
{
	char key[64];
	snprintf(key, sizeof key, "%s.direction", flow->endpoint);
	const char *direction = json_string_value(json_object_get(journal->config, key));
	if (direction && strcmp(direction, "both") != 0 &&
		strcmp(direction, flow->reply ? "reply" : "request") != 0)
		return "none";
	snprintf(key, sizeof key, "%s.loss", flow->endpoint);
	return json_string_value(json_object_get(journal->config, key));
}

/* Writes the burst model with the observed loss and mean run, or the loss alone where that model is
   not possible. */
static void fit(const struct stats_runs *runs, char *text, size_t size)
{
	struct loss_spec spec;
	double loss = 100 * (double)runs->hits / (double)runs->tries;
	snprintf(text, size, "burst:%.1f%%,%.2f", loss, stats_runs_mean(runs));
	if (runs->hits == 0)
		snprintf(text, size, "none");
	else if (!loss_parse(&spec, text, NULL)) /* nearly all are lost */
		snprintf(text, size, "%.1f%%", loss);
}

static void describe_theory(const char *loss, char *text, size_t size)
{
	struct loss_spec spec;
	if (!loss || !loss_parse(&spec, loss, NULL)) {
		snprintf(text, size, "?");
		return;
	}
	struct loss_theory theory = loss_expect(&spec);
	if (theory.total > 0)
		snprintf(text, size, "%" PRIu64 " in all", theory.total);
	else if (theory.loss > 0 && isfinite(theory.run))
		snprintf(text, size, "%.3g%%, run %.3g", 100 * theory.loss, theory.run);
	else
		snprintf(text, size, "%.3g%%", 100 * theory.loss);
}

static void print_flow(const struct journal *journal, struct flow *flow)
{
	uint64_t missing;
	struct stats_runs runs = count_runs(flow, &missing);
	struct interval interval = stats_wilson(runs.hits, runs.tries);
	const char *direction = flow->reply ? "reply" : "request",
		   *loss = configured(journal, flow);
	double share = (double)runs.hits / (double)runs.tries;
	char fitted[64], expected[64], shown[WIRE_ESCAPED_MAX], range[64];
	fit(&runs, fitted, sizeof fitted);
	describe_theory(loss, expected, sizeof expected);
	wire_escape(shown, flow->endpoint, strlen(flow->endpoint));
	snprintf(range, sizeof range, "%.1f to %.1f%%", 100 * interval.low, 100 * interval.high);
	printf("%-10s IPv%ld    %-10s %9" PRIu64 " %9" PRIu64 " %6.1f%%  %-15s %8.2f %8" PRIu64
	       "  %-18s %-16s %s\n",
		shown, flow->family, direction, runs.tries, runs.hits, 100 * share, range,
		stats_runs_mean(&runs), runs.longest, fitted, expected, loss ? loss : "?");
	if (missing > 0)
		fprintf(stderr,
			"%s: %s, IPv%ld, %s: %" PRIu64 " of %" PRIu64
			" datagrams are not told of\n",
			loss_stats_cli.program, shown, flow->family, direction, missing,
			missing + runs.tries);
}

static bool print_stats(struct journal *journal, struct err *err)
{
	if (journal->count == 0) {
		err_set(err, STATUS_FAILED, "%s tells of no datagrams", journal->file.path);
		return false;
	}
	qsort(journal->flows, journal->count, sizeof journal->flows[0], compare_flows);
	printf("%-10s %-7s %-10s %9s %9s %7s  %-15s %8s %8s  %-18s %-16s %s\n", "endpoint",
		"family", "direction", "datagrams", "lost", "loss", "95% interval", "mean run",
		"longest", "fitted", "expected", "configured");
	for (size_t i = 0; i < journal->count; i++)
		print_flow(journal, &journal->flows[i]);
	if (journal->repeated > 0)
		fprintf(stderr,
			"%s: %" PRIu64
			" datagrams were only counted, since their senders sent so many\n",
			loss_stats_cli.program, journal->repeated);
	if (journal->missing > 0)
		fprintf(stderr, "%s: %" PRIu64 " events are missing in the file\n",
			loss_stats_cli.program, journal->missing);
	if (fflush(stdout) == 0)
		return true;
	err_set(err, STATUS_FAILED, "stdout: %s", strerror(errno));
	return false;
}

static bool no_option(void *context, int id, const char *value, struct err *err)
{
	return true;
}

int command_loss_stats(int argc, char **argv)
{
	struct err err = { 0 };
	int operands = 0;
	enum cli_result result =
		cli_parse(&loss_stats_cli, argc, argv, no_option, NULL, &operands, &err);
	if (result == CLI_DONE)
		return STATUS_OK;
	if (result == CLI_ERROR)
		return cli_fail(loss_stats_cli.program, &err);
	if (argc - operands != 1) {
		err_set(&err, STATUS_USAGE, "one file of events is wanted; see %s --help",
			loss_stats_cli.program);
		return cli_fail(loss_stats_cli.program, &err);
	}
	struct journal journal = {
		.file = { .program = loss_stats_cli.program,
			.path = argv[operands],
			.what = "event" },
	};
	bool done = journal_read(&journal, &err) && print_stats(&journal, &err);
	journal_finish(&journal);
	return done ? STATUS_OK : cli_fail(loss_stats_cli.program, &err);
}
