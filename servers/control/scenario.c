#include "servers/control/scenario_private.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/control/api_json.h"
#include "servers/control/changes.h"

static const char WHO[] = "scenario"; /* `who` of the steps' events */

enum { STARTER_MAX = 64 };

struct step {
	double due;     /* seconds from the beginning */
	double done;    /* on the clock of the events' `t`; < 0: not done yet */
	json_t *errors; /* why its keys were refused when its time had come; NULL: they were not */
};

struct scenario {
	struct emulator *emulator;
	struct ev_loop *loop;
	struct ev_timer timer;
	json_t *list; /* the steps as they were loaded; NULL: there are none */
	struct step steps[SCENARIO_STEPS_MAX];
	size_t count, next;
	bool waits;   /* for scenario_begin */
	bool running;
	double began; /* when scenario_begin was called; < 0: not yet */
	char who[STARTER_MAX];
};

/* ---- doing ---- */

static void warn(struct scenario *scenario, size_t number, const json_t *error)
{
	char what[512];
	snprintf(what, sizeof what, "step %zu of the scenario was not done: %s: %s", number,
		json_string_value(json_object_get(error, "key")),
		json_string_value(json_object_get(error, "error")));
	emulator_warn(scenario->emulator, what);
}

static void set_keys(struct scenario *scenario, struct step *step, const json_t *keys)
{
	struct changes changes;
	size_t i;
	json_t *error;
	if (!changes_init(&changes, keys))
		emulator_warn(scenario->emulator,
			"a step of the scenario was not done: out of memory");
	else if (!changes_make(&changes, scenario->emulator, WHO)) {
		step->errors = json_incref(changes.errors);
		json_array_foreach(changes.errors, i, error)
			warn(scenario, (size_t)(step - scenario->steps) + 1, error);
	}
	changes_finish(&changes);
}

static void set_paused(struct scenario *scenario, const json_t *names, bool paused)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		emulator_pause(scenario->emulator,
			endpoint_find(json_string_value(json_array_get(names, i))), paused, WHO);
}

static void do_step(struct scenario *scenario, size_t i)
{
	struct step *step = &scenario->steps[i];
	const json_t *what = json_array_get(scenario->list, i);
	step->done = emulator_uptime(scenario->emulator);
	set_keys(scenario, step, json_object_get(what, "set"));
	set_paused(scenario, json_object_get(what, "pause"), true);
	set_paused(scenario, json_object_get(what, "resume"), false);
}

/* Due times count from the beginning, so a late step delays no other. */
static void go_on(struct scenario *scenario)
{
	double elapsed = emulator_uptime(scenario->emulator) - scenario->began;
	while (scenario->next < scenario->count && scenario->steps[scenario->next].due <= elapsed)
		do_step(scenario, scenario->next++);
	scenario->running = scenario->next < scenario->count;
	if (!scenario->running)
		return;
	ev_now_update(scenario->loop);
	ev_timer_set(&scenario->timer, scenario->steps[scenario->next].due - elapsed, 0);
	ev_timer_start(scenario->loop, &scenario->timer);
}

static void on_due(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	go_on(timer->data);
}

void scenario_begin(struct scenario *scenario)
{
	if (!scenario || !scenario->waits)
		return;
	scenario->waits = false;
	scenario->began = emulator_uptime(scenario->emulator);
	go_on(scenario);
}

void scenario_end(struct scenario *scenario)
{
	ev_timer_stop(scenario->loop, &scenario->timer);
	scenario->waits = scenario->running = false;
}

/* ---- loading ---- */

static void forget(struct scenario *scenario)
{
	scenario_end(scenario);
	for (size_t i = 0; i < scenario->count; i++)
		json_decref(scenario->steps[i].errors);
	json_decref(scenario->list);
	scenario->list = NULL;
	scenario->count = scenario->next = 0;
	scenario->began = -1;
	*scenario->who = '\0';
}

