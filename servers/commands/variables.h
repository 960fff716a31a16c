/* What other programs are told of a lab: where it is, as variables of their environment. */
#ifndef SERVERS_COMMANDS_VARIABLES_H
#define SERVERS_COMMANDS_VARIABLES_H

#include "servers/emulator.h"

/* Calls `each` with PMULAB_HOST, the ports of the endpoints that run (PMULAB_PMU_WS_PORT),
   PMULAB_CA_FILE and PMULAB_TV_GROUP where there is one. The texts live until the next call. */
void variables_each(const struct emulator *emulator, const char *host,
	void (*each)(void *context, const char *name, const char *value), void *context);

#endif
