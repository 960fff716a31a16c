#include "servers/commands/variables.h"

#include <ctype.h>
#include <stdio.h>

#include "servers/network/ca_file.h"

/* "pmu-ws" gives PMULAB_PMU_WS_PORT. */
static void name_port(char *name, size_t size, const char *endpoint)
{
	snprintf(name, size, "PMULAB_%s_PORT", endpoint);
	for (; *name; name++)
		*name = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
}

void variables_each(const struct emulator *emulator, const char *host,
	void (*each)(void *context, const char *name, const char *value), void *context)
{
	char name[64], port[8];
	const char *ca_file = emulator_ca_file(emulator), *group = emulator_group(emulator);
	each(context, "PMULAB_HOST", host);
	for (int id = 0; id < ENDPOINT_COUNT; id++) {
		unsigned number = emulator_port(emulator, (enum endpoint_id)id);
		if (!number)
			continue;
		name_port(name, sizeof name, endpoint_table[id].name);
		snprintf(port, sizeof port, "%u", number);
		each(context, name, port);
	}
	if (*ca_file)
		each(context, CA_FILE_VARIABLE, ca_file);
	if (*group)
		each(context, "PMULAB_TV_GROUP", group);
}
