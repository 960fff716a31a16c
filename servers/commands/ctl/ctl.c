/* The table of the commands of `pmulab ctl`. */
#include "servers/commands/ctl/ctl.h"

#include "servers/commands/ctl/ctl_private.h"

static const struct cli_command commands[] = {
	{ &ctl_status_cli, ctl_status },
	{ &ctl_get_cli, ctl_get },
	{ &ctl_set_cli, ctl_set },
	{ &ctl_unset_cli, ctl_unset },
	{ &ctl_watch_cli, ctl_watch },
	{ &ctl_connections_cli, ctl_connections },
	{ &ctl_cut_cli, ctl_cut },
	{ &ctl_pause_cli, ctl_pause },
	{ &ctl_resume_cli, ctl_resume },
	{ &ctl_preview_cli, ctl_preview },
	{ &ctl_scenario_cli, ctl_scenario },
	{ &ctl_metrics_cli, ctl_metrics },
};

const struct cli ctl_cli = {
	.program = "pmulab ctl",
	.summary = "change a lab that runs, and see what happens",
	.usage = "COMMAND [options]",
	.about = "Asks and changes a lab that runs with --page or --control.",
	.commands = commands,
	.command_count = sizeof commands / sizeof commands[0],
	.exit_status = CTL_EXIT_STATUS,
};

int command_ctl(int argc, char **argv)
{
	return cli_command(&ctl_cli, argc, argv);
}
