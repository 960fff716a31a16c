/* Sets up the lab's network, the emulator and the command in the order that they need, runs them,
   and takes everything down again. */
#include "servers/commands/run.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "servers/commands/addresses.h"
#include "servers/commands/beside.h"
#include "servers/commands/lab_control.h"
#include "servers/commands/run_options.h"
#include "servers/commands/variables.h"
#include "servers/emulator.h"
#include "servers/network/capture.h"
#include "servers/network/hosts.h"
#include "servers/network/labnet.h"

/* Ends the error that says why there can be no network of its own ("box"). */
#define WHERE_NEXT "`pmulab doctor` says more; `pmulab run --loopback` needs none of it"

struct run {
	const struct cli *cli;
	struct run_options options;
	const char *banner; /* of a shell: a line for people before it starts; else NULL */
	char *const *command;

	struct rlimit files; /* pmulab's RLIMIT_NOFILE at its start, for the command */
	struct addresses addresses, local_addresses;
	struct ca_file ca; /* without a box, when the certificates are in memory only */
	struct labnet net;
	struct ev_loop *loop;
	struct emulator *emulator;
	struct control *control;
	struct scenario *scenario;
	struct beside beside;
	struct capture *capture;
};

/* ---- the lab ---- */

/* The control is opened outside of the box, so before the box is made: without root's rights the
   process cannot leave it again. */
static bool open_control(struct run *run, struct err *err)
{
	return lab_control_open(&run->options.lab, run->options.loopback ? LAB_LOOPBACK : LAB_BOXED,
		run->loop, &run->control, err);
}

