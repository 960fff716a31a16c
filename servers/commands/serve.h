/* `pmulab serve`: runs the lab on this machine until it is told to stop. */
#ifndef SERVERS_COMMANDS_SERVE_H
#define SERVERS_COMMANDS_SERVE_H

#include "common/cli/cli.h"

extern const struct cli serve_cli;

/* argv[0] is "serve". Returns the exit status. */
int command_serve(int argc, char **argv);

#endif
