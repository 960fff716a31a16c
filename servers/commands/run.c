/* The steps from a command line to a command that runs in the lab's network, and back. */
#include "servers/commands/run.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "servers/commands/addresses.h"
#include "servers/commands/beside.h"
#include "servers/commands/lab_control.h"
#include "servers/commands/lab_options.h"
#include "servers/commands/variables.h"
#include "servers/duration.h"
#include "servers/emulator.h"
#include "servers/network/capture.h"
#include "servers/network/hosts.h"
#include "servers/network/labnet.h"

enum { HOSTS_MAX = 64 };

enum option { OPTION_LOOPBACK = LAB_OPTION_LAST, OPTION_HOST, OPTION_LOCAL, OPTION_CAPTURE, OPTION_TIMEOUT, OPTION_SUMMARY };

#define BOX_OPTIONS                                                                                                     \
	{ OPTION_CAPTURE, 0, "capture", "FILE", "write every packet of the lab's network, for Wireshark" },              \
	{ OPTION_HOST, 0, "host", "NAME", "one more name of the lab, beside those of the handout; repeats" },            \
	{ OPTION_LOCAL, 0, "local", "ENDPOINT[:PORT]", "open this endpoint at the command's localhost too; repeats" },   \
	{ OPTION_SUMMARY, 0, "summary", NULL, "say on stderr at the end what happened" }

static const struct cli_option run_options[] = {
	BOX_OPTIONS,
	{ OPTION_TIMEOUT, 0, "timeout", "DURATION", "end the command after so long (30s, 5m); exit status 124" },
	{ OPTION_LOOPBACK, 0, "loopback", NULL, "no network of its own: free ports on localhost, in the environment" },
	LAB_OPTIONS,
	CLI_COMMON,
};

static const struct cli_option shell_options[] = {
	BOX_OPTIONS,
	LAB_OPTIONS,
	CLI_COMMON,
};

#define BOX_NOTES                                                                                                       \
	"In that network the lab is the host of tcpip.epfl.ch, lab3.iew.epfl.ch and lab3.iw.epfl.ch, on the lab's ports;\n" \
	"nothing else can be reached from it, and no other name is known. Files, user, terminal and environment are as\n" \
	"ever; sudo and other programs that change who one is do not work in it. The environment has PMULAB_HOST and the\n" \
	"ports (PMULAB_PMU_PORT). tv.ttl is 10 there, as deployed."

const struct cli run_cli = {
	.program = "pmulab run",
	.summary = "run a program in the lab's own network",
	.usage = "[options] [--] COMMAND [ARGUMENT...]",
	.about = "Runs a command, unchanged, in a network of its own that has the lab in it, and ends with its status.\n"
		 "Needs no rights and changes nothing on the machine; nothing is left behind.",
	.options = run_options,
	.count = sizeof run_options / sizeof run_options[0],
	.first_operand_ends = true,
	.notes = BOX_NOTES,
	.examples = "pmulab run -- python3 Part2_123456_234567.py CMD_short:0\n"
		    "pmulab run --capture lab.pcap --events lab.ndjson -- pdc CMD_floodme\n"
		    "pmulab run --local echo --local udp-print -- python3 code_D.py\n"
		    "pmulab run --loopback -- ./my-tests",
	.exit_status = "the command's; 128 and the signal's number if one killed it; 124 --timeout is over, 125\n"
		       "the lab failed or was not understood, 126 the command cannot be run, 127 there is none.",
	.print_more = lab_print_tables,
};

const struct cli shell_cli = {
	.program = "pmulab shell",
	.summary = "open a shell in the lab's own network",
	.usage = "[options]",
	.about = "Starts $SHELL in a network of its own that has the lab in it; `exit` ends both. To run programs, and to\n"
		 "look with ss, netstat, ping and tshark.",
	.options = shell_options,
	.count = sizeof shell_options / sizeof shell_options[0],
	.notes = BOX_NOTES,
	.examples = "pmulab shell --profile epfl-2020\n"
		    "pmulab shell --capture lab.pcap      then, in it: tail -f -c +1 lab.pcap | tshark -i -",
	.exit_status = "the shell's; 125 the lab failed or was not understood.",
	.print_more = lab_print_tables,
};

struct local {
	enum endpoint_id id;
	uint16_t port; /* 0: the configured one */
};

struct run {
	struct lab_options lab;
	bool loopback, summary, shell;
	const char *capture_file;
	const char *banner; /* a line for people before the command starts; NULL: none */
	double timeout;
	const char *names[HOSTS_MAX];
	struct local locals[ENDPOINT_COUNT];
	size_t name_count, local_count;
	char *const *command;

	struct addresses addresses, local_addresses;
	struct labnet net;
	struct ev_loop *loop;
	struct emulator *emulator;
	struct control *control;
	struct beside beside;
	struct capture *capture;
};

/* ---- options ---- */

static bool add_host(struct run *run, const char *name, struct err *err)
{
	if (!hosts_name_valid(name)) {
		err_set(err, STATUS_USAGE, "--host: \"%s\" is no name for a host; give one such as lab.example.org", name);
		return false;
	}
	if (run->name_count == HOSTS_MAX) {
		err_set(err, STATUS_USAGE, "--host: %d names at most", HOSTS_MAX);
		return false;
	}
	run->names[run->name_count++] = name;
	return true;
}

