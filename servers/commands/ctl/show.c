/* ctl status, get, connections, preview and metrics: the commands that show the lab. */
#include <stdio.h>
#include <string.h>

#include "servers/commands/ctl/ctl_private.h"

static const struct cli_option plain_options[] = { CTL_PLACE, CTL_JSON, CLI_COMMON };
static const struct cli_option copy_options[] = { CTL_PLACE, CLI_COMMON };

#define COUNT(table) (sizeof table / sizeof table[0])

/* ---- status ---- */

const struct cli ctl_status_cli = {
	.program = "pmulab ctl status",
	.summary = "endpoints with their ports, connections and counters",
	.usage = "[options]",
	.about =
		"Shows the lab: its endpoints with their ports, open connections, and counters "
		"since the start.",
	.options = plain_options,
	.count = COUNT(plain_options),
	.exit_status = CTL_EXIT_STATUS,
};

/* Prints the counters that are not 0. */
static void show_counters(json_int_t open, const json_t *totals)
{
	const char *name, *before = "  ";
	json_t *value;
	if (open > 0) {
		printf("%sopen %" JSON_INTEGER_FORMAT, before, open);
		before = ", ";
	}
	json_object_foreach((json_t *)totals, name, value)
		if (json_integer_value(value) != 0) {
		printf("%s%s %" JSON_INTEGER_FORMAT, before, name, json_integer_value(value));
		before = ", ";
		}
}

static void show_family(const json_t *endpoint)
{
	const json_t *left = json_object_get(endpoint, "left");
	if (*ctl_text(endpoint, "family"))
		printf("  %s", ctl_text(endpoint, "family"));
	if (json_is_number(left))
		printf(" for %.0f s", json_number_value(left));
}

static void show_status(const struct ctl *ctl, const json_t *answer)
{
	const json_t *endpoints = json_object_get(answer, "endpoints");
	printf("pmulab %s, up for %.0f s, seed %" JSON_INTEGER_FORMAT
	       ", connections: %" JSON_INTEGER_FORMAT "\n",
		ctl_text(answer, "version"), json_number_value(json_object_get(answer, "uptime")),
		json_integer_value(json_object_get(answer, "seed")),
		json_integer_value(json_object_get(answer, "connections")));
	for (size_t i = 0; i < json_array_size(endpoints); i++) {
		const json_t *endpoint = json_array_get(endpoints, i);
		char name[64];
		snprintf(name, sizeof name, "%s%s", ctl_text(endpoint, "endpoint"),
			json_is_true(json_object_get(endpoint, "local")) ? "@localhost" : "");
		printf("%-10s %5" JSON_INTEGER_FORMAT "%s", name,
			json_integer_value(json_object_get(endpoint, "port")),
			json_is_true(json_object_get(endpoint, "paused")) ? "  paused" : "");
		show_family(endpoint);
		show_counters(json_integer_value(json_object_get(endpoint, "open")),
			json_object_get(endpoint, "totals"));
		putchar('\n');
	}
}

int ctl_status(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	int status;
	if (!ctl_begin(&ctl, &ctl_status_cli, argc, argv, 0, 0, "", &status))
		return status;
	return ctl_run(&ctl, "GET", "/v1/status", NULL, show_status);
}

/* ---- get ---- */

const struct cli ctl_get_cli = {
	.program = "pmulab ctl get",
	.summary = "the value of a key, or of all",
	.usage = "[options] [KEY]",
	.about =
		"Prints the value that a key has now; without one, every key with its value and "
		"who said so.",
	.options = plain_options,
	.count = COUNT(plain_options),
	.exit_status = CTL_EXIT_STATUS,
};

static void show_key(const struct ctl *ctl, const json_t *answer)
{
	puts(ctl_text(answer, "value"));
}

static void show_keys(const struct ctl *ctl, const json_t *answer)
{
	const json_t *keys = json_object_get(answer, "keys");
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);
		printf("%s = %s  ; %s\n", ctl_text(key, "key"), ctl_text(key, "value"),
			ctl_text(key, "origin"));
	}
}

int ctl_get(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	int status;
	if (!ctl_begin(&ctl, &ctl_get_cli, argc, argv, 0, 1, "KEY", &status))
		return status;
	char target[512] = "/v1/config/";
	if (ctl.count == 0)
		return ctl_run(&ctl, "GET", "/v1/config", NULL, show_keys);
	if (*ctl.operands[0] && ctl_encode(target, sizeof target, ctl.operands[0]))
		return ctl_run(&ctl, "GET", target, NULL, show_key);
	const struct err err = { STATUS_USAGE, "that is no key" };
	return cli_fail(ctl.cli->program, &err);
}

