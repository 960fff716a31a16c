#include "servers/endpoint.h"

#include <errno.h>

#include "servers/port_holder.h"

void endpoint_advise(struct err *err, enum endpoint_id id, int error, uint16_t port)
{
	const char *name = endpoint_table[id].name;
	char holder[128];
	err_prefix(err, "%s", name);
	if (error == EADDRINUSE && port != 0) {
		port_holder(port, endpoint_table[id].groups & GROUP_DATAGRAM, holder, sizeof holder);
		err_append(err, "%s; end it, or give --set %s.port=N, or --ephemeral for free ports", holder, name);
	} else if (error == EACCES) {
		err_append(err, "; ports below 1024 are root's: give --set %s.port=N, or --ephemeral for free ports",
			name);
	}
}
