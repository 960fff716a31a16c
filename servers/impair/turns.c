#include "servers/impair/turns.h"

#include <math.h>
#include <string.h>

#include "common/quantity.h"
#include "common/wire.h"

static const double HOUR = 3600;
/* Seconds. A shorter turn would be over before a client tries for the second time. */
static const double PERIOD_MIN = 0.1, PERIOD_MAX = 86400;

static const struct {
	const char *text;
	struct turns turns;
} words[] = {
	{ "hour", { .kind = TURNS_HOUR } },
	{ "4", { .kind = TURNS_FIXED, .families = TURN_4 } },
	{ "6", { .kind = TURNS_FIXED, .families = TURN_6 } },
	{ "both", { .kind = TURNS_FIXED, .families = TURN_4 | TURN_6 } },
};

bool turns_parse(struct turns *turns, const char *text, struct err *err)
{
	static const char alternate[] = "alternate:";
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(text, words[i].text) == 0) {
			*turns = words[i].turns;
			return true;
		}
	}
	*turns = (struct turns){ .kind = TURNS_ALTERNATE };
	if (strncmp(text, alternate, sizeof alternate - 1) == 0 &&
		duration_parse(text + sizeof alternate - 1, &turns->period) &&
		turns->period >= PERIOD_MIN && turns->period <= PERIOD_MAX)
		return true;
	char shown[WIRE_ESCAPED_MAX];
	wire_escape(shown, text, strlen(text));
	err_set(err, STATUS_USAGE,
		"\"%s\" is not hour, 4, 6, both or alternate:10s (from %g to %g s)", shown,
		PERIOD_MIN, PERIOD_MAX);
	return false;
}

/* IPv4 in even periods, IPv6 in odd ones. */
static unsigned in_turn(double time, double period, double *left)
{
	double number = floor(time / period);
	*left = (number + 1) * period - time;
	return fmod(number, 2) == 0 ? TURN_4 : TURN_6;
}

unsigned turns_active(const struct turns *turns, double since_start, double since_midnight,
	double *left)
{
	switch (turns->kind) {
	case TURNS_HOUR:
		return in_turn(since_midnight, HOUR, left);
	case TURNS_ALTERNATE:
		return in_turn(since_start, turns->period, left);
	case TURNS_FIXED:
		break;
	}
	*left = INFINITY;
	return turns->families;
}
