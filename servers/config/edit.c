#include "servers/config/edit.h"

#include <stdlib.h>
#include <string.h>

/* The value that holds for the edit's key, as text; the caller frees it. NULL: out of memory. */
static char *value_now(const struct config_edit *edit, const struct config *config)
{
	char text[CONFIG_VALUE_MAX];
	config_value_format(&config_rows[edit->key],
		&config_slot_merged(config, edit->key, edit->scope)->value, text, sizeof text);
	return strdup(text);
}

static bool texts_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool values_equal(const struct config_value *a, const struct config_value *b)
{
	return a->number == b->number && texts_equal(a->text, b->text);
}

/* Makes the new slot: from `value`, or a copy of the key's slot in `start`. */
static enum config_edit_result slot_make(struct config_edit *edit, const struct config *start,
	const char *value, const char *who, struct err *err)
{
	bool done =
		value ? config_value_parse(&config_rows[edit->key], value, &edit->slot.value, err)
		      : config_slot_copy(&edit->slot, config_slot(start, edit->key, edit->scope));
	if (value && !done)
		return CONFIG_EDIT_BAD;
	if (value)
		done = (edit->slot.origin = strdup(who));
	if (done)
		return CONFIG_EDIT_MADE;
	err_set(err, STATUS_FAILED, "out of memory");
	return CONFIG_EDIT_BAD;
}

/* Whether the edit would change nothing. When a value is set, only the value counts, not its
   origin. When the start's value is restored, the origin counts too. */
static bool is_said(const struct config_edit *edit, const struct config *config, bool restored)
{
	const struct config_slot *said = config_slot(config, edit->key, edit->scope);
	if (!said->origin || !edit->slot.origin)
		return said->origin == edit->slot.origin;
	return values_equal(&said->value, &edit->slot.value) &&
		(!restored || texts_equal(said->origin, edit->slot.origin));
}

/* Whether the new value is the one that holds. A key that cannot be changed may be set to that. */
static bool is_so(const struct config_edit *edit, const struct config *config)
{
	const struct config_slot *now = config_slot_merged(config, edit->key, edit->scope);
	return !edit->slot.origin || values_equal(&now->value, &edit->slot.value);
}

enum config_edit_result config_edit_make(struct config_edit *edit, struct config *config,
	const struct config *start, const char *name, const char *value, const char *who,
	struct err *err)
{
	*edit = (struct config_edit){ 0 };
	if (!config_key_find(name, &edit->key, &edit->scope)) {
		config_unknown(name, "key", err);
		return CONFIG_EDIT_UNKNOWN;
	}
	snprintf(edit->name, sizeof edit->name, "%s", name);
	enum config_edit_result result = slot_make(edit, start, value, who, err);
	if (result != CONFIG_EDIT_MADE)
		return result;
	bool restart = config_rows[edit->key].effect == CONFIG_RESTART;
	if (restart && !is_so(edit, config)) {
		char shown[CONFIG_SHOWN_MAX];
		config_escape(shown, sizeof shown, value);
		err_set(err, STATUS_USAGE,
			"cannot be changed while the lab runs; stop the lab, and start it with "
			"--set %s=%s",
			name, shown);
		return CONFIG_EDIT_RESTART;
	}
	if (restart || is_said(edit, config, !value))
		return CONFIG_EDIT_SAME;
	edit->before = value_now(edit, config);
	config_slot_swap(config, edit->key, edit->scope, &edit->slot);
	edit->made = true;
	edit->after = value_now(edit, config);
	if (edit->before && edit->after)
		return CONFIG_EDIT_MADE;
	config_edit_undo(edit, config);
	err_set(err, STATUS_FAILED, "out of memory");
	return CONFIG_EDIT_BAD;
}

void config_edit_undo(struct config_edit *edit, struct config *config)
{
	if (edit->made)
		config_slot_swap(config, edit->key, edit->scope, &edit->slot);
	edit->made = false;
}

void config_edit_finish(struct config_edit *edit)
{
	config_slot_finish(&edit->slot);
	free(edit->before);
	free(edit->after);
	*edit = (struct config_edit){ 0 };
}
