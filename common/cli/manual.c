/*
 * --help=mdoc: the manual page in mdoc(7), from the same table as --help. `mandoc -Tlint` has no
 * complaints: each sentence begins a line, no line of text is longer than 80 bytes, and no
 * paragraph macro stands before a display.
 */
#include "common/cli/cli_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TEXT_WIDTH = 78, PAGES_MAX = 64 };

/* ---- escapes ---- */

/* The escape of a character that roff(7) would interpret, or show as a typographic one. NULL: it
   needs none. */
static const char *escape(char c)
{
	static const char special[] = "\\'`^~\"-";
	static const char *const escaped[] = { "\\e", "\\(aq", "\\(ga", "\\(ha", "\\(ti", "\\(dq",
		"\\-" };
	const char *found = c ? strchr(special, c) : NULL;
	return found ? escaped[found - special] : NULL;
}

static void put_character(char c, FILE *out)
{
	const char *escaped = escape(c);
	if (escaped)
		fputs(escaped, out);
	else
		putc(c, out);
}

/* Puts an argument of a macro. The name of another macro ("In", "Nm") and a lone delimiter are
   protected, so that they are plain words. */
static void put_word(const char *word, size_t len, FILE *out)
{
	bool macro = (len == 2 || len == 3) && isupper((unsigned char)word[0]) &&
		     islower((unsigned char)word[1]);
	if (macro || (len == 1 && ispunct((unsigned char)word[0])) || (len > 1 && word[0] == '%'))
		fputs("\\&", out);
	for (size_t i = 0; i < len; i++)
		put_character(word[i], out);
}

static void put_words(const char *text, FILE *out)
{
	while (*text) {
		size_t len = strcspn(text, " \n");
		putc(' ', out);
		put_word(text, len, out);
		text += len;
		text += strspn(text, " \n");
	}
}

/* Puts a word of running text. Its hyphens and apostrophes may become typographic ones; backquotes
   become typographic quotation marks, and `*quoted` tells whether one is open. Returns the bytes of
   the word; `out` NULL: only measures it. */
static size_t put_running(const char *word, size_t len, bool *quoted, FILE *out)
{
	size_t bytes = 0;
	for (size_t i = 0; i < len; i++) {
		const char plain[] = { word[i], '\0' }, *text = escape(word[i]);
		bool inside = i > 0 && isalnum((unsigned char)word[i - 1]);
		if (word[i] == '`')
			text = (*quoted = !*quoted) ? "\\(oq" : "\\(cq";
		else if (!text || word[i] == '"' || (inside && strchr("-'", word[i])))
			text = plain;
		bytes += strlen(text);
		if (out)
			fputs(text, out);
	}
	return bytes;
}

static bool ends_sentence(const char *word, size_t len)
{
	while (len > 0 && strchr(")\"'`", word[len - 1]))
		len--;
	/* a lone mark is a word: "x is lost, . is not" */
	return len > 1 && strchr(".!?", word[len - 1]);
}

/* ---- text ---- */

/* Puts a function's name on a line of its own: "recv()," becomes ".Fn recv ,". False: the word is
   none. */
static bool put_function(const char *word, size_t len, bool begins, FILE *out)
{
	size_t name = 0;
	while (name < len && (isalnum((unsigned char)word[name]) || word[name] == '_'))
		name++;
	if (name == 0 || len < name + 2 || memcmp(word + name, "()", 2) != 0)
		return false;
	fprintf(out, "%s.Fn %.*s", begins ? "" : "\n", (int)name, word);
	for (size_t i = name + 2; i < len; i++)
		fprintf(out, " %c", word[i]);
	putc('\n', out);
	return true;
}

/* Fills lines with the words of `text`; each sentence begins a line. */
static void put_text(const char *text, const char *end, FILE *out)
{
	size_t at = 0;
	bool quoted = false;
	for (text += strspn(text, " \n"); text < end; text += strspn(text, " \n")) {
		size_t len = strcspn(text, " \n");
		if (put_function(text, len, at == 0, out)) {
			at = 0;
			text += len;
			continue;
		}
		bool measured = quoted;
		size_t bytes = put_running(text, len, &measured, NULL);
		if (at > 0 && at + 1 + bytes > TEXT_WIDTH) {
			putc('\n', out);
			at = 0;
		}
		if (at > 0)
			putc(' ', out);
		else if (*text == '.')
			fputs("\\&", out);
		put_running(text, len, &quoted, out);
		at += 1 + bytes;
		if (ends_sentence(text, len)) {
			putc('\n', out);
			at = 0;
		}
		text += len;
	}
	if (at > 0)
		putc('\n', out);
}

