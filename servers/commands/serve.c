/* Options become a configuration, addresses and observers; the emulator does the rest. */
#include "servers/commands/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/cli.h"
#include "common/net.h"
#include "servers/commands/ports_file.h"
#include "servers/commands/seed.h"
#include "servers/emulator.h"
#include "servers/events/observers.h"

enum { ADDRESSES_MAX = 2 };

enum option {
	OPTION_BIND = CLI_FIRST,
	OPTION_EPHEMERAL,
	OPTION_PORTS_FILE,
	OPTION_READY_FD,
	OPTION_FILE,
	OPTION_SET,
	OPTION_PRINT_CONFIG,
	OPTION_EVENTS,
	OPTION_SEED,
	OPTION_QUIET,
	OPTION_VERBOSE,
};

static const struct cli_option options[] = {
	{ OPTION_BIND, 0, "bind", "ADDR|localhost|any", "where to listen; localhost is 127.0.0.1 and ::1 (default)" },
	{ OPTION_EPHEMERAL, 0, "ephemeral", NULL, "every endpoint on a free port" },
	{ OPTION_PORTS_FILE, 0, "ports-file", "FILE", "write the ports there, for a shell to source, once all listen" },
	{ OPTION_READY_FD, 0, "ready-fd", "N", "write the line READY to descriptor N once all listen, and close it" },
	{ OPTION_FILE, 'c', "config", "FILE", "read keys from an INI file" },
	{ OPTION_SET, 0, "set", "KEY=VALUE", "set one key; repeats, and wins over files" },
	{ OPTION_PRINT_CONFIG, 0, "print-config", NULL, "print every key with where its value comes from, and exit" },
	{ OPTION_EVENTS, 0, "events", "FILE|-", "write what happens as NDJSON (docs/events.md)" },
	{ OPTION_SEED, 0, "seed", "N", "make chance repeatable" },
	{ OPTION_QUIET, 'q', "quiet", NULL, "say nothing but errors" },
	{ OPTION_VERBOSE, 'v', "verbose", NULL, "say everything that happens" },
	CLI_COMMON,
};

static void print_tables(FILE *out)
{
	fputs("\nEndpoints:\n", out);
	for (int id = 0; id < ENDPOINT_COUNT; id++)
		fprintf(out, "  %-10s %5u  %s\n", endpoint_table[id].name, endpoint_table[id].port,
			endpoint_table[id].about);
	fputs("\nKeys (--set, -c; a key of a group may be given for one of its endpoints, as pmu-ws.messages):\n",
		out);
	config_print_keys(out);
}

const struct cli serve_cli = {
	.program = "pmulab serve",
	.summary = "run the lab's servers until Ctrl-C",
	.usage = "[options] [ENDPOINT...]",
	.about = "Runs the lab's servers, all of them or those that are named, until Ctrl-C.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.examples = "pmulab serve                                 every endpoint on the lab's ports\n"
		    "pmulab serve --set pmu.messages=15 pmu       one endpoint, 15 messages\n"
		    "pmulab serve --ephemeral --ports-file lab.sh --events lab.ndjson",
	.exit_status = "0 stopped as asked (SIGINT, SIGTERM), 1 failed while running, 2 usage or\n"
		       "configuration, 3 an address cannot be bound.",
	.print_more = print_tables,
};

struct serve {
	struct config *config;
	const char *bind, *ports_file, *events;
	long ready_fd; /* -1: none */
	uint64_t seed;
	bool has_seed, ephemeral, print_config, quiet, verbose;
	bool wanted[ENDPOINT_COUNT];
	struct address addresses[ADDRESSES_MAX];
	size_t address_count;
	struct ports_file ports;
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
		err_set(err, STATUS_USAGE, "--ready-fd: descriptor %ld is not open", serve->ready_fd);
		return false;
	case OPTION_FILE:
	case OPTION_SET:
		return true; /* read in a pass of their own: --set wins over files wherever it stands */
	case OPTION_PRINT_CONFIG:
		serve->print_config = true;
		return true;
	case OPTION_EVENTS:
		serve->events = value;
		return true;
	case OPTION_SEED:
		serve->has_seed = seed_parse(&serve->seed, value, err);
		return serve->has_seed;
	case OPTION_QUIET:
		serve->quiet = true;
		return true;
	case OPTION_VERBOSE:
		serve->verbose = true;
		return true;
	}
	return true;
}

static bool on_file(void *context, int id, const char *value, struct err *err)
{
	struct serve *serve = context;
	return id != OPTION_FILE || config_load(serve->config, value, err);
}

static bool on_set(void *context, int id, const char *value, struct err *err)
{
	struct serve *serve = context;
	return id != OPTION_SET || config_assign(serve->config, value, "--set", err);
}

/* ---- where to listen ---- */

static void note(const struct serve *serve, const char *text)
{
	if (!serve->quiet)
		fprintf(stderr, "pmulab: %s\n", text);
}

static bool add_address(struct serve *serve, const char *text)
{
	if (!address_parse(&serve->addresses[serve->address_count], text, 0))
		return false;
	serve->address_count++;
	return true;
}

/* False: this machine does not have the address. */
static bool can_bind(const struct address *address)
{
	struct err err;
	const struct listen_options none = { 0 };
	int fd = net_listen(address, &none, &err);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT);
}

/* A pair of an IPv4 and an IPv6 address; the second is left out where the machine has no IPv6. */
static void add_pair(struct serve *serve, const char *v4, const char *v6)
{
	add_address(serve, v4);
	add_address(serve, v6);
	if (can_bind(&serve->addresses[1]))
		return;
	serve->address_count = 1;
	char text[128];
	snprintf(text, sizeof text, "this machine has no %s; the lab runs on %s alone", v6, v4);
	note(serve, text);
}

