/* Turns the options into a configuration, addresses and observers, and runs the emulator with
   them. */
#include "servers/commands/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/net.h"
#include "servers/commands/addresses.h"
#include "servers/commands/lab_control.h"
#include "servers/commands/lab_options.h"
#include "servers/commands/ports_file.h"
#include "servers/emulator.h"
#include "servers/network/ca_file.h"

enum option { OPTION_BIND = LAB_OPTION_LAST, OPTION_EPHEMERAL, OPTION_PORTS_FILE, OPTION_READY_FD };

static const struct cli_option options[] = {
	{ OPTION_BIND, 0, "bind", "ADDR|localhost|any",
		"where to listen; localhost is 127.0.0.1 and ::1 (default)" },
	{ OPTION_EPHEMERAL, 0, "ephemeral", NULL, "every endpoint on a free port" },
	{ OPTION_PORTS_FILE, 0, "ports-file", "FILE",
		"write the ports there, for a shell to source, once all listen" },
	{ OPTION_READY_FD, 0, "ready-fd", "N",
		"write the line READY to descriptor N once all listen, and close it" },
	LAB_OPTIONS,
	CLI_COMMON,
};

const struct cli serve_cli = {
	.program = "pmulab serve",
	.summary = "run the lab's servers until Ctrl-C",
	.usage = "[options] [ENDPOINT...]",
	.about = "Runs the lab's servers, all of them or those that are named, until Ctrl-C.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.examples =
		"pmulab serve                                 every endpoint on the lab's ports\n"
		"pmulab serve --set pmu.messages=15 pmu       one endpoint, 15 messages\n"
		"pmulab serve --ephemeral --ports-file lab.sh --events lab.ndjson",
	.exit_status = "0 stopped as asked (SIGINT, SIGTERM), 1 failed while running, 2 usage or\n"
		       "configuration, 3 an address cannot be bound.",
	.print_more = lab_print_tables,
};

struct serve {
	struct lab_options lab;
	const char *bind, *ports_file;
	long ready_fd; /* -1: none */
	bool ephemeral;
	bool wanted[ENDPOINT_COUNT];
	struct addresses addresses;
	struct ports_file ports;
	struct ca_file ca;
};

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	struct serve *serve = context;
	switch ((enum option)id) {
	case OPTION_BIND:
		serve->bind = value;
		return true;
	case OPTION_EPHEMERAL:
		serve->ephemeral = true;
		return true;
	case OPTION_PORTS_FILE:
		serve->ports_file = value;
		return true;
	case OPTION_READY_FD:
		if (!cli_integer("--ready-fd", value, 0, 65535, &serve->ready_fd, err))
			return false;
		if (fcntl((int)serve->ready_fd, F_GETFD) >= 0)
			return true;
		err_set(err, STATUS_USAGE, "--ready-fd: descriptor %ld is not open",
			serve->ready_fd);
		return false;
	}
	return true;
}

/* ---- where to listen ---- */

static bool choose_addresses(struct serve *serve, struct err *err)
{
	if (!serve->bind || strcmp(serve->bind, "localhost") == 0)
		addresses_pair(&serve->addresses, "127.0.0.1", "::1");
	else if (strcmp(serve->bind, "any") == 0)
		addresses_pair(&serve->addresses, "0.0.0.0", "::");
	else if (!addresses_one(&serve->addresses, serve->bind)) {
		err_set(err, STATUS_USAGE,
			"--bind: \"%s\" is no address; give one such as 192.0.2.1 or 2001:db8::1, "
			"or localhost or any",
			serve->bind);
		return false;
	}
	if (*serve->addresses.missing)
		lab_note(&serve->lab, serve->addresses.missing);
	return true;
}

/* ---- running ---- */

/* Marks the endpoints that are named, all of them where none is. */
static bool choose_endpoints(bool wanted[ENDPOINT_COUNT], char **names, int count, struct err *err)
{
	for (int id = 0; id < ENDPOINT_COUNT; id++)
		wanted[id] = count == 0;
	for (int i = 0; i < count; i++) {
		enum endpoint_id id = endpoint_find(names[i]);
		if (id == ENDPOINT_NONE) {
			lab_no_endpoint(names[i], err);
			return false;
		}
		wanted[id] = true;
	}
	return true;
}

