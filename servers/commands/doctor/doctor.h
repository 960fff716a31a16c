/* `pmulab doctor`: what of the lab works on this machine, found out by trying it. */
#ifndef SERVERS_COMMANDS_DOCTOR_H
#define SERVERS_COMMANDS_DOCTOR_H

#include "common/cli/cli.h"

extern const struct cli doctor_cli;

/* argv[0] is "doctor". Returns the exit status. */
int command_doctor(int argc, char **argv);

#endif
