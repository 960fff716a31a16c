#include "servers/commands/words.h"

#include "servers/config/config.h"
#include "servers/config/profile.h"
#include "servers/endpoint_table.h"

static void print_endpoints(FILE *out)
{
	for (int id = 0; id < ENDPOINT_COUNT; id++)
		fprintf(out, "%s\n", endpoint_table[id].name);
}

static void print_profiles(FILE *out)
{
	const char *name;
	for (size_t i = 0; (name = profile_name(i)); i++)
		fprintf(out, "%s\n", name);
}

const struct cli_words command_words[] = {
	{ "ENDPOINT", print_endpoints },
	{ "KEY", config_print_names },
	{ "KEY=VALUE", config_print_names },
	{ "NAME|FILE", print_profiles },
	{ NULL, NULL },
};