static bool choose_addresses(struct serve *serve, struct err *err)
{
	if (!serve->bind || strcmp(serve->bind, "localhost") == 0)
		add_pair(serve, "127.0.0.1", "::1");
	else if (strcmp(serve->bind, "any") == 0)
		add_pair(serve, "0.0.0.0", "::");
	else if (!add_address(serve, serve->bind)) {
		err_set(err, STATUS_USAGE, "--bind: \"%s\" is no address; give one such as 192.0.2.1 or 2001:db8::1, "
			"or localhost or any", serve->bind);
		return false;
	}
	return true;
}

/* ---- observers ---- */

static bool observe(struct serve *serve, struct emulator *emulator, struct err *err)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org: when it is there and not empty */
	bool colour = isatty(STDERR_FILENO) && (!no_color || !*no_color);
	enum text_mode mode = serve->quiet ? TEXT_WARNINGS : serve->verbose ? TEXT_ALL : TEXT_SENTENCES;
	struct observer *text = observer_text_create(STDERR_FILENO, mode, colour);
	if (text)
		emulator_observe(emulator, text);
	if (!serve->events)
		return true;
	bool standard = strcmp(serve->events, "-") == 0;
	int fd = standard ? STDOUT_FILENO :
		open(serve->events, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0) {
		err_set(err, STATUS_USAGE, "--events: %s: %s", serve->events, strerror(errno));
		return false;
	}
	uint64_t limit = (uint64_t)config_integer(serve->config, KEY_EVENTS_LIMIT, ENDPOINT_NONE);
	struct observer *jsonl = observer_jsonl_create(fd, limit);
	if (!jsonl) {
		err_set(err, STATUS_FAILED, "--events: out of memory");
		return false;
	}
	emulator_observe(emulator, jsonl);
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
			err_set(err, STATUS_USAGE, "there is no endpoint \"%s\"; there are", names[i]);
			for (int k = 0; k < ENDPOINT_COUNT; k++)
				err_append(err, "%s %s", k ? "," : "", endpoint_table[k].name);
			return false;
		}
		wanted[id] = true;
	}
	return true;
}

static bool add_endpoints(struct emulator *emulator, const bool wanted[ENDPOINT_COUNT], struct err *err)
{
	for (int id = 0; id < ENDPOINT_COUNT; id++)
		if (wanted[id] && !emulator_add(emulator, (enum endpoint_id)id, err))
			return false;
	return true;
}

static void tell_ready(const struct serve *serve)
{
	if (serve->ready_fd < 0)
		return;
	static const char ready[] = "READY\n";
	/* A parent that has gone is no reason to stop. */
	if (write((int)serve->ready_fd, ready, sizeof ready - 1) < 0)
		note(serve, "--ready-fd: nobody reads it");
	if (serve->ready_fd > STDERR_FILENO)
		close((int)serve->ready_fd);
}

/* Each connection takes a descriptor: as many as the system allows without asking for rights. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static bool run(struct serve *serve, struct err *err)
{
	bool done = false;
	const struct emulator_options emulator_options = {
		.config = serve->config,
		.seed = serve->seed,
		.addresses = serve->addresses,
		.address_count = serve->address_count,
		.ephemeral = serve->ephemeral,
	};
	struct emulator *emulator = emulator_create(&emulator_options, err);
	if (!emulator)
		return false;
	/* The events' file is emptied only when nothing can go wrong any more: another lab may be writing it. */
	if (!add_endpoints(emulator, serve->wanted, err) || !emulator_listen(emulator, err) ||
		(serve->ports_file && !ports_file_write(&serve->ports, serve->ports_file, emulator,
			&serve->addresses[0], err)) ||
		!observe(serve, emulator, err))
		goto end;
	const char *text;
	for (size_t i = 0; (text = emulator_note(emulator, i)); i++)
		if (*text)
			note(serve, text);
	emulator_start(emulator);
	tell_ready(serve);
	done = emulator_run(emulator, err);
end:
	ports_file_remove(&serve->ports);
	emulator_destroy(emulator);
	return done;
}

/* Reads the options three times: everything but the keys, then the files, then --set. */
static enum cli_result parse(struct serve *serve, int argc, char **argv, int *operands, struct err *err)
{
	cli_on_option *const passes[] = { on_option, on_file, on_set };
	enum cli_result result = CLI_RUN;
	for (size_t i = 0; i < sizeof passes / sizeof passes[0] && result == CLI_RUN; i++)
		result = cli_parse(&serve_cli, argc, argv, passes[i], serve, operands, err);
	return result;
}

int command_serve(int argc, char **argv)
{
	struct err err = { 0 };
	struct serve serve = { .ready_fd = -1, .config = config_create() };
	int operands = 0;
	bool done = false;
	if (!serve.config) {
		err_set(&err, STATUS_FAILED, "out of memory");
		goto end;
	}
	enum cli_result result = parse(&serve, argc, argv, &operands, &err);
	if (result == CLI_ERROR)
		goto end;
	if (result == CLI_DONE) {
		done = true;
		goto end;
	}
	if (!choose_endpoints(serve.wanted, argv + operands, argc - operands, &err) || !config_check(serve.config, &err))
		goto end;
	if (serve.print_config) {
		config_print(serve.config, stdout);
		done = cli_flush(&err);
		goto end;
	}
	if (!serve.has_seed)
		serve.seed = seed_draw();
	raise_descriptor_limit();
	done = choose_addresses(&serve, &err) && run(&serve, &err);
end:
	config_destroy(serve.config);
	return done ? STATUS_OK : cli_fail(serve_cli.program, &err);
}
