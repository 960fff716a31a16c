/* The text of --help. */
#include "common/cli/cli_private.h"

#include <string.h>

enum { HELP_WIDTH = 100, HELP_COLUMN = 30 };

/* Prints the words of `text` from column `at` on, wrapped at HELP_WIDTH; further lines start at
   HELP_COLUMN. */
static void print_wrapped(const char *text, size_t at, FILE *out)
{
	while (*text) {
		size_t word = strcspn(text, " ");
		if (at + 1 + word > HELP_WIDTH && at > HELP_COLUMN) {
			fprintf(out, "\n%*s", HELP_COLUMN, "");
			at = HELP_COLUMN;
		}
		if (at > HELP_COLUMN) {
			putc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", (int)word, text);
		at += word;
		text += word;
		text += strspn(text, " ");
	}
	putc('\n', out);
}

static void print_options(const struct cli *cli, FILE *out)
{
	for (const struct cli_option *row = cli->options; row < cli->options + cli->count; row++) {
		char left[HELP_WIDTH];
		const char *space = row->argument ? " " : "",
			   *argument = row->argument ? row->argument : "";
		int used;
		if (row->letter && row->name)
			used = snprintf(left, sizeof left, "  -%c, --%s%s%s", row->letter,
				row->name, space, argument);
		else if (row->letter)
			used = snprintf(left, sizeof left, "  -%c%s%s", row->letter, space,
				argument);
		else
			used = snprintf(left, sizeof left, "      --%s%s%s", row->name, space,
				argument);
		if (row->optional)
			used += snprintf(left + used, sizeof left - (size_t)used, "[=%s]",
				row->optional);
		if (used > HELP_COLUMN - 2)
			fprintf(out, "%s\n%*s", left, HELP_COLUMN, "");
		else
			fprintf(out, "%-*s", HELP_COLUMN, left);
		print_wrapped(row->help, HELP_COLUMN, out);
	}
}

/* One example stands in the title's line; several stand below the title. */
static void print_examples(const char *examples, FILE *out)
{
	if (!examples)
		return;
	if (!strchr(examples, '\n')) {
		fprintf(out, "\nExample: %s\n", examples);
		return;
	}
	fputs("\nExamples:\n", out);
	for (const char *line = examples; *line;) {
		int len = (int)strcspn(line, "\n");
		fprintf(out, "  %.*s\n", len, line);
		line += len + (line[len] == '\n');
	}
}

static void print_commands(const struct cli *cli, FILE *out)
{
	fprintf(out, "Usage: %s %s\n%s\n\nCommands:\n", cli->program, cli->usage, cli->about);
	int width = 8;
	for (size_t i = 0; i < cli->command_count; i++) {
		int len = (int)strlen(cli_name(cli->commands[i].cli));
		width = len > width ? len : width;
	}
	for (size_t i = 0; i < cli->command_count; i++)
		fprintf(out, "  %-*s %s\n", width, cli_name(cli->commands[i].cli),
			cli->commands[i].cli->summary);
	fprintf(out, "\n`%s COMMAND --help` says more.\n", cli->program);
}

void cli_print_help(const struct cli *cli, FILE *out)
{
	if (cli->command_count) {
		print_commands(cli, out);
		return;
	}
	fprintf(out, "Usage: %s %s\n\n", cli->program, cli->usage);
	fprintf(out, "%s\n\nOptions:\n", cli->about);
	print_options(cli, out);
	if (cli->notes)
		fprintf(out, "\n%s\n", cli->notes);
	print_examples(cli->examples, out);
	if (cli->exit_status)
		fprintf(out, "\nExit status: %s\n", cli->exit_status);
	if (cli->print_more)
		cli->print_more(out);
}