/* ---- connections ---- */

const struct cli ctl_connections_cli = {
	.program = "pmulab ctl connections",
	.summary = "the open connections, with the number that cut takes",
	.usage = "[options]",
	.about =
		"Lists the open connections: the number of each, its endpoint, who it is, and when "
		"it was opened, in\n"
		"seconds since the lab's start.",
	.options = plain_options,
	.count = COUNT(plain_options),
	.exit_status = CTL_EXIT_STATUS,
};

static void show_connections(const struct ctl *ctl, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "connections");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		printf("%6" JSON_INTEGER_FORMAT "  %-10s %-24s opened at %.3f s\n",
			json_integer_value(json_object_get(one, "id")), ctl_text(one, "endpoint"),
			ctl_text(one, "peer"), json_number_value(json_object_get(one, "since")));
	}
}

int ctl_connections(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	int status;
	if (!ctl_begin(&ctl, &ctl_connections_cli, argc, argv, 0, 0, "", &status))
		return status;
	return ctl_run(&ctl, "GET", "/v1/connections", NULL, show_connections);
}

/* ---- preview ---- */

enum { OPTION_PREVIEW = CTL_OPTION_LAST };

static const struct cli_option preview_options[] = {
	{ OPTION_PREVIEW, 0, "loss", "LOSS",
		"as it would be with this loss; without it, as it is" },
	{ OPTION_PREVIEW + 1, 0, "endpoint", "NAME",
		"reset (default), or another endpoint with datagrams" },
	{ OPTION_PREVIEW + 2, 0, "family", "4|6", "IPv4 (default) or IPv6" },
	{ OPTION_PREVIEW + 3, 0, "direction", "request|reply", "towards the lab or back" },
	{ OPTION_PREVIEW + 4, 'n', NULL, "N", "so many datagrams, from the next one on" },
	CTL_PLACE,
	CTL_JSON,
	CLI_COMMON,
};

const struct cli ctl_preview_cli = {
	.program = "pmulab ctl preview",
	.summary = "the fates of the datagrams to come",
	.usage = "[options]",
	.about =
		"Shows which of the next datagrams will be lost: x is lost, . is not. With --loss, "
		"which would be.",
	.options = preview_options,
	.count = COUNT(preview_options),
	.exit_status = CTL_EXIT_STATUS,
};

/* Appends the option to the query of the request's target. */
static bool on_preview_option(void *context, int id, const char *value, struct err *err)
{
	static const char *const names[] = { "loss", "endpoint", "family", "direction", "n" };
	char *target = context;
	size_t used = strlen(target);
	snprintf(target + used, 1024 - used, "%c%s=", strchr(target, '?') ? '&' : '?',
		names[id - OPTION_PREVIEW]);
	if (ctl_encode(target, 1024, value))
		return true;
	err_set(err, STATUS_USAGE, "\"%.64s...\" is too long", value);
	return false;
}

/* The fates go to stdout, their description to stderr, as with `pmulab loss preview`. */
static void show_preview(const struct ctl *ctl, const json_t *answer)
{
	puts(ctl_text(answer, "fates"));
	fflush(stdout);
	fprintf(stderr,
		"%s, IPv%" JSON_INTEGER_FORMAT ", %s, seed %" JSON_INTEGER_FORMAT
		", loss %s: from datagram %" JSON_INTEGER_FORMAT " on\n",
		ctl_text(answer, "endpoint"), json_integer_value(json_object_get(answer, "family")),
		ctl_text(answer, "direction"), json_integer_value(json_object_get(answer, "seed")),
		ctl_text(answer, "loss"), json_integer_value(json_object_get(answer, "from")));
}

int ctl_preview(int argc, char **argv)
{
	char target[1024] = "/v1/preview";
	struct ctl ctl = { .on_option = on_preview_option, .context = target };
	int status;
	if (!ctl_begin(&ctl, &ctl_preview_cli, argc, argv, 0, 0, "", &status))
		return status;
	return ctl_run(&ctl, "GET", target, NULL, show_preview);
}

/* ---- metrics ---- */

const struct cli ctl_metrics_cli = {
	.program = "pmulab ctl metrics",
	.summary = "counters in Prometheus' format",
	.usage = "[options]",
	.about = "Prints the lab's counters in the text format of Prometheus.",
	.options = copy_options,
	.count = COUNT(copy_options),
	.exit_status = CTL_EXIT_STATUS,
};

int ctl_metrics(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	int status;
	if (!ctl_begin(&ctl, &ctl_metrics_cli, argc, argv, 0, 0, "", &status))
		return status;
	return ctl_copy(&ctl, "/metrics");
}
