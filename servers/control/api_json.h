/* JSON that the API's answers and the scenario share. */
#ifndef SERVERS_CONTROL_API_JSON_H
#define SERVERS_CONTROL_API_JSON_H

#include <jansson.h>

/* Makes {"error", "key", "hint"}. `key` NULL: the refusal is not about a key. The texts are copied;
   the caller owns the object. NULL: out of memory. */
json_t *api_refusal(const char *error, const char *key, const char *hint);

/* The same from one line: the text behind its first "; " is the hint. */
json_t *api_refusal_line(const char *line, const char *key);

/* Rounds seconds to the millisecond, as events have them. */
double api_seconds(double seconds);

#endif
