/* `pmulab loss` runs one of its two commands. `preview` is here, `stats` is in loss_stats.c. */
#include "servers/commands/loss.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cli/cli.h"
#include "common/stats.h"
#include "servers/commands/loss_stats.h"
#include "servers/commands/seed.h"
#include "servers/endpoint_table.h"
#include "servers/impair/fate.h"
#include "servers/impair/loss.h"

/* LINE: fates in a line on a terminal */
enum { FATES = 100, FATES_MAX = 10000000, LINE = 50 };

enum option {
	OPTION_LOSS = CLI_FIRST,
	OPTION_SEED,
	OPTION_ENDPOINT,
	OPTION_FAMILY,
	OPTION_DIRECTION,
	OPTION_COUNT,
};

static const struct cli_option options[] = {
	{ OPTION_LOSS, 0, "loss", "LOSS",
		"as for the key <endpoint>.loss; without it, that key's default" },
	{ OPTION_SEED, 0, "seed", "N",
		"that of `pmulab serve`; without it one is drawn, and told" },
	{ OPTION_ENDPOINT, 0, "endpoint", "NAME",
		"reset (default), or another endpoint with datagrams" },
	{ OPTION_FAMILY, 0, "family", "4|6", "IPv4 (default) or IPv6" },
	{ OPTION_DIRECTION, 0, "direction", "request|reply",
		"towards the lab (default) or back; tv only sends: reply" },
	{ OPTION_COUNT, 'n', NULL, "N", "so many datagrams, from the first one on (100)" },
	CLI_COMMON,
};

static const struct cli preview_cli = {
	.program = "pmulab loss preview",
	.summary = "show the fates of a seed before they happen",
	.usage = "[options]",
	.about = "Shows which datagrams `pmulab serve` will lose: x is lost, . is not.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.notes =
		"LOSS is one of\n"
		"  none                                nothing is lost\n"
		"  30%, 0.3                            each one with this probability\n"
		"  burst:AVERAGE,LENGTH                mean loss and mean run of losses: "
		"burst:30%,4\n"
		"  gemodel:p[,r[,1-h[,1-k]]]           Gilbert-Elliott, as in tc-netem(8)\n"
		"  state:p13[,p31[,p32[,p23[,p14]]]]   four states, as in tc-netem(8)\n"
		"  list:1,2,5                          exactly these\n"
		"  first:2                             the first two\n"
		"  pattern:xx.                         repeats\n"
		"and ,max-run=3 behind it lets one through after 3 in a row.",
	.examples = "pmulab loss preview --seed 7 --loss burst:30%,4 -n 200",
	.exit_status = "0, 1 stdout cannot be written, 2 usage.",
};

struct preview {
	struct loss_spec spec;
	enum endpoint_id endpoint;
	enum fate_direction direction;
	uint64_t seed;
	long family, count;
	bool has_loss, has_seed, has_direction;
};

static bool find_endpoint(struct preview *preview, const char *name, struct err *err)
{
	preview->endpoint = endpoint_find(name);
	if (preview->endpoint != ENDPOINT_NONE && endpoint_table[preview->endpoint].loss)
		return true;
	err_set(err, STATUS_USAGE,
		"--endpoint: there is no endpoint \"%s\" with datagrams; there are", name);
	bool first = true;
	for (int id = 0; id < ENDPOINT_COUNT; id++)
		if (endpoint_table[id].loss) {
			err_append(err, "%s %s", first ? "" : ",", endpoint_table[id].name);
			first = false;
		}
	return false;
}

static bool find_direction(struct preview *preview, const char *name, struct err *err)
{
	static const enum fate_direction directions[] = { FATE_REQUEST, FATE_REPLY };
	for (size_t i = 0; i < sizeof directions / sizeof directions[0]; i++)
		if (strcmp(name, fate_direction_name(directions[i])) == 0) {
			preview->direction = directions[i];
			preview->has_direction = true;
			return true;
		}
	err_set(err, STATUS_USAGE, "--direction: \"%s\" is neither request nor reply", name);
	return false;
}

static bool find_family(struct preview *preview, const char *text, struct err *err)
{
	if (strcmp(text, "4") == 0 || strcmp(text, "6") == 0) {
		preview->family = *text - '0';
		return true;
	}
	err_set(err, STATUS_USAGE, "--family: \"%s\" is neither 4 nor 6", text);
	return false;
}

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	struct preview *preview = context;
	switch ((enum option)id) {
	case OPTION_LOSS:
		preview->has_loss = true;
		if (loss_parse(&preview->spec, value, err))
			return true;
		err_prefix(err, "--loss");
		return false;
	case OPTION_SEED:
		preview->has_seed = true;
		return seed_parse(&preview->seed, value, err);
	case OPTION_ENDPOINT:
		return find_endpoint(preview, value, err);
	case OPTION_FAMILY:
		return find_family(preview, value, err);
	case OPTION_DIRECTION:
		return find_direction(preview, value, err);
	case OPTION_COUNT:
		return cli_integer("-n", value, 1, FATES_MAX, &preview->count, err);
	}
	return true;
}

