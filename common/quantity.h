/*
 * Numbers with a unit, as people write them: "1.5KiB", "20ms". They are read as integers of the
 * smallest unit and never through strtod(3), so nothing depends on the locale, and what is printed
 * reads back as the same number.
 */
#ifndef COMMON_QUANTITY_H
#define COMMON_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* The first row of a list is a bare number's; a row with a NULL name ends it. */
struct quantity_unit {
	const char *name;
	int64_t size; /* in the smallest unit */
};

/* us, ms, s, m, h; the smallest unit is the microsecond, a bare number is seconds. */
extern const struct quantity_unit quantity_durations[];

/*
 * Reads digits, with at most one point among them where `fraction` says so, then a unit in any
 * case. False: it is no such number, or no whole one in the smallest unit ("0.3" bytes), or too
 * large; `*number` is left as it was.
 */
bool quantity_parse(const struct quantity_unit *units, bool fraction, const char *text,
	int64_t *number);

/* Reads a duration of quantity_durations: "500us", "20ms", "1.5s", "2m", "1h". */
bool duration_parse(const char *text, double *seconds);

#endif
