/* Changes of keys in JSON, {"reset.loss": "none", "pmu.messages": 5}, for PATCH /v1/config and for
   the steps of a scenario. */
#ifndef SERVERS_CONTROL_CHANGES_H
#define SERVERS_CONTROL_CHANGES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "servers/emulator.h"

/* Bytes of a number's text with its NUL. An object of more than CHANGES_MAX members is refused. */
enum { CHANGE_NUMBER_MAX = 32, CHANGES_MAX = 512 };

struct changes {
	struct emulator_change *list;
	const char **keys; /* the keys as they stand in the JSON */
	char (*texts)[CHANGE_NUMBER_MAX]; /* of values that were numbers */
	size_t count;
	json_t *errors;    /* an array of every refusal: {"error", "key", "hint"} */
	bool only_restart; /* all refusals so far are of keys that need a restart */
};

/* Reads all members of `keys`, which outlives `changes`. A value is a text, a number, true or false
   (for `yes` or `no`), or null (for the value of the start). A bad value or too many members are
   refused by changes_make and changes_can. False: out of memory. Call changes_finish in either
   case. */
bool changes_init(struct changes *changes, const json_t *keys);

/* Frees what `changes` holds. Accepts one that is all zero. */
void changes_finish(struct changes *changes);

/* Makes all the changes or none (emulator_change). `who` as in emulator.h. False: `errors` says
   why. */
bool changes_make(struct changes *changes, struct emulator *emulator, const char *who);

/* Whether changes_make would succeed now. False: `errors` says why. */
bool changes_can(struct changes *changes, struct emulator *emulator);

#endif
