/* --help=zsh: a function for the program and for each of its commands, which calls _arguments
   (zshcompsys(1)). */
#include "common/cli/cli_private.h"

#include <string.h>

static void put_function(const struct cli *cli, FILE *out)
{
	putc('_', out);
	for (const char *p = cli->program; *p; p++)
		putc(*p == ' ' ? '-' : *p, out);
}

/* Puts text that stands between single quotes. Characters that would end a part of _arguments'
   specification get a backslash. */
static void put_quoted(const char *text, size_t len, FILE *out)
{
	for (size_t i = 0; i < len; i++) {
		if (strchr("[]:\\", text[i]))
			putc('\\', out);
		fputs(text[i] == '\'' ? "'\\''" : (const char[]){ text[i], '\0' }, out);
	}
}

/* ":PORT: ", ":FILE:_files": the argument's name and its completion. */
static void put_guess(const char *name, size_t len, const struct cli_guess *guess, FILE *out)
{
	putc(':', out);
	put_quoted(name, len, out);
	putc(':', out);
	bool assign = strstr(guess->words, "= ") != NULL;
	if (guess->words[0] && guess->files)
		fprintf(out, "{compadd -- %s; _files}", guess->words);
	else if (assign)
		fprintf(out, "{compadd -S \"\" -- %s}", guess->words);
	else if (guess->words[0])
		fprintf(out, "(%s)", guess->words);
	else if (guess->files)
		fputs("_files", out);
	else
		putc(' ', out);
}

/* '*'{-p+,--port=}'[its port]:PORT: ', '(-q --quiet)'{-q,--quiet}'[say nothing]': an option with an
   argument may be repeated. */
static void put_option(const struct cli *root, const struct cli_option *row, FILE *out)
{
	const char *glued = row->argument ? "+" : "", *equals = row->argument ? "=" : "";
	fputs(" \\\n\t\t'", out);
	if (row->argument)
		putc('*', out);
	else if (row->letter && row->name)
		fprintf(out, "(-%c --%s)", row->letter, row->name);
	if (row->letter && row->name)
		fprintf(out, "'{-%c%s,--%s%s}'", row->letter, glued, row->name, equals);
	else if (row->letter)
		fprintf(out, "-%c%s", row->letter, glued);
	else
		fprintf(out, "--%s%s", row->name, equals);
	putc('[', out);
	put_quoted(row->help, strlen(row->help), out);
	putc(']', out);
	if (row->argument) {
		struct cli_guess guess;
		cli_guess_argument(&guess, root, row->argument);
		put_guess(row->argument, strlen(row->argument), &guess, out);
	}
	putc('\'', out);
}

static void put_options(const struct cli *root, const struct cli *cli, FILE *out)
{
	size_t count;
	const struct cli_option *rows = cli_rows(cli, &count);
	bool ends = cli->command_count || cli->first_operand_ends;
	fprintf(out, "\t_arguments -s -S%s%s", cli->command_count ? " -C" : "",
		ends ? " -A \"-*\"" : "");
	for (size_t i = 0; i < count; i++)
		put_option(root, &rows[i], out);
}

static void put_operands(const struct cli *root, const struct cli *cli, FILE *out)
{
	struct cli_guess guess;
	cli_guess_operands(&guess, root, cli);
	if (guess.programs) {
		fputs(" \\\n\t\t'(-)1:command: _command_names -e' '*::argument: _normal'", out);
		return;
	}
	fputs(" \\\n\t\t'*", out);
	put_guess("argument", strlen("argument"), &guess, out);
	putc('\'', out);
}

/* For a program with commands: completes their names, then each command's arguments. The array is
   called names, because $commands is zsh's own. */
static void put_commands(const struct cli *cli, FILE *out)
{
	fputs(" \\\n\t\t'1:command:->command' '*::argument:->argument'\n"
	      "\tcase $state in\n"
	      "\tcommand)\n"
	      "\t\tnames=(", out);
	for (size_t i = 0; i < cli->command_count; i++) {
		const struct cli *command = cli->commands[i].cli;
		fprintf(out, "\n\t\t\t'%s:", cli_name(command));
		put_quoted(command->summary, strlen(command->summary), out);
		putc('\'', out);
	}
	fputs("\n\t\t)\n"
	      "\t\t_describe -t commands command names ;;\n"
	      "\targument)\n"
	      "\t\tcase $line[1] in\n", out);
	for (size_t i = 0; i < cli->command_count; i++) {
		fprintf(out, "\t\t%s) ", cli_name(cli->commands[i].cli));
		put_function(cli->commands[i].cli, out);
		fputs(" ;;\n", out);
	}
	fputs("\t\tesac ;;\n\tesac\n", out);
}

static void put_program(const struct cli *root, const struct cli *cli, FILE *out)
{
	for (size_t i = 0; i < cli->command_count; i++)
		put_program(root, cli->commands[i].cli, out);
	put_function(cli, out);
	fputs("() {\n", out);
	if (cli->command_count)
		fputs("\tlocal curcontext=$curcontext state line\n"
		      "\tlocal -A opt_args\n"
		      "\tlocal -a names\n", out);
	put_options(root, cli, out);
	if (cli->command_count) {
		put_commands(cli, out);
	} else {
		put_operands(root, cli, out);
		putc('\n', out);
	}
	fputs("}\n\n", out);
}

void cli_print_zsh(const struct cli *cli, FILE *out)
{
	fprintf(out, "#compdef %s\n# Completion of %s for zsh, made by `%s --help=zsh`.\n\n",
		cli->program, cli->program, cli->program);
	put_program(cli, cli, out);
	/* A file in $fpath is the function's body, so it calls the function. A sourced file
	   registers the function with compsys. */
	fprintf(out,
		"if [[ $funcstack[1] == _%s ]]; then\n\t_%s \"$@\"\nelse\n\tcompdef _%s %s\nfi\n",
		cli->program, cli->program, cli->program, cli->program);
}
