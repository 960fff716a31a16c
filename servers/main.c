/* The program `pmulab`: the table of its commands. */
#include "common/cli/cli.h"
#include "common/signals.h"
#include "servers/commands/answers/answers.h"
#include "servers/commands/ctl/ctl.h"
#include "servers/commands/doctor/doctor.h"
#include "servers/commands/loss.h"
#include "servers/commands/report.h"
#include "servers/commands/run.h"
#include "servers/commands/serve.h"
#include "servers/commands/words.h"

/* --help, the manual and the shell completion are made from this table. */
static const struct cli_command commands[] = {
	{ &serve_cli, command_serve },
	{ &run_cli, command_run },
	{ &shell_cli, command_shell },
	{ &ctl_cli, command_ctl },
	{ &answers_cli, command_answers },
	{ &report_cli, command_report },
	{ &loss_cli, command_loss },
	{ &doctor_cli, command_doctor },
};

static const struct cli cli = {
	.program = "pmulab",
	.summary = "an offline testbed for EPFL's TCP/IP lab",
	.usage = "COMMAND [options]",
	.about = "An offline testbed for EPFL's TCP/IP lab on socket programming.",
	.commands = commands,
	.command_count = sizeof commands / sizeof commands[0],
	.exit_status = "that of the command; 2 where there is none of that name.",
	.see_also =
		"echo-client echo-server pdc pdc-reset pdc-tls pdc-ws pmu-tls tv-recv tv-send "
		"udp-recv udp-send",
	.words = command_words,
};

int main(int argc, char **argv)
{
	signals_settle();
	return cli_command(&cli, argc, argv);
}
