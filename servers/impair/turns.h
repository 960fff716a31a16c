/*
 * Which address family is served, and when. The lab's reset server ran on IPv4 or on IPv6,
 * depending on the time of day. Pure: the time is an input.
 *
 *   hour            IPv4 in even hours of the local time, IPv6 in odd ones
 *   4, 6, both      always these
 *   alternate:10s   in turn, IPv4 first, from the start of the lab; 0.1 s to 86400 s each
 */
#ifndef SERVERS_IMPAIR_TURNS_H
#define SERVERS_IMPAIR_TURNS_H

#include <stdbool.h>

#include "common/err.h"

enum { TURN_4 = 1 << 0, TURN_6 = 1 << 1 };

struct turns {
	enum { TURNS_HOUR, TURNS_FIXED, TURNS_ALTERNATE } kind;
	unsigned families; /* FIXED: TURN_4 and TURN_6, or-ed */
	double period;     /* ALTERNATE: seconds */
};

/* Reads the text. False (STATUS_USAGE): one line that begins with the text, and `*turns` is
   undefined. */
bool turns_parse(struct turns *turns, const char *text, struct err *err);

/*
 * The families that are served now, or-ed. `since_start` is the seconds since the start of the lab;
 * `since_midnight` is the local time of day in seconds. `*left` gets the seconds until the families
 * change, INFINITY for never.
 */
unsigned turns_active(const struct turns *turns, double since_start, double since_midnight,
	double *left);

#endif
