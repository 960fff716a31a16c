/*
 * Writes a flat JSON object (RFC 8259) from left to right. Names are the program's own and need no
 * escape. Strings may come from a peer, so they are escaped, and made valid UTF-8.
 */
#include "common/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

/* Keeps two bytes free for "}" and the NUL. */
static void put(struct json *json, const char *text, size_t len)
{
	if (json->overflow || json->size < 2 || len > json->size - 2 - json->len) {
		json->overflow = true;
		return;
	}
	memcpy(json->text + json->len, text, len);
	json->len += len;
}

static void put_text(struct json *json, const char *text)
{
	put(json, text, strlen(text));
}

static void put_name(struct json *json, const char *name)
{
	if (json->comma)
		put_text(json, ",");
	json->comma = true;
	put_text(json, "\"");
	put_text(json, name);
	put_text(json, "\":");
}

void json_begin(struct json *json, char *text, size_t size)
{
	*json = (struct json){ .text = text, .size = size };
	put_text(json, "{");
}

void json_put_integer(struct json *json, const char *name, int64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRId64, value);
	json_put_raw(json, name, text);
}

static void json_decimals(struct json *json, const char *name, double value, int decimals)
{
	char text[340]; /* the largest double has 309 digits */
	snprintf(text, sizeof text, "%.*f", decimals, value);
	json_put_raw(json, name, isfinite(value) ? text : "null"); /* JSON has no infinity */
}

void json_put_real(struct json *json, const char *name, double value)
{
	json_decimals(json, name, value, 3);
}

void json_put_share(struct json *json, const char *name, double value)
{
	json_decimals(json, name, value, 9);
}

void json_put_bool(struct json *json, const char *name, bool value)
{
	json_put_raw(json, name, value ? "true" : "false");
}

void json_put_string(struct json *json, const char *name, const char *text)
{
	if (!text) {
		json_put_raw(json, name, "null");
		return;
	}
	put_name(json, name);
	put_text(json, "\"");
	for (const unsigned char *at = (const unsigned char *)text; *at;) {
		/* At most four bytes. The NUL continues no character: nothing behind it is read. */
		size_t len = utf8_character(at, 4);
		char escape[8];
		if (len == 0) {
			put_text(json, "\xef\xbf\xbd"); /* U+FFFD */
			at++;
			continue;
		}
		if (*at == '"' || *at == '\\') {
			snprintf(escape, sizeof escape, "\\%c", *at);
			put_text(json, escape);
		} else if (*at == '\n') {
			put_text(json, "\\n");
		} else if (*at == '\r') {
			put_text(json, "\\r");
		} else if (*at == '\t') {
			put_text(json, "\\t");
		} else if (*at < 0x20) {
			snprintf(escape, sizeof escape, "\\u%04x", *at);
			put_text(json, escape);
		} else {
			put(json, (const char *)at, len);
		}
		at += len;
	}
	put_text(json, "\"");
}

void json_put_raw(struct json *json, const char *name, const char *text)
{
	put_name(json, name);
	put_text(json, text);
}

size_t json_end(struct json *json)
{
	if (json->overflow) {
		if (json->size > 0)
			json->text[0] = '\0';
		return 0;
	}
	json->text[json->len++] = '}';
	json->text[json->len] = '\0';
	return json->len;
}
