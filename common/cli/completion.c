/* Finds an argument's completions from its name in the tables. The same for every shell. */
#include "common/cli/cli_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool contains(const char *text, size_t len, const char *part)
{
	const char *found = strstr(text, part);
	return found && found + strlen(part) <= text + len;
}

static void add_word(struct cli_guess *guess, const char *word, size_t len, const char *behind)
{
	size_t used = strlen(guess->words);
	if (len > 0 && used + len + strlen(behind) + 2 <= sizeof guess->words)
		snprintf(guess->words + used, sizeof guess->words - used, "%.*s%s ", (int)len, word,
			behind);
}

/* Adds the words that `print` prints (struct cli_words). */
static void add_printed(struct cli_guess *guess, void (*print)(FILE *out), const char *behind)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);
	if (memory) {
		print(memory);
		if (fclose(memory) == 0)
			for (char *word = strtok(text, " \n"); word; word = strtok(NULL, " \n"))
				add_word(guess, word, strlen(word), behind);
	}
	free(text);
}

/* A part of "ADDR|localhost|any". A part with a capital letter is a name for something; a part
   without one is a word to type. */
static void guess_part(struct cli_guess *guess, const char *part, size_t len)
{
	const char *dot = memchr(part, '.', len);
	bool stands = false;
	for (size_t i = 0; i < len; i++)
		stands |= isupper((unsigned char)part[i]) != 0;
	if (contains(part, len, "FILE") || contains(part, len, "DIR") ||
		(stands && dot && dot + 1 < part + len && isalpha((unsigned char)dot[1])))
		guess->files = true;
	else if (!stands && !(len == 1 && *part == '-'))
		add_word(guess, part, len, "");
}

static void guess_name(struct cli_guess *guess, const struct cli *root, const char *name,
	size_t len)
{
	size_t base = strcspn(name, "[ ");
	for (const struct cli_words *row = root->words; row && row->argument; row++)
		if (strlen(row->argument) == (base < len ? base : len) &&
			strncmp(name, row->argument, strlen(row->argument)) == 0)
			add_printed(guess, row->print, strchr(row->argument, '=') ? "=" : "");
	for (const char *part = name, *end = name + len; part < end;) {
		const char *bar = memchr(part, '|', (size_t)(end - part));
		guess_part(guess, part, (size_t)((bar ? bar : end) - part));
		part = bar ? bar + 1 : end;
	}
}

void cli_guess_argument(struct cli_guess *guess, const struct cli *root, const char *argument)
{
	*guess = (struct cli_guess){ 0 };
	guess_name(guess, root, argument, strlen(argument));
}

void cli_guess_operands(struct cli_guess *guess, const struct cli *root, const struct cli *cli)
{
	*guess = (struct cli_guess){ 0 };
	for (size_t i = 0; i < cli->command_count; i++)
		add_word(guess, cli_name(cli->commands[i].cli),
			strlen(cli_name(cli->commands[i].cli)), "");
	guess->programs = cli->first_operand_ends;
	bool argument = cli->command_count > 0; /* at.word is an option's argument */
	for (struct cli_usage at = { .rest = cli->usage }; cli_usage_next(&at);) {
		bool flag = *at.word == '-';
		if (!flag && !argument && !(at.len == 7 && memcmp(at.word, "options", 7) == 0))
			guess_name(guess, root, at.word, at.len);
		argument = cli->command_count > 0 || (flag && at.len > 2 && !at.ends);
	}
}
