/* ctl set, unset, cut, pause, resume and scenario: the commands that change the lab. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/commands/ctl/ctl_private.h"

static const struct cli_option plain_options[] = { CTL_PLACE, CTL_JSON, CLI_COMMON };

#define COUNT(table) (sizeof table / sizeof table[0])

/* Prints a wrong use: `before`, then `typed` in quotes ("": without), then `behind`. Returns the
   exit status. */
static int usage(const struct ctl *ctl, const char *before, const char *typed, const char *behind)
{
	const char *quote = *typed ? "\"" : "";
	struct err err;
	err_set(&err, STATUS_USAGE, "%s%s%s%s%s", before, quote, typed, quote, behind);
	return cli_fail(ctl->cli->program, &err);
}

/* ---- set, unset ---- */

const struct cli ctl_set_cli = {
	.program = "pmulab ctl set",
	.summary = "change keys, all or none of them",
	.usage = "[options] KEY=VALUE...",
	.about =
		"Changes keys of the lab that runs: all of them, or where one is refused none. "
		"They hold from the next\n"
		"datagram, command or connection on; `pmulab ctl get --json` says which.",
	.options = plain_options,
	.count = COUNT(plain_options),
	.examples = "pmulab ctl set reset.loss=burst:30%,4\n"
		    "pmulab ctl set pmu.messages=5 pmu-ws.messages=7",
	.exit_status = CTL_EXIT_STATUS,
};

static void show_keys(const struct ctl *ctl, const json_t *answer)
{
	const json_t *keys = json_object_get(answer, "keys");
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);
		const char *effect = ctl_text(key, "effect");
		printf("%s = %s%s\n", ctl_text(key, "key"), ctl_text(key, "value"),
			strcmp(effect, "connection") == 0 ? "  ; for connections from now on" : "");
	}
}

