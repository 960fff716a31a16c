/*
 * Writes one flat JSON object (RFC 8259) into a fixed buffer, without allocation. If the object
 * does not fit, json_end returns 0 and the buffer has no usable text.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *text;
	size_t size;
	size_t len;
	bool overflow;
	bool comma;
};

/* Begins an object with "{". `text` is the caller's buffer of `size` bytes, NUL included, and
   outlives `json`. */
void json_begin(struct json *json, char *text, size_t size);

/* The functions below add a member. `name` is written as it is, so it must need no escape. A number
   that is not finite gives null. */

void json_put_integer(struct json *json, const char *name, int64_t value);
void json_put_real(struct json *json, const char *name, double value); /* three decimals */

/* Nine decimals: as many as the shares have (common/share.h). */
void json_put_share(struct json *json, const char *name, double value);

void json_put_bool(struct json *json, const char *name, bool value);

/* `text` is UTF-8 and is escaped; NULL gives null. Bytes that are not valid UTF-8 become U+FFFD. */
void json_put_string(struct json *json, const char *name, const char *text);

/* `text` is JSON already, and is written as it is. */
void json_put_raw(struct json *json, const char *name, const char *text);

/* Closes the object and NUL-terminates it. Returns its length without the NUL; 0: the object did
   not fit. */
size_t json_end(struct json *json);

#endif
