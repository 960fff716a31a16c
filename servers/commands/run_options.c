#include "servers/commands/run_options.h"

#include <stdio.h>
#include <string.h>

#include "common/quantity.h"
#include "servers/commands/run.h"
#include "servers/network/hosts.h"
#include "servers/network/labnet.h"

enum option {
	OPTION_LOOPBACK = LAB_OPTION_LAST,
	OPTION_HOST,
	OPTION_LOCAL,
	OPTION_CAPTURE,
	OPTION_TIMEOUT,
	OPTION_SUMMARY
};

#define BOX_OPTIONS                                                                                \
	{ OPTION_CAPTURE, 0, "capture", "FILE",                                                    \
		"write every packet of the lab's network, for Wireshark" },                        \
	{ OPTION_HOST, 0, "host", "NAME",                                                          \
		"one more name of the lab, beside those of the handout; repeats" },                \
	{ OPTION_LOCAL, 0, "local", "ENDPOINT[:PORT]",                                             \
		"open this endpoint at the command's localhost too; repeats" },                    \
	{ OPTION_SUMMARY, 0, "summary", NULL, "say on stderr at the end what happened" }

static const struct cli_option run_options[] = {
	BOX_OPTIONS,
	{ OPTION_TIMEOUT, 0, "timeout", "DURATION",
		"end the command after so long (30s, 5m); exit status 124" },
	{ OPTION_LOOPBACK, 0, "loopback", NULL,
		"no network of its own: free ports on localhost, in the environment" },
	LAB_OPTIONS,
	CLI_COMMON,
};

static const struct cli_option shell_options[] = {
	BOX_OPTIONS,
	LAB_OPTIONS,
	CLI_COMMON,
};

#define BOX_NOTES                                                                                  \
	"In that network the lab is the host of tcpip.epfl.ch, lab3.iew.epfl.ch and "              \
	"lab3.iw.epfl.ch, on the lab's ports;\n"                                                   \
	"nothing else can be reached from it, and no other name is known. Files, user, terminal "  \
	"and environment are as\n"                                                                 \
	"ever, and so are sockets that are files. sudo and other programs that change who one is " \
	"do not work in it, and\n"                                                                 \
	"without root's rights the groups that one has beside the first have no names there. The " \
	"environment has\n"                                                                        \
	"PMULAB_HOST and the ports (PMULAB_PMU_PORT). tv.ttl is 10 there, as deployed."

const struct cli run_cli = {
	.program = "pmulab run",
	.summary = "run a program in the lab's own network",
	.usage = "[options] [--] COMMAND [ARGUMENT...]",
	.about =
		"Runs a command, unchanged, in a network of its own that has the lab in it, and "
		"ends with its status.\n"
		"Needs no rights and changes nothing on the machine; nothing is left behind but "
		"the lab's certificates.",
	.options = run_options,
	.count = sizeof run_options / sizeof run_options[0],
	.first_operand_ends = true,
	.notes = BOX_NOTES
	"\n\n"
	"With --loopback there is no such network, and the command sees all that you see; what it "
	"has left is ended\n"
	"too, but for a process that has killed pmulab and its keeper before.",
	.examples = "pmulab run -- python3 Part2_123456_234567.py CMD_short:0\n"
		    "pmulab run --capture lab.pcap --events lab.ndjson -- pdc CMD_floodme\n"
		    "pmulab run --local echo --local udp-print -- python3 code_D.py\n"
		    "pmulab run --loopback -- ./my-tests",
	.exit_status =
		"the command's; 128 and the signal's number if one killed it; 124 --timeout is "
		"over, 125\n"
		"the lab failed or was not understood, 126 the command cannot be run, 127 there is "
		"none.",
	.print_more = lab_print_tables,
};

const struct cli shell_cli = {
	.program = "pmulab shell",
	.summary = "open a shell in the lab's own network",
	.usage = "[options]",
	.about =
		"Starts $SHELL in a network of its own that has the lab in it; `exit` ends both. "
		"To run programs, and to\n"
		"look with ss, netstat, ping and tshark.",
	.options = shell_options,
	.count = sizeof shell_options / sizeof shell_options[0],
	.notes = BOX_NOTES,
	.examples =
		"pmulab shell --profile epfl-2020\n"
		"pmulab shell --capture lab.pcap      then, in it: tail -f -c +1 lab.pcap | tshark "
		"-i -",
	.exit_status =
		"the shell's; 125 the lab failed or was not understood, 126 $SHELL cannot be run, "
		"127 there is none.",
	.print_more = lab_print_tables,
};

