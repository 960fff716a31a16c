#include "servers/texts/play.h"

#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "servers/texts/text.h"

static const char key[] = "tv.text";

/* The number of the first line that is not UTF-8, from 1 on; 0: all lines are UTF-8. */
static size_t find_bad_line(const char *text, size_t len)
{
	size_t number = 0;
	for (size_t at = 0; at < len;) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t end = newline ? (size_t)(newline - text) : len;
		struct utf8 utf8 = { 0 };
		number++;
		if (!utf8_feed(&utf8, text + at, end - at) || !utf8_complete(&utf8))
			return number;
		at = end + 1;
	}
	return 0;
}

char *play_create(const char *file, size_t *len, struct err *err)
{
	char *text = malloc(PLAY_BYTES_MAX + 1);
	if (!text) {
		err_set(err, STATUS_FAILED, "%s: out of memory", key);
		return NULL;
	}
	*len = text_read(key, file, text, PLAY_BYTES_MAX + 1, err);
	if (*len == 0)
		goto fail;
	if (*len > PLAY_BYTES_MAX) {
		err_set(err, STATUS_USAGE, "%s: %s: is larger than %d bytes", key, file,
			PLAY_BYTES_MAX);
		goto fail;
	}
	size_t bad = find_bad_line(text, *len);
	if (bad > 0) {
		err_set(err, STATUS_USAGE, "%s: %s: line %zu is not UTF-8", key, file, bad);
		goto fail;
	}
	char *fitting = realloc(text, *len);
	return fitting ? fitting : text;
fail:
	free(text);
	return NULL;
}
