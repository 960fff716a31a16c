/* Keys by their names: which endpoints have them, their sections in a file, and their defaults. */
#include "servers/config/keys.h"

#include <stdio.h>
#include <string.h>

bool config_row_has(const struct config_row *row, enum endpoint_id endpoint)
{
	if (row->group && row->endpoints == 0)
		return endpoint == ENDPOINT_NONE;
	if (endpoint == ENDPOINT_NONE)
		return false;
	return row->endpoints == 0 || (endpoint_table[endpoint].groups & row->endpoints) != 0;
}

const char *config_standard(enum config_key key, enum endpoint_id endpoint,
	char buffer[CONFIG_STANDARD_MAX])
{
	if (key == KEY_PORT) {
		snprintf(buffer, CONFIG_STANDARD_MAX, "%u", endpoint_table[endpoint].port);
		return buffer;
	}
	if (key == KEY_LOSS && endpoint_table[endpoint].loss)
		return endpoint_table[endpoint].loss;
	return config_rows[key].standard;
}

const char *config_section(enum config_key key, enum endpoint_id scope)
{
	const struct config_row *row = &config_rows[key];
	if (scope == ENDPOINT_NONE)
		return row->group;
	/* "pmu.messages" is the group's key. The endpoint of the same name has no second one. */
	const char *name = endpoint_table[scope].name;
	if (!config_row_has(row, scope) || (row->group && strcmp(row->group, name) == 0))
		return NULL;
	return name;
}

bool config_key_find(const char *name, enum config_key *key, enum endpoint_id *scope)
{
	const char *dot = strchr(name, '.');
	if (!dot)
		return false;
	size_t len = (size_t)(dot - name);
	for (int k = 0; k < KEY_COUNT; k++) {
		if (strcmp(config_rows[k].name, dot + 1) != 0)
			continue;
		for (int s = ENDPOINT_NONE; s < ENDPOINT_COUNT; s++) {
			const char *section =
				config_section((enum config_key)k, (enum endpoint_id)s);
			if (section && strlen(section) == len && memcmp(section, name, len) == 0) {
				*key = (enum config_key)k;
				*scope = (enum endpoint_id)s;
				return true;
			}
		}
	}
	return false;
}
