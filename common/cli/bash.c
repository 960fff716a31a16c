/* --help=bash: one function of bash. Its case statements have the completions of the program and of
   each of its commands. */
#include "common/cli/cli_private.h"

/* The function's name, with letters that bash allows there: _pdc_ws. */
static void put_function(const struct cli *cli, FILE *out)
{
	putc('_', out);
	for (const char *p = cli->program; *p; p++)
		putc(*p == '-' ? '_' : *p, out);
}

/* 'pmulab serve -c' | 'pmulab serve --config' */
static void put_pattern(const struct cli *cli, const struct cli_option *row, FILE *out)
{
	if (row->letter)
		fprintf(out, "'%s -%c'", cli->program, row->letter);
	if (row->letter && row->name)
		fputs(" | ", out);
	if (row->name)
		fprintf(out, "'%s --%s'", cli->program, row->name);
}

/* Sets the variables that last_lines reads. */
static void put_guess(const struct cli_guess *guess, FILE *out)
{
	if (guess->words[0])
		fprintf(out, " words='%s'", guess->words);
	if (guess->files)
		fputs(" files=yes", out);
	if (guess->programs)
		fputs(" programs=yes", out);
	fputs(" ;;\n", out);
}

/* 'pmulab serve' | 'pmulab loss' | 'pmulab loss preview' */
static void put_commands(const struct cli *cli, bool *first, FILE *out)
{
	for (size_t i = 0; i < cli->command_count; i++) {
		fprintf(out, "%s'%s'", *first ? "" : " | ", cli->commands[i].cli->program);
		*first = false;
		put_commands(cli->commands[i].cli, first, out);
	}
}

/* " | " and a pattern for every option with an argument. */
static void put_takers(const struct cli *cli, FILE *out)
{
	size_t count;
	const struct cli_option *rows = cli_rows(cli, &count);
	for (size_t i = 0; i < count; i++)
		if (rows[i].argument) {
			fputs(" | ", out);
			put_pattern(cli, &rows[i], out);
		}
	for (size_t i = 0; i < cli->command_count; i++)
		put_takers(cli->commands[i].cli, out);
}

static void put_arguments(const struct cli *root, const struct cli *cli, FILE *out)
{
	size_t count;
	const struct cli_option *rows = cli_rows(cli, &count);
	struct cli_guess guess;
	for (size_t i = 0; i < count; i++)
		if (rows[i].argument) {
			fputs("\t", out);
			put_pattern(cli, &rows[i], out);
			putc(')', out);
			cli_guess_argument(&guess, root, rows[i].argument);
			put_guess(&guess, out);
		}
	for (size_t i = 0; i < cli->command_count; i++)
		put_arguments(root, cli->commands[i].cli, out);
}

static void put_options(const struct cli *cli, FILE *out)
{
	size_t count;
	const struct cli_option *rows = cli_rows(cli, &count);
	fprintf(out, "\t\t\t'%s') words='", cli->program);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].letter)
			fprintf(out, "-%c ", rows[i].letter);
		if (rows[i].name)
			fprintf(out, "--%s ", rows[i].name);
	}
	fputs("' ;;\n", out);
	for (size_t i = 0; i < cli->command_count; i++)
		put_options(cli->commands[i].cli, out);
}

static void put_operands(const struct cli *root, const struct cli *cli, FILE *out)
{
	struct cli_guess guess;
	cli_guess_operands(&guess, root, cli);
	fprintf(out, "\t\t\t'%s')", cli->program);
	if (cli->command_count)
		fputs(" ((depth == COMP_CWORD)) &&", out);
	put_guess(&guess, out);
	for (size_t i = 0; i < cli->command_count; i++)
		put_operands(root, cli->commands[i].cli, out);
}

/* For a command whose first operand begins another program's command line. */
static void put_foreign(const struct cli *cli, FILE *out)
{
	if (cli->first_operand_ends)
		fprintf(out, "\t\t'%s '*) ended=yes files=yes && break ;;\n", cli->program);
	for (size_t i = 0; i < cli->command_count; i++)
		put_foreign(cli->commands[i].cli, out);
}

static const char first_lines[] =
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} at=1\n"
	"\tlocal words= files= programs= ended=\n"
	"\tCOMPREPLY=()\n"
	"\t# --set=pmu.port comes as three words, and so does pmu:5003; "
	"behind KEY= and : nobody knows.\n"
	"\t[[ $cur == : || $prev == : ]] && return\n"
	"\tif [[ $cur == '=' || $prev == '=' ]]; then\n"
	"\t\t[[ $prev == '=' ]] && prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\t\t[[ $cur == '=' ]] && cur=\n"
	"\t\t[[ $prev == --* ]] || return\n"
	"\tfi\n";

/* Makes the completions from the variables that the case statements have set. */
static const char last_lines[] =
	"\t[[ $words ]] && mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	"\t[[ $programs ]] && mapfile -t -O ${#COMPREPLY[@]} COMPREPLY "
	"< <(compgen -c -- \"$cur\")\n"
	"\tif [[ $files || $programs ]]; then\n"
	"\t\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\tfi\n"
	"\t[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null\n"
	"\treturn 0\n"
	"}\n";

void cli_print_bash(const struct cli *cli, FILE *out)
{
	bool first = true;
	fprintf(out, "# Completion of %s for bash, made by `%s --help=bash`.\n", cli->program,
		cli->program);
	put_function(cli, out);
	fprintf(out, "()\n{\n\tlocal command='%s'\n", cli->program);
	fputs(first_lines, out);
	if (cli->command_count) {
		fputs("\tfor ((; at < COMP_CWORD; at++)); do\n"
		      "\t\tcase \"$command ${COMP_WORDS[at]}\" in\n\t\t", out);
		put_commands(cli, &first, out);
		fputs(") command+=\" ${COMP_WORDS[at]}\" ;;\n"
		      "\t\t*) break ;;\n\t\tesac\n\tdone\n\tlocal depth=$at\n", out);
	}
	fputs("\tfor ((; at < COMP_CWORD; at++)); do\n"
	      "\t\tcase \"$command ${COMP_WORDS[at - 1]}\" in\n"
	      "\t\t*' ='", out);
	put_takers(cli, out);
	fputs(") continue ;;\n"
	      "\t\tesac\n"
	      "\t\tcase \"$command ${COMP_WORDS[at]}\" in\n"
	      "\t\t*' --') ended=yes && break ;;\n"
	      "\t\t*' -'* | *' =') ;;\n", out);
	put_foreign(cli, out);
	fputs("\t\tesac\n\tdone\n"
	      "\tcase \"$ended$command $prev\" in\n", out);
	put_arguments(cli, cli, out);
	fputs("\t*)\n"
	      "\t\tif [[ $files ]]; then\n"
	      "\t\t\t: # another program's arguments\n"
	      "\t\telif [[ $cur == -* && ! $ended ]]; then\n"
	      "\t\t\tcase $command in\n", out);
	put_options(cli, out);
	fputs("\t\t\tesac\n\t\telse\n\t\t\tcase $command in\n", out);
	put_operands(cli, cli, out);
	fputs("\t\t\tesac\n\t\tfi ;;\n\tesac\n", out);
	fputs(last_lines, out);
	fputs("complete -F ", out);
	put_function(cli, out);
	fprintf(out, " %s\n", cli->program);
}
