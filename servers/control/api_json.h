/* What the API's answers and a scenario's events show alike, as JSON. */
#ifndef SERVERS_CONTROL_API_JSON_H
#define SERVERS_CONTROL_API_JSON_H

#include <jansson.h>

/* {"error", "key", "hint"}; `key` NULL: about none. All texts are copied. The caller's; NULL: out
   of memory. */
json_t *api_refusal(const char *error, const char *key, const char *hint);

/* The same from one line: what stands behind its first "; " is the hint. */
json_t *api_refusal_line(const char *line, const char *key);

/* Seconds to the millisecond, as events have them. */
double api_seconds(double seconds);

#endif
