#include "servers/commands/doctor/doctor.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "servers/commands/doctor/checks.h"

enum option { OPTION_JSON = CLI_FIRST };

static const struct cli_option options[] = {
	{ OPTION_JSON, 0, "json", NULL, "an object a line: check, result, means, mend" },
	CLI_COMMON,
};

const struct cli doctor_cli = {
	.program = "pmulab doctor",
	.summary = "say what of the lab works on this machine, and what mends the rest",
	.usage = "[options]",
	.about =
		"Tries what the lab needs, undoes it, and says what works here, what does not, and "
		"which command\n"
		"mends that. Nothing is sent to anybody, and nothing on the machine is changed.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.notes =
		"`limited` works in part, or another way; `missing` does not work. The commands "
		"change the machine:\n"
		"they are only told, and yours to run.",
	.examples = "pmulab doctor\n"
		    "pmulab doctor --json | jq -r 'select(.mend) | .mend'",
	.exit_status =
		"0 `pmulab run` works, 1 only `run --loopback` does, 2 neither, or wrong usage.",
};

/* ---- the table ---- */

/* What a check has to do with `pmulab run`, for the exit status: nothing; needed by it; it is
   `pmulab run` itself; it is `pmulab run --loopback` itself. */
enum part { PART_OF_NONE, PART_OF_RUN, RUN_ITSELF, LOOPBACK_ITSELF };

/* The checks in the order of the output: what `run` needs stands before it. */
static const struct check {
	const char *name;
	void (*look)(struct finding *finding);
	enum part part;
} checks[] = {
	{ "user namespaces", doctor_users, PART_OF_RUN },
	{ "network namespaces", doctor_network, PART_OF_RUN },
	{ "mount namespaces", doctor_mount, PART_OF_RUN },
	{ "pid namespaces", doctor_pid, PART_OF_RUN },
	{ "veth", doctor_veth, PART_OF_RUN },
	{ "network in a box", doctor_box, RUN_ITSELF },
	{ "packet sockets", doctor_packet, PART_OF_NONE },
	{ "loopback", doctor_loopback, LOOPBACK_ITSELF },
	{ "::1", doctor_loopback_v6, PART_OF_NONE },
	{ "multicast on lo", doctor_multicast_loopback, PART_OF_NONE },
	{ "multicast route", doctor_multicast_route, PART_OF_NONE },
	{ "OpenSSL", doctor_tls, PART_OF_NONE },
	{ "websocket-client", doctor_python, PART_OF_NONE },
	{ "tshark", doctor_tshark, PART_OF_NONE },
};

enum { CHECKS = sizeof checks / sizeof checks[0] };

/* ---- output ---- */

static const char *const result_names[] = { "ok", "limited", "missing" };

static void print_json(const char *name, const struct finding *finding)
{
	char text[2 * (sizeof finding->means + sizeof finding->mend) + 128];
	struct json json;
	json_begin(&json, text, sizeof text);
	json_put_string(&json, "check", name);
	json_put_string(&json, "result", result_names[finding->result]);
	json_put_string(&json, "means", finding->means);
	json_put_string(&json, "mend", *finding->mend ? finding->mend : NULL);
	if (json_end(&json) > 0)
		puts(text);
}

static void print_text(const char *name, const struct finding *finding)
{
	printf("%-8s %-19s %s\n", result_names[finding->result], name, finding->means);
	if (*finding->mend)
		printf("%-8s %-19s %s\n", "", "what mends it:", finding->mend);
}

struct doctor {
	bool json;
	bool run, loopback; /* `pmulab run` works; `pmulab run --loopback` works */
	/* the command that repairs the first missing thing that `run` needs */
	char mend_run[sizeof(((struct finding *)NULL)->mend)];
};

static void tell(const struct doctor *doctor, const char *name, const struct finding *finding)
{
	(doctor->json ? print_json : print_text)(name, finding);
	fflush(stdout); /* the next check may take a moment */
}

static void examine(struct doctor *doctor, const struct check *check)
{
	struct finding finding = { 0 };
	check->look(&finding);
	if (check->part == PART_OF_RUN && finding.result == DOCTOR_MISSING && !*doctor->mend_run)
		memcpy(doctor->mend_run, finding.mend, sizeof finding.mend);
	if (check->part == RUN_ITSELF && finding.result != DOCTOR_OK)
		memcpy(finding.mend, doctor->mend_run, sizeof finding.mend);
	if (check->part == RUN_ITSELF)
		doctor->run = finding.result == DOCTOR_OK;
	if (check->part == LOOPBACK_ITSELF)
		doctor->loopback = finding.result == DOCTOR_OK;
	tell(doctor, check->name, &finding);
}

static int conclude(const struct doctor *doctor)
{
	int status = doctor->run ? 0 : doctor->loopback ? 1 : 2;
	static const char *const lines[] = {
		"`pmulab run` works here.",
		("`pmulab run` does not work here; "
		 "`pmulab run --loopback` does, and so does `pmulab serve`."),
		"Neither `pmulab run` nor `pmulab run --loopback` works here.",
	};
	if (!doctor->json)
		puts(lines[status]);
	return status;
}

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	((struct doctor *)context)->json = true; /* the only option */
	return true;
}

int command_doctor(int argc, char **argv)
{
	struct doctor doctor = { 0 };
	struct err err = { 0 };
	int operands = 0;
	enum cli_result result =
		cli_parse(&doctor_cli, argc, argv, on_option, &doctor, &operands, &err);
	if (result == CLI_DONE)
		return STATUS_OK;
	if (result == CLI_ERROR)
		return cli_fail(doctor_cli.program, &err);
	if (operands < argc) {
		err_set(&err, STATUS_USAGE, "there is nothing to be named; see %s --help",
			doctor_cli.program);
		return cli_fail(doctor_cli.program, &err);
	}
	for (int i = 0; i < CHECKS; i++)
		examine(&doctor, &checks[i]);
	for (int id = 0; id < ENDPOINT_COUNT; id++) {
		struct finding finding = { 0 };
		char name[32];
		doctor_port((enum endpoint_id)id, &finding);
		snprintf(name, sizeof name, "port %u", (unsigned)endpoint_table[id].port);
		tell(&doctor, name, &finding);
	}
	int status = conclude(&doctor);
	return cli_flush(&err) ? status : cli_fail(doctor_cli.program, &err);
}
