#include "common/quantity.h"

#include <string.h>
#include <strings.h>

#define SECOND INT64_C(1000000)

const struct quantity_unit quantity_durations[] = { { "", SECOND }, { "us", 1 },
	{ "ms", SECOND / 1000 }, { "s", SECOND }, { "m", 60 * SECOND }, { "h", 3600 * SECOND },
	{ NULL, 0 } };

bool quantity_parse(const struct quantity_unit *units, bool fraction, const char *text,
	int64_t *number)
{
	int64_t mantissa = 0, scale = 1;
	bool point = false, digit = false;
	for (; (*text >= '0' && *text <= '9') || (*text == '.' && fraction && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		digit = true;
		if (__builtin_mul_overflow(mantissa, 10, &mantissa) ||
			__builtin_add_overflow(mantissa, *text - '0', &mantissa) ||
			(point && __builtin_mul_overflow(scale, 10, &scale)))
			return false;
	}
	if (!digit)
		return false;
	while (scale > 1 && mantissa % 10 == 0) {
		mantissa /= 10;
		scale /= 10;
	}
	const char *name = text + strspn(text, " \t");
	for (const struct quantity_unit *unit = units; unit->name; unit++) {
		if (strcasecmp(unit->name, name) != 0)
			continue;
		int64_t product;
		if (__builtin_mul_overflow(mantissa, unit->size, &product) || product % scale != 0)
			return false;
		*number = product / scale;
		return true;
	}
	return false;
}

bool duration_parse(const char *text, double *seconds)
{
	int64_t number;
	if (!quantity_parse(quantity_durations, true, text, &number))
		return false;
	*seconds = (double)number / (double)SECOND;
	return true;
}
