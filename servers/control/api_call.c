/* Reads requests and writes answers, for all calls. */
#include "servers/control/api_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

const char api_type[] = "application/json";

/* ---- reading ---- */

static bool is_known(const char *name, const char *const *known)
{
	while (*known && strcmp(name, *known) != 0)
		known++;
	return *known;
}

/* Writes "there are since, event" for the names in `known`. */
static void list_known(char *text, size_t size, const char *const *known)
{
	size_t used = (size_t)snprintf(text, size, *known ? "there are" : "there is none");
	for (size_t i = 0; known[i] && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s %s", i ? "," : "", known[i]);
}

bool api_parameters(struct http_request *request, const char *const *known)
{
	const char *name, *value;
	for (size_t i = 0; http_request_parameter_at(request, i, &name, &value); i++) {
		if (is_known(name, known))
			continue;
		char hint[256];
		list_known(hint, sizeof hint, known);
		api_refuse(request, 400, name, hint, "there is no parameter \"%s\"", name);
		return false;
	}
	return true;
}

json_t *api_json(struct http_request *request)
{
	const char *type = http_request_header(request, "Content-Type");
	size_t len, type_len = strlen(api_type);
	const char *body = http_request_body(request, &len);
	if (type &&
		(strncasecmp(type, api_type, type_len) != 0 || !strchr("; \t", type[type_len]))) {
		api_refuse(request, 415, NULL, "Content-Type: application/json",
			"the body is not said to be JSON");
		return NULL;
	}
	json_error_t error;
	json_t *json = json_loadb(body, len, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		api_refuse(request, 400, NULL, "", "the body is no JSON: line %d, column %d: %s",
			error.line, error.column, error.text);
	return json;
}

json_t *api_body(struct http_request *request, const char *const *known)
{
	size_t len;
	http_request_body(request, &len);
	json_t *object = len > 0 ? api_json(request) : json_object();
	if (!object)
		return NULL;
	if (!json_is_object(object)) {
		json_decref(object);
		api_refuse(request, 400, NULL, "such as {\"pmu.messages\": 5}",
			"the body is no JSON object");
		return NULL;
	}
	const char *name;
	json_t *value;
	json_object_foreach(object, name, value) {
		if (!known || is_known(name, known))
			continue;
		char hint[256];
		list_known(hint, sizeof hint, known);
		api_refuse(request, 422, name, hint, "there is no member \"%s\"", name);
		json_decref(object);
		return NULL;
	}
	return object;
}

bool api_number(const char *text, uint64_t *number)
{
	size_t len = strlen(text);
	errno = 0;
	*number = strtoull(text, NULL, 10);
	return len > 0 && strspn(text, "0123456789") == len && errno == 0;
}

const char *api_who(const struct http_request *request)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	const char *who = http_request_header(request, "Pmulab-Who");
	size_t len = who ? strlen(who) : 0;
	if (len > 0 && len <= 32 && strspn(who, plain) == len)
		return who;
	return !http_request_is_unix(request) && http_request_header(request, "Cookie") ? "page"
											: "control";
}

void api_no_endpoint(struct http_request *request, unsigned status, const char *name)
{
	const char *names[ENDPOINT_COUNT + 1] = { NULL };
	for (int id = 0; id < ENDPOINT_COUNT; id++)
		names[id] = endpoint_table[id].name;
	char hint[256];
	list_known(hint, sizeof hint, names);
	api_refuse(request, status, "endpoint", hint, "there is no endpoint \"%s\"", name);
}

/* ---- answering ---- */

void api_answer(struct http_request *request, unsigned status, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
	json_decref(json);
	if (text)
		http_respond(request, status, api_type, text, strlen(text), NULL);
	else
		http_refuse(request, 500, NULL, "out of memory", "");
	free(text);
}

void api_answer_errors(struct http_request *request, unsigned status, json_t *errors)
{
	json_t *answer = json_object();
	json_object_update(answer, json_array_get(errors, 0));
	json_object_set(answer, "errors", errors);
	api_answer(request, status, answer);
}

void api_refuse(struct http_request *request, unsigned status, const char *key, const char *hint,
	const char *format, ...)
{
	char error[512];
	va_list args;
	va_start(args, format);
	vsnprintf(error, sizeof error, format, args);
	va_end(args);
	utf8_mend(error); /* a quoted text may have been cut inside a character */
	api_answer(request, status, api_refusal(error, key, hint));
}

size_t api_write_refusal(void *context, const char *error, const char *hint, char *body,
	size_t size)
{
	json_t *json = api_refusal(error, NULL, hint);
	size_t len = json ? json_dumpb(json, body, size, JSON_COMPACT) : 0;
	json_decref(json);
	if (len > 0 && len <= size)
		return len;
	return (size_t)snprintf(body, size, "{\"error\":\"refused\",\"key\":null,\"hint\":\"\"}");
}
