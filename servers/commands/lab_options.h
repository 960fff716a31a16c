/* What the commands that run the lab share: the options that configure it, the observers that
   report its events, and some messages. */
#ifndef SERVERS_COMMANDS_LAB_OPTIONS_H
#define SERVERS_COMMANDS_LAB_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

#include "common/cli/cli.h"
#include "common/err.h"
#include "servers/config/config.h"
#include "servers/emulator.h"
#include "servers/events/observers.h"
#include "servers/network/ca_file.h"

/* A command's own options begin at LAB_OPTION_LAST. */
enum lab_option {
	LAB_OPTION_PROFILE = CLI_FIRST,
	LAB_OPTION_LIST_PROFILES,
	LAB_OPTION_FILE,
	LAB_OPTION_SET,
	LAB_OPTION_PRINT_CONFIG,
	LAB_OPTION_EVENTS,
	LAB_OPTION_TLS_KEYS,
	LAB_OPTION_SEED,
	LAB_OPTION_CONTROL,
	LAB_OPTION_PAGE,
	LAB_OPTION_SCENARIO,
	LAB_OPTION_QUIET,
	LAB_OPTION_VERBOSE,
	LAB_OPTION_LAST,
};

/* The rows of these options, for a command's table. */
#define LAB_OPTIONS                                                                                \
	{ LAB_OPTION_PROFILE, 0, "profile", "NAME|FILE",                                           \
		"the lab as it was in a year, or as a file says" },                                \
	{ LAB_OPTION_LIST_PROFILES, 0, "list-profiles", NULL,                                      \
		"print the profiles by name, and exit" },                                          \
	{ LAB_OPTION_FILE, 'c', "config", "FILE",                                                  \
		"read keys from an INI file; wins over --profile" },                               \
	{ LAB_OPTION_SET, 0, "set", "KEY=VALUE", "set one key; repeats, and wins over files" },    \
	{ LAB_OPTION_PRINT_CONFIG, 0, "print-config", NULL,                                        \
		"print every key with where its value comes from, and exit" },                     \
	{ LAB_OPTION_EVENTS, 0, "events", "FILE|-",                                                \
		"write what happens as NDJSON (docs/events.md)" },                                 \
	{ LAB_OPTION_TLS_KEYS, 0, "tls-keys", "FILE",                                              \
		"append the secrets of TLS connections, for Wireshark (docs/lab-guide.md)" },      \
	{ LAB_OPTION_SEED, 0, "seed", "N", "make chance repeatable" },                             \
	{ LAB_OPTION_PAGE, 0, "page", NULL,                                                        \
		"a page that shows the lab and changes it while it runs: prints its address; "     \
		"127.0.0.1:8080 unless asked otherwise (behind =), port 0: a free one. "           \
		"Opens --control too",                                                             \
		"ADDR:PORT" },                                                                     \
	{ LAB_OPTION_CONTROL, 0, "control", "FILE|default",                                        \
		"open a Unix socket for pmulab ctl; default: where it looks" },                    \
	{ LAB_OPTION_SCENARIO, 0, "scenario", "FILE",                                              \
		"change keys by the clock: JSON, a list of steps (docs/api.md)" },                 \
	{ LAB_OPTION_QUIET, 'q', "quiet", NULL, "say nothing but errors" },                        \
	{ LAB_OPTION_VERBOSE, 'v', "verbose", NULL, "say everything that happens" }

#define LAB_PAGE "127.0.0.1:8080" /* --page without an address */

/* Texts belong to argv or are static. */
struct lab_options {
	struct config *config; /* owned */
	const char *events;    /* a file; "-": stdout; NULL: none */
	const char *tls_keys;  /* a file; NULL: none */
	struct sink *secrets;  /* that writes it; NULL: not open */
	int secrets_fd;
	uint64_t secrets_lost; /* that the sink had no room for */
	const char *control;   /* the socket's path, or "default"; NULL: not given */
	const char *page;      /* "127.0.0.1:8080"; NULL: none */
	const char *scenario;  /* a file; NULL: none */
	uint64_t seed;
	/* Sets the keys for which the command has defaults of its own, before profiles, files and
	   --set; NULL: none. Gets the `context` of lab_options_parse. False with `err`. */
	bool (*defaults)(void *context, struct config *config, struct err *err);
	bool has_seed, print_config, list_profiles, quiet, verbose;
	struct events_outcome events_outcome; /* of --events; set when the emulator is destroyed */
};

/* Sets every key to its default and everything else to zero. lab_options_free is due in either
   case. False with `err` (STATUS_FAILED): out of memory. */
bool lab_options_init(struct lab_options *lab, struct err *err);

/* Frees the configuration. Accepts an all-zero `lab`. */
void lab_options_free(struct lab_options *lab);

/*
 * Parses a command line: the options above into `lab`, the command's own by `on_option` with
 * `context`. The configuration is set by `defaults`, then by the profiles, then by the files, then
 * by --set; their order on the line does not matter. The later one wins. Result, `operands` and
 * `err` are those of cli_parse.
 */
enum cli_result lab_options_parse(struct lab_options *lab, const struct cli *cli, int argc,
	char **argv, cli_on_option *on_option, void *context, int *operands, struct err *err);

/* Checks the configuration, and draws a seed where none was given. Call it when the operands have
   been checked. CLI_DONE: --print-config or --list-profiles has been printed instead, and the
   command ends with 0. CLI_ERROR with `err`. */
enum cli_result lab_options_finish(struct lab_options *lab, struct err *err);

/*
 * Attaches the observers of the events: one that writes text for people to stderr, in `mode`, with
 * --quiet only warnings; and the one of --events, whose file it creates or empties. Call it before
 * emulator_start. `lab` outlives the emulator. False with `err`: STATUS_USAGE when that file cannot
 * be opened, STATUS_FAILED: out of memory.
 */
bool lab_observe(struct lab_options *lab, struct emulator *emulator, enum text_mode mode,
	struct err *err);

/* Is the emulator's on_secret (emulator_options): appends the secret `line` to the file of
   --tls-keys. `lab` is a struct lab_options. */
void lab_on_secret(void *lab, const char *line);

/* Whether --events has written all events, and --tls-keys all secrets. Call it when the emulator is
   destroyed. False with `err` (STATUS_FAILED): the last events could not be written, as on a full
   disk; it says how many. A reader of a pipe that has gone or does not read is no failure. */
bool lab_events_complete(struct lab_options *lab, struct err *err);

/* Prints "pmulab: text" to stderr, unless --quiet. */
void lab_note(const struct lab_options *lab, const char *text);

/* Prints, unless --quiet, in which file the lab's CA is when the certificates are in memory only;
   or, when `error` is an errno, why there is no such file. 0: there is one. */
void lab_note_ca(const struct lab_options *lab, const struct ca_file *ca, int error);

/* Prints the emulator's notes (emulator_note) to stderr, unless --quiet. */
void lab_tell_notes(const struct lab_options *lab, const struct emulator *emulator);

/* Raises the soft limit of open files to the hard limit (RLIMIT_NOFILE, getrlimit(2)), since each
   connection takes a descriptor. `before` (may be NULL) gets the old limits. False with `err`
   (STATUS_FAILED): the hard limit is under 64, too low for a lab. */
bool lab_raise_descriptor_limit(struct rlimit *before, struct err *err);

/* Sets `err` to: there is no endpoint "pmo"; there are udp-print, echo, ... (STATUS_USAGE). */
void lab_no_endpoint(const char *name, struct err *err);

/* Prints the table of endpoints and the table of keys, for --help (cli.print_more). */
void lab_print_tables(FILE *out);

#endif
