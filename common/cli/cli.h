/*
 * Command lines from a table. getopt_long(3) parses them. --help, the manual page (--help=mdoc) and
 * the completion for shells (--help=bash, zsh, fish) are printed from the same table.
 */
#ifndef COMMON_CLI_CLI_H
#define COMMON_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/err.h"

struct cli_option {
	int id;               /* > 0, unique in the table; cli_on_option gets it */
	char letter;          /* 0: none */
	const char *name;     /* long name; NULL: none */
	const char *argument; /* its argument's name, as --help shows it ("PORT"); NULL: none */
	const char *help;     /* one line */
	/* the name of an optional argument, which stands behind "=" ("--page=ADDR:PORT"); only with
	   a long name and without `argument`; NULL: none */
	const char *optional;
};

/* The rows of --help and --version, for each table. cli_parse handles both by itself. A program's
   own ids begin at CLI_FIRST. */
enum { CLI_HELP = 1, CLI_VERSION = 2, CLI_FIRST = 16 };
#define CLI_COMMON \
	{ CLI_HELP, 'h', "help", NULL, "show this and exit" }, \
	{ CLI_VERSION, 0, "version", NULL, "show the version and exit" }

struct cli_command;

/* A program, or a command of one. Texts may have several lines, and end without a newline. */
struct cli {
	const char *program;     /* the whole name: "pmulab serve" */
	const char *summary;     /* its purpose in half a line */
	const char *usage;       /* "[options] COMMAND" */
	const char *about;       /* what it does, in sentences */
	const struct cli_option *options; /* at most 64, with CLI_COMMON */
	size_t count;
	/* the commands of a program that has no `options`; cli_command finds and runs them */
	const struct cli_command *commands;
	size_t command_count;
	/* options end at the first operand: what follows belongs to another program */
	bool first_operand_ends;

	/* The members below may be NULL. */

	/* what does not fit into an option's line; lines that begin with a blank stay as they
	   are */
	const char *notes;
	const char *examples;    /* one command line a line */
	const char *exit_status; /* "0 done, 1 failed, 2 wrong usage." */
	const char *see_also;    /* other manual pages, separated by blanks */
	void (*print_more)(FILE *out); /* prints sections of --help that come from other tables */
	/* for the arguments of a program and all its commands; ends with a row of NULL */
	const struct cli_words *words;
};

/* For completion: the words that stand for an argument with this name ("ENDPOINT", "KEY=VALUE"), in
   the options' rows and in the usage. Some arguments need no row here: files (a name with FILE or
   DIR, or with a dot: "EVENTS.ndjson"), the words of a choice ("localhost|any"), and programs
   (where the first operand ends the options). */
struct cli_words {
	const char *argument;
	/* prints one word a line; where `argument` has a "=", the completion adds one to each */
	void (*print)(FILE *out);
};

/* A command of a program. Its name is the last word of its `cli->program`. */
struct cli_command {
	const struct cli *cli;
	/* argv[0] is the command's name; returns the exit status */
	int (*run)(int argc, char **argv);
};

/* Called for each option in turn, with its row's `id`. `value` points into argv; NULL: the option
   has no argument. False with `err` ends the parsing. */
typedef bool cli_on_option(void *context, int id, const char *value, struct err *err);

enum cli_result {
	CLI_RUN,  /* `*operands` is the index in argv of the first operand */
	CLI_DONE, /* --help or --version was printed to stdout: exit 0 */
	CLI_ERROR, /* `err` says why */
};

/*
 * Parses argv with the table and calls `on_option` with `context` for each option but those of
 * CLI_COMMON. Like getopt_long(3) it moves the operands to the end of argv, unless
 * `first_operand_ends`. `err` is set for CLI_ERROR: STATUS_USAGE with a hint at --help, on_option's
 * own, or STATUS_FAILED if stdout did not take the help.
 */
enum cli_result cli_parse(const struct cli *cli, int argc, char **argv, cli_on_option *on_option,
	void *context, int *operands, struct err *err);

/* Runs the command that argv[1] names, or handles -h, --help and --version. Without argv[1] it
   prints the help to stderr. Errors are printed to stderr. Returns the exit status. */
int cli_command(const struct cli *cli, int argc, char **argv);

/* The last word of `program`, "serve"; it points into `program`. */
const char *cli_name(const struct cli *cli);

/* Prints the text of --help, at most 100 columns wide: it wraps the options' lines; the other texts
   of the table must fit. */
void cli_print_help(const struct cli *cli, FILE *out);

/* Reads an integer in decimal, `min` to `max`, with "-" before a negative one. `option` begins the
   error ("--port: ..."). False with `err` (STATUS_USAGE): the whole of `text` is no integer in that
   range; `*value` is left as it was. */
bool cli_integer(const char *option, const char *text, long min, long max, long *value,
	struct err *err);

/* Reads a time as seconds, 0 or more: "1", "0.5", "500ms", "2s", "1m". `option` and errors as
   above. */
bool cli_seconds(const char *option, const char *text, double *value, struct err *err);

/* Flushes stdout. False with `err` (STATUS_FAILED): what was printed has not arrived, as on a full
   disk or a closed pipe. */
bool cli_flush(struct err *err);

/* Prints "program: text" to stderr, always as one line: control characters are escaped, because the
   text may quote a user or a file. Returns the exit status, `err->status`. */
int cli_fail(const char *program, const struct err *err);

#endif
