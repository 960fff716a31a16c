/* The forms of --help: the text, and those of --help=FORM. */
#include "common/cli/cli_private.h"

#include <string.h>

bool cli_print_form(const struct cli *cli, const char *form, struct err *err)
{
	static const struct {
		const char *name;
		void (*print)(const struct cli *cli, FILE *out);
		bool completion; /* one for the program with all its commands, none for a command */
	} forms[] = {
		{ "mdoc", cli_print_mdoc, false },
		{ "bash", cli_print_bash, true },
		{ "zsh", cli_print_zsh, true },
		{ "fish", cli_print_fish, true },
	};
	if (!form) {
		cli_print_help(cli, stdout);
		return cli_flush(err);
	}
	int program = (int)strcspn(cli->program, " ");
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (strcmp(form, forms[i].name) != 0)
			continue;
		if (forms[i].completion && cli->program[program]) {
			err_set(err, STATUS_USAGE,
				"--help=%s: the commands are completed with their program; "
				"see %.*s --help=%s",
				form, program, cli->program, form);
			return false;
		}
		forms[i].print(cli, stdout);
		return cli_flush(err);
	}
	err_set(err, STATUS_USAGE, "--help: there is no form \"%s\"; there are", form);
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		err_append(err, "%s %s", i ? "," : "", forms[i].name);
	return false;
}
