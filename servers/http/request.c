/* The handler's view of a request that parse.c has accepted. */
#include <string.h>
#include <strings.h>

#include "servers/http/http_private.h"

static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };

bool http_request_is_head(const struct http_request *r)
{
	return r->head_done && llhttp_get_method((llhttp_t *)&r->parser) == HTTP_HEAD;
}

const char *http_request_method(const struct http_request *r)
{
	const char *name = llhttp_method_name((llhttp_method_t)r->parser.method);
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (strcmp(methods[i], name) == 0)
			return methods[i];
	return NULL;
}

const char *http_request_path(const struct http_request *r)
{
	return r->target.path;
}

void http_request_skip(struct http_request *r, size_t len)
{
	r->target.path += len;
}

const char *http_request_target(const struct http_request *r)
{
	return r->raw_target;
}

const char *http_request_parameter(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->target.count; i++)
		if (strcmp(r->target.parameters[i].name, name) == 0)
			return r->target.parameters[i].value;
	return NULL;
}

bool http_request_parameter_at(const struct http_request *r, size_t i, const char **name,
	const char **value)
{
	if (i >= r->target.count)
		return false;
	*name = r->target.parameters[i].name;
	*value = r->target.parameters[i].value;
	return true;
}

const char *http_request_header(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

const char *http_request_body(const struct http_request *r, size_t *len)
{
	*len = r->body_len;
	return r->body ? r->body : "";
}

bool http_request_is_unix(const struct http_request *r)
{
	return r->conn->listener->path != NULL;
}

const char *http_request_peer(const struct http_request *r)
{
	return r->conn->peer;
}

const struct address *http_request_local(const struct http_request *r)
{
	return http_request_is_unix(r) ? NULL : &r->conn->local;
}

const char *http_request_part(const struct http_request *r)
{
	return r->part;
}
