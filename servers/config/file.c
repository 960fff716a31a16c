/*
 * Reads the configuration from an INI file, or from a text that is built in.
 *
 * It does not use libinih: Debian's build gives its handler no line numbers, and silently truncates
 * lines at 200 bytes. Here an error names the file and the line, and no line is truncated.
 */
#include "servers/config/config.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "servers/config/keys.h"

enum {
	LINE_BYTES = 4096, /* of a line without its end */
	ORIGIN_PATH = 200, /* of the path in an origin; of a longer path only the end is shown */
};

static const char blanks[] = " \t\r\v\f";

struct reader {
	struct config *config;
	FILE *file;
	const char *path;
	/* bytes of `path` up to and with its last slash: the folder of relative paths */
	size_t folder;
	char shown[ORIGIN_PATH + 16];   /* `path` as errors show it */
	char origin[CONFIG_ORIGIN_MAX]; /* "lab.ini:7": the current line */
	unsigned long line;
	char section[CONFIG_NAME_MAX];  /* "": none yet */
	char text[LINE_BYTES + 1];
};

bool config_is_blank(char c)
{
	return c != '\0' && strchr(blanks, c);
}

bool config_is_comment(char c)
{
	return c == ';' || c == '#';
}

/* Cuts blanks from both ends, in place. */
static char *text_trim(char *text)
{
	text += strspn(text, blanks);
	size_t len = strlen(text);
	while (len > 0 && config_is_blank(text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

/* Reads a line into reader->text. False: the end of the file, or an error, which sets `*failed` and
   fills err. */
static bool line_read(struct reader *reader, bool *failed, struct err *err)
{
	size_t len = 0;
	int c;
	snprintf(reader->origin, sizeof reader->origin, "%s:%lu", reader->shown, ++reader->line);
	*failed = true;
	while ((c = getc(reader->file)) != EOF && c != '\n') {
		if (c == '\0') {
			err_set(err, STATUS_USAGE,
				"%s: a NUL byte; this is not a text file in UTF-8", reader->origin);
			return false;
		}
		if (len == LINE_BYTES) {
			err_set(err, STATUS_USAGE, "%s: a line of more than %d bytes",
				reader->origin, LINE_BYTES);
			return false;
		}
		reader->text[len++] = (char)c;
	}
	if (ferror(reader->file)) {
		err_set(err, STATUS_USAGE, "%s: cannot be read: %s", reader->shown,
			strerror(errno));
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
	return *tail == '\0' || config_is_comment(*tail);
}

/* Decodes an escape, whose backslash is in front of `text`. Returns the number of its characters,
   0: it is no escape. */
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

/* Decodes a quoted value in place. `text` begins behind the opening quote. NULL: err says why. */
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
				line_fail(reader, "is no escape; a backslash in quotes is two",
					in - 1, err);
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

/* Decodes a value in place. `text` begins behind '='. NULL: err says why. */
static char *value_read(struct reader *reader, char *text, struct err *err)
{
	size_t blank = strspn(text, blanks);
	if (text[blank] == '"')
		return quoted_read(reader, text + blank + 1, err);
	/* A comment needs a blank in front of it: "a#b" is a value. */
	for (size_t i = 1; text[i - 1] && text[i]; i++)
		if (config_is_comment(text[i]) && config_is_blank(text[i - 1]))
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
			const char *section =
				config_section((enum config_key)k, (enum endpoint_id)s);
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
		/* It is unclear which of the two groups was meant. */
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

static bool lines_read(struct reader *reader, struct err *err)
{
	bool failed;
	while (line_read(reader, &failed, err)) {
		char *text = reader->text;
		/* a byte order mark */
		if (reader->line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
			text += 3;
		text = text_trim(text);
		if (*text == '\0' || config_is_comment(*text))
			continue;
		if (!(*text == '[' ? section_read(reader, text, err) : key_read(reader, text, err)))
			return false;
	}
	return !failed;
}

static void reader_init(struct reader *reader, struct config *config, const char *path)
{
	*reader = (struct reader){ .config = config, .path = path };
	size_t len = strlen(path);
	bool cut = len > ORIGIN_PATH / 2;
	const char *end = cut ? path + len - ORIGIN_PATH / 2 : path;
	while ((*end & 0xc0) == 0x80) /* not inside a UTF-8 character */
		end++;
	char shown[ORIGIN_PATH];
	config_escape(shown, sizeof shown, end);
	snprintf(reader->shown, sizeof reader->shown, "%s%s", cut ? "..." : "", shown);
}

bool config_load(struct config *config, const char *path, struct err *err)
{
	struct reader reader;
	reader_init(&reader, config, path);

	bool done = false;
	struct stat stat;
	reader.file = fopen(path, "re");
	if (!reader.file || fstat(fileno(reader.file), &stat) < 0) {
		err_set(err, STATUS_USAGE, "%s: cannot be read: %s", reader.shown, strerror(errno));
		goto end;
	}
	/* The paths in a pipe are relative to the current folder. */
	const char *slash = strrchr(path, '/');
	if (slash && S_ISREG(stat.st_mode))
		reader.folder = (size_t)(slash - path) + 1;
	done = lines_read(&reader, err);
end:
	if (reader.file)
		fclose(reader.file);
	return done;
}

bool config_load_text(struct config *config, const char *name, const char *text, struct err *err)
{
	struct reader reader;
	reader_init(&reader, config, name);
	if (*text == '\0') /* fmemopen(3) of 0 bytes fails in some C libraries */
		return true;
	/* The cast is safe: the stream only reads. */
	reader.file = fmemopen((char *)text, strlen(text), "r");
	if (!reader.file) {
		err_set(err, STATUS_FAILED, "%s: %s", reader.shown, strerror(errno));
		return false;
	}
	bool done = lines_read(&reader, err);
	fclose(reader.file);
	return done;
}
