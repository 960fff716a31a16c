/* Shared by the files of common/cli/: reading the table, and the forms of --help. All print
   functions write to `out` and tell no errors; the stream has them. */
#ifndef COMMON_CLI_CLI_PRIVATE_H
#define COMMON_CLI_CLI_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/cli/cli.h"

/* Prints --help=FORM to stdout; `form` NULL: --help. False with `err`: STATUS_USAGE, there is no
   such form of this program; STATUS_FAILED, stdout took no more. */
bool cli_print_form(const struct cli *cli, const char *form, struct err *err);

/* The option rows of a program: those of its table; for a program with commands, CLI_COMMON.
   Static. */
const struct cli_option *cli_rows(const struct cli *cli, size_t *count);

/* Print the manual page in mdoc(7), and the completions for the shells. */
void cli_print_mdoc(const struct cli *cli, FILE *out);
void cli_print_bash(const struct cli *cli, FILE *out);
void cli_print_zsh(const struct cli *cli, FILE *out);
void cli_print_fish(const struct cli *cli, FILE *out);

/* The completions of an option's argument or of an operand. */
struct cli_guess {
	bool files, programs; /* names of files, of programs */
	/* a blank follows each word; behind a word that ends with '=' the user goes on typing */
	char words[8192];
};

/* Fill `guess`. `root` is the program with the commands: its `words` complete its arguments. Words
   that do not fit are left out. */
void cli_guess_argument(struct cli_guess *guess, const struct cli *root, const char *argument);
void cli_guess_operands(struct cli_guess *guess, const struct cli *root, const struct cli *cli);

/* Reads the words of struct cli's `usage` one by one. At the start all is zero except `rest`, which
   is the usage. */
struct cli_usage {
	const char *rest;
	const char *word;  /* the word without brackets and dots; points into the usage */
	size_t len;
	bool begins, ends; /* a bracket stands before the word, behind it */
	bool dots;         /* "..." follows: the word may repeat */
};

/* Goes on to the next word. False: there is none. */
bool cli_usage_next(struct cli_usage *usage);

#endif
