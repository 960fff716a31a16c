/* /v1/config: shows each key and all that is known of it, changes keys (all or none), and sets them
   back to the values of the start. */
#include "servers/control/api_private.h"

#include <string.h>

#include "servers/config/about.h"
#include "servers/control/changes.h"

static const char *const no_parameters[] = { NULL };

/* ---- a key ---- */

/* NULL: out of memory, or the key did not exist at the start (a bug). */
static json_t *about_key(const struct api *api, const struct config_about *now)
{
	struct config_about start;
	if (!config_about(emulator_config_start(api->emulator), now->name, &start, NULL))
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s?}",
		"key", now->name, "value", now->value, "origin", now->origin, "inherited",
		now->inherited, "start", start.value, "changed",
		strcmp(now->value, start.value) != 0, "default", now->standard, "type", now->type,
		"range", now->range, "unit", now->unit, "help", now->help, "effect",
		config_effect_name(now->effect), "endpoint",
		now->endpoint == ENDPOINT_NONE ? NULL : endpoint_table[now->endpoint].name);
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
static bool find_key(const struct api *api, struct http_request *request,
	struct config_about *about)
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

static void refuse_changes(struct http_request *request, const struct changes *changes)
{
	api_answer_errors(request, changes->only_restart ? 409 : 422, changes->errors);
}

/* Answers with the keys of a request as they are now. */
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

void api_config_patch(void *context, struct http_request *request)
{
	const struct api *api = context;
	if (!api_parameters(request, no_parameters))
		return;
	json_t *body = api_body(request, NULL);
	if (!body)
		return;
	struct changes changes;
	if (!changes_init(&changes, body))
		http_refuse(request, 500, NULL, "out of memory", "");
	else if (changes_make(&changes, api->emulator, api_who(request)))
		answer_keys(api, request, body);
	else
		refuse_changes(request, &changes);
	changes_finish(&changes);
	json_decref(body);
}

/* ---- back ---- */

void api_config_unset(void *context, struct http_request *request)
{
	const struct api *api = context;
	struct config_about about;
	if (!api_parameters(request, no_parameters) || !find_key(api, request, &about))
		return;
	json_t *keys = json_pack("{s:n}", about.name);
	struct changes changes;
	if (!changes_init(&changes, keys))
		http_refuse(request, 500, NULL, "out of memory", "");
	else if (!changes_make(&changes, api->emulator, api_who(request)))
		refuse_changes(request, &changes);
	else if (find_key(api, request, &about))
		api_answer(request, 200, about_key(api, &about));
	changes_finish(&changes);
	json_decref(keys);
}

/* Answers with the keys that differed from the start. */
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
