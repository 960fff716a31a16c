/*
 * A share from 0 to 1, as people write it: "30%" or "0.3". It is an integer number of billionths,
 * so a printed share reads back as the same value, and the locale does not matter.
 */
#ifndef COMMON_SHARE_H
#define COMMON_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

#define SHARE_ONE UINT32_C(1000000000) /* 100 % */

enum { SHARE_TEXT_MAX = 16 }; /* enough bytes for "12.3456789%" with its NUL */

/*
 * Reads a number with "%" behind it (at most 7 decimals), or a number with a decimal point (at most
 * 9). "0" needs neither. A bare "30" or "1" is refused: it could mean percent or a fraction, 1 % or
 * 100 %. False with `err` (STATUS_USAGE, with a hint); `*share` is then left as it was.
 */
bool share_parse(uint32_t *share, const char *text, struct err *err);

/* Writes "30%" or "0.05%": the shortest text that is exact. */
void share_format(char text[SHARE_TEXT_MAX], uint32_t share);

/* The share as 0.0 to 1.0. */
double share_real(uint32_t share);

#endif
