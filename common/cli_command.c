/* Programs that have commands: finds the one that is named, in the program's table. */
#include "common/cli.h"

#include <assert.h>
#include <string.h>

const char *cli_name(const struct cli *cli)
{
	const char *blank = strrchr(cli->program, ' ');
	return blank ? blank + 1 : cli->program;
}

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
	bool version = strcmp(word, "--version") == 0;
	if (!version && strcmp(word, "-h") != 0 && strcmp(word, "--help") != 0) {
		err_set(&err, STATUS_USAGE, "there is no command \"%s\"; see %s --help", word, cli->program);
		return cli_fail(cli->program, &err);
	}
	if (version)
		printf("%s %s\n", cli->program, PMULAB_VERSION);
	else
		cli_print_help(cli, stdout);
	return cli_flush(&err) ? STATUS_OK : cli_fail(cli->program, &err);
}