/* Removes blanks at both ends, in place. */
static char *trimmed(char *text)
{
	text += strspn(text, " \t");
	size_t len = strlen(text);
	while (len > 0 && strchr(" \t", text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

int ctl_set(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	int status;
	if (!ctl_begin(&ctl, &ctl_set_cli, argc, argv, 1, argc, "KEY=VALUE", &status))
		return status;
	json_t *body = json_object();
	for (int i = 0; i < ctl.count; i++) {
		char *equals = strchr(ctl.operands[i], '=');
		if (!equals) {
			json_decref(body);
			return usage(&ctl, "", ctl.operands[i], " is no KEY=VALUE");
		}
		*equals = '\0';
		if (json_object_set_new(body, trimmed(ctl.operands[i]),
			    json_string(trimmed(equals + 1))) != 0) {
			json_decref(body);
			return usage(&ctl, "KEY=VALUE: this is not UTF-8", "", "");
		}
	}
	return ctl_run(&ctl, "PATCH", "/v1/config", body, show_keys);
}

enum { OPTION_ALL = CTL_OPTION_LAST };

static const struct cli_option unset_options[] = {
	{ OPTION_ALL, 0, "all", NULL, "every key that was changed" },
	CTL_PLACE,
	CTL_JSON,
	CLI_COMMON,
};

const struct cli ctl_unset_cli = {
	.program = "pmulab ctl unset",
	.summary = "take changes back",
	.usage = "[options] [KEY...]",
	.about = "Gives keys the values again that they had when the lab was started.",
	.options = unset_options,
	.count = COUNT(unset_options),
	.examples = "pmulab ctl unset reset.loss\n"
		    "pmulab ctl unset --all",
	.exit_status = CTL_EXIT_STATUS,
};

/* For commands with one option of their own, a flag; `context` is a bool. */
static bool on_flag(void *context, int id, const char *value, struct err *err)
{
	*(bool *)context = true;
	return true;
}

int ctl_unset(int argc, char **argv)
{
	bool all = false;
	struct ctl ctl = { .on_option = on_flag, .context = &all };
	int status;
	if (!ctl_begin(&ctl, &ctl_unset_cli, argc, argv, 0, argc, "KEY", &status))
		return status;
	if (all != (ctl.count == 0))
		return usage(&ctl,
			all ? "keys, or --all: not both"
			    : "KEY is missing; --all takes every change back",
			"", "");
	if (all)
		return ctl_run(&ctl, "DELETE", "/v1/config", NULL, show_keys);
	json_t *body = json_object();
	for (int i = 0; i < ctl.count; i++)
		if (json_object_set_new(body, ctl.operands[i], json_null()) != 0) {
			json_decref(body);
			return usage(&ctl, "KEY: this is not UTF-8", "", "");
		}
	return ctl_run(&ctl, "PATCH", "/v1/config", body, show_keys);
}

/* ---- cut ---- */

enum { OPTION_RST = CTL_OPTION_LAST };

static const struct cli_option cut_options[] = {
	{ OPTION_RST, 0, "rst", NULL, "with a reset, and not as if all had been said" },
	CTL_PLACE,
	CTL_JSON,
	CLI_COMMON,
};

const struct cli ctl_cut_cli = {
	.program = "pmulab ctl cut",
	.summary = "end a connection",
	.usage = "[options] CONN",
	.about =
		"Ends one connection. CONN is its number in the events, and in `pmulab ctl "
		"connections`.",
	.options = cut_options,
	.count = COUNT(cut_options),
	.exit_status = CTL_EXIT_STATUS,
};

static void show_nothing(const struct ctl *ctl, const json_t *answer)
{
}

int ctl_cut(int argc, char **argv)
{
	bool reset = false;
	struct ctl ctl = { .on_option = on_flag, .context = &reset };
	int status;
	if (!ctl_begin(&ctl, &ctl_cut_cli, argc, argv, 1, 1, "CONN", &status))
		return status;
	char target[128] = "/v1/connections/";
	const char *conn = ctl.operands[0];
	if (!*conn || strspn(conn, "0123456789") != strlen(conn) ||
		!ctl_encode(target, sizeof target - 8, conn))
		return usage(&ctl, "", conn,
			" is no connection's number; `pmulab ctl connections` lists them");
	strcat(target, "/close");
	return ctl_run(&ctl, "POST", target, json_pack("{s:s}", "how", reset ? "rst" : "fin"),
		show_nothing);
}

/* ---- pause, resume ---- */

const struct cli ctl_pause_cli = {
	.program = "pmulab ctl pause",
	.summary = "an endpoint, or all, takes no new work",
	.usage = "[options] [ENDPOINT]",
	.about =
		"The endpoint takes no new work until it is resumed: who connects waits, datagrams "
		"are lost. What is open\n"
		"goes on. Without ENDPOINT: all of them.",
	.options = plain_options,
	.count = COUNT(plain_options),
	.exit_status = CTL_EXIT_STATUS,
};

const struct cli ctl_resume_cli = {
	.program = "pmulab ctl resume",
	.summary = "it takes work again",
	.usage = "[options] [ENDPOINT]",
	.about = "The endpoint takes work again. Without ENDPOINT: all of them.",
	.options = plain_options,
	.count = COUNT(plain_options),
	.exit_status = CTL_EXIT_STATUS,
};

static int pause_or_resume(const struct cli *cli, const char *target, int argc, char **argv)
{
	struct ctl ctl = { 0 };
	int status;
	if (!ctl_begin(&ctl, cli, argc, argv, 0, 1, "ENDPOINT", &status))
		return status;
	json_t *body = ctl.count ? json_pack("{s:s}", "endpoint", ctl.operands[0]) : json_object();
	if (!body)
		return usage(&ctl, "ENDPOINT: this is not UTF-8", "", "");
	return ctl_run(&ctl, "POST", target, body, show_nothing);
}

int ctl_pause(int argc, char **argv)
{
	return pause_or_resume(&ctl_pause_cli, "/v1/pause", argc, argv);
}

int ctl_resume(int argc, char **argv)
{
	return pause_or_resume(&ctl_resume_cli, "/v1/resume", argc, argv);
}

/* ---- scenario ---- */

enum { OPTION_END = CTL_OPTION_LAST };

static const struct cli_option scenario_options[] = {
	{ OPTION_END, 0, "end", NULL,
		"leave out the steps that are not done yet; what is changed stays" },
	CTL_PLACE,
	CTL_JSON,
	CLI_COMMON,
};

const struct cli ctl_scenario_cli = {
	.program = "pmulab ctl scenario",
	.summary = "change the lab step by step, by the clock",
	.usage = "[options] [FILE]",
	.about =
		"Gives the lab a list of steps with times (docs/api.md), and does not wait for "
		"them. - reads stdin.\n"
		"Without FILE it says how far they are.",
	.options = scenario_options,
	.count = COUNT(scenario_options),
	.exit_status = CTL_EXIT_STATUS,
};

static void show_scenario(const struct ctl *ctl, const json_t *answer)
{
	const json_t *steps = json_object_get(answer, "steps");
	size_t done = 0;
	for (size_t i = 0; i < json_array_size(steps); i++)
		done += json_is_number(json_object_get(json_array_get(steps, i), "done"));
	printf("%zu of %zu steps done, %s\n", done, json_array_size(steps),
		json_is_true(json_object_get(answer, "running")) ? "it goes on"
								 : "no more to come");
}

/* Reads the steps of a file; they are the caller's. NULL: the error has been printed, and `*status`
   is the exit status. */
static json_t *read_steps(const struct ctl *ctl, const char *path, int *status)
{
	json_error_t error;
	struct err err;
	bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "re");
	if (!file) {
		err_set(&err, STATUS_USAGE, "%s: %s", path, strerror(errno));
		*status = cli_fail(ctl->cli->program, &err);
		return NULL;
	}
	json_t *steps = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	if (!standard)
		fclose(file);
	if (!steps) {
		err_set(&err, STATUS_USAGE, "%s:%d: %s", path, error.line, error.text);
		*status = cli_fail(ctl->cli->program, &err);
	}
	return steps;
}

int ctl_scenario(int argc, char **argv)
{
	bool end = false;
	struct ctl ctl = { .on_option = on_flag, .context = &end };
	int status;
	if (!ctl_begin(&ctl, &ctl_scenario_cli, argc, argv, 0, 1, "FILE", &status))
		return status;
	if (end && ctl.count)
		return usage(&ctl, "FILE or --end: not both", "", "");
	if (ctl.count == 0)
		return ctl_run(&ctl, end ? "DELETE" : "GET", "/v1/scenario", NULL, show_scenario);
	json_t *steps = read_steps(&ctl, ctl.operands[0], &status);
	return steps ? ctl_run(&ctl, "POST", "/v1/scenario", steps, show_nothing) : status;
}
