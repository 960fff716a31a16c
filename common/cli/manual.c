/*
 * --help=mdoc: the manual page in mdoc(7), from the same table as --help. `mandoc -Tlint` has no
 * complaints: each sentence begins a line, no line of text is longer than 80 bytes, and no
 * paragraph macro stands before a display.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cli/cli_private.h"
#include "common/cli/mdoc.h"

enum { PAGES_MAX = 64 };

/* ---- the sections ---- */

/* Puts "pmulab serve" with `between` in place of the blank: ".Nm pmulab Cm serve". */
static void put_program(const char *program, const char *between, FILE *out)
{
	for (; *program; program++)
		if (*program == ' ')
			fputs(between, out);
		else
			mdoc_character(*program, out);
}

static void put_option(const struct cli_option *row, bool both, FILE *out)
{
	if (row->letter)
		fprintf(out, " Fl %c", row->letter);
	if (row->letter && row->name && both)
		fputs(" ,", out);
	if (row->name && (both || !row->letter)) {
		fputs(" Fl \\-", out);
		mdoc_word(row->name, strlen(row->name), out);
	}
	if (row->argument) {
		fputs(" Ar ", out);
		mdoc_word(row->argument, strlen(row->argument), out);
	}
	if (row->optional) {
		fputs(" Ns Op = Ns Ar ", out);
		mdoc_word(row->optional, strlen(row->optional), out);
	}
}

/* Puts every option that the usage does not name. */
static void put_synopsis_options(const struct cli *cli, FILE *out)
{
	size_t count;
	const struct cli_option *rows = cli_rows(cli, &count);
	for (const struct cli_option *row = rows; row < rows + count; row++) {
		char name[64];
		snprintf(name, sizeof name, "--%s ", row->name ? row->name : "");
		if (row->name && strstr(cli->usage, name))
			continue;
		fputs(".Op", out);
		put_option(row, false, out);
		putc('\n', out);
	}
}

static void put_synopsis(const struct cli *cli, FILE *out)
{
	fputs(".Nm ", out);
	put_program(cli->program, " Cm ", out);
	putc('\n', out);
	bool open = false, group = false;
	struct cli_usage at = { .rest = cli->usage };
	while (cli_usage_next(&at)) {
		if (at.begins && at.ends && at.len == 7 && memcmp(at.word, "options", 7) == 0) {
			if (cli->command_count)
				fputs(".Op Ar options\n", out);
			else
				put_synopsis_options(cli, out);
			continue;
		}
		bool flag = at.word[0] == '-';
		fprintf(out, "%s%s ", open ? " " : at.begins ? ".Op " : ".", flag ? "Fl" : "Ar");
		mdoc_word(at.word + flag, at.len - flag, out);
		fputs(at.dots ? " ..." : "", out);
		group = (group || at.begins) && !at.ends;
		/* An option's argument stands on the option's line. */
		open = group || (flag && !at.ends && *at.rest && !strchr("[-", *at.rest));
		if (!open)
			putc('\n', out);
	}
}

static void put_options(const struct cli *cli, FILE *out)
{
	size_t count;
	const struct cli_option *rows = cli_rows(cli, &count);
	fputs(".Bl -tag -width Ds\n", out);
	for (const struct cli_option *row = rows; row < rows + count; row++) {
		fputs(".It", out);
		put_option(row, true, out);
		if (row->id == CLI_HELP)
			fputs(" Ns Op = Ns Ar FORM\n"
			      "show all options and exit.\n"
			      "FORM is mdoc for this page, bash, zsh or fish for a completion.\n",
				out);
		else {
			putc('\n', out);
			mdoc_text(row->help, row->help + strlen(row->help), out);
		}
	}
	fputs(".El\n", out);
}

/* The notes, and what print_more prints. They follow the options. */
static void put_notes(const struct cli *cli, FILE *out)
{
	char *more = NULL;
	size_t size;
	if (cli->notes)
		mdoc_paragraphs(cli->notes, false, out);
	if (!cli->print_more)
		return;
	FILE *memory = open_memstream(&more, &size);
	if (memory) {
		cli->print_more(memory);
		if (fclose(memory) == 0)
			mdoc_paragraphs(more, false, out);
	}
	free(more);
}

/* The commands of a program have pages of their own. The commands of a command stand on that
   command's page. */
