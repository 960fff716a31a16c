/* --help=fish: a call of fish's `complete` for each option, with the condition that the command
   line has the option's command. */
#include "common/cli/cli_private.h"

#include <string.h>

/* Puts the text between single quotes, with fish's escapes. */
static void put_quoted(const char *text, FILE *out)
{
	putc('\'', out);
	for (; *text; text++) {
		if (strchr("'\\", *text))
			putc('\\', out);
		putc(*text, out);
	}
	putc('\'', out);
}

/* "pmulab serve" without its first word: the arguments of __pmulab_in and __pmulab_at. */
static const char *command_of(const struct cli *cli)
{
	const char *blank = strchr(cli->program, ' ');
	return blank ? blank + 1 : "";
}

/* complete -c pmulab -n '__pmulab_in serve' */
static void put_complete(const struct cli *root, const struct cli *cli, const char *where,
	FILE *out)
{
	fprintf(out, "complete -c %s", root->program);
	if (root->command_count)
		fprintf(out, " -n '__%s_%s %s'", root->program, where, command_of(cli));
}

/* __pmulab_run_rest */
static void put_rest(const struct cli *cli, FILE *out)
{
	fputs("__", out);
	for (const char *p = cli->program; *p; p++)
		putc(*p == ' ' || *p == '-' ? '_' : *p, out);
	fputs("_rest", out);
}

static void put_option(const struct cli *root, const struct cli *cli, const struct cli_option *row,
	FILE *out)
{
	put_complete(root, cli, cli->command_count ? "at" : "in", out);
	if (cli->first_operand_ends) {
		fputs(" -n 'not ", out);
		put_rest(cli, out);
		fputs(" >/dev/null'", out);
	}
	if (row->letter)
		fprintf(out, " -s %c", row->letter);
	if (row->name)
		fprintf(out, " -l %s", row->name);
	if (row->argument) {
		struct cli_guess guess;
		cli_guess_argument(&guess, root, row->argument);
		fputs(guess.files ? " -r -F" : " -x", out);
		if (guess.words[0])
			fprintf(out, " -a '%s'", guess.words);
	}
	fputs(" -d ", out);
	put_quoted(row->help, out);
	putc('\n', out);
}

static void put_program(const struct cli *root, const struct cli *cli, FILE *out)
{
	size_t count;
	const struct cli_option *rows = cli_rows(cli, &count);
	for (size_t i = 0; i < count; i++)
		put_option(root, cli, &rows[i], out);
	for (size_t i = 0; i < cli->command_count; i++) {
		put_complete(root, cli, "at", out);
		fprintf(out, " -a %s -d ", cli_name(cli->commands[i].cli));
		put_quoted(cli->commands[i].cli->summary, out);
		putc('\n', out);
	}
	for (size_t i = 0; i < cli->command_count; i++)
		put_program(root, cli->commands[i].cli, out);
	if (cli->command_count)
		return;
	struct cli_guess guess;
	cli_guess_operands(&guess, root, cli);
	if (!guess.words[0] && !guess.files && !guess.programs)
		return;
	put_complete(root, cli, "in", out);
	if (guess.words[0])
		fprintf(out, " -a '%s'", guess.words);
	if (guess.programs) {
		/* an option is no program's name, but it may stand behind one */
		fputs(" -n 'not string match -q -- \"-*\" (commandline -ct); "
		      "or string length -q -- (",
			out);
		put_rest(cli, out);
		fputs(")' -a '(__fish_complete_subcommand --commandline (", out);
		put_rest(cli, out);
		fputs(") (commandline -ct))'", out);
	}
	fputs(guess.files ? " -F\n" : "\n", out);
}

/* Some commands have another program's command line behind their options. For each of them: a
   function that prints that line's words. */
static void put_rests(const struct cli *cli, FILE *out)
{
	for (size_t i = 0; i < cli->command_count; i++)
		put_rests(cli->commands[i].cli, out);
	if (!cli->first_operand_ends)
		return;
	size_t count, depth = 1;
	const struct cli_option *rows = cli_rows(cli, &count);
	for (const char *p = cli->program; *p; p++)
		depth += *p == ' ';
	fputs("# The other program's words, behind the options of this one; "
	      "false where only these have come.\n"
	      "function ",
		out);
	put_rest(cli, out);
	fprintf(out, "\n\tset -l words (commandline -opc)[%zu..-1]\n\tset -l takes", depth + 1);
	for (size_t i = 0; i < count; i++)
		if (rows[i].argument) {
			if (rows[i].letter)
				fprintf(out, " -%c", rows[i].letter);
			if (rows[i].name)
				fprintf(out, " --%s", rows[i].name);
		}
	fputs("\n\tset -l option\n"
	      "\twhile string match -q -- '-*' \"$words[1]\" && test \"$option\" != --\n"
	      "\t\tset option $words[1]\n"
	      "\t\tset -e words[1]\n"
	      "\t\tcontains -- $option $takes && set -e words[1]\n"
	      "\tend\n"
	      "\tstring join \\n -- $words\n"
	      "\ttest \"$option\" = -- || set -q words[1]\n"
	      "end\n\n", out);
}

void cli_print_fish(const struct cli *cli, FILE *out)
{
	fprintf(out, "# Completion of %s for fish, made by `%s --help=fish`.\n\n", cli->program,
		cli->program);
	if (cli->command_count)
		fprintf(out,
			"# Whether the line begins with these commands, "
			"and whether it is nothing else so far.\n"
			"function __%s_in\n"
			"\tset -l words (commandline -opc)[2..-1]\n"
			"\tstring match -q -- \"$argv *\" \"$words \"\n"
			"end\n\n"
			"function __%s_at\n"
			"\tset -l words (commandline -opc)[2..-1]\n"
			"\ttest \"$argv\" = \"$words\"\n"
			"end\n\n",
			cli->program, cli->program);
	put_rests(cli, out);
	fprintf(out, "complete -c %s -f\n", cli->program);
	put_program(cli, cli, out);
}
