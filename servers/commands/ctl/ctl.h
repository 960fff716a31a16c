/* `pmulab ctl`: shows and changes a running lab from the command line. */
#ifndef SERVERS_COMMANDS_CTL_CTL_H
#define SERVERS_COMMANDS_CTL_CTL_H

#include "common/cli/cli.h"

extern const struct cli ctl_cli;

/* argv[0] is "ctl". Returns the exit status. */
int command_ctl(int argc, char **argv);

#endif
