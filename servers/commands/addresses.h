/* The addresses on which the lab listens. */
#ifndef SERVERS_COMMANDS_ADDRESSES_H
#define SERVERS_COMMANDS_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/net.h"

enum { ADDRESSES_MAX = 2 };

struct addresses {
	struct address list[ADDRESSES_MAX]; /* port 0 */
	size_t count;
	/* a line for people when addresses_pair left one out; else "" */
	char missing[128];
};

/* Appends the numeric IPv4 or IPv6 address in `text`. At most ADDRESSES_MAX in all. False: `text`
   is no such address, and nothing is appended. */
bool addresses_one(struct addresses *addresses, const char *text);

/* Appends two numeric addresses, of IPv4 and IPv6, to an empty list. Leaves the second one out, and
   says so in `missing`, when this machine does not have it or has no IPv6 (it tries to bind it). */
void addresses_pair(struct addresses *addresses, const char *v4, const char *v6);

#endif
