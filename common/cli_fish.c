/* --help=fish: a line of complete(1) for each option, under the condition that its command stands in the line. */
#include "common/cli_private.h"

#include <string.h>

/* Within '...' of fish. */
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

/* "pmulab serve" without its first word: what __pmulab_in and __pmulab_at are asked for. */
static const char *command_of(const struct cli *cli)
{
	const char *blank = strchr(cli->program, ' ');
	return blank ? blank + 1 : "";
}

/* complete -c pmulab -n '__pmulab_in serve' */
static void put_complete(const struct cli *root, const struct cli *cli, const char *where, FILE *out)
{
	fprintf(out, "complete -c %s", root->program);
	if (root->command_count)
		fprintf(out, " -n '__%s_%s %s'", root->program, where, command_of(cli));
}

static void put_option(const struct cli *root, const struct cli *cli, const struct cli_option *row, FILE *out)
{
	put_complete(root, cli, cli->command_count ? "at" : "in", out);
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

/* Another program's command line stands behind so many words and these options of ours. */
static void put_foreign(const struct cli *root, const struct cli *cli, FILE *out)
{
	size_t count, depth = 1;
	const struct cli_option *rows = cli_rows(cli, &count);
	for (const char *p = cli->program; *p; p++)
		depth += *p == ' ';
	fprintf(out, " -a '(__%s_foreign %zu", root->program, depth);
	for (size_t i = 0; i < count; i++)
		if (rows[i].argument) {
			if (rows[i].letter)
				fprintf(out, " -%c", rows[i].letter);
			if (rows[i].name)
				fprintf(out, " --%s", rows[i].name);
		}
	fputs(")'", out);
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
	if (guess.programs)
		put_foreign(root, cli, out);
	fputs(guess.files ? " -F\n" : "\n", out);
}

static bool has_foreign(const struct cli *cli)
{
	bool found = cli->first_operand_ends;
	for (size_t i = 0; i < cli->command_count; i++)
		found |= has_foreign(cli->commands[i].cli);
	return found;
}

void cli_print_fish(const struct cli *cli, FILE *out)
{
	fprintf(out, "# Completion of %s for fish, made by `%s --help=fish`.\n\n", cli->program, cli->program);
	if (cli->command_count)
		fprintf(out,
			"# Whether the line begins with these commands, and whether it is nothing else so far.\n"
			"function __%s_in\n"
			"\tset -l words (commandline -opc)[2..-1]\n"
			"\tstring match -q -- \"$argv *\" \"$words \"\n"
			"end\n\n"
			"function __%s_at\n"
			"\tset -l words (commandline -opc)[2..-1]\n"
			"\ttest \"$argv\" = \"$words\"\n"
			"end\n\n", cli->program, cli->program);
	if (has_foreign(cli))
		fprintf(out,
			"# Completes the command line behind so many words, and behind options: the named ones take something.\n"
			"function __%s_foreign\n"
			"\tset -l words (commandline -opc)\n"
			"\tset -e words[1..$argv[1]]\n"
			"\twhile string match -q -- '-*' \"$words[1]\"\n"
			"\t\tset -l option $words[1]\n"
			"\t\tset -e words[1]\n"
			"\t\ttest \"$option\" = -- && break\n"
			"\t\tcontains -- \"$option\" $argv[2..-1] && set -e words[1]\n"
			"\tend\n"
			"\t__fish_complete_subcommand --commandline $words (commandline -ct)\n"
			"end\n\n", cli->program);
	fprintf(out, "complete -c %s -f\n", cli->program);
	put_program(cli, cli, out);
}
