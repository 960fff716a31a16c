/* Reads a file of JSON objects, one a line. Another program may still be writing it. */
#ifndef SERVERS_COMMANDS_NDJSON_H
#define SERVERS_COMMANDS_NDJSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct ndjson {
	/* The caller sets these three, and zero for the rest. */
	const char *program; /* stands before a warning */
	const char *path;    /* "-": stdin */
	const char *what;    /* what a line should be, for errors: "event" */

	/* For on_object: the number of the line, from 1, and its bytes with the line end, without a
	   NUL. They are valid until on_object returns. */
	uint64_t line;
	const char *text;
	size_t len;
};

/* False with `err` ends the reading. `object` is valid until this returns. */
typedef bool ndjson_on_object(void *context, const json_t *object, struct err *err);

/*
 * Calls `on_object` for each line. A last line without a line end that is not an object is left out
 * with a warning on stderr: another program may be writing it. False: on_object ended the reading
 * with its `err`; or STATUS_FAILED ("path:line: ..."): the file cannot be read, a line is not an
 * object, or it has more than 16 MiB.
 */
bool ndjson_read(struct ndjson *file, ndjson_on_object *on_object, void *context, struct err *err);

/* The text of a field, owned by the object; "" when the field is missing or is no text. `object`
   may be NULL, here and below. */
const char *ndjson_text(const json_t *object, const char *field);

/* The whole number in a field; 0 when the field is missing or is no whole number. */
int64_t ndjson_integer(const json_t *object, const char *field);

/* As ndjson_integer; a negative number gives 0 too. */
uint64_t ndjson_count(const json_t *object, const char *field);

#endif
