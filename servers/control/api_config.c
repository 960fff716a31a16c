/* /v1/config: every key and all there is to know of it; changes, all or nothing; back to what the start said. */
#include "servers/control/api_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/config_about.h"

static const char *const no_parameters[] = { NULL };

/* ---- a key ---- */

/* NULL: out of memory, or the start knows no such key (a bug). */
static json_t *about_key(const struct api *api, const struct config_about *now)
{
	struct config_about start;
	if (!config_about(emulator_config_start(api->emulator), now->name, &start, NULL))
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s?}",
		"key", now->name, "value", now->value, "origin", now->origin, "inherited", now->inherited,
		"start", start.value, "changed", strcmp(now->value, start.value) != 0,
		"default", now->standard, "type", now->type, "range", now->range, "unit", now->unit, "help", now->help,
		"effect", config_effect_name(now->effect),
		"endpoint", now->endpoint == ENDPOINT_NONE ? NULL : endpoint_table[now->endpoint].name);
}

void api_config_list(void *context, struct http_request *request)
{
	const struct api *api = context;
	if (!api_parameters(request, no_parameters))
		return;
	json_t *keys = json_array();
	struct config_about about;
	for (size_t at = 0; config_about_next(emulator_config(api->emulator), &at, &about);)
		json_array_append_new(keys, about_key(api, &about));
	api_answer(request, 200, json_pack("{s:o}", "keys", keys));
}

/* False: there is no such key, and the request has been refused. */
static bool find_key(const struct api *api, struct http_request *request, struct config_about *about)
{
	const char *key = http_request_part(request);
	struct err err;
	if (config_about(emulator_config(api->emulator), key, about, &err))
		return true;
	api_answer(request, 404, api_refusal_line(err.text, key));
	return false;
}

void api_config_one(void *context, struct http_request *request)
{
	const struct api *api = context;
	struct config_about about;
	if (api_parameters(request, no_parameters) && find_key(api, request, &about))
		api_answer(request, 200, about_key(api, &about));
}

/* ---- changes ---- */

/* All members of one request. */
struct change_request {
	struct emulator_change *changes;
	const char **keys; /* as they came */
	char (*texts)[32]; /* of values that were numbers */
	size_t count;
	json_t *errors; /* every refusal */
	bool only_restart; /* so far: keys that need one are all that is wrong */
};

/* Where a value is none that any key can have: a key that nobody has makes sure that the emulator changes nothing, and
   still looks at the others. */
static const char impossible[] = "";

static void on_refused(void *context, size_t i, enum emulator_refusal refusal, const struct err *err)
{
	struct change_request *all = context;
	if (refusal != EMULATOR_RESTART)
		all->only_restart = false;
	json_array_append_new(all->errors, all->changes[i].key == impossible ?
		api_refusal("a value is a text, a number, true, false or null", all->keys[i],
			"null: what the start said") :
		api_refusal_line(err->text, all->keys[i]));
}

/* A value as config_set takes it. NULL means what the start said; false: no value that a key can have. */
static bool value_text(const json_t *value, char text[32], const char **result)
{
	*result = text;
	switch (json_typeof(value)) {
	case JSON_STRING:
		*result = json_string_value(value);
		return true;
	case JSON_INTEGER:
		snprintf(text, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return true;
	case JSON_REAL:
		snprintf(text, 32, "%.15g", json_real_value(value));
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		*result = json_is_true(value) ? "yes" : "no";
		return true;
	case JSON_NULL:
		*result = NULL;
		return true;
	default:
		return false;
	}
}

/* All errors in one answer: the first one where every refusal has its own, and the list. */
static void refuse_changes(struct http_request *request, struct change_request *all)
{
	json_t *answer = json_object();
	json_object_update(answer, json_array_get(all->errors, 0));
	json_object_set(answer, "errors", all->errors);
	api_answer(request, all->only_restart ? 409 : 422, answer);
}

/* The keys of a request as they are now. */
static void answer_keys(const struct api *api, struct http_request *request, const json_t *body)
{
	json_t *keys = json_array();
	const char *key;
	json_t *value;
	struct config_about about;
	json_object_foreach((json_t *)body, key, value)
		if (config_about(emulator_config(api->emulator), key, &about, NULL))
			json_array_append_new(keys, about_key(api, &about));
	api_answer(request, 200, json_pack("{s:o}", "keys", keys));
}

static void read_changes(struct change_request *all, const json_t *body)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)body, key, value) {
		size_t i = all->count++;
		all->keys[i] = all->changes[i].key = key;
		if (!value_text(value, all->texts[i], &all->changes[i].value))
			all->changes[i].key = impossible;
	}
}

static bool change_all(const struct api *api, const struct http_request *request, struct change_request *all)
{
	return emulator_change(api->emulator, all->changes, all->count, api_who(request), on_refused, all);
}

void api_config_patch(void *context, struct http_request *request)
{
	const struct api *api = context;
	if (!api_parameters(request, no_parameters))
		return;
	json_t *body = api_body(request, NULL);
	if (!body)
		return;
	size_t most = json_object_size(body) + 1;
	struct change_request all = {
		.changes = calloc(most, sizeof *all.changes),
		.keys = calloc(most, sizeof *all.keys),
		.texts = calloc(most, sizeof *all.texts),
		.errors = json_array(),
		.only_restart = true,
	};
	if (all.changes && all.keys && all.texts && all.errors) {
		read_changes(&all, body);
		if (change_all(api, request, &all))
			answer_keys(api, request, body);
		else
			refuse_changes(request, &all);
	} else {
		http_refuse(request, 500, NULL, "out of memory", "");
	}
	json_decref(all.errors);
	free(all.texts);
	free(all.keys);
	free(all.changes);
	json_decref(body);
}

/* ---- back ---- */

void api_config_unset(void *context, struct http_request *request)
{
	const struct api *api = context;
	struct config_about about;
	if (!api_parameters(request, no_parameters) || !find_key(api, request, &about))
		return;
	struct emulator_change change = { .key = about.name };
	const char *key = about.name;
	struct change_request all = { .changes = &change, .keys = &key, .count = 1, .errors = json_array(),
		.only_restart = true };
	if (!change_all(api, request, &all))
		refuse_changes(request, &all);
	else if (find_key(api, request, &about))
		api_answer(request, 200, about_key(api, &about));
	json_decref(all.errors);
}

/* Answers with the keys that were not as at the start. */
void api_config_restore(void *context, struct http_request *request)
{
	const struct api *api = context;
	if (!api_parameters(request, no_parameters))
		return;
	json_t *changed = json_object();
	struct config_about about, start;
	for (size_t at = 0; config_about_next(emulator_config(api->emulator), &at, &about);)
		if (config_about(emulator_config_start(api->emulator), about.name, &start, NULL) &&
			strcmp(about.value, start.value) != 0)
			json_object_set_new(changed, about.name, json_null());
	if (emulator_restore(api->emulator, api_who(request)))
		answer_keys(api, request, changed);
	else
		http_refuse(request, 500, NULL, "out of memory", "");
	json_decref(changed);
}
