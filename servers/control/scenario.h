/*
 * Changes of the lab by the clock: a list of steps (docs/api.md), checked as a whole before it
 * begins.
 *
 *   create -> load -> begin (again and again) -> destroy
 *
 * [{"set": {"reset.loss": "none"}}, {"after": "5s", "set": {"reset.loss": "60%"}, "pause":
 * ["pmu"]}]
 */
#ifndef SERVERS_CONTROL_SCENARIO_H
#define SERVERS_CONTROL_SCENARIO_H

#include <jansson.h>
#include <stdbool.h>

#include "common/err.h"
#include "servers/emulator.h"

enum { SCENARIO_STEPS_MAX = 200 };

struct scenario;

/* Without steps. The emulator outlives it. NULL: out of memory. */
struct scenario *scenario_create(struct emulator *emulator);

/*
 * Takes the steps in the place of those that it has; they wait for scenario_begin. From
 * emulator_listen on. `who` is whom people are told that it was. False: nothing has changed, and
 * `errors` gets every refusal, {"error", "key", "hint", "step"}, steps counted from 1; or is empty,
 * out of memory.
 */
bool scenario_load(struct scenario *scenario, const json_t *steps, const char *who, json_t *errors);

/* The same from a file. STATUS_USAGE: one line that begins with the path. */
bool scenario_read(struct scenario *scenario, const char *path, const char *who, struct err *err);

/*
 * The clock starts; what is due is done at once, from inside, the rest from the loop, each step
 * with its events, as "scenario". A step that is refused when its time has come, because somebody
 * has changed another key, is told as a warning, and the next ones go on. Does nothing where no
 * steps wait. Accepts NULL.
 */
void scenario_begin(struct scenario *scenario);

/* The steps that are not done yet will not be. */
void scenario_end(struct scenario *scenario);

/* How it goes, as GET /v1/scenario shows it. NULL: out of memory. */
json_t *scenario_show(const struct scenario *scenario);

/* Before the loop. Accepts NULL. */
void scenario_destroy(struct scenario *scenario);

#endif
