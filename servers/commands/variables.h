/* The environment variables that tell other programs the lab's address, ports and files. */
#ifndef SERVERS_COMMANDS_VARIABLES_H
#define SERVERS_COMMANDS_VARIABLES_H

#include "servers/emulator.h"

/* Calls `each` for PMULAB_HOST (`host`), for the port of each endpoint that listens
   (PMULAB_PMU_WS_PORT), and for PMULAB_CA_FILE and PMULAB_TV_GROUP when the emulator has them.
   `name` and `value` are valid until `each` returns. */
void variables_each(const struct emulator *emulator, const char *host,
	void (*each)(void *context, const char *name, const char *value), void *context);

#endif
