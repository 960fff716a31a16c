/* `pmulab report`: the page of a run that is over, as one file that needs no lab, no server and no
   network. */
#ifndef SERVERS_COMMANDS_REPORT_H
#define SERVERS_COMMANDS_REPORT_H

#include "common/cli/cli.h"

extern const struct cli report_cli;

/* argv[0] is "report". Returns the exit status. */
int command_report(int argc, char **argv);

#endif
