/* Where the lab listens. */
#ifndef SERVERS_COMMANDS_ADDRESSES_H
#define SERVERS_COMMANDS_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/net.h"

enum { ADDRESSES_MAX = 2 };

struct addresses {
	struct address list[ADDRESSES_MAX]; /* without ports */
	size_t count;
	char missing[128]; /* a line for people where one of a pair was left out; else "" */
};

/* One numeric address; false: `text` is none. */
bool addresses_one(struct addresses *addresses, const char *text);

/* An IPv4 and an IPv6 address; the second is left out where the machine has no IPv6. */
void addresses_pair(struct addresses *addresses, const char *v4, const char *v6);

#endif