/* "pmu-tls:5003" */
static bool add_local(struct run *run, const char *text, struct err *err)
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
	struct run *run = context;
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
		err_set(err, STATUS_USAGE, "--timeout: \"%s\" is no duration; give one such as 30s or 5m", value);
		return false;
	case OPTION_SUMMARY:
		run->summary = true;
		return true;
	}
	return true;
}

/* The station as it was deployed: here its datagrams cross a wire, and no other network is there for them to reach. Who
   has ended cannot read any more, so nothing is waited for. */
static bool set_defaults(void *context, struct config *config, struct err *err)
{
	const struct run *run = context;
	return config_set(config, "shutdown.grace", "200ms", "pmulab run", err) &&
		(run->loopback || (config_set(config, "tv.interface", LABNET_LAB_V4, "pmulab run", err) &&
					  config_set(config, "tv.ttl", "10", "pmulab run", err)));
}

static bool check_options(const struct run *run, struct err *err)
{
	const char *what = run->capture_file ? "--capture" : run->local_count ? "--local" : run->name_count ? "--host" : NULL;
	if (!run->loopback || !what)
		return true;
	err_set(err, STATUS_USAGE, "%s needs a network of its own, which --loopback does without", what);
	return false;
}

/* ---- the lab ---- */

/* Outside, and so before there is a box: without rights there is no way back. */
static bool open_control(struct run *run, struct err *err)
{
	return lab_control_open(&run->lab, run->loopback ? LAB_LOOPBACK : LAB_BOXED, run->loop, &run->control, err);
}

static bool make_network(struct run *run, struct err *err)
{
	if (run->loopback) {
		addresses_pair(&run->addresses, "127.0.0.1", "::1");
		return true;
	}
	if (!labnet_open(&run->net, err)) {
		err_append(err, ". `pmulab doctor` says more; `pmulab run --loopback` needs none of it");
		return false;
	}
	addresses_one(&run->addresses, LABNET_LAB_V4);
	addresses_one(&run->addresses, LABNET_LAB_V6);
	addresses_one(&run->local_addresses, "127.0.0.1");
	addresses_one(&run->local_addresses, "::1");
	return true;
}

static bool add_locals(struct run *run, struct err *err)
{
	for (size_t i = 0; i < run->local_count; i++) {
		const struct local *local = &run->locals[i];
		const struct emulator_place place = {
			.addresses = run->local_addresses.list,
			.address_count = run->local_addresses.count,
			.port = local->port ? local->port :
				(uint16_t)config_integer(run->lab.config, KEY_PORT, local->id),
			.netns = run->net.home,
		};
		if (!emulator_add(run->emulator, local->id, &place, err))
			return false;
	}
	return true;
}

static bool make_emulator(struct run *run, struct err *err)
{
	const struct emulator_options options = {
		.config = run->lab.config,
		.seed = run->lab.seed,
		.addresses = run->addresses.list,
		.address_count = run->addresses.count,
		.ephemeral = run->loopback,
		.isolated = !run->loopback,
		.loop = run->loop,
	};
	run->emulator = emulator_create(&options, err);
	if (!run->emulator)
		return false;
	for (int id = 0; id < ENDPOINT_COUNT; id++)
		if (!emulator_add(run->emulator, (enum endpoint_id)id, NULL, err))
			return false;
	return add_locals(run, err) && emulator_listen(run->emulator, err);
}

static void set_variable(void *context, const char *name, const char *value)
{
	setenv(name, value, 1);
}

/* A name, not an address: it leads to both families. */
static void set_environment(const struct run *run)
{
	variables_each(run->emulator, run->loopback ? "localhost" : hosts_names[0], set_variable, NULL);
	if (!run->loopback)
		set_variable(NULL, "PMULAB_TV_INTERFACE", LABNET_HOME_V4);
}

static bool make_keeper(struct run *run, struct err *err)
{
	const struct hosts hosts = { .names = run->names, .count = run->name_count, .v4 = LABNET_LAB_V4,
		.v6 = LABNET_LAB_V6 };
	const struct keeper_options options = {
		.argv = run->command,
		.mask = &run->beside.mask,
		.leads = run->shell && run->beside.had_terminal,
		.net = run->loopback ? NULL : &run->net,
		.hosts = &hosts,
	};
	run->beside.command = run->command[0];
	run->beside.timeout = run->timeout;
	return keeper_start(&run->beside.keeper, &options, err);
}

/* At the command's end of the wire, as Wireshark would be. */
static bool start_capture(struct run *run, struct err *err)
{
	if (!run->capture_file)
		return true;
	if (!labnet_enter(run->net.home, err))
		return false;
	run->capture = capture_start(LABNET_WIRE, run->capture_file, err);
	return labnet_enter(run->net.lab, run->capture ? err : NULL) && run->capture;
}