/* Puts lines as they are, without up to `indent` blanks at the start of each. */
static void put_display(const char *text, const char *end, size_t indent, FILE *out)
{
	fputs(".Bd -literal -offset indent\n", out);
	while (text < end) {
		size_t len = strcspn(text, "\n"), blanks = strspn(text, " ");
		if (blanks > indent)
			blanks = indent;
		if (text[blanks] == '.')
			fputs("\\&", out);
		for (size_t i = blanks; i < len; i++)
			put_character(text[i], out);
		putc('\n', out);
		text += len + (text[len] == '\n');
	}
	fputs(".Ed\n", out);
}

/* Puts paragraphs, and lines that begin with a blank as displays. `first`: a section begins
   here. */
static void put_paragraphs(const char *text, bool first, FILE *out)
{
	bool paragraph = !first;
	while (*text) {
		bool literal = *text == ' ';
		const char *end = text;
		if (*text == '\n') {
			text++;
			paragraph = true;
			continue;
		}
		while (*end && *end != '\n' && (*end == ' ') == literal) {
			end += strcspn(end, "\n");
			end += *end == '\n';
		}
		if (literal) {
			put_display(text, end, 2, out);
		} else {
			if (paragraph)
				fputs(".Pp\n", out);
			put_text(text, end, out);
		}
		paragraph = false;
		text = end;
	}
}

/* ---- the sections ---- */

/* Puts "pmulab serve" with `between` in place of the blank: ".Nm pmulab Cm serve". */
static void put_program(const char *program, const char *between, FILE *out)
{
	for (; *program; program++)
		if (*program == ' ')
			fputs(between, out);
		else
			put_character(*program, out);
}

static void put_option(const struct cli_option *row, bool both, FILE *out)
{
	if (row->letter)
		fprintf(out, " Fl %c", row->letter);
	if (row->letter && row->name && both)
		fputs(" ,", out);
	if (row->name && (both || !row->letter)) {
		fputs(" Fl \\-", out);
		put_word(row->name, strlen(row->name), out);
	}
	if (row->argument) {
		fputs(" Ar ", out);
		put_word(row->argument, strlen(row->argument), out);
	}
	if (row->optional) {
		fputs(" Ns Op = Ns Ar ", out);
		put_word(row->optional, strlen(row->optional), out);
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
		put_word(at.word + flag, at.len - flag, out);
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
			put_text(row->help, row->help + strlen(row->help), out);
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
		put_paragraphs(cli->notes, false, out);
	if (!cli->print_more)
		return;
	FILE *memory = open_memstream(&more, &size);
	if (memory) {
		cli->print_more(memory);
		if (fclose(memory) == 0)
			put_paragraphs(more, false, out);
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
			put_text(command->summary, command->summary + strlen(command->summary),
				out);
			fputs(".Pq see Xr ", out);
			put_program(command->program, "-", out);
			fputs(" 1\n", out);
			continue;
		}
		put_paragraphs(command->about, true, out);
		put_options(command, out);
		put_notes(command, out);
	}
	fputs(top ? ".El\n" : "", out);
}

/* A page with commands on it has each command's text. */
static void put_exit_status(const struct cli *cli, FILE *out)
{
	if (cli->exit_status) {
		put_text(cli->exit_status, cli->exit_status + strlen(cli->exit_status), out);
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
		put_display(cli->examples, cli->examples + strlen(cli->examples), 0, out);
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
	put_words(cli->summary, out);
	fputs("\n.Sh SYNOPSIS\n", out);
	if (nested)
		for (size_t i = 0; i < cli->command_count; i++)
			put_synopsis(cli->commands[i].cli, out);
	else
		put_synopsis(cli, out);
	fputs(".Sh DESCRIPTION\n", out);
	put_paragraphs(cli->about, true, out);
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
