/*
 * A share from 0 to 1 as people write it: "30%" or "0.3". It is kept as a whole number of
 * billionths, so that what is printed reads back as the same value and nothing depends on the
 * locale.
 */
#ifndef COMMON_SHARE_H
#define COMMON_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

#define SHARE_ONE UINT32_C(1000000000) /* 100 % */

enum { SHARE_TEXT_MAX = 16 }; /* bytes of "12.3456789%" with its NUL, and some */

/*
 * A number with "%" behind it (at most 7 decimals), or with a point in it (at most 9); "0" needs
 * neither. A bare "30" or "1" is refused, since nobody can tell 1 % from 100 %. False:
 * STATUS_USAGE, one line with the hint.
 */
bool share_parse(uint32_t *share, const char *text, struct err *err);

/* "30%", "0.05%"; as short as it is exact. */
void share_format(char text[SHARE_TEXT_MAX], uint32_t share);

/* 0.0 to 1.0 */
double share_real(uint32_t share);

#endif
