#include "servers/commands/seed.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

bool seed_parse(uint64_t *seed, const char *text, struct err *err)
{
	char *end;
	errno = 0;
	unsigned long long parsed = strtoull(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || parsed > INT64_MAX) {
		err_set(err, STATUS_USAGE, "--seed: \"%s\" is not a whole number from 0 to %lld",
			text, (long long)INT64_MAX);
		return false;
	}
	*seed = parsed;
	return true;
}

uint64_t seed_draw(void)
{
	uint64_t seed = 0;
	if (getrandom(&seed, sizeof seed, 0) == sizeof seed)
		seed >>= 32;
	return seed;
}
