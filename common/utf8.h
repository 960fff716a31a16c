/* Checks UTF-8 as it comes in, in any portions: no surrogates, no overlong forms, nothing over
   U+10FFFF. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed: at the start of a text. */
struct utf8 {
	unsigned char missing; /* bytes of the character under way */
	unsigned char low, high; /* what the next one may be */
};

/* False as soon as no continuation could make it valid; nothing is to be fed after that. */
bool utf8_feed(struct utf8 *utf8, const void *data, size_t len);

/* True between characters: the text may end here. */
bool utf8_complete(const struct utf8 *utf8);

/* Each byte that belongs to no whole character becomes a "?": for a text that was cut. */
void utf8_mend(char *text);

/* Bytes of the character that `data` begins with; 0: it is no UTF-8, or the rest of it is
   missing. */
size_t utf8_character(const void *data, size_t len);

#endif