static bool add_endpoints(struct emulator *emulator, const bool wanted[ENDPOINT_COUNT],
	struct err *err)
{
	for (int id = 0; id < ENDPOINT_COUNT; id++)
		if (wanted[id] && !emulator_add(emulator, (enum endpoint_id)id, NULL, err))
			return false;
	return true;
}

/* When the certificates are in memory only, writes their CA to a file that clients can read. */
static void place_ca(struct serve *serve, struct emulator *emulator)
{
	const char *text = emulator_ca_text(emulator);
	if (!text)
		return;
	ca_file_init(&serve->ca, text);
	int error = ca_file_write(&serve->ca);
	lab_note_ca(&serve->lab, &serve->ca, error);
	if (error == 0)
		emulator_set_ca_file(emulator, serve->ca.path);
	else
		*serve->ca.path = '\0'; /* no file was written, so none is removed */
}

static void tell_ready(const struct serve *serve)
{
	if (serve->ready_fd < 0)
		return;
	static const char ready[] = "READY\n";
	/* The lab goes on when the parent process has ended. */
	if (write((int)serve->ready_fd, ready, sizeof ready - 1) < 0)
		lab_note(&serve->lab, "--ready-fd: nobody reads it");
	if (serve->ready_fd > STDERR_FILENO)
		close((int)serve->ready_fd);
}

static bool run(struct serve *serve, struct err *err)
{
	bool done = false;
	const struct emulator_options emulator_options = {
		.on_secret = serve->lab.tls_keys ? lab_on_secret : NULL,
		.receiver = &serve->lab,
		.config = serve->lab.config,
		.seed = serve->lab.seed,
		.addresses = serve->addresses.list,
		.address_count = serve->addresses.count,
		.ephemeral = serve->ephemeral,
	};
	struct control *control = NULL;
	struct scenario *scenario = NULL;
	struct emulator *emulator = emulator_create(&emulator_options, err);
	if (!emulator)
		return false;
	/* lab_observe empties the events' file, so it comes after what often fails: the file may
	   be that of another lab that runs on the same ports. */
	if (!add_endpoints(emulator, serve->wanted, err) || !emulator_listen(emulator, err))
		goto end;
	lab_tell_notes(&serve->lab, emulator);
	place_ca(serve, emulator);
	if ((serve->ports_file && !ports_file_write(&serve->ports, serve->ports_file, emulator,
					  &serve->addresses.list[0], err)) ||
		!lab_control_open(&serve->lab, LAB_HERE, emulator_loop(emulator), &control, err) ||
		!lab_scenario_open(&serve->lab, control, emulator, &scenario, err) ||
		!lab_observe(&serve->lab, emulator, serve->lab.verbose ? TEXT_ALL : TEXT_SENTENCES,
			err) ||
		!lab_control_start(&serve->lab, control, scenario, emulator, err))
		goto end;
	emulator_start(emulator);
	scenario_begin(scenario);
	tell_ready(serve);
	done = emulator_run(emulator, err);
end:
	ports_file_remove(&serve->ports);
	ca_file_remove(&serve->ca);
	control_close(control);
	scenario_destroy(scenario);
	emulator_destroy(emulator);
	return done && lab_events_complete(&serve->lab, err);
}

int command_serve(int argc, char **argv)
{
	struct err err = { 0 };
	struct serve serve = { .ready_fd = -1 };
	int operands = 0;
	enum cli_result result = CLI_ERROR;
	if (lab_options_init(&serve.lab, &err))
		result = lab_options_parse(&serve.lab, &serve_cli, argc, argv, on_option, &serve,
			&operands, &err);
	if (result == CLI_RUN)
		result = choose_endpoints(serve.wanted, argv + operands, argc - operands, &err) ?
			lab_options_finish(&serve.lab, &err) : CLI_ERROR;
	if (result == CLI_RUN) {
		if (!lab_raise_descriptor_limit(NULL, &err) || !choose_addresses(&serve, &err) ||
			!run(&serve, &err))
			result = CLI_ERROR;
	}
	lab_options_free(&serve.lab);
	return result == CLI_ERROR ? cli_fail(serve_cli.program, &err) : STATUS_OK;
}
