/* Programs with commands: finds the named command in the program's table and runs it. */
#include "common/cli/cli_private.h"

#include <string.h>

int cli_command(const struct cli *cli, int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	struct err err = { 0 };
	if (!*word) {
		cli_print_help(cli, stderr);
		return STATUS_USAGE;
	}
	for (size_t i = 0; i < cli->command_count; i++)
		if (strcmp(word, cli_name(cli->commands[i].cli)) == 0)
			return cli->commands[i].run(argc - 1, argv + 1);
	if (strcmp(word, "--version") == 0) {
		printf("%s %s\n", cli->program, PMULAB_VERSION);
		return cli_flush(&err) ? STATUS_OK : cli_fail(cli->program, &err);
	}
	bool help = strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0;
	const char *form = strncmp(word, "--help=", 7) == 0 ? word + 7 : NULL;
	if (help || form)
		return cli_print_form(cli, form, &err) ? STATUS_OK : cli_fail(cli->program, &err);
	err_set(&err, STATUS_USAGE, "there is no command \"%s\"; see %s --help", word,
		cli->program);
	return cli_fail(cli->program, &err);
}
