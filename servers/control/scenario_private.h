/* Shared by the scenario's files. */
#ifndef SERVERS_CONTROL_SCENARIO_PRIVATE_H
#define SERVERS_CONTROL_SCENARIO_PRIVATE_H

#include "servers/control/scenario.h"

/* Checks the steps, and writes when each is due, in seconds from the beginning. False: `errors`
   says why (scenario_load). */
bool scenario_check(struct emulator *emulator, const json_t *steps,
	double times[SCENARIO_STEPS_MAX], json_t *errors);

#endif