static bool add_host(struct run_options *run, const char *name, struct err *err)
{
	if (!hosts_name_valid(name)) {
		err_set(err, STATUS_USAGE,
			"--host: \"%s\" is no name for a host; give one such as lab.example.org",
			name);
		return false;
	}
	if (run->name_count == HOSTS_MAX) {
		err_set(err, STATUS_USAGE, "--host: %d names at most", HOSTS_MAX);
		return false;
	}
	run->names[run->name_count++] = name;
	return true;
}

/* "pmu-tls" or "pmu-tls:5003" */
static bool add_local(struct run_options *run, const char *text, struct err *err)
{
	char name[32];
	const char *colon = strchr(text, ':');
	snprintf(name, sizeof name, "%.*s", colon ? (int)(colon - text) : (int)strlen(text), text);
	struct local local = { .id = endpoint_find(name) };
	long port = 0;
	if (colon && !cli_integer("--local", colon + 1, 1, 65535, &port, err))
		return false;
	local.port = (uint16_t)port;
	if (local.id == ENDPOINT_NONE) {
		lab_no_endpoint(name, err);
		err_prefix(err, "--local");
		return false;
	}
	if (local.id == ENDPOINT_TV) {
		err_set(err, STATUS_USAGE, "--local: tv is heard in its group, not at localhost");
		return false;
	}
	for (size_t i = 0; i < run->local_count; i++)
		if (run->locals[i].id == local.id) {
			err_set(err, STATUS_USAGE, "--local: %s is given twice", name);
			return false;
		}
	run->locals[run->local_count++] = local;
	return true;
}

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	struct run_options *run = context;
	switch ((enum option)id) {
	case OPTION_LOOPBACK:
		run->loopback = true;
		return true;
	case OPTION_HOST:
		return add_host(run, value, err);
	case OPTION_LOCAL:
		return add_local(run, value, err);
	case OPTION_CAPTURE:
		run->capture_file = value;
		return true;
	case OPTION_TIMEOUT:
		if (duration_parse(value, &run->timeout) && run->timeout > 0)
			return true;
		err_set(err, STATUS_USAGE,
			"--timeout: \"%s\" is no duration; give one such as 30s or 5m", value);
		return false;
	case OPTION_SUMMARY:
		run->summary = true;
		return true;
	}
	return true;
}

/* tv.* as the lab was deployed: the station's datagrams cross a wire, and can reach no other
   network. shutdown.grace is short, since the command has ended by then and reads nothing more. */
static bool set_defaults(void *context, struct config *config, struct err *err)
{
	const struct run_options *run = context;
	return config_set(config, "shutdown.grace", "200ms", "pmulab run", err) &&
	       (run->loopback ||
		       (config_set(config, "tv.interface", LABNET_LAB_V4, "pmulab run", err) &&
			       config_set(config, "tv.ttl", "10", "pmulab run", err)));
}

static bool check(const struct run_options *run, struct err *err)
{
	const char *what = run->capture_file  ? "--capture"
			   : run->local_count ? "--local"
			   : run->name_count  ? "--host"
					      : NULL;
	if (run->loopback && what)
		err_set(err, STATUS_USAGE,
			"%s needs a network of its own, which --loopback does without", what);
	else if (run->capture_file && strcmp(run->capture_file, "-") == 0)
		err_set(err, STATUS_USAGE, "--capture: \"-\" is no file; give its name");
	else if (run->capture_file && run->lab.events &&
		 strcmp(run->capture_file, run->lab.events) == 0)
		err_set(err, STATUS_USAGE, "--capture and --events: both would write %s",
			run->capture_file);
	else
		return true;
	return false;
}

enum cli_result run_options_parse(struct run_options *run, const struct cli *cli, int argc,
	char **argv, int *operands, struct err *err)
{
	*run = (struct run_options){ 0 };
	if (!lab_options_init(&run->lab, err))
		return CLI_ERROR;
	run->lab.defaults = set_defaults;
	enum cli_result result =
		lab_options_parse(&run->lab, cli, argc, argv, on_option, run, operands, err);
	return result == CLI_RUN && !check(run, err) ? CLI_ERROR : result;
}
