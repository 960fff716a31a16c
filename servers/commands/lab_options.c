#include "servers/commands/lab_options.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "servers/commands/seed.h"
#include "servers/config/profile.h"
#include "servers/events/sink.h"

enum { SECRET_MAX = 512 }; /* bytes of a line of --tls-keys */

/* How long the file of --tls-keys may take for what is left at the end. */
static const double SECRETS_SECONDS = 2;

bool lab_options_init(struct lab_options *lab, struct err *err)
{
	*lab = (struct lab_options){ .config = config_create() };
	if (!lab->config)
		err_set(err, STATUS_FAILED, "out of memory");
	return lab->config;
}

/* Waits until all secrets are written. False with `err`: some are not. */
static bool close_secrets(struct lab_options *lab, struct err *err)
{
	struct sink_loss loss = { 0 };
	if (!lab->secrets)
		return true;
	sink_destroy(lab->secrets, SECRETS_SECONDS, &loss);
	close(lab->secrets_fd);
	lab->secrets = NULL;
	if (loss.lines + lab->secrets_lost == 0)
		return true;
	err_set(err, STATUS_FAILED, "--tls-keys: %s: %s: some secrets are not in it", lab->tls_keys,
		loss.error ? strerror(loss.error) : "it takes nothing");
	return false;
}

void lab_options_free(struct lab_options *lab)
{
	struct err ignored;
	close_secrets(lab, &ignored); /* where the lab did not come to its end */
	config_destroy(lab->config);
}

/* ---- the command line ---- */

struct parsing {
	struct lab_options *lab;
	cli_on_option *on_option;
	void *context;
};

/* Checks stdout before a file is opened that would get the closed descriptor's number. */
static bool check_events(const char *file, struct err *err)
{
	if (strcmp(file, "-") != 0 || fcntl(STDOUT_FILENO, F_GETFD) >= 0)
		return true;
	err_set(err, STATUS_USAGE, "--events: -: stdout is closed; give a file");
	return false;
}

/* All options but those that set keys. */
static bool on_other(void *context, int id, const char *value, struct err *err)
{
	const struct parsing *parsing = context;
	struct lab_options *lab = parsing->lab;
	switch (id) {
	case LAB_OPTION_LIST_PROFILES:
		lab->list_profiles = true;
		return true;
	case LAB_OPTION_PRINT_CONFIG:
		lab->print_config = true;
		return true;
	case LAB_OPTION_EVENTS:
		lab->events = value;
		return check_events(value, err);
	case LAB_OPTION_TLS_KEYS:
		lab->tls_keys = value;
		return true;
	case LAB_OPTION_SEED:
		lab->has_seed = seed_parse(&lab->seed, value, err);
		return lab->has_seed;
	case LAB_OPTION_CONTROL:
		lab->control = value;
		return true;
	case LAB_OPTION_PAGE:
		lab->page = value ? value : LAB_PAGE;
		return true;
	case LAB_OPTION_SCENARIO:
		lab->scenario = value;
		return true;
	case LAB_OPTION_QUIET:
		lab->quiet = true;
		return true;
	case LAB_OPTION_VERBOSE:
		lab->verbose = true;
		return true;
	default:
		return id < LAB_OPTION_LAST || parsing->on_option(parsing->context, id, value, err);
	}
}

static bool on_profile(void *context, int id, const char *value, struct err *err)
{
	const struct parsing *parsing = context;
	return id != LAB_OPTION_PROFILE || profile_load(parsing->lab->config, value, err);
}

static bool on_file(void *context, int id, const char *value, struct err *err)
{
	const struct parsing *parsing = context;
	return id != LAB_OPTION_FILE || config_load(parsing->lab->config, value, err);
}

static bool on_set(void *context, int id, const char *value, struct err *err)
{
	const struct parsing *parsing = context;
	return id != LAB_OPTION_SET || config_assign(parsing->lab->config, value, "--set", err);
}

enum cli_result lab_options_parse(struct lab_options *lab, const struct cli *cli, int argc,
	char **argv, cli_on_option *on_option, void *context, int *operands, struct err *err)
{
	/* One pass for each kind of option, so that their order on the line does not matter. */
	static cli_on_option *const passes[] = { on_other, on_profile, on_file, on_set };
	struct parsing parsing = { lab, on_option, context };
	for (size_t i = 0; i < sizeof passes / sizeof passes[0]; i++) {
		enum cli_result result =
			cli_parse(cli, argc, argv, passes[i], &parsing, operands, err);
		if (result != CLI_RUN)
			return result;
		if (i == 0 && lab->defaults && !lab->defaults(context, lab->config, err))
			return CLI_ERROR;
	}
	return CLI_RUN;
}

enum cli_result lab_options_finish(struct lab_options *lab, struct err *err)
{
	if (!config_check(lab->config, err))
		return CLI_ERROR;
	if (lab->list_profiles)
		profile_print_list(stdout);
	else if (lab->print_config)
		config_print(lab->config, stdout);
	else {
		if (!lab->has_seed)
			lab->seed = seed_draw();
		return CLI_RUN;
	}
	return cli_flush(err) ? CLI_DONE : CLI_ERROR;
}

