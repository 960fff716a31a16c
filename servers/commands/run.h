/* `pmulab run` and `pmulab shell`: a program in the lab's own network, or at least beside a lab of
   its own. */
#ifndef SERVERS_COMMANDS_RUN_H
#define SERVERS_COMMANDS_RUN_H

#include "common/cli/cli.h"

extern const struct cli run_cli, shell_cli;

/* argv[0] is the command's name. Return the exit status. */
int command_run(int argc, char **argv);
int command_shell(int argc, char **argv);

#endif