/* The television station loses nothing that it receives; only its own datagrams have fates. */
static bool settle_direction(struct preview *preview, struct err *err)
{
	if (!(endpoint_table[preview->endpoint].groups & GROUP_TV))
		return true;
	if (preview->has_direction && preview->direction == FATE_REQUEST) {
		err_set(err, STATUS_USAGE,
			"--direction: %s loses nothing that it hears; its lines and answers are "
			"reply",
			endpoint_table[preview->endpoint].name);
		return false;
	}
	preview->direction = FATE_REPLY;
	return true;
}

static struct stats_runs print_fates(const struct preview *preview)
{
	struct fate_stream stream = fate_stream(preview->seed,
		endpoint_table[preview->endpoint].name, (int)preview->family, preview->direction);
	struct loss_state state = { 0 };
	struct stats_runs runs = { 0 };
	long line = isatty(STDOUT_FILENO) ? LINE : preview->count;
	for (long n = 1; n <= preview->count; n++) {
		bool lost = loss_next(&preview->spec, &state, &stream, (uint64_t)n).lost;
		stats_runs_add(&runs, lost);
		putchar(lost ? 'x' : '.');
		if (n % line == 0 || n == preview->count)
			putchar('\n');
	}
	return runs;
}

static void print_expected(const struct loss_spec *spec, FILE *out)
{
	struct loss_theory theory = loss_expect(spec);
	if (theory.total > 0)
		fprintf(out, "expected: %" PRIu64 " lost in all, mean run %.3g\n", theory.total,
			theory.run);
	else if (theory.loss <= 0)
		fputs("expected: nothing is lost\n", out);
	else if (isinf(theory.run))
		fputs("expected: sooner or later all are lost\n", out);
	else
		fprintf(out, "expected: %.4g%% lost, mean run %.3g\n", 100 * theory.loss,
			theory.run);
}

static void print_summary(const struct preview *preview, const struct stats_runs *runs)
{
	char text[LOSS_TEXT_MAX];
	loss_format(&preview->spec, text);
	fprintf(stderr, "%s, %s over IPv%ld, seed %" PRIu64 ": %s\n",
		endpoint_table[preview->endpoint].name,
		preview->direction == FATE_REQUEST ? "requests" : "replies", preview->family,
		preview->seed, text);
	fprintf(stderr, "lost %" PRIu64 " of %" PRIu64 " (%.4g%%)", runs->hits, runs->tries,
		100 * (double)runs->hits / (double)runs->tries);
	if (runs->runs > 0)
		fprintf(stderr, " in %" PRIu64 " %s, mean run %.3g, longest %" PRIu64, runs->runs,
			runs->runs == 1 ? "run" : "runs", stats_runs_mean(runs), runs->longest);
	putc('\n', stderr);
	print_expected(&preview->spec, stderr);
}

static int command_loss_preview(int argc, char **argv)
{
	struct err err = { 0 };
	struct preview preview = { .endpoint = ENDPOINT_RESET,
		.direction = FATE_REQUEST,
		.family = 4,
		.count = FATES };
	int operands = 0;
	enum cli_result result =
		cli_parse(&preview_cli, argc, argv, on_option, &preview, &operands, &err);
	if (result == CLI_DONE)
		return STATUS_OK;
	if (result == CLI_ERROR)
		return cli_fail(preview_cli.program, &err);
	if (operands < argc) {
		err_set(&err, STATUS_USAGE, "\"%s\" is too much; see %s --help", argv[operands],
			preview_cli.program);
		return cli_fail(preview_cli.program, &err);
	}
	if (!settle_direction(&preview, &err))
		return cli_fail(preview_cli.program, &err);
	if (!preview.has_loss &&
		!loss_parse(&preview.spec, endpoint_table[preview.endpoint].loss, &err))
		return cli_fail(preview_cli.program, &err);
	if (!preview.has_seed)
		preview.seed = seed_draw();
	struct stats_runs runs = print_fates(&preview);
	if (fflush(stdout) != 0) {
		err_set(&err, STATUS_FAILED, "stdout: %s", strerror(errno));
		return cli_fail(preview_cli.program, &err);
	}
	print_summary(&preview, &runs);
	return STATUS_OK;
}

static const struct cli_command commands[] = {
	{ &preview_cli, command_loss_preview },
	{ &loss_stats_cli, command_loss_stats },
};

const struct cli loss_cli = {
	.program = "pmulab loss",
	.summary = "which datagrams are lost, before and afterwards",
	.usage = "COMMAND [options]",
	.about = "Which datagrams are lost, and how many.",
	.commands = commands,
	.command_count = sizeof commands / sizeof commands[0],
};

int command_loss(int argc, char **argv)
{
	return cli_command(&loss_cli, argc, argv);
}
