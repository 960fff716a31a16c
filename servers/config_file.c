/*
 * The configuration as text: read from an INI file, written as one, as a table for --help and as JSON.
 *
 * Why not libinih: Debian's build hands no line numbers to its handler and cuts lines at 200 bytes without a
 * word. An error here names the file and the line, and nothing is ever cut.
 */
#include "servers/config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/json.h"
#include "servers/config_keys.h"

enum {
	LINE_BYTES = 4096,  /* of a line without its end */
	ORIGIN_BYTES = 256, /* of "lab.ini:7" with its NUL */
	ORIGIN_PATH = 200,  /* of the path in it; the end of a longer one is shown */
};

static const char blanks[] = " \t\r\v\f";

struct reader {
	struct config *config;
	FILE *file;
	const char *path;
	size_t folder;                 /* bytes of `path` up to its last slash: where its paths begin */
	char shown[ORIGIN_PATH + 16];  /* `path` as errors show it */
	char origin[ORIGIN_BYTES];     /* "lab.ini:7": the line being read */
	unsigned long line;
	char section[CONFIG_NAME_MAX]; /* "": none yet */
	char text[LINE_BYTES + 1];
};

static bool is_blank(char c)
{
	return c != '\0' && strchr(blanks, c);
}

static bool is_comment(char c)
{
	return c == ';' || c == '#';
}

