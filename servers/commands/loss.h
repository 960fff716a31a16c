/* `pmulab loss`: which datagrams a seed will lose (preview), and how many a run has lost
   (stats). */
#ifndef SERVERS_COMMANDS_LOSS_H
#define SERVERS_COMMANDS_LOSS_H

#include "common/cli/cli.h"

extern const struct cli loss_cli;

/* argv[0] is "loss". Returns the exit status. */
int command_loss(int argc, char **argv);

#endif
