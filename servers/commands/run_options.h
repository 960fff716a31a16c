/* What `pmulab run` and `pmulab shell` are told on their command lines. */
#ifndef SERVERS_COMMANDS_RUN_OPTIONS_H
#define SERVERS_COMMANDS_RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cli/cli.h"
#include "servers/commands/lab_options.h"

enum { HOSTS_MAX = 64 };

/* An endpoint that is to be at the command's localhost too. */
struct local {
	enum endpoint_id id;
	uint16_t port; /* 0: the configured one */
};

struct run_options {
	struct lab_options lab;
	bool loopback, summary;
	const char *capture_file; /* NULL: none */
	double timeout;           /* seconds; 0: none */
	const char *names[HOSTS_MAX]; /* more names of the lab */
	struct local locals[ENDPOINT_COUNT];
	size_t name_count, local_count;
};

/* lab_options_parse for both; lab_options_free(&options->lab) whatever it answers. The texts belong
   to argv. */
enum cli_result run_options_parse(struct run_options *options, const struct cli *cli, int argc,
	char **argv, int *operands, struct err *err);

#endif
