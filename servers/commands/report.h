/* `pmulab report`: writes the page (--page) of a finished run as one HTML file, which needs no lab,
   no server and no network. */
#ifndef SERVERS_COMMANDS_REPORT_H
#define SERVERS_COMMANDS_REPORT_H

#include "common/cli/cli.h"

extern const struct cli report_cli;

/* argv[0] is "report". Returns the exit status. */
int command_report(int argc, char **argv);

#endif