static void put_commands(const struct cli *cli, FILE *out)
{
	bool top = !strchr(cli->program, ' ');
	fputs(top ? ".Sh COMMANDS\n.Bl -tag -width Ds\n" : ".Sh COMMANDS\n", out);
	for (size_t i = 0; i < cli->command_count; i++) {
		const struct cli *command = cli->commands[i].cli;
		fprintf(out, "%s %s\n", top ? ".It Cm" : ".Ss", cli_name(command));
		if (top) {
			mdoc_text(command->summary, command->summary + strlen(command->summary),
				out);
			fputs(".Pq see Xr ", out);
			put_program(command->program, "-", out);
			fputs(" 1\n", out);
			continue;
		}
		mdoc_paragraphs(command->about, true, out);
		put_options(command, out);
		put_notes(command, out);
	}
	fputs(top ? ".El\n" : "", out);
}

/* A page with commands on it has each command's text. */
static void put_exit_status(const struct cli *cli, FILE *out)
{
	if (cli->exit_status) {
		mdoc_text(cli->exit_status, cli->exit_status + strlen(cli->exit_status), out);
		return;
	}
	for (size_t i = 0; i < cli->command_count; i++) {
		fprintf(out, "%s.Cm %s :\n", i ? ".Pp\n" : "", cli_name(cli->commands[i].cli));
		put_exit_status(cli->commands[i].cli, out);
	}
}

static void put_examples(const struct cli *cli, FILE *out)
{
	if (cli->examples) {
		mdoc_display(cli->examples, cli->examples + strlen(cli->examples), 0, out);
		return;
	}
	for (size_t i = 0; i < cli->command_count; i++)
		put_examples(cli->commands[i].cli, out);
}

/* ---- other pages ---- */

static int compare(const void *a, const void *b)
{
	return strcasecmp(*(char *const *)a, *(char *const *)b);
}

/* The pages that the table names, and the program of this command, or the commands of this
   program. */
static void put_see_also(const struct cli *cli, FILE *out)
{
	char names[2048] = "", *pages[PAGES_MAX];
	size_t used = 0, count = 0;
	used += (size_t)snprintf(names, sizeof names, "%s", cli->see_also ? cli->see_also : "");
	int first = (int)strcspn(cli->program, " ");
	if (cli->program[first])
		used += (size_t)snprintf(names + used, sizeof names - used, " %.*s", first,
			cli->program);
	else
		for (size_t i = 0; i < cli->command_count && used < sizeof names; i++)
			used += (size_t)snprintf(names + used, sizeof names - used, " %.*s-%s",
				first, cli->program, cli_name(cli->commands[i].cli));
	for (char *name = strtok(names, " "); name && count < PAGES_MAX; name = strtok(NULL, " "))
		pages[count++] = name;
	qsort(pages, count, sizeof pages[0], compare);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s.Xr %s 1%s\n", i ? "" : ".Sh SEE ALSO\n", pages[i],
			i + 1 < count ? " ," : "");
}

void cli_print_mdoc(const struct cli *cli, FILE *out)
{
	bool commands = cli->command_count > 0, nested = commands && strchr(cli->program, ' ');
	fprintf(out, ".\\\" Made by `%s --help=mdoc`.\n.Dd " PMULAB_DATE "\n.Dt ", cli->program);
	for (const char *p = cli->program; *p; p++)
		putc(*p == ' ' ? '-' : toupper((unsigned char)*p), out);
	fputs(" 1\n.Os\n.Sh NAME\n.Nm ", out);
	put_program(cli->program, "-", out);
	fputs("\n.Nd", out);
	mdoc_words(cli->summary, out);
	fputs("\n.Sh SYNOPSIS\n", out);
	if (nested)
		for (size_t i = 0; i < cli->command_count; i++)
			put_synopsis(cli->commands[i].cli, out);
	else
		put_synopsis(cli, out);
	fputs(".Sh DESCRIPTION\n", out);
	mdoc_paragraphs(cli->about, true, out);
	if (commands)
		put_commands(cli, out);
	if (!nested) {
		fputs(".Sh OPTIONS\n", out);
		put_options(cli, out);
		put_notes(cli, out);
	}
	if (nested || cli->exit_status) {
		fputs(".Sh EXIT STATUS\n", out);
		put_exit_status(cli, out);
	}
	if (nested || cli->examples) {
		fputs(".Sh EXAMPLES\n", out);
		put_examples(cli, out);
	}
	put_see_also(cli, out);
}