static bool make_network(struct run *run, struct err *err)
{
	if (run->options.loopback) {
		addresses_pair(&run->addresses, "127.0.0.1", "::1");
		return true;
	}
	if (!labnet_open(&run->net, err)) {
		err_append(err, ". " WHERE_NEXT);
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
	for (size_t i = 0; i < run->options.local_count; i++) {
		const struct local *local = &run->options.locals[i];
		const struct emulator_place place = {
			.addresses = run->local_addresses.list,
			.address_count = run->local_addresses.count,
			.port = local->port ? local->port
					    : (uint16_t)config_integer(run->options.lab.config,
						      KEY_PORT, local->id),
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
		.on_secret = run->options.lab.tls_keys ? lab_on_secret : NULL,
		.receiver = &run->options.lab,
		.config = run->options.lab.config,
		.seed = run->options.lab.seed,
		.addresses = run->addresses.list,
		.address_count = run->addresses.count,
		.ephemeral = run->options.loopback,
		.isolated = !run->options.loopback,
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

/* Chooses where the command finds the CA of certificates that are in memory only. In the box it is
   a file of the box's own /etc. */
static void place_ca(struct run *run)
{
	const char *text = emulator_ca_text(run->emulator);
	if (text && run->options.loopback)
		ca_file_init(&run->ca, text);
	if (text)
		emulator_set_ca_file(run->emulator,
			run->options.loopback ? run->ca.path : HOSTS_CA_FILE);
}

static void set_variable(void *context, const char *name, const char *value)
{
	setenv(name, value, 1);
}

/* PMULAB_HOST is a name and not an address, so that clients reach both families. */
static void set_environment(const struct run *run)
{
	variables_each(run->emulator, run->options.loopback ? "localhost" : hosts_names[0],
		set_variable, NULL);
	if (!run->options.loopback)
		set_variable(NULL, "PMULAB_TV_INTERFACE", LABNET_HOME_V4);
}

/* The keeper writes the CA's file. When that has failed, says why and forgets the file. */
static void check_ca(struct run *run)
{
	if (run->beside.keeper.ca_error == 0)
		return;
	lab_note_ca(&run->options.lab, &run->ca, run->beside.keeper.ca_error);
	*run->ca.path = '\0';
}

static bool make_keeper(struct run *run, struct err *err)
{
	const struct hosts hosts = { .names = run->options.names,
		.count = run->options.name_count,
		.v4 = LABNET_LAB_V4,
		.v6 = LABNET_LAB_V6,
		.ca = emulator_ca_text(run->emulator) };
	const struct keeper_options options = {
		.argv = run->command,
		.mask = &run->beside.mask,
		.files = &run->files,
		.leads = run->banner && run->beside.had_terminal,
		.net = run->options.loopback ? NULL : &run->net,
		.hosts = &hosts,
		.ca = *run->ca.path ? &run->ca : NULL,
	};
	run->beside.command = run->command[0];
	run->beside.timeout = run->options.timeout;
	if (keeper_start(&run->beside.keeper, &options, err)) {
		check_ca(run);
		return true;
	}
	if (!run->options.loopback)
		err_append(err, ". " WHERE_NEXT);
	return false;
}

/* Captures at the command's end of the wire, where Wireshark would be. */
static bool start_capture(struct run *run, struct err *err)
{
	if (!run->options.capture_file)
		return true;
	if (!labnet_enter(run->net.home, err))
		return false;
	run->capture = capture_start(LABNET_WIRE, run->options.capture_file, err);
	return labnet_enter(run->net.lab, run->capture ? err : NULL) && run->capture;
}

/* Observers are destroyed in reverse order. The summary is added first, so it is printed last. */
static bool observe(struct run *run, struct err *err)
{
	struct observer *summary =
		run->options.summary ? observer_summary_create(STDERR_FILENO) : NULL;
	if (run->options.summary && !summary)
		return err_set(err, STATUS_FAILED, "--summary: out of memory"), false;
	if (summary)
		emulator_observe(run->emulator, summary);
	return lab_observe(&run->options.lab, run->emulator,
		       run->options.lab.verbose ? TEXT_SENTENCES : TEXT_WARNINGS, err) &&
	       lab_control_start(&run->options.lab, run->control, run->scenario, run->emulator,
		       err);
}

static void tell(const struct run *run)
{
	if (*run->addresses.missing)
		lab_note(&run->options.lab, run->addresses.missing);
	lab_tell_notes(&run->options.lab, run->emulator);
	if (run->banner)
		lab_note(&run->options.lab, run->banner);
}

/* User namespaces and the keeper need a process with one thread, so threads are started after them.
   Returns the exit status; `err` is set when the lab failed or the command could not run to its
   end. */
static int run_all(struct run *run, struct err *err)
{
	run->loop = ev_loop_new(EVFLAG_AUTO);
	if (!lab_raise_descriptor_limit(&run->files, err) ||
		!beside_open(&run->beside, run->loop, err) || !open_control(run, err) ||
		!make_network(run, err) || !make_emulator(run, err) ||
		!lab_scenario_open(&run->options.lab, run->control, run->emulator, &run->scenario,
			err))
		return BESIDE_FAILED;
	tell(run);
	place_ca(run);
	set_environment(run);
	if (!make_keeper(run, err))
		return BESIDE_FAILED;
	if (!start_capture(run, err) || !observe(run, err))
		return BESIDE_FAILED;
	int signal = beside_interrupted(&run->beside);
	if (signal) {
		err_set(err, STATUS_FAILED, "%s, before the command was started",
			strsignal(signal));
		return BESIDE_SIGNAL + signal;
	}
	emulator_start(run->emulator);
	scenario_begin(run->scenario);
	beside_go(&run->beside, run->emulator);
	if (!emulator_run(run->emulator, err))
		return BESIDE_FAILED;
	*err = run->beside.err;
	return run->beside.status;
}

/* When a file that the user asked for is incomplete, says so and turns status 0 into 125. */
static int judge(const struct run *run, int status, bool complete, const struct err *err)
{
	if (complete)
		return status;
	cli_fail(run->cli->program, err);
	return status == 0 ? BESIDE_FAILED : status;
}

static int finish(struct run *run, int status, struct err *err)
{
	struct err file_err = { 0 };
	beside_close(&run->beside);
	ca_file_remove(&run->ca); /* for a keeper that was killed; else it has done so */
	control_close(run->control);
	scenario_destroy(run->scenario);
	emulator_destroy(run->emulator);
	status = judge(run, status, lab_events_complete(&run->options.lab, &file_err), &file_err);
	status = judge(run, status, capture_stop(run->capture, &file_err), &file_err);
	labnet_close(&run->net);
	if (run->loop)
		ev_loop_destroy(run->loop);
	if (*err->text)
		cli_fail(run->cli->program, err);
	return status;
}

/* ---- the two commands ---- */

static bool choose_command(struct run *run, char **operands, int count, struct err *err)
{
	bool prints = run->options.lab.print_config || run->options.lab.list_profiles;
	run->command = operands;
	if (prints || count > 0)
		return true;
	err_set(err, STATUS_USAGE,
		"which command? Such as: pmulab run -- python3 client.py CMD_short:0");
	return false;
}

static bool choose_shell(struct run *run, char **operands, int count, struct err *err)
{
	static char standard[] = "/bin/sh", *command[2];
	char *shell = getenv("SHELL");
	command[0] = shell && *shell ? shell : standard;
	run->command = command;
	run->banner = "tcpip.epfl.ch is " LABNET_LAB_V4 " and " LABNET_LAB_V6
		      " in this shell; `exit` ends both";
	if (count == 0)
		return true;
	err_set(err, STATUS_USAGE, "\"%s\": a shell takes no command; `pmulab run` does",
		operands[0]);
	return false;
}

static int command(const struct cli *cli, int argc, char **argv,
	bool (*choose)(struct run *run, char **operands, int count, struct err *err))
{
	struct run run = { .cli = cli, .beside = { .signals = -1 } };
	struct err err = { 0 };
	int operands = 0, status = STATUS_OK;
	enum cli_result result = run_options_parse(&run.options, cli, argc, argv, &operands, &err);
	if (result == CLI_RUN)
		result = choose(&run, argv + operands, argc - operands, &err) ?
			lab_options_finish(&run.options.lab, &err) : CLI_ERROR;
	if (result == CLI_RUN)
		status = finish(&run, run_all(&run, &err), &err);
	lab_options_free(&run.options.lab);
	if (result == CLI_ERROR)
		cli_fail(cli->program, &err);
	return result == CLI_ERROR ? BESIDE_FAILED : status;
}

int command_run(int argc, char **argv)
{
	return command(&run_cli, argc, argv, choose_command);
}

int command_shell(int argc, char **argv)
{
	return command(&shell_cli, argc, argv, choose_shell);
}