/* ---- observers and messages ---- */

/* Appended, as programs do with SSLKEYLOGFILE: several may write the same file. */
static bool open_secrets(struct lab_options *lab, struct err *err)
{
	lab->secrets_fd =
		open(lab->tls_keys, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (lab->secrets_fd < 0) {
		err_set(err, STATUS_USAGE, "--tls-keys: %s: %s", lab->tls_keys, strerror(errno));
		return false;
	}
	lab->secrets = sink_create(lab->secrets_fd, 0);
	if (!lab->secrets) {
		close(lab->secrets_fd);
		err_set(err, STATUS_FAILED, "--tls-keys: out of memory");
	}
	return lab->secrets;
}

void lab_on_secret(void *context, const char *line)
{
	struct lab_options *lab = context;
	char text[SECRET_MAX];
	int len = snprintf(text, sizeof text, "%s\n", line);
	if (lab->secrets && len < (int)sizeof text)
		lab->secrets_lost += !sink_write(lab->secrets, text, (size_t)len, 0);
}

bool lab_observe(struct lab_options *lab, struct emulator *emulator, enum text_mode mode,
	struct err *err)
{
	/* https://no-color.org: no colour when the variable is set and not empty */
	const char *no_color = getenv("NO_COLOR");
	bool colour = isatty(STDERR_FILENO) && (!no_color || !*no_color);
	struct observer *text =
		observer_text_create(STDERR_FILENO, lab->quiet ? TEXT_WARNINGS : mode, colour);
	if (text)
		emulator_observe(emulator, text);
	if (lab->tls_keys && !open_secrets(lab, err))
		return false;
	if (!lab->events)
		return true;
	bool standard = strcmp(lab->events, "-") == 0;
	int fd = standard ? STDOUT_FILENO :
		open(lab->events, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0) {
		err_set(err, STATUS_USAGE, "--events: %s: %s", lab->events, strerror(errno));
		return false;
	}
	uint64_t limit = (uint64_t)config_integer(lab->config, KEY_EVENTS_LIMIT, ENDPOINT_NONE);
	struct observer *jsonl = observer_jsonl_create(fd, limit, &lab->events_outcome);
	if (!jsonl) {
		err_set(err, STATUS_FAILED, "--events: out of memory");
		return false;
	}
	emulator_observe(emulator, jsonl);
	return true;
}

bool lab_events_complete(struct lab_options *lab, struct err *err)
{
	if (!close_secrets(lab, err))
		return false;
	const struct events_outcome *outcome = &lab->events_outcome;
	if (outcome->error == 0)
		return true;
	err_set(err, STATUS_FAILED,
		"--events: %s: %s: ", strcmp(lab->events, "-") == 0 ? "stdout" : lab->events,
		strerror(outcome->error));
	if (outcome->missing == 1)
		err_append(err, "the last event is not in it");
	else
		err_append(err, "the last %" PRIu64 " events are not in it", outcome->missing);
	return false;
}

void lab_note(const struct lab_options *lab, const char *text)
{
	if (!lab->quiet)
		fprintf(stderr, "pmulab: %s\n", text);
}

void lab_note_ca(const struct lab_options *lab, const struct ca_file *ca, int error)
{
	if (lab->quiet)
		return;
	if (error == 0)
		fprintf(stderr, "pmulab: the lab's CA is in %s\n", ca->path);
	else
		fprintf(stderr, "pmulab: no file for the lab's CA, and no %s: %s: %s\n",
			CA_FILE_VARIABLE, ca->path, strerror(error));
}

void lab_tell_notes(const struct lab_options *lab, const struct emulator *emulator)
{
	const char *text;
	for (size_t i = 0; (text = emulator_note(emulator, i)); i++)
		if (*text)
			lab_note(lab, text);
}

/* ---- small things ---- */

bool lab_raise_descriptor_limit(struct rlimit *before, struct err *err)
{
	enum { LEAST = 64 };
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		limit = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	if (before)
		*before = limit;
	if (limit.rlim_max < LEAST) {
		err_set(err, STATUS_FAILED,
			"only %lu files may be open, and a lab needs %d: ulimit -n %d",
			(unsigned long)limit.rlim_max, LEAST, LEAST);
		return false;
	}
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return true;
}

void lab_no_endpoint(const char *name, struct err *err)
{
	err_set(err, STATUS_USAGE, "there is no endpoint \"%s\"; there are", name);
	for (int k = 0; k < ENDPOINT_COUNT; k++)
		err_append(err, "%s %s", k ? "," : "", endpoint_table[k].name);
	if (strchr(name, ':'))
		err_append(err, "; an address of the page stands behind a sign: --page=%s", name);
}

void lab_print_tables(FILE *out)
{
	fputs("\nEndpoints:\n", out);
	for (int id = 0; id < ENDPOINT_COUNT; id++)
		fprintf(out, "  %-10s %5u  %s\n", endpoint_table[id].name, endpoint_table[id].port,
			endpoint_table[id].about);
	fputs("\nKeys (--set, -c; a key of a group may be given for one of its endpoints, as "
	      "pmu-ws.messages):\n",
		out);
	config_print_keys(out);
}
