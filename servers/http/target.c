/*
 * The target of a request (RFC 9112, section 3.2): a path and a query, decoded. What two programs
 * could read differently (dot segments, encoded slashes, backslashes, NUL) is refused and not
 * corrected: browsers and curl resolve dot segments themselves.
 */
#include <string.h>

#include "common/utf8.h"
#include "servers/http/http_private.h"

#define CODED "write what is neither a letter nor a digit as %XX: \"%\" itself as %25"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool refuse(struct http_target *target, const char *error, const char *hint)
{
	target->error = error;
	target->hint = hint;
	return false;
}

/* Decodes `len` bytes to `*to` with a NUL, and moves `*to` behind the NUL. `plus`: "+" is a
   space. */
static bool decode(struct http_target *target, char **to, const char *raw, size_t len, bool plus)
{
	char *start = *to, *end = *to;
	for (size_t i = 0; i < len; i++) {
		char c = raw[i];
		if (c == '%') {
			int high = i + 1 < len ? hex(raw[i + 1]) : -1;
			int low = i + 2 < len ? hex(raw[i + 2]) : -1;
			if (high < 0 || low < 0)
				return refuse(target,
					"a \"%\" in the target has no two "
					"hexadecimal digits behind it",
					CODED);
			c = (char)(high << 4 | low);
			i += 2;
			if (!plus && c == '/')
				return refuse(target, "a path has no coded slash (%2F)", "");
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if ((unsigned char)c < ' ' || c == 0x7f)
			return refuse(target, "the target holds a control character", "");
		*end++ = c;
	}
	*end = '\0';
	*to = end + 1;
	struct utf8 utf8 = { 0 };
	if (!utf8_feed(&utf8, start, (size_t)(end - start)) || !utf8_complete(&utf8))
		return refuse(target, "the target is not UTF-8", CODED);
	return true;
}

static bool path_is_plain(struct http_target *target)
{
	for (const char *segment = target->path; *segment == '/';) {
		size_t len = strcspn(++segment, "/");
		if (len == 0 && segment[0] == '/')
			return refuse(target, "a path has no empty segment (//)", "");
		if ((len == 1 && segment[0] == '.') || (len == 2 && strncmp(segment, "..", 2) == 0))
			return refuse(target, "a path has no \".\" and no \"..\"", "");
		segment += len;
	}
	return true;
}

static bool read_query(struct http_target *target, char *to, const char *query)
{
	while (*query) {
		size_t len = strcspn(query, "&");
		size_t name_len = strcspn(query, "=&");
		if (len > 0) {
			if (target->count == HTTP_PARAMETERS_MAX)
				return refuse(target, "the query has more parameters than 32", "");
			struct http_pair *pair = &target->parameters[target->count++];
			pair->name = to;
			if (!decode(target, &to, query, name_len, true))
				return false;
			size_t skip = name_len < len ? name_len + 1 : len;
			pair->value = to;
			if (!decode(target, &to, query + skip, len - skip, true))
				return false;
		}
		query += len;
		query += *query == '&';
	}
	return true;
}

bool http_target_read(struct http_target *target, const char *raw)
{
	target->count = 0;
	for (const char *c = raw; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '\\' || *c == '#')
			return refuse(target, "the target holds what has to be coded", CODED);
	if (*raw != '/')
		return refuse(target, "a target begins with \"/\": this is no proxy", "");
	size_t path_len = strcspn(raw, "?");
	char *to = target->text;
	target->path = to;
	if (!decode(target, &to, raw, path_len, false))
		return false;
	if (strchr(target->path, '\\'))
		return refuse(target, "a path has no backslash", "");
	return path_is_plain(target) &&
	       (raw[path_len] == '\0' || read_query(target, to, raw + path_len + 1));
}