bool scenario_load(struct scenario *scenario, const json_t *steps, const char *who, json_t *errors)
{
	double times[SCENARIO_STEPS_MAX];
	json_t *list = json_deep_copy(steps);
	if (!list || !scenario_check(scenario->emulator, list, times, errors)) {
		json_decref(list);
		return false;
	}
	forget(scenario);
	scenario->list = list;
	scenario->count = json_array_size(list);
	for (size_t i = 0; i < scenario->count; i++)
		scenario->steps[i] = (struct step){ .due = times[i], .done = -1 };
	snprintf(scenario->who, sizeof scenario->who, "%s", who);
	scenario->waits = true;
	return true;
}

static const char *text_of(const json_t *error, const char *member)
{
	const char *text = json_string_value(json_object_get(error, member));
	return text ? text : "";
}

/* The first error as one line: "step 2: reset.loss: ...; ..." */
static void describe(const json_t *errors, struct err *err)
{
	const json_t *first = json_array_get(errors, 0);
	const char *key = text_of(first, "key"), *hint = text_of(first, "hint");
	json_int_t step = json_integer_value(json_object_get(first, "step"));
	if (!first) {
		err_set(err, STATUS_FAILED, "out of memory");
		return;
	}
	err_set(err, STATUS_USAGE, "%s%s%s%s%s", key, *key ? ": " : "", text_of(first, "error"),
		*hint ? "; " : "", hint);
	if (step > 0)
		err_prefix(err, "step %d", (int)step);
}

bool scenario_read(struct scenario *scenario, const char *path, const char *who, struct err *err)
{
	json_error_t error;
	json_t *steps = json_load_file(path, JSON_REJECT_DUPLICATES, &error),
	       *errors = json_array();
	bool done = steps && errors && scenario_load(scenario, steps, who, errors);
	if (!steps && error.line < 0)
		err_set(err, STATUS_USAGE, "%s", error.text); /* its text names the path */
	else if (!steps)
		err_set(err, STATUS_USAGE, "%s:%d:%d: this is no JSON: %s", path, error.line,
			error.column, error.text);
	else if (!done) {
		describe(errors, err);
		err_prefix(err, "%s", path);
	}
	json_decref(steps);
	json_decref(errors);
	return done;
}

/* ---- showing ---- */

static json_t *time_or_null(double seconds)
{
	return seconds < 0 ? json_null() : json_real(api_seconds(seconds));
}

static json_t *show_step(const struct scenario *scenario, size_t i)
{
	const struct step *step = &scenario->steps[i];
	json_t *what = json_array_get(scenario->list, i), *set = json_object_get(what, "set");
	json_t *pause = json_object_get(what, "pause"), *resume = json_object_get(what, "resume");
	return json_pack("{s:f, s:o, s:o, s:o, s:o, s:o}", "at", api_seconds(step->due),
		"set", set ? json_incref(set) : json_object(),
		"pause", pause ? json_incref(pause) : json_array(),
		"resume", resume ? json_incref(resume) : json_array(),
		"done", time_or_null(step->done),
		"errors", step->errors ? json_incref(step->errors) : json_array());
}

json_t *scenario_show(const struct scenario *scenario)
{
	json_t *steps = json_array();
	for (size_t i = 0; i < scenario->count; i++)
		json_array_append_new(steps, show_step(scenario, i));
	double left = -1;
	if (scenario->running) {
		left = scenario->steps[scenario->next].due + scenario->began -
		       emulator_uptime(scenario->emulator);
		left = left > 0 ? left : 0;
	}
	return json_pack("{s:b, s:s?, s:o, s:o, s:I, s:o}", "running", scenario->running, "who",
		*scenario->who ? scenario->who : NULL, "began", time_or_null(scenario->began),
		"next", time_or_null(left), "done", (json_int_t)scenario->next, "steps", steps);
}

/* ---- from the beginning to the end ---- */

struct scenario *scenario_create(struct emulator *emulator)
{
	struct scenario *scenario = calloc(1, sizeof *scenario);
	if (!scenario)
		return NULL;
	scenario->emulator = emulator;
	scenario->loop = emulator_loop(emulator);
	scenario->began = -1;
	ev_timer_init(&scenario->timer, on_due, 0, 0);
	scenario->timer.data = scenario;
	return scenario;
}

void scenario_destroy(struct scenario *scenario)
{
	if (!scenario)
		return;
	forget(scenario);
	free(scenario);
}
