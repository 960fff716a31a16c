/* Reads the values of options: integers and times. */
#include "common/cli/cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool cli_integer(const char *option, const char *text, long min, long max, long *value,
	struct err *err)
{
	/* strtol(3) alone would accept blanks and "+" too */
	const char *digits = *text == '-' ? text + 1 : text;
	size_t len = strspn(digits, "0123456789");
	if (len == 0 || digits[len] != '\0') {
		err_set(err, STATUS_USAGE, "%s: \"%s\" is not a whole number", option, text);
		return false;
	}
	errno = 0;
	long parsed = strtol(text, NULL, 10);
	if (errno == ERANGE || parsed < min || parsed > max) {
		err_set(err, STATUS_USAGE, "%s: %s is outside of %ld..%ld", option, text, min, max);
		return false;
	}
	*value = parsed;
	return true;
}

bool cli_seconds(const char *option, const char *text, double *value, struct err *err)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "ms", 0.001 }, { "m", 60 } };

	size_t whole = strspn(text, "0123456789");
	const char *rest = text + whole;
	size_t fraction = 0;
	if (*rest == '.') {
		fraction = strspn(rest + 1, "0123456789");
		rest += 1 + fraction;
	}
	if (whole + fraction > 0)
		for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
			if (strcmp(rest, units[i].name) == 0) {
				double seconds = strtod(text, NULL) * units[i].seconds;
				if (!isfinite(seconds))
					break;
				*value = seconds;
				return true;
			}
	err_set(err, STATUS_USAGE,
		"%s: \"%s\" is not a time; write seconds as 1, 0.5, 500ms, 2s or 1m", option, text);
	return false;
}
