/*
 * Writes one flat JSON object into a fixed buffer, without allocation. Text that does not fit cuts
 * the object: json_end then answers 0.
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

void json_begin(struct json *json, char *text, size_t size); /* "{" */
void json_put_integer(struct json *json, const char *name, int64_t value);
void json_put_real(struct json *json, const char *name, double value); /* three decimals */
void json_put_share(struct json *json, const char *name, double value); /* nine decimals: what a value is compared with is as fine */
void json_put_bool(struct json *json, const char *name, bool value);
/* `text` is UTF-8; NULL gives null. Bytes that are not valid UTF-8 become U+FFFD. */
void json_put_string(struct json *json, const char *name, const char *text);
/* `text` is JSON already. */
void json_put_raw(struct json *json, const char *name, const char *text);
/* Closes the object and NUL-terminates. Returns its length, 0 when it did not fit. */
size_t json_end(struct json *json);

#endif
