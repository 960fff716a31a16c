#include "servers/flood.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flood_text.h"

/* Reads at most `size` bytes of `file` into `text`. 0 with `err`: nothing could be read. */
static size_t read_text(const char *file, char *text, size_t size, struct err *err)
{
	FILE *in = fopen(file, "re");
	size_t len = in ? fread(text, 1, size, in) : 0;
	if (!in || ferror(in))
		err_set(err, STATUS_USAGE, "pmu.flood_text: %s: %s", file, strerror(errno));
	else if (len == 0)
		err_set(err, STATUS_USAGE, "pmu.flood_text: %s: is empty", file);
	bool failed = !in || ferror(in);
	if (in)
		fclose(in);
	return failed ? 0 : len;
}

/* A character of UTF-8 is a lead byte and bytes of the form 10xxxxxx (RFC 3629, section 3). */
static void blank_cut_character(char *text, size_t size)
{
	size_t tail = 0;
	while (tail < 3 && tail + 1 < size && ((unsigned char)text[size - 1 - tail] & 0xC0) == 0x80)
		tail++;
	unsigned char lead = (unsigned char)text[size - 1 - tail];
	size_t needs = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
	if (needs > tail)
		memset(text + size - 1 - tail, ' ', tail + 1);
}

char *flood_create(const char *file, size_t size, struct err *err)
{
	char *text = malloc(size);
	if (!text) {
		err_set(err, STATUS_FAILED, "out of memory for a flood of %zu bytes", size);
		return NULL;
	}
	size_t len;
	if (*file) {
		len = read_text(file, text, size, err);
		if (len == 0) {
			free(text);
			return NULL;
		}
	} else {
		len = sizeof flood_text - 1 < size ? sizeof flood_text - 1 : size;
		memcpy(text, flood_text, len);
	}
	/* Doubles what is there until it is long enough. */
	for (size_t have = len; have < size; have *= 2)
		memcpy(text + have, text, have < size - have ? have : size - have);
	blank_cut_character(text, size);
	return text;
}
