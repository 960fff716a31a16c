/*
 * A scenario: a list of steps that change the lab at given times (docs/api.md). It is checked as a
 * whole before it begins.
 *
 *   create -> load -> begin (load and begin may be repeated) -> destroy
 *
 *   [{"set": {"reset.loss": "none"}},
 *    {"after": "5s", "set": {"reset.loss": "60%"}, "pause": ["pmu"]}]
 */
#ifndef SERVERS_CONTROL_SCENARIO_H
#define SERVERS_CONTROL_SCENARIO_H

#include <jansson.h>
#include <stdbool.h>

#include "common/err.h"
#include "servers/emulator.h"

enum { SCENARIO_STEPS_MAX = 200 };

struct scenario;

/* Makes a scenario without steps. The emulator outlives it. NULL: out of memory. */
struct scenario *scenario_create(struct emulator *emulator);

/*
 * Checks the steps, and takes a copy of them in place of the old ones, which end. They wait for
 * scenario_begin. Call it after emulator_listen. `who` names who loaded them; it is copied, and cut
 * to 63 bytes. False: nothing has changed. `errors` (an array) gets the refusals, {"error", "key",
 * "hint", "step"}; "step" counts from 1, and is null for the list as a whole. After 50 refusals no
 * further step is checked. When out of memory, `errors` stays empty.
 */
bool scenario_load(struct scenario *scenario, const json_t *steps, const char *who, json_t *errors);

/* The same from a file. False: `err` has one line that names the file, with the first refusal
   (STATUS_USAGE; STATUS_FAILED: out of memory). */
bool scenario_read(struct scenario *scenario, const char *path, const char *who, struct err *err);

/*
 * Starts the clock. Steps that are due at once are done during this call, the others later from the
 * loop. Each step emits the events of its changes, with `who` "scenario". A step that is refused
 * when its time has come, because another client has changed a key meanwhile, is reported by
 * emulator_warn, and the next steps go on. Does nothing when no steps wait. Accepts NULL.
 */
void scenario_begin(struct scenario *scenario);

/* Gives up the steps that are not done yet. */
void scenario_end(struct scenario *scenario);

/* The scenario's state, as GET /v1/scenario shows it; the caller owns it. NULL: out of memory. */
json_t *scenario_show(const struct scenario *scenario);

/* Frees the scenario. Call it before the loop is destroyed. Accepts NULL. */
void scenario_destroy(struct scenario *scenario);

#endif
