/* Writes the configuration: as an INI file that config_load reads, as a table for --help, as
   JSON. */
#include "servers/config/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "servers/config/keys.h"

/* The sections: the groups, then the endpoints that have no group's name. NULL behind the last. */
static const char *section_name(size_t index)
{
	for (size_t g = 0; config_groups[g]; g++)
		if (index-- == 0)
			return config_groups[g];
	for (int e = 0; e < ENDPOINT_COUNT; e++) {
		const char *name = endpoint_table[e].name;
		bool is_group = false;
		for (size_t g = 0; config_groups[g]; g++)
			is_group |= strcmp(config_groups[g], name) == 0;
		if (!is_group && index-- == 0)
			return name;
	}
	return NULL;
}

bool config_entry_next(const struct config *config, size_t *at, struct config_entry *entry)
{
	const size_t scopes = 1 + ENDPOINT_COUNT;
	while ((entry->section = section_name(*at / (KEY_COUNT * scopes)))) {
		entry->key = (enum config_key)(*at / scopes % KEY_COUNT);
		entry->scope = (enum endpoint_id)((int)(*at % scopes) - 1);
		++*at;
		const char *section = config_section(entry->key, entry->scope);
		entry->slot = config_slot(config, entry->key, entry->scope);
		if (section && strcmp(section, entry->section) == 0 && entry->slot->origin)
			return true;
	}
	return false;
}

/* True when config_load would not read `text` without quotes back as the same value. */
static bool value_needs_quotes(const char *text)
{
	size_t len = strlen(text);
	if (len == 0 || text[0] == '"' || config_is_blank(text[0]) ||
		config_is_blank(text[len - 1]))
		return true;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f ||
			(config_is_comment(text[i]) && (i == 0 || config_is_blank(text[i - 1]))))
			return true;
	return false;
}

/* Writes a value as in a file. A path is made absolute, since the file may be read from another
   folder. */
static void value_print(const struct config_row *row, const struct config_slot *slot, FILE *out)
{
	char text[CONFIG_VALUE_MAX], folder[CONFIG_PATH_MAX], quoted[4 * CONFIG_VALUE_MAX + 16];
	config_value_format(row, &slot->value, text, sizeof text);
	if (row->kind == KIND_PATH && text[0] != '\0' && text[0] != '/' &&
		getcwd(folder, sizeof folder) &&
		strlen(folder) + 1 + strlen(slot->value.text) < CONFIG_PATH_MAX)
		snprintf(text, sizeof text, "%s/%s", folder, slot->value.text);
	if (!value_needs_quotes(text)) {
		fputs(text, out);
		return;
	}
	config_escape(quoted, sizeof quoted, text);
	fprintf(out, "\"%s\"", quoted);
}

void config_print(const struct config *config, FILE *out)
{
	const char *section = NULL;
	struct config_entry entry;
	for (size_t at = 0; config_entry_next(config, &at, &entry); section = entry.section) {
		if (!section || strcmp(section, entry.section) != 0)
			fprintf(out, "%s[%s]\n", section ? "\n" : "", entry.section);
		char origin[CONFIG_ORIGIN_MAX];
		config_escape(origin, sizeof origin, entry.slot->origin);
		fprintf(out, "%s = ", config_rows[entry.key].name);
		value_print(&config_rows[entry.key], entry.slot, out);
		fprintf(out, "  ; %s\n", origin);
	}
}

void config_print_keys(FILE *out)
{
	for (int k = 0; k < KEY_COUNT; k++) {
		const struct config_row *row = &config_rows[k];
		char name[CONFIG_NAME_MAX], range[CONFIG_NAME_MAX];
		const char *group = row->group                         ? row->group
				    : row->endpoints == GROUP_DATAGRAM ? "<udp>"
								       : "<endpoint>";
		snprintf(name, sizeof name, "%s.%s", group, row->name);
		config_value_range(row, range, sizeof range);
		const char *standard = !row->standard     ? "the lab's"
				       : row->standard[0] ? row->standard
							  : "-";
		fprintf(out, "  %-17s  %-9s  %-18s  %s", name, standard, range, row->help);
		for (int e = 0; e < ENDPOINT_COUNT; e++) {
			char buffer[CONFIG_STANDARD_MAX];
			if (row->group || !row->standard ||
				!config_row_has(row, (enum endpoint_id)e))
				continue;
			const char *own =
				config_standard((enum config_key)k, (enum endpoint_id)e, buffer);
			if (strcmp(own, row->standard) != 0)
				fprintf(out, " (%s: %s)", endpoint_table[e].name, own);
		}
		fputc('\n', out);
	}
}

void config_print_names(FILE *out)
{
	for (int k = 0; k < KEY_COUNT; k++)
		for (int scope = ENDPOINT_NONE; scope < ENDPOINT_COUNT; scope++) {
			const char *section =
				config_section((enum config_key)k, (enum endpoint_id)scope);
			if (section && (scope == ENDPOINT_NONE || !config_rows[k].group))
				fprintf(out, "%s.%s\n", section, config_rows[k].name);
		}
}

char *config_json(const struct config *config)
{
	for (size_t size = 4096;; size *= 2) {
		char *text = malloc(size);
		if (!text)
			return NULL;
		struct json json;
		json_begin(&json, text, size);
		struct config_entry entry;
		for (size_t at = 0; config_entry_next(config, &at, &entry);) {
			char name[CONFIG_NAME_MAX], value[CONFIG_VALUE_MAX];
			snprintf(name, sizeof name, "%s.%s", entry.section,
				config_rows[entry.key].name);
			config_value_format(&config_rows[entry.key], &entry.slot->value, value,
				sizeof value);
			json_put_string(&json, name, value);
		}
		if (json_end(&json) > 0)
			return text;
		free(text);
	}
}
