/* Checks a scenario: what its steps may contain, and whether the lab can do all of them, one after
   the other. */
#include "servers/control/scenario_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/quantity.h"
#include "common/utf8.h"
#include "servers/control/changes.h"

/* After so many refusals the rest is not checked. */
enum { ERRORS_MAX = 50 };

static const double AFTER_MAX = 86400; /* seconds: a day, the limit of most keys */

/* The state of one check. */
struct checking {
	struct emulator *emulator;
	json_t *errors;
	json_t *keys; /* what all steps so far have set */
	size_t step;  /* from 1; 0: the list as a whole */
};

static void refuse(const struct checking *checking, const char *key, const char *hint,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
static void refuse(const struct checking *checking, const char *key, const char *hint,
	const char *format, ...)
{
	char error[256];
	va_list args;
	va_start(args, format);
	vsnprintf(error, sizeof error, format, args);
	va_end(args);
	utf8_mend(error); /* a quoted text may have been cut inside a character */
	json_array_append_new(checking->errors,
		json_pack("{s:s, s:s?, s:s, s:o}", "error", error, "key", key, "hint", hint, "step",
			checking->step > 0 ? json_integer((json_int_t)checking->step)
					   : json_null()));
}

/* ---- members ---- */

static void read_after(const struct checking *checking, const json_t *after, double *seconds)
{
	*seconds = json_is_number(after) ? json_number_value(after) : 0;
	bool is = !after || json_is_number(after) ||
		(json_is_string(after) && duration_parse(json_string_value(after), seconds));
	if (!is || *seconds < 0 || *seconds > AFTER_MAX)
		refuse(checking, "after", "from 0 to 24h, such as \"5s\", or seconds as a number",
			"this is no time between two steps");
}

static bool runs(struct emulator *emulator, enum endpoint_id endpoint)
{
	struct emulator_view view;
	for (size_t i = 0; emulator_look(emulator, i, &view); i++)
		if (view.endpoint == endpoint)
			return true;
	return false;
}

static void check_endpoints(const struct checking *checking, const char *member,
	const json_t *names)
{
	static const char hint[] = "a list of endpoints, such as [\"pmu\"]";
	size_t i;
	json_t *item;
	if (names && !json_is_array(names))
		refuse(checking, member, hint, "this is no list");
	if (json_array_size(names) > ENDPOINT_COUNT) {
		refuse(checking, member, hint, "there are no more than %d endpoints",
			ENDPOINT_COUNT);
		return;
	}
	json_array_foreach((json_t *)names, i, item) {
		const char *name = json_string_value(item);
		enum endpoint_id endpoint = name ? endpoint_find(name) : ENDPOINT_NONE;
		if (!name)
			refuse(checking, member, hint, "this is no list of texts");
		else if (endpoint == ENDPOINT_NONE)
			refuse(checking, member, "", "there is no endpoint \"%.64s\"", name);
		else if (!runs(checking->emulator, endpoint))
			refuse(checking, member, "", "%s does not run", name);
	}
}

/* Adds a refusal. Before this step all could be done, so one of the step's own keys is the reason:
   the last one, where the emulator names a key of an earlier step. */
static void add_refusal(const struct checking *checking, json_t *refusal, const json_t *set)
{
	const char *key = json_string_value(json_object_get(refusal, "key")), *name;
	json_t *value;
	if (!json_object_get(set, key))
		json_object_foreach((json_t *)set, name, value)
			key = name;
	json_object_set_new(refusal, "step", json_integer((json_int_t)checking->step));
	json_object_del(checking->keys, key);
	json_object_set_new(refusal, "key", json_string(key));
	json_array_append(checking->errors, refusal);
}

/* Checks a step's keys together with those that earlier steps have set. A refused key is left out
   of the later checks. False: out of memory. */
static bool check_keys(struct checking *checking, const json_t *set)
{
	const char *key;
	json_t *value, *refusal;
	size_t i;
	if (set && !json_is_object(set))
		refuse(checking, "set", "such as {\"reset.loss\": \"60%\"}",
			"this is no object of keys and values");
	if (json_object_size(set) == 0)
		return true;
	json_object_foreach((json_t *)set, key, value) {
		/* Put it at the end: a fault of several keys together is reported for the last
		   one. */
		json_object_del(checking->keys, key);
		json_object_set(checking->keys, key, value);
	}
	struct changes changes;
	bool done = changes_init(&changes, checking->keys);
	if (done && !changes_can(&changes, checking->emulator))
		json_array_foreach(changes.errors, i, refusal)
			add_refusal(checking, refusal, set);
	changes_finish(&changes);
	return done;
}

/* ---- steps ---- */

static void check_members(const struct checking *checking, const json_t *step)
{
	static const char *const known[] = { "after", "set", "pause", "resume" };
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)step, name, value) {
		bool is = false;
		for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
			is |= strcmp(name, known[i]) == 0;
		if (!is)
			refuse(checking, name, "there are after, set, pause, resume",
				"a step has no member \"%.64s\"", name);
	}
}

static bool check_step(struct checking *checking, const json_t *step, double *after)
{
	*after = 0;
	if (!json_is_object(step)) {
		refuse(checking, NULL,
			"such as {\"after\": \"5s\", \"set\": {\"reset.loss\": \"60%\"}}",
			"a step is an object");
		return true;
	}
	check_members(checking, step);
	read_after(checking, json_object_get(step, "after"), after);
	check_endpoints(checking, "pause", json_object_get(step, "pause"));
	check_endpoints(checking, "resume", json_object_get(step, "resume"));
	return check_keys(checking, json_object_get(step, "set"));
}

bool scenario_check(struct emulator *emulator, const json_t *steps,
	double times[SCENARIO_STEPS_MAX], json_t *errors)
{
	struct checking checking = { .emulator = emulator,
		.errors = errors,
		.keys = json_object() };
	size_t count = json_array_size(steps);
	bool done = checking.keys;
	double at = 0;
	if (!json_is_array(steps) || count == 0)
		refuse(&checking, NULL,
			"such as [{\"after\": \"5s\", \"set\": {\"reset.loss\": \"60%\"}}]",
			"a scenario is a list of steps");
	else if (count > SCENARIO_STEPS_MAX)
		refuse(&checking, NULL, "", "a scenario has at most %d steps", SCENARIO_STEPS_MAX);
	else
		for (size_t i = 0; done && i < count && json_array_size(errors) < ERRORS_MAX; i++) {
			double after;
			checking.step = i + 1;
			done = check_step(&checking, json_array_get(steps, i), &after);
			times[i] = at += after;
		}
	json_decref(checking.keys);
	return done && json_array_size(errors) == 0;
}
