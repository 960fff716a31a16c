/*
 * Parses command lines with getopt_long(3). Its messages are switched off. Ours name the option as
 * it was typed, suggest the nearest option, and point to --help.
 */
#include "common/cli/cli_private.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>

#include "common/near.h"

/* getopt's value for the long option of row i is ROW_BASE + i, which is above all letters. */
enum { ROW_BASE = 256, OPTIONS_MAX = 64, LETTERS_MAX = 2 * OPTIONS_MAX + 3 };
enum { NAME_MAX_LENGTH = 40 };

static const struct cli_option *find_row(const struct cli *cli, int value)
{
	if (value >= ROW_BASE)
		return &cli->options[value - ROW_BASE];
	for (size_t i = 0; i < cli->count; i++)
		if (cli->options[i].letter && cli->options[i].letter == value)
			return &cli->options[i];
	return NULL;
}

/* Sets `err` for a long option that is no row's name, or is the beginning of several. `word` is the
   option as it was typed, "--prot" or "--prot=1". */
static void unknown_long(const struct cli *cli, const char *word, struct err *err)
{
	char name[NAME_MAX_LENGTH];
	snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);

	char candidates[200] = "";
	size_t count = 0;
	const struct cli_option *nearest = NULL;
	unsigned least = 3; /* more than two edits are no typing error */
	for (const struct cli_option *row = cli->options; row < cli->options + cli->count; row++) {
		if (!row->name)
			continue;
		if (strncmp(row->name, name, strlen(name)) == 0) {
			size_t used = strlen(candidates);
			snprintf(candidates + used, sizeof candidates - used, "%s--%s",
				count++ ? ", " : "", row->name);
		}
		unsigned edits = near_distance(name, row->name);
		if (edits < least && edits < strlen(row->name)) {
			least = edits;
			nearest = row;
		}
	}
	if (count > 1)
		err_set(err, STATUS_USAGE, "--%s is the beginning of %s; see %s --help", name,
			candidates, cli->program);
	else if (nearest)
		err_set(err, STATUS_USAGE, "unknown option --%s; did you mean --%s? See %s --help",
			name, nearest->name, cli->program);
	else
		err_set(err, STATUS_USAGE, "unknown option --%s; see %s --help", name,
			cli->program);
}

/* Makes getopt's two descriptions from the table. */
static void describe(const struct cli *cli, char letters[LETTERS_MAX],
	struct option longs[OPTIONS_MAX + 1])
{
	size_t at = 0, count = 0;
	assert(cli->count <= OPTIONS_MAX);
	if (cli->first_operand_ends)
		letters[at++] = '+';
	letters[at++] = ':'; /* getopt then tells a missing argument from an unknown option */
	for (size_t i = 0; i < cli->count; i++) {
		const struct cli_option *row = &cli->options[i];
		if (row->letter) {
			letters[at++] = row->letter;
			if (row->argument)
				letters[at++] = ':';
		}
		if (row->name)
			longs[count++] = (struct option){ .name = row->name,
				.has_arg = row->argument ? required_argument
					   : row->id == CLI_HELP || row->optional
						   ? optional_argument
						   : no_argument,
				.val = ROW_BASE + (int)i };
	}
	letters[at] = '\0';
	longs[count] = (struct option){ 0 };
}

/* Sets `err` for an option that getopt_long refused with `value` '?' or ':'. optopt is the option's
   letter, the value of a long option, or 0 for an unknown long option, which is `word`. */
static void bad_option(const struct cli *cli, int value, const char *word, struct err *err)
{
	char name[NAME_MAX_LENGTH];
	const struct cli_option *row = find_row(cli, optopt);
	if (optopt >= ROW_BASE)
		snprintf(name, sizeof name, "--%s", row->name);
	else
		snprintf(name, sizeof name, "-%c", optopt);
	if (value == ':')
		err_set(err, STATUS_USAGE, "%s needs %s; see %s --help", name, row->argument,
			cli->program);
	else if (row)
		err_set(err, STATUS_USAGE, "%s takes no value; see %s --help", name, cli->program);
	else if (optopt == 0)
		unknown_long(cli, word, err);
	else
		err_set(err, STATUS_USAGE, "unknown option %s; see %s --help", name, cli->program);
}

enum cli_result cli_parse(const struct cli *cli, int argc, char **argv, cli_on_option *on_option,
	void *context, int *operands, struct err *err)
{
	char letters[LETTERS_MAX];
	struct option longs[OPTIONS_MAX + 1];
	describe(cli, letters, longs);

	opterr = 0;
	optind = 0; /* glibc and musl: start again, also after an earlier call */
	for (;;) {
		int value = getopt_long(argc, argv, letters, longs, NULL);
		if (value == -1)
			break;
		if (value == ':' || value == '?') {
			bad_option(cli, value, argv[optind - 1], err);
			return CLI_ERROR;
		}
		const struct cli_option *row = find_row(cli, value);
		assert(row);
		if (row->id == CLI_HELP)
			return cli_print_form(cli, optarg, err) ? CLI_DONE : CLI_ERROR;
		if (row->id == CLI_VERSION) {
			printf("%s %s\n", cli->program, PMULAB_VERSION);
			return (cli_flush(err) ? CLI_DONE : CLI_ERROR);
		}
		if (!on_option(context, row->id, optarg, err))
			return CLI_ERROR;
	}
	*operands = optind;
	return CLI_RUN;
}
