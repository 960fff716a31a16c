#include "servers/endpoint.h"

#include <errno.h>

#include "servers/port_holder.h"

/* In a network namespace of the lab's own only the lab can have taken the port, and free ports
   cannot be asked for. So the advice differs. */
static void advise_isolated(struct err *err, const struct endpoint_options *options)
{
	const char *name = endpoint_table[options->id].name;
	if (options->netns >= 0)
		err_append(err, "; give --local %s:PORT", name);
	else
		err_append(err, "; give --set %s.port=N", name);
}

void endpoint_advise(struct err *err, const struct endpoint_options *options, int error,
	uint16_t port)
{
	const char *name = endpoint_table[options->id].name;
	char holder[128];
	err_prefix(err, "%s", name);
	if (options->isolated && error == EADDRINUSE) {
		advise_isolated(err, options);
	} else if (error == EADDRINUSE && port != 0) {
		port_holder(port, endpoint_table[options->id].groups & GROUP_DATAGRAM, holder,
			sizeof holder);
		err_append(err,
			"%s; end it, or give --set %s.port=N, or --ephemeral for free ports",
			holder, name);
	} else if (error == EACCES) {
		err_append(err,
			"; ports below 1024 are root's: give --set %s.port=N, "
			"or --ephemeral for free ports",
			name);
	}
}
