#include "servers/commands/addresses.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

bool addresses_one(struct addresses *addresses, const char *text)
{
	if (!address_parse(&addresses->list[addresses->count], text, 0))
		return false;
	addresses->count++;
	return true;
}

/* False: this machine does not have the address. Other errors, such as a missing right, do not
   count. */
static bool can_bind(const struct address *address)
{
	struct err err;
	const struct listen_options none = { 0 };
	int fd = net_listen(address, &none, &err);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT);
}

void addresses_pair(struct addresses *addresses, const char *v4, const char *v6)
{
	addresses_one(addresses, v4);
	addresses_one(addresses, v6);
	if (can_bind(&addresses->list[1]))
		return;
	addresses->count = 1;
	snprintf(addresses->missing, sizeof addresses->missing,
		"this machine has no %s; the lab runs on %s alone", v6, v4);
}