/* Who is told first speaks last. */
static bool observe(struct run *run, struct err *err)
{
	struct observer *summary = run->summary ? observer_summary_create(STDERR_FILENO) : NULL;
	if (run->summary && !summary)
		return err_set(err, STATUS_FAILED, "--summary: out of memory"), false;
	if (summary)
		emulator_observe(run->emulator, summary);
	return lab_observe(&run->lab, run->emulator, run->lab.verbose ? TEXT_SENTENCES : TEXT_WARNINGS, err) &&
		lab_control_start(&run->lab, run->control, run->emulator, err);
}

static void tell(const struct run *run)
{
	if (*run->addresses.missing)
		lab_note(&run->lab, run->addresses.missing);
	lab_tell_notes(&run->lab, run->emulator);
	if (run->banner)
		lab_note(&run->lab, run->banner);
}

/* Threads come last: neither user namespaces nor the keeper can be made with any. Returns the exit status; 125 with `err`. */
static int run_all(struct run *run, struct err *err)
{
	run->loop = ev_loop_new(EVFLAG_AUTO);
	if (!beside_open(&run->beside, run->loop, err) || !open_control(run, err) || !make_network(run, err) ||
		!make_emulator(run, err))
		return BESIDE_FAILED;
	tell(run);
	set_environment(run);
	if (!make_keeper(run, err))
		return BESIDE_FAILED;
	lab_raise_descriptor_limit();
	if (!start_capture(run, err) || !observe(run, err))
		return BESIDE_FAILED;
	int signal = beside_interrupted(&run->beside);
	if (signal) {
		err_set(err, STATUS_FAILED, "%s, before the command was started", strsignal(signal));
		return BESIDE_SIGNAL + signal;
	}
	emulator_start(run->emulator);
	beside_go(&run->beside, run->emulator);
	if (!emulator_run(run->emulator, err))
		return BESIDE_FAILED;
	*err = run->beside.err;
	return run->beside.status;
}

static int finish(struct run *run, int status, struct err *err)
{
	struct err capture_err = { 0 };
	beside_close(&run->beside);
	control_close(run->control);
	emulator_destroy(run->emulator);
	if (!capture_stop(run->capture, &capture_err)) {
		cli_fail(run_cli.program, &capture_err);
		status = status == 0 ? BESIDE_FAILED : status;
	}
	labnet_close(&run->net);
	if (run->loop)
		ev_loop_destroy(run->loop);
	if (*err->text)
		cli_fail(run_cli.program, err);
	return status;
}

/* The rest of the command line, once the options are known. */
static int run_command(struct run *run, char *const *command, struct err *err)
{
	run->command = command;
	switch (check_options(run, err) ? lab_options_finish(&run->lab, err) : CLI_ERROR) {
	case CLI_DONE:
		return STATUS_OK;
	case CLI_ERROR:
		return cli_fail(run_cli.program, err), BESIDE_FAILED;
	case CLI_RUN:
		break;
	}
	int status = run_all(run, err);
	return finish(run, status, err);
}

static enum cli_result parse(struct run *run, const struct cli *cli, int argc, char **argv, int *operands,
	struct err *err)
{
	if (!lab_options_init(&run->lab, err))
		return CLI_ERROR;
	run->lab.defaults = set_defaults;
	return lab_options_parse(&run->lab, cli, argc, argv, on_option, run, operands, err);
}

int command_run(int argc, char **argv)
{
	struct run run = { .beside = { .signals = -1 } };
	struct err err = { 0 };
	int operands = 0, status = STATUS_OK;
	enum cli_result result = parse(&run, &run_cli, argc, argv, &operands, &err);
	bool prints = run.lab.print_config || run.lab.list_profiles;
	if (result == CLI_RUN && operands == argc && !prints) {
		err_set(&err, STATUS_USAGE, "which command? Such as: pmulab run -- python3 client.py CMD_short:0");
		result = CLI_ERROR;
	}
	if (result == CLI_RUN)
		status = run_command(&run, argv + operands, &err);
	lab_options_free(&run.lab);
	if (result == CLI_ERROR)
		cli_fail(run_cli.program, &err);
	return result == CLI_ERROR ? BESIDE_FAILED : status;
}

int command_shell(int argc, char **argv)
{
	struct run run = { .beside = { .signals = -1 } };
	struct err err = { 0 };
	static char standard[] = "/bin/sh";
	char *shell = getenv("SHELL");
	char *command[] = { shell && *shell ? shell : standard, NULL };
	int operands = 0, status = STATUS_OK;
	enum cli_result result = parse(&run, &shell_cli, argc, argv, &operands, &err);
	if (result == CLI_RUN && operands < argc) {
		err_set(&err, STATUS_USAGE, "\"%s\": a shell takes no command; `pmulab run` does", argv[operands]);
		result = CLI_ERROR;
	}
	run.shell = true;
	run.banner = "tcpip.epfl.ch is " LABNET_LAB_V4 " and " LABNET_LAB_V6 " in this shell; `exit` ends both";
	if (result == CLI_RUN)
		status = run_command(&run, command, &err);
	lab_options_free(&run.lab);
	if (result == CLI_ERROR)
		cli_fail(shell_cli.program, &err);
	return result == CLI_ERROR ? BESIDE_FAILED : status;
}
