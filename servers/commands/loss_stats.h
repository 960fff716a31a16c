/* `pmulab loss stats`: counts the losses in a journal of events. */
#ifndef SERVERS_COMMANDS_LOSS_STATS_H
#define SERVERS_COMMANDS_LOSS_STATS_H

#include "common/cli/cli.h"

extern const struct cli loss_stats_cli;

/* argv[0] is "stats". Returns the exit status. */
int command_loss_stats(int argc, char **argv);

#endif
