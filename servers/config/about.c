#include "servers/config/about.h"

#include <stdio.h>
#include <stdlib.h>

#include "servers/config/keys.h"

static const struct {
	const char *type, *unit;
} kinds[KIND_COUNT] = {
	[KIND_INTEGER] = { "integer", "" },
	[KIND_BYTES] = { "bytes", "bytes" },
	[KIND_DURATION] = { "duration", "seconds" },
	[KIND_FACTOR] = { "factor", "" },
	[KIND_YES_NO] = { "yes/no", "" },
	[KIND_CHOICE] = { "choice", "" },
	[KIND_SHARE] = { "share", "" },
	[KIND_PATH] = { "path", "" },
	[KIND_TEXT] = { "text", "" },
};

const char *config_effect_name(enum config_effect effect)
{
	static const char *const names[] = { "now", "connection", "restart" };
	return names[effect];
}

enum endpoint_id config_endpoint(enum config_key key, enum endpoint_id scope)
{
	enum endpoint_id only = ENDPOINT_NONE;
	if (scope != ENDPOINT_NONE)
		return scope;
	for (int e = 0; e < ENDPOINT_COUNT; e++) {
		if (!config_row_has(&config_rows[key], (enum endpoint_id)e))
			continue;
		if (only != ENDPOINT_NONE)
			return ENDPOINT_NONE;
		only = (enum endpoint_id)e;
	}
	return only;
}

/* The default in its canonical form: "1s" for "1000ms". */
static void format_standard(enum config_key key, enum endpoint_id scope,
	char text[CONFIG_VALUE_MAX])
{
	const struct config_row *row = &config_rows[key];
	char buffer[CONFIG_STANDARD_MAX];
	struct config_value value;
	text[0] = '\0';
	if (config_value_parse(row, config_standard(key, scope, buffer), &value, NULL))
		config_value_format(row, &value, text, CONFIG_VALUE_MAX);
	free(value.text);
}

static void fill(const struct config *config, enum config_key key, enum endpoint_id scope,
	struct config_about *about)
{
	const struct config_row *row = &config_rows[key];
	const struct config_slot *slot = config_slot_merged(config, key, scope);
	*about = (struct config_about){
		.inherited = slot != config_slot(config, key, scope),
		.type = kinds[row->kind].type,
		.unit = kinds[row->kind].unit,
		.help = row->help,
		.effect = row->effect,
		.endpoint = config_endpoint(key, scope),
	};
	snprintf(about->name, sizeof about->name, "%s.%s", config_section(key, scope), row->name);
	config_value_format(row, &slot->value, about->value, sizeof about->value);
	config_escape(about->origin, sizeof about->origin, slot->origin);
	config_value_range(row, about->range, sizeof about->range);
	format_standard(key, scope, about->standard);
}

bool config_about(const struct config *config, const char *name, struct config_about *about,
	struct err *err)
{
	enum config_key key;
	enum endpoint_id scope;
	if (!config_key_find(name, &key, &scope)) {
		config_unknown(name, "key", err);
		return false;
	}
	fill(config, key, scope, about);
	return true;
}

bool config_about_next(const struct config *config, size_t *at, struct config_about *about)
{
	struct config_entry entry;
	if (!config_entry_next(config, at, &entry))
		return false;
	fill(config, entry.key, entry.scope, about);
	return true;
}
