#include "common/share.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/wire.h"

/* The decimals of a fraction, and of a percentage, which has two less. */
enum { DECIMALS = 9, PERCENT_DECIMALS = DECIMALS - 2 };
enum { SHOWN = 40 }; /* bytes of the text that an error quotes */

/* Digits with at most one point among or around them. `value` is in units of 10^-decimals. */
struct decimal {
	uint64_t value; /* stays below 10^18 */
	bool point;
	bool precise;   /* the decimals that were cut are all zeros */
	bool large;     /* `value` was limited; it is larger than any share */
};

static bool decimal_parse(struct decimal *decimal, const char *text, size_t len, int decimals)
{
	*decimal = (struct decimal){ .precise = true };
	bool digit = false;
	for (const char *at = text; at < text + len; at++) {
		if (*at == '.' && !decimal->point) {
			decimal->point = true;
			continue;
		}
		if (*at < '0' || *at > '9')
			return false;
		digit = true;
		if (decimal->point && decimals-- <= 0) {
			decimal->precise = decimal->precise && *at == '0';
			continue;
		}
		decimal->value = 10 * decimal->value + (uint64_t)(*at - '0');
		if (decimal->value > 100 * (uint64_t)SHARE_ONE) {
			decimal->large = true;
			decimal->value = 100 * (uint64_t)SHARE_ONE;
		}
	}
	for (; decimals > 0 && decimal->value <= 100 * (uint64_t)SHARE_ONE; decimals--)
		decimal->value *= 10;
	return digit;
}

bool share_parse(uint32_t *share, const char *text, struct err *err)
{
	size_t len = strlen(text);
	bool percent = len > 0 && text[len - 1] == '%';
	struct decimal decimal;
	if (!decimal_parse(&decimal, text, percent ? len - 1 : len,
		    percent ? PERCENT_DECIMALS : DECIMALS)) {
		char shown[WIRE_ESCAPED_MAX];
		wire_escape(shown, text, len);
		err_set(err, STATUS_USAGE, "\"%s\" is no share; write 30%% or 0.3", shown);
		return false;
	}
	if (!percent && !decimal.point && decimal.value > 0) {
		/* A bare 30 may mean 30 %; a bare 130 means nothing. */
		uint64_t meant = decimal.value / 100;
		char fraction[SHARE_TEXT_MAX + 8];
		if (decimal.large || meant > SHARE_ONE) {
			err_set(err, STATUS_USAGE, "\"%.*s\" is over 100 %%; write 30%% or 0.3",
				SHOWN, text);
			return false;
		}
		snprintf(fraction, sizeof fraction, "%" PRIu64 ".%02" PRIu64, meant / SHARE_ONE,
			meant % SHARE_ONE / (SHARE_ONE / 100));
		size_t last = strlen(fraction) - 1;
		if (fraction[last] == '0')
			fraction[last] = '\0';
		err_set(err, STATUS_USAGE,
			"\"%.*s\" could be percent or a fraction; write %.*s%% or %s", SHOWN, text,
			SHOWN, text, fraction);
		return false;
	}
	if (decimal.value > SHARE_ONE) {
		err_set(err, STATUS_USAGE, "\"%.*s\" is over %s", SHOWN, text,
			percent ? "100 %" : "1; write a percentage with %, as 30%");
		return false;
	}
	if (!decimal.precise) {
		err_set(err, STATUS_USAGE, "\"%.*s\" has more than %d decimals", SHOWN, text,
			percent ? PERCENT_DECIMALS : DECIMALS);
		return false;
	}
	*share = (uint32_t)decimal.value;
	return true;
}

void share_format(char text[SHARE_TEXT_MAX], uint32_t share)
{
	const uint32_t percent = SHARE_ONE / 100;
	int len = snprintf(text, SHARE_TEXT_MAX - 1, "%" PRIu32 ".%0*" PRIu32, share / percent,
		PERCENT_DECIMALS, share % percent);
	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	text[len++] = '%';
	text[len] = '\0';
}

double share_real(uint32_t share)
{
	return share / (double)SHARE_ONE;
}
