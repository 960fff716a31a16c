/* Reads line by line, with a limit for a line: a journal may be larger than memory, and another
   file may be one endless line. */
#include "servers/commands/ndjson.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"

enum { LINE_BYTES = 16 << 20 };

/* As getline(3), but never more than LINE_BYTES. */
static ssize_t read_line(char **line, size_t *size, FILE *stream)
{
	size_t len = 0;
	int byte = 0;
	while (len < LINE_BYTES && byte != '\n' && (byte = getc_unlocked(stream)) != EOF) {
		if (len == *size) {
			size_t more = len > 0 ? 2 * len : 1024;
			char *longer = realloc(*line, more);
			if (!longer)
				return -1;
			*line = longer;
			*size = more;
		}
		(*line)[len++] = (char)byte;
	}
	return len > 0 ? (ssize_t)len : -1;
}

static bool read_lines(struct ndjson *file, FILE *stream, ndjson_on_object *on_object,
	void *context, struct err *err)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	bool done = true;
	errno = 0;
	while (done && (len = read_line(&line, &size, stream)) >= 0) {
		json_error_t error;
		file->line++;
		file->text = line;
		file->len = (size_t)len;
		if (len == LINE_BYTES && line[len - 1] != '\n') {
			err_set(err, STATUS_FAILED,
				"%s:%" PRIu64 ": this line is too long for an %s", file->path,
				file->line, file->what);
			done = false;
			break;
		}
		json_t *object = json_loadb(line, (size_t)len, 0, &error);
		if (json_is_object(object)) {
			done = on_object(context, object, err);
		} else if (line[len - 1] != '\n') {
			fprintf(stderr,
				"%s: %s:%" PRIu64 ": the last line is cut off, and left out\n",
				file->program, file->path, file->line);
		} else {
			/* escaped, since jansson's message quotes the line */
			const char *reason = object ? "no object" : error.text;
			char why[WIRE_ESCAPED_MAX];
			wire_escape(why, reason, strlen(reason));
			err_set(err, STATUS_FAILED, "%s:%" PRIu64 ": this is no %s: %s", file->path,
				file->line, file->what, why);
			done = false;
		}
		json_decref(object);
		errno = 0;
	}
	if (done && !feof(stream)) { /* not ferror(3), which out of memory does not set */
		err_set(err, STATUS_FAILED, "%s: %s", file->path, strerror(errno));
		done = false;
	}
	free(line);
	return done;
}

bool ndjson_read(struct ndjson *file, ndjson_on_object *on_object, void *context, struct err *err)
{
	bool standard = strcmp(file->path, "-") == 0;
	FILE *stream = standard ? stdin : fopen(file->path, "re");
	if (!stream) {
		err_set(err, STATUS_FAILED, "%s: %s", file->path, strerror(errno));
		return false;
	}
	bool done = read_lines(file, stream, on_object, context, err);
	if (!standard)
		fclose(stream);
	return done;
}

const char *ndjson_text(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));
	return text ? text : "";
}

int64_t ndjson_integer(const json_t *object, const char *field)
{
	return json_integer_value(json_object_get(object, field));
}

uint64_t ndjson_count(const json_t *object, const char *field)
{
	int64_t value = ndjson_integer(object, field);
	return value > 0 ? (uint64_t)value : 0;
}
