/* Where the lab is: options first, then the environment that `pmulab serve --ports-file` describes. */
#include "clients/client.h"

#include <stdlib.h>

#include "common/cli.h"

/* An empty variable counts as none, as is usual in shells. */
static const char *environment(const char *variable)
{
	const char *value = getenv(variable);
	return value && *value ? value : NULL;
}

const char *client_host(const char *option)
{
	const char *host = option ? option : environment("PMULAB_HOST");
	return host ? host : "localhost";
}

bool client_port(const char *option, const char *variable, uint16_t lab_port, uint16_t *port, struct err *err)
{
	const char *text = option ? option : environment(variable);
	long value = lab_port;
	if (text && !cli_integer(option ? "--port" : variable, text, 1, 65535, &value, err))
		return false;
	*port = (uint16_t)value;
	return true;
}

const char *client_plural(long count)
{
	return count == 1 ? "" : "s";
}
