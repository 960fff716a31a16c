/* Reads a file of JSON objects, one a line, which may still be written to. */
#ifndef SERVERS_COMMANDS_NDJSON_H
#define SERVERS_COMMANDS_NDJSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct ndjson {
	const char *program; /* whose name stands before a warning */
	const char *path;    /* "-": stdin */
	const char *what;    /* a line should be: "event" */
	uint64_t line;       /* the one that is read, from 1 */
	const char *text;    /* what stands in it, with its end; until the next one */
	size_t len;
};

/* False with `err` ends the reading. `object` is the reader's. */
typedef bool ndjson_on_object(void *context, const json_t *object, struct err *err);

/*
 * Calls `on_object` for each line. A last line without its end that is no object is told on stderr
 * and left out: somebody is writing it. False with `err` (STATUS_FAILED, "path:line: ..."): the
 * file cannot be read, or a line is no object.
 */
bool ndjson_read(struct ndjson *file, ndjson_on_object *on_object, void *context, struct err *err);

/* A field's text; "" when there is none. The object's. */
const char *ndjson_text(const json_t *object, const char *field);

/* A field's whole number; 0 when there is none. */
int64_t ndjson_integer(const json_t *object, const char *field);

/* The same; 0 for a negative one too. */
uint64_t ndjson_count(const json_t *object, const char *field);

#endif
