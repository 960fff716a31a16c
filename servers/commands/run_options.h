/* The command lines of `pmulab run` and `pmulab shell`. */
#ifndef SERVERS_COMMANDS_RUN_OPTIONS_H
#define SERVERS_COMMANDS_RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cli/cli.h"
#include "servers/commands/lab_options.h"

enum { HOSTS_MAX = 64 }; /* of --host */

/* --local: an endpoint that is also opened at the command's localhost. */
struct local {
	enum endpoint_id id;
	uint16_t port; /* 0: the endpoint's configured port */
};

/* Texts belong to argv. */
struct run_options {
	struct lab_options lab;
	bool loopback, summary;
	const char *capture_file; /* NULL: none */
	double timeout;           /* seconds; 0: none */
	const char *names[HOSTS_MAX]; /* --host: more host names of the lab */
	struct local locals[ENDPOINT_COUNT];
	size_t name_count, local_count;
};

/* Parses the command line of either command: lab_options_parse with their own options. The caller
   calls lab_options_free(&options->lab) in every case. */
enum cli_result run_options_parse(struct run_options *options, const struct cli *cli, int argc,
	char **argv, int *operands, struct err *err);

#endif
