#include "servers/control/api_json.h"

#include <math.h>
#include <string.h>

json_t *api_refusal(const char *error, const char *key, const char *hint)
{
	return json_pack("{s:s, s:s?, s:s}", "error", error, "key", key, "hint", hint);
}

json_t *api_refusal_line(const char *line, const char *key)
{
	const char *semicolon = strstr(line, "; ");
	int len = semicolon ? (int)(semicolon - line) : (int)strlen(line);
	return json_pack("{s:s%, s:s?, s:s}", "error", line, (size_t)len, "key", key, "hint",
		semicolon ? semicolon + 2 : "");
}

double api_seconds(double seconds)
{
	return round(seconds * 1000) / 1000;
}
