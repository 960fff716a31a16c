#include "servers/control/changes.h"

#include <stdio.h>
#include <stdlib.h>

#include "servers/control/api_json.h"

/* Stands for the key of a value that no key can have, such as a list. No key has this name, so the
   emulator changes nothing, but still checks the other keys. */
static const char impossible[] = "";

static void on_refused(void *context, size_t i, enum emulator_refusal refusal,
	const struct err *err)
{
	struct changes *changes = context;
	if (refusal != EMULATOR_RESTART)
		changes->only_restart = false;
	json_array_append_new(changes->errors, changes->list[i].key == impossible ?
		api_refusal("a value is a text, a number, true, false or null", changes->keys[i],
			"null: what the start said") :
		api_refusal_line(err->text, changes->keys[i]));
}

/* A value as the text that config_set takes; NULL: the value of the start. False: no key can have
   such a value. */
static bool value_text(const json_t *value, char text[CHANGE_NUMBER_MAX], const char **result)
{
	*result = text;
	switch (json_typeof(value)) {
	case JSON_STRING:
		*result = json_string_value(value);
		return true;
	case JSON_INTEGER:
		snprintf(text, CHANGE_NUMBER_MAX, "%" JSON_INTEGER_FORMAT,
			json_integer_value(value));
		return true;
	case JSON_REAL:
		snprintf(text, CHANGE_NUMBER_MAX, "%.15g", json_real_value(value));
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

bool changes_init(struct changes *changes, const json_t *keys)
{
	size_t count = json_object_size(keys), most = count + 1; /* calloc(0) may give NULL */
	*changes = (struct changes){
		.list = calloc(most, sizeof *changes->list),
		.keys = calloc(most, sizeof *changes->keys),
		.texts = calloc(most, sizeof *changes->texts),
		.errors = json_array(),
		.only_restart = true,
	};
	if (!changes->list || !changes->keys || !changes->texts || !changes->errors)
		return false;
	/* Checking so many unknown keys for similar names would stop the lab from working. */
	if (count > CHANGES_MAX) {
		changes->only_restart = false;
		json_array_append_new(changes->errors,
			api_refusal("more keys than there are", NULL, "GET /v1/config lists them"));
		return true;
	}
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)keys, key, value) {
		size_t i = changes->count++;
		changes->keys[i] = changes->list[i].key = key;
		if (!value_text(value, changes->texts[i], &changes->list[i].value))
			changes->list[i].key = impossible;
	}
	return true;
}

void changes_finish(struct changes *changes)
{
	json_decref(changes->errors);
	free(changes->texts);
	free(changes->keys);
	free(changes->list);
}

bool changes_make(struct changes *changes, struct emulator *emulator, const char *who)
{
	return json_array_size(changes->errors) == 0 &&
	       emulator_change(emulator, changes->list, changes->count, who, on_refused, changes);
}

bool changes_can(struct changes *changes, struct emulator *emulator)
{
	return json_array_size(changes->errors) == 0 &&
	       emulator_can_change(emulator, changes->list, changes->count, on_refused, changes);
}
