/* Checks UTF-8 in portions of any size (RFC 3629): no surrogates, no overlong forms, nothing over
   U+10FFFF. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The state of the check. All zero at the start of a text. */
struct utf8 {
	unsigned char missing;   /* bytes that the current character still needs */
	unsigned char low, high; /* the range of the next of them */
};

/* Checks the next `len` bytes. False: no continuation can make the text valid; do not feed more. */
bool utf8_feed(struct utf8 *utf8, const void *data, size_t len);

/* True between two characters: the text may end here. */
bool utf8_complete(const struct utf8 *utf8);

/* Replaces each byte that belongs to no complete character with "?", in place. For a text that was
   truncated inside a character. */
void utf8_mend(char *text);

/* The length in bytes (1 to 4) of the character at the start of `data`. 0: it is no UTF-8, or the
   character is not complete within `len` bytes. */
size_t utf8_character(const void *data, size_t len);

#endif
