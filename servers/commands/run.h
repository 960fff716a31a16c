/* `pmulab run` and `pmulab shell`: a program in the lab's own network, or with --loopback beside
   the lab on localhost. */
#ifndef SERVERS_COMMANDS_RUN_H
#define SERVERS_COMMANDS_RUN_H

#include "common/cli/cli.h"

extern const struct cli run_cli, shell_cli;

/* argv[0] is "run" or "shell". Return the exit status: that of the program, or one of beside.h. */
int command_run(int argc, char **argv);
int command_shell(int argc, char **argv);

#endif
