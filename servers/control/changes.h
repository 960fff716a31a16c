/* Changes of keys as JSON says them, {"reset.loss": "none", "pmu.messages": 5}: for PATCH, and for
   the steps of a scenario. */
#ifndef SERVERS_CONTROL_CHANGES_H
#define SERVERS_CONTROL_CHANGES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "servers/emulator.h"

enum { CHANGE_NUMBER_MAX = 32, CHANGES_MAX = 512 };

struct changes {
	struct emulator_change *list;
	const char **keys; /* as they came */
	char (*texts)[CHANGE_NUMBER_MAX]; /* of values that were numbers */
	size_t count;
	json_t *errors;    /* every refusal: {"error", "key", "hint"} */
	bool only_restart; /* so far: keys that need one are all that is wrong */
};

/* All members of `keys`, which outlives it: texts, numbers, true and false as `yes` and `no`, null
   for what the start said. To be finished in any case. False: out of memory. */
bool changes_init(struct changes *changes, const json_t *keys);

/* Accepts zeroed ones. */
void changes_finish(struct changes *changes);

/* All or nothing (emulator_change). False: `errors` says why. */
bool changes_make(struct changes *changes, struct emulator *emulator, const char *who);

/* Whether changes_make would do it now. */
bool changes_can(struct changes *changes, struct emulator *emulator);

#endif
