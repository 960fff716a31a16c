/* Checks UTF-8 against the syntax of RFC 3629 section 4. Only the second byte of a character has a
   range that depends on the first one. */
#include "common/utf8.h"

#include <string.h>

static bool utf8_begin(struct utf8 *utf8, unsigned char byte)
{
	utf8->low = 0x80;
	utf8->high = 0xbf;
	if (byte >= 0xc2 && byte <= 0xdf) {
		utf8->missing = 1;
	} else if (byte >= 0xe0 && byte <= 0xef) {
		utf8->missing = 2;
		if (byte == 0xe0)
			utf8->low = 0xa0; /* below: overlong forms */
		else if (byte == 0xed)
			utf8->high = 0x9f; /* above: surrogates */
	} else if (byte >= 0xf0 && byte <= 0xf4) {
		utf8->missing = 3;
		if (byte == 0xf0)
			utf8->low = 0x90;
		else if (byte == 0xf4)
			utf8->high = 0x8f; /* above: over U+10FFFF */
	} else {
		return false;
	}
	return true;
}

bool utf8_feed(struct utf8 *utf8, const void *data, size_t len)
{
	const unsigned char *bytes = data;
	for (size_t i = 0; i < len; i++) {
		if (utf8->missing == 0) {
			if (bytes[i] >= 0x80 && !utf8_begin(utf8, bytes[i]))
				return false;
			continue;
		}
		if (bytes[i] < utf8->low || bytes[i] > utf8->high)
			return false;
		utf8->missing--;
		utf8->low = 0x80;
		utf8->high = 0xbf;
	}
	return true;
}

bool utf8_complete(const struct utf8 *utf8)
{
	return utf8->missing == 0;
}

size_t utf8_character(const void *data, size_t len)
{
	enum { LONGEST = 4 };
	struct utf8 utf8 = { 0 };
	for (size_t i = 0; i < len && i < LONGEST && utf8_feed(&utf8, (const char *)data + i, 1);
		i++)
		if (utf8_complete(&utf8))
			return i + 1;
	return 0;
}

void utf8_mend(char *text)
{
	for (size_t left = strlen(text), len; left > 0; text += len, left -= len) {
		len = utf8_character(text, left);
		if (len == 0) {
			*text = '?';
			len = 1;
		}
	}
}
