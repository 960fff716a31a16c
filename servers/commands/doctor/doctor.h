/* `pmulab doctor`: tries what the lab needs, and says what of it works on this machine. */
#ifndef SERVERS_COMMANDS_DOCTOR_H
#define SERVERS_COMMANDS_DOCTOR_H

#include "common/cli/cli.h"

extern const struct cli doctor_cli;

/* argv[0] is "doctor". Returns the exit status: 0 `pmulab run` works; 1 only `pmulab run
   --loopback` does, or stdout cannot be written; 2 neither works, or wrong usage. */
int command_doctor(int argc, char **argv);

#endif
