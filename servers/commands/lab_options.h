/* What every command that runs the lab has in common: the options that say how it is, and who is
   told what happens. */
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

/* The commands' own options begin at LAB_OPTION_LAST. */
enum lab_option {
	LAB_OPTION_PROFILE = CLI_FIRST,
	LAB_OPTION_LIST_PROFILES,
	LAB_OPTION_FILE,
	LAB_OPTION_SET,
	LAB_OPTION_PRINT_CONFIG,
	LAB_OPTION_EVENTS,
	LAB_OPTION_SEED,
	LAB_OPTION_CONTROL,
	LAB_OPTION_PAGE,
	LAB_OPTION_SCENARIO,
	LAB_OPTION_QUIET,
	LAB_OPTION_VERBOSE,
	LAB_OPTION_LAST,
};

/* Their rows, for a command's table. */
#define LAB_OPTIONS                                                                                                     \
	{ LAB_OPTION_PROFILE, 0, "profile", "NAME|FILE", "the lab as it was in a year, or as a file says" },             \
	{ LAB_OPTION_LIST_PROFILES, 0, "list-profiles", NULL, "print the profiles by name, and exit" },                  \
	{ LAB_OPTION_FILE, 'c', "config", "FILE", "read keys from an INI file; wins over --profile" },                   \
	{ LAB_OPTION_SET, 0, "set", "KEY=VALUE", "set one key; repeats, and wins over files" },                          \
	{ LAB_OPTION_PRINT_CONFIG, 0, "print-config", NULL, "print every key with where its value comes from, and exit" }, \
	{ LAB_OPTION_EVENTS, 0, "events", "FILE|-", "write what happens as NDJSON (docs/events.md)" },                   \
	{ LAB_OPTION_SEED, 0, "seed", "N", "make chance repeatable" },                                                   \
	{ LAB_OPTION_PAGE, 0, "page", NULL, "a page that shows the lab and changes it while it runs: prints its address; " \
		"127.0.0.1:8080 unless asked otherwise (behind =), port 0: a free one. Opens --control too", "ADDR:PORT" }, \
	{ LAB_OPTION_CONTROL, 0, "control", "FILE|default", "open a Unix socket for pmulab ctl; default: where it looks" },  \
	{ LAB_OPTION_SCENARIO, 0, "scenario", "FILE", "change keys by the clock: JSON, a list of steps (docs/api.md)" },  \
	{ LAB_OPTION_QUIET, 'q', "quiet", NULL, "say nothing but errors" },                                              \
	{ LAB_OPTION_VERBOSE, 'v', "verbose", NULL, "say everything that happens" }

#define LAB_PAGE "127.0.0.1:8080" /* --page without an address */

struct lab_options {
	struct config *config;
	const char *events; /* "-": stdout; NULL: none */
	const char *control; /* the socket's path, or "default"; NULL: none asked for */
	const char *page;    /* "127.0.0.1:8080"; NULL: none */
	const char *scenario; /* a file; NULL: none */
	uint64_t seed;
	/* Sets what a command has other defaults for, before profiles, files and --set; NULL:
	   nothing. */
	bool (*defaults)(void *context, struct config *config, struct err *err);
	bool has_seed, print_config, list_profiles, quiet, verbose;
	struct events_outcome events_outcome; /* of --events, once the emulator is destroyed */
};

/* False: out of memory. */
bool lab_options_init(struct lab_options *lab, struct err *err);
void lab_options_free(struct lab_options *lab);

/*
 * Parses a command line: the options above into `lab`, others by `on_option` with `context`. The
 * configuration is what `defaults` says, then the profiles, then the files, then --set, wherever
 * each stands on the line.
 */
enum cli_result lab_options_parse(struct lab_options *lab, const struct cli *cli, int argc,
	char **argv, cli_on_option *on_option, void *context, int *operands, struct err *err);

/* When the operands are right too: checks the configuration, draws a seed where none was given.
   CLI_DONE: something was to be printed instead (--print-config, --list-profiles), and has been. */
enum cli_result lab_options_finish(struct lab_options *lab, struct err *err);

/* Attaches who writes for people, to stderr, as `mode` says (only warnings with --quiet), and who
   writes NDJSON. Before emulator_start; `lab` outlives the emulator. */
bool lab_observe(struct lab_options *lab, struct emulator *emulator, enum text_mode mode,
	struct err *err);

/* Once the emulator is destroyed: whether all that --events asked for has been written. False with
   `err` (STATUS_FAILED): the disk was full, and how much is missing. A reader that has gone, or did
   not read, is no failure. */
bool lab_events_complete(const struct lab_options *lab, struct err *err);

/* A line for people, unless --quiet. */
void lab_note(const struct lab_options *lab, const char *text);

/* Where the CA of certificates in memory is, or with an errno, why it is nowhere. */
void lab_note_ca(const struct lab_options *lab, const struct ca_file *ca, int error);

/* What the emulator has to say before it starts. */
void lab_tell_notes(const struct lab_options *lab, const struct emulator *emulator);

/* Each connection takes a descriptor: as many as the system allows without asking for rights.
   `before` (may be NULL) is how it was. False with `err` (STATUS_FAILED): too few for any lab. */
bool lab_raise_descriptor_limit(struct rlimit *before, struct err *err);

/* "there is no endpoint "pmo"; there are udp-print, echo, ..." (STATUS_USAGE). */
void lab_no_endpoint(const char *name, struct err *err);

/* For --help: the table of endpoints, and that of keys. */
void lab_print_tables(FILE *out);

#endif