/* Cuts blanks from both ends, in place. */
static char *text_trim(char *text)
{
	text += strspn(text, blanks);
	size_t len = strlen(text);
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

/* Reads a line into reader->text. False at the end of the file and on an error, which fills err. */
static bool line_read(struct reader *reader, bool *failed, struct err *err)
{
	size_t len = 0;
	int c;
	snprintf(reader->origin, sizeof reader->origin, "%s:%lu", reader->shown, ++reader->line);
	*failed = true;
	while ((c = getc(reader->file)) != EOF && c != '\n') {
		if (c == '\0') {
			err_set(err, STATUS_USAGE, "%s: a NUL byte; this is not a text file in UTF-8",
				reader->origin);
			return false;
		}
		if (len == LINE_BYTES) {
			err_set(err, STATUS_USAGE, "%s: a line of more than %d bytes", reader->origin,
				LINE_BYTES);
			return false;
		}
		reader->text[len++] = (char)c;
	}
	if (ferror(reader->file)) {
		err_set(err, STATUS_USAGE, "%s: cannot be read: %s", reader->shown, strerror(errno));
		return false;
	}
	reader->text[len] = '\0';
	*failed = false;
	return len > 0 || c != EOF;
}

static bool line_fail(struct reader *reader, const char *what, const char *text, struct err *err)
{
	char shown[CONFIG_SHOWN_MAX];
	config_escape(shown, sizeof shown, text);
	err_set(err, STATUS_USAGE, "%s: \"%s\" %s", reader->origin, shown, what);
	return false;
}

static bool tail_ends(const char *tail)
{
	tail += strspn(tail, blanks);
	return *tail == '\0' || is_comment(*tail);
}

/* One escape behind a backslash; returns how many characters it has, 0 for none. */
static size_t escape_read(const char *text, char *c)
{
	static const char letters[] = "n\nr\rt\t\"\"\\\\";
	for (size_t i = 0; i + 1 < sizeof letters; i += 2) {
		if (letters[i] == *text) {
			*c = letters[i + 1];
			return 1;
		}
	}
	static const char digits[] = "0123456789abcdef";
	if (text[0] != 'x' || text[1] == '\0' || text[2] == '\0')
		return 0;
	const char *high = strchr(digits, text[1]), *low = strchr(digits, text[2]);
	if (!high || !low || (high == digits && low == digits))
		return 0;
	*c = (char)((high - digits) * 16 + (low - digits));
	return 3;
}

/* `text` stands behind the opening quote; in place. NULL: err says why. */
static char *quoted_read(struct reader *reader, char *text, struct err *err)
{
	char *in = text, *out = text;
	while (*in != '"') {
		if (*in == '\0') {
			err_set(err, STATUS_USAGE, "%s: a quote without its end", reader->origin);
			return NULL;
		}
		char c = *in++;
		if (c == '\\') {
			size_t used = escape_read(in, &c);
			if (used == 0) {
				line_fail(reader, "is no escape; a backslash in quotes is two", in - 1, err);
				return NULL;
			}
			in += used;
		}
		*out++ = c;
	}
	if (!tail_ends(in + 1)) {
		line_fail(reader, "stands behind the closing quote", in + 1, err);
		return NULL;
	}
	*out = '\0';
	return text;
}

/* `text` stands behind '='. In place. NULL: err says why. */
static char *value_read(struct reader *reader, char *text, struct err *err)
{
	size_t blank = strspn(text, blanks);
	if (text[blank] == '"')
		return quoted_read(reader, text + blank + 1, err);
	/* A comment is set apart by a blank: "a#b" is a value. */
	for (size_t i = 1; text[i - 1] && text[i]; i++)
		if (is_comment(text[i]) && is_blank(text[i - 1]))
			text[i] = '\0';
	return text_trim(text);
}

static bool section_read(struct reader *reader, char *text, struct err *err)
{
	char *end = strchr(text, ']');
	if (!end)
		return line_fail(reader, "has no closing bracket", text, err);
	if (!tail_ends(end + 1))
		return line_fail(reader, "stands behind the section's name", end + 1, err);
	*end = '\0';
	const char *name = text_trim(text + 1);
	for (int k = 0; k < KEY_COUNT; k++) {
		for (int s = ENDPOINT_NONE; s < ENDPOINT_COUNT; s++) {
			const char *section = config_section((enum config_key)k, (enum endpoint_id)s);
			if (section && strcmp(section, name) == 0) {
				snprintf(reader->section, sizeof reader->section, "%s", name);
				return true;
			}
		}
	}
	char shown[CONFIG_SHOWN_MAX];
	config_escape(shown, sizeof shown, name);
	config_unknown(name, "section", err);
	err_prefix(err, "%s: [%s]", reader->origin, shown);
	return false;
}

static bool key_read(struct reader *reader, char *text, struct err *err)
{
	char *equals = strchr(text, '=');
	if (!equals || equals == text)
		return line_fail(reader, "is neither KEY = VALUE nor [SECTION]", text, err);
	*equals = '\0';
	const char *name = text_trim(text);
	if (reader->section[0] != '\0' && strchr(name, '.')) {
		/* Which of the two groups was meant? Not for us to guess. */
		char shown[CONFIG_SHOWN_MAX];
		config_escape(shown, sizeof shown, name);
		err_set(err, STATUS_USAGE, "%s: %s: inside [%s] a key stands without its group",
			reader->origin, shown, reader->section);
		return false;
	}
	const char *value = value_read(reader, equals + 1, err);
	if (!value)
		return false;

	char key[LINE_BYTES + CONFIG_NAME_MAX];
	snprintf(key, sizeof key, "%s%s%s", reader->section, reader->section[0] ? "." : "", name);
	char joined[2 * LINE_BYTES];
	enum config_key found;
	enum endpoint_id scope;
	if (config_key_find(key, &found, &scope) && config_rows[found].kind == KIND_PATH &&
		value[0] != '\0' && value[0] != '/') {
		assert(reader->folder <= LINE_BYTES);
		snprintf(joined, sizeof joined, "%.*s%s", (int)reader->folder, reader->path, value);
		value = joined;
	}
	return config_set(reader->config, key, value, reader->origin, err);
}

bool config_load(struct config *config, const char *path, struct err *err)
{
	struct reader reader = { .config = config, .path = path };
	size_t len = strlen(path);
	bool cut = len > ORIGIN_PATH / 2;
	const char *end = cut ? path + len - ORIGIN_PATH / 2 : path;
	while ((*end & 0xc0) == 0x80) /* not inside a UTF-8 character */
		end++;
	char shown[ORIGIN_PATH];
	config_escape(shown, sizeof shown, end);
	snprintf(reader.shown, sizeof reader.shown, "%s%s", cut ? "..." : "", shown);

	bool failed = true;
	struct stat stat;
	reader.file = fopen(path, "re");
	if (!reader.file || fstat(fileno(reader.file), &stat) < 0) {
		err_set(err, STATUS_USAGE, "%s: cannot be read: %s", reader.shown, strerror(errno));
		goto done;
	}
	/* A pipe has no folder. */
	const char *slash = strrchr(path, '/');
	if (slash && S_ISREG(stat.st_mode))
		reader.folder = (size_t)(slash - path) + 1;

	while (line_read(&reader, &failed, err)) {
		char *text = reader.text;
		if (reader.line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
			text += 3;
		text = text_trim(text);
		if (*text == '\0' || is_comment(*text))
			continue;
		failed = *text == '[' ? !section_read(&reader, text, err) : !key_read(&reader, text, err);
		if (failed)
			break;
	}
done:
	if (reader.file)
		fclose(reader.file);
	return !failed;
}

/* One line of the merged configuration: a group's key, or what was said for one endpoint. */
struct entry {
	const char *section;
	enum config_key key;
	enum endpoint_id scope;
	const struct config_slot *slot;
};

/* The groups, then those endpoints that no group is named after. NULL behind the last. */
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

/* Steps through all entries, section by section; `*at` begins with 0. */
static bool entry_next(const struct config *config, size_t *at, struct entry *entry)
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

/* True where the reader would not read `text` back as it is. */
static bool value_needs_quotes(const char *text)
{
	size_t len = strlen(text);
	if (len == 0 || text[0] == '"' || is_blank(text[0]) || is_blank(text[len - 1]))
		return true;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f ||
			(is_comment(text[i]) && (i == 0 || is_blank(text[i - 1]))))
			return true;
	return false;
}

/* The value as a file has it: a path is made absolute, for the file may be read from anywhere. */
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
	struct entry entry;
	for (size_t at = 0; entry_next(config, &at, &entry); section = entry.section) {
		if (!section || strcmp(section, entry.section) != 0)
			fprintf(out, "%s[%s]\n", section ? "\n" : "", entry.section);
		char origin[ORIGIN_BYTES];
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
		const char *group = row->group ? row->group : row->endpoints == GROUP_DATAGRAM ? "<udp>" : "<endpoint>";
		snprintf(name, sizeof name, "%s.%s", group, row->name);
		config_value_range(row, range, sizeof range);
		const char *standard = !row->standard ? "the lab's" : row->standard[0] ? row->standard : "-";
		fprintf(out, "  %-17s  %-9s  %-18s  %s", name, standard, range, row->help);
		for (int e = 0; e < ENDPOINT_COUNT; e++) {
			char buffer[CONFIG_STANDARD_MAX];
			if (row->group || !row->standard || !config_row_has(row, (enum endpoint_id)e))
				continue;
			const char *own = config_standard((enum config_key)k, (enum endpoint_id)e, buffer);
			if (strcmp(own, row->standard) != 0)
				fprintf(out, " (%s: %s)", endpoint_table[e].name, own);
		}
		fputc('\n', out);
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
		struct entry entry;
		for (size_t at = 0; entry_next(config, &at, &entry);) {
			char name[CONFIG_NAME_MAX], value[CONFIG_VALUE_MAX];
			snprintf(name, sizeof name, "%s.%s", entry.section, config_rows[entry.key].name);
			config_value_format(&config_rows[entry.key], &entry.slot->value, value, sizeof value);
			json_string(&json, name, value);
		}
		if (json_end(&json) > 0)
			return text;
		free(text);
	}
}
