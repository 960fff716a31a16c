#include "servers/texts/flood.h"

#include <stdlib.h>
#include <string.h>

#include "servers/texts/text.h"

/* Puts spaces in the place of a character that is cut at the end. In UTF-8 a character is a lead
   byte, then bytes of the form 10xxxxxx (RFC 3629, section 3). */
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
	size_t len = text_read("pmu.flood_text", file, text, size, err);
	if (len == 0) {
		free(text);
		return NULL;
	}
	/* Doubles the text until it is long enough. */
	for (size_t have = len; have < size; have *= 2)
		memcpy(text + have, text, have < size - have ? have : size - have);
	blank_cut_character(text, size);
	return text;
}
