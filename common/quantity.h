/*
 * Numbers with a unit, as people write them: "1.5KiB", "20ms". They are read as integers of the
 * smallest unit. strtod(3) is not used, so the locale does not matter, and a printed number reads
 * back as the same number.
 */
#ifndef COMMON_QUANTITY_H
#define COMMON_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* A list of units. The row with the name "" is for a number without a unit. A row with a NULL name
   ends the list. */
struct quantity_unit {
	const char *name;
	int64_t size; /* in the smallest unit */
};

/* us, ms, s, m, h. The smallest unit is the microsecond; a number without a unit is in seconds. */
extern const struct quantity_unit quantity_durations[];

/*
 * Reads digits, then a unit in upper or lower case, with or without blanks between them. With
 * `fraction` one decimal point is allowed among or around the digits. False: the text is no such
 * number, is no whole number of the smallest unit ("0.3" bytes), or is too large. `*number` is then
 * left as it was.
 */
bool quantity_parse(const struct quantity_unit *units, bool fraction, const char *text,
	int64_t *number);

/* Reads a duration with the units of quantity_durations: "500us", "20ms", "1.5s", "2m", "1h".
   False: it is none, and `*seconds` is left as it was. */
bool duration_parse(const char *text, double *seconds);

#endif
