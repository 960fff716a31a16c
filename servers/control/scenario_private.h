/* What the files of the scenario share. */
#ifndef SERVERS_CONTROL_SCENARIO_PRIVATE_H
#define SERVERS_CONTROL_SCENARIO_PRIVATE_H

#include "servers/control/scenario.h"

/* When each step is due, seconds from the beginning. False: `errors` (scenario_load). */
bool scenario_check(struct emulator *emulator, const json_t *steps,
	double times[SCENARIO_STEPS_MAX], json_t *errors);

#endif
