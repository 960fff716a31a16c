/* Finds the function for a path and a method, in a table that is read from its top. */
#include <stdio.h>
#include <string.h>

#include "servers/http/http_private.h"

enum { ALLOW_SIZE = 128 };

/* Whether `path` matches. A "*" matches one segment, which is copied to `part`. */
static bool path_fits(const char *pattern, const char *path, char part[HTTP_PART_SIZE])
{
	part[0] = '\0';
	const char *star = strchr(pattern, '*');
	if (!star)
		return strcmp(pattern, path) == 0;
	size_t before = (size_t)(star - pattern);
	if (strncmp(pattern, path, before) != 0)
		return false;
	size_t len = strcspn(path + before, "/");
	if (len == 0 || len >= HTTP_PART_SIZE || strcmp(star + 1, path + before + len) != 0)
		return false;
	memcpy(part, path + before, len);
	part[len] = '\0';
	return true;
}

static void allow(char text[ALLOW_SIZE], const char *method)
{
	if (*text)
		strncat(text, ", ", ALLOW_SIZE - strlen(text) - 1);
	strncat(text, method, ALLOW_SIZE - strlen(text) - 1);
	if (strcmp(method, "GET") == 0)
		allow(text, "HEAD");
}

void http_route(const struct http_route *routes, size_t count, void *context,
	struct http_request *request)
{
	const char *path = http_request_path(request), *method = http_request_method(request);
	const char *row_method = http_request_is_head(request) ? "GET" : method;
	char allowed[ALLOW_SIZE] = "";
	for (size_t i = 0; i < count; i++) {
		if (!path_fits(routes[i].path, path, request->part))
			continue;
		if (strcmp(routes[i].method, row_method) == 0) {
			routes[i].on_request(context, request);
			return;
		}
		allow(allowed, routes[i].method);
	}
	request->part[0] = '\0';
	if (!*allowed) {
		http_refuse(request, 404, NULL, "there is nothing at this path", "");
		return;
	}
	allow(allowed, "OPTIONS");
	const struct http_header headers[] = { { "Allow", allowed }, { NULL, NULL } };
	char hint[ALLOW_SIZE + 32];
	snprintf(hint, sizeof hint, "it takes %s", allowed);
	if (strcmp(method, "OPTIONS") == 0)
		http_respond(request, 204, NULL, NULL, 0, headers);
	else
		http_refuse(request, 405, headers, "this path does not take this method", hint);
}
