/* What the files of the room share: how the table is read, and the forms of --help besides its
   text. */
#ifndef COMMON_CLI_CLI_PRIVATE_H
#define COMMON_CLI_CLI_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/cli/cli.h"

/* --help, or with a `form` --help=FORM, on stdout. False with `err` where there is no such form of
   it. */
bool cli_print_form(const struct cli *cli, const char *form, struct err *err);

/* The rows that a program has: those of its table, or --help and --version where it has
   commands. */
const struct cli_option *cli_rows(const struct cli *cli, size_t *count);

void cli_print_mdoc(const struct cli *cli, FILE *out);
void cli_print_bash(const struct cli *cli, FILE *out);
void cli_print_zsh(const struct cli *cli, FILE *out);
void cli_print_fish(const struct cli *cli, FILE *out);

/* What may stand for an argument of an option, or for an operand. */
struct cli_guess {
	bool files, programs;
	char words[8192]; /* each with a blank behind it; one that ends with '=' goes on */
};

/* `root` is the program with the commands, and with the words that its arguments stand for. */
void cli_guess_argument(struct cli_guess *guess, const struct cli *root, const char *argument);
void cli_guess_operands(struct cli_guess *guess, const struct cli *root, const struct cli *cli);

/* The words of struct cli's `usage`, one after another: zeroed but for `rest`, the usage. */
struct cli_usage {
	const char *rest;
	const char *word; /* without brackets and dots */
	size_t len;
	bool begins, ends; /* a bracket before it, one behind it */
	bool dots;         /* it repeats */
};

/* False at the end. */
bool cli_usage_next(struct cli_usage *usage);

#endif
