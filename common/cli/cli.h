/*
 * Command lines from a table: getopt_long(3) parses, and --help is printed from the same rows. So
 * are the page of the manual (--help=mdoc) and the completion for shells (--help=bash, zsh, fish).
 * A row's `id` is what a program switches on.
 */
#ifndef COMMON_CLI_CLI_H
#define COMMON_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/err.h"

struct cli_option {
	int id;               /* > 0, unique in the table */
	char letter;          /* 0: none */
	const char *name;     /* long name; NULL: none */
	const char *argument; /* what it takes, as shown in the help ("PORT"); NULL: nothing */
	const char *help;     /* one line */
	/* what it may take, behind "=" only: "--page=ADDR:PORT"; for a long name, without
	   `argument` */
	const char *optional;
};

/* What every program has; rows of their own in each table. cli_parse deals with both by itself. */
enum { CLI_HELP = 1, CLI_VERSION = 2, CLI_FIRST = 16 };
#define CLI_COMMON                                                                                           \
	{ CLI_HELP, 'h', "help", NULL, "show this and exit" },                                              \
	{ CLI_VERSION, 0, "version", NULL, "show the version and exit" }

struct cli_command;

/* All that a program says of itself. Texts may have several lines, and end without a newline. */
struct cli {
	const char *program;     /* "pmulab serve" */
	const char *summary;     /* half a line: what it is for */
	const char *usage;       /* "[options] COMMAND" */
	const char *about;       /* what it does */
	const struct cli_option *options;
	size_t count;
	/* instead of options; cli_command finds and runs them */
	const struct cli_command *commands;
	size_t command_count;
	/* what stands behind the first operand is not looked at: another program's options */
	bool first_operand_ends;
	/* The rest may be NULL. */
	/* what no option's line has room for; lines that begin with a blank stay as they are */
	const char *notes;
	const char *examples;    /* a command line each */
	const char *exit_status; /* "0 done, 1 failed, 2 wrong usage." */
	const char *see_also;    /* other pages of the manual, with blanks between them */
	void (*print_more)(FILE *out); /* sections of --help that come from other tables */
	const struct cli_words *words; /* for all commands of a program; ends with a row of NULL */
};

/* For completion: what an argument stands for that is called so in the options' rows or in the
   usage ("ENDPOINT", "KEY=VALUE"). By themselves complete files (a name with FILE or DIR, or with a
   dot: "EVENTS.ndjson"), words in a choice ("localhost|any") and, where the first operand ends the
   options, programs. */
struct cli_words {
	const char *argument;
	void (*print)(FILE *out); /* a word a line; behind a KEY comes "=", and the rest is typed */
};

/* A command of a program, under the last word of its `program`. */
struct cli_command {
	const struct cli *cli;
	/* argv[0] is the command's name; returns the exit status */
	int (*run)(int argc, char **argv);
};

/* Called for each option in turn; `value` is NULL for an option that takes nothing, or was given
   nothing, and belongs to argv otherwise. False with `err` ends the parsing. */
typedef bool cli_on_option(void *context, int id, const char *value, struct err *err);

enum cli_result {
	CLI_RUN,  /* `*operands` is the index in argv of the first operand */
	CLI_DONE, /* --help or --version was printed to stdout: exit 0 */
	CLI_ERROR, /* `err` says what, and points to --help */
};

enum cli_result cli_parse(const struct cli *cli, int argc, char **argv, cli_on_option *on_option,
	void *context, int *operands, struct err *err);

/* Runs the command that argv[1] names, or deals with --help and --version. Returns the exit
   status. */
int cli_command(const struct cli *cli, int argc, char **argv);

/* The last word of `program`: "serve". */
const char *cli_name(const struct cli *cli);

/* --help, as text at most 100 columns wide. */
void cli_print_help(const struct cli *cli, FILE *out);

/* Whole decimal numbers and numbers with a fraction; false (STATUS_USAGE: "--port: ...") for
   anything else, for rubbish behind it and outside of min..max. */
bool cli_integer(const char *option, const char *text, long min, long max, long *value,
	struct err *err);

/* Seconds: "1", "0.5", "500ms", "2s", "1m". */
bool cli_seconds(const char *option, const char *text, double *value, struct err *err);

/* What was printed to stdout has arrived; false (STATUS_FAILED): a full disk, a closed pipe. */
bool cli_flush(struct err *err);

/* Prints "program: text" to stderr, always as one line: the text may quote what a user or a file
   said. Returns the exit status. */
int cli_fail(const char *program, const struct err *err);

#endif
