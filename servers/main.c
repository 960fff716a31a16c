/* The program `pmulab`: finds the command and runs it. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/cli.h"
#include "common/err.h"
#include "servers/commands/loss.h"
#include "servers/commands/serve.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *about;
} commands[] = {
	{ "serve", command_serve, "run the lab's servers until Ctrl-C" },
	{ "loss", command_loss, "which datagrams are lost, before and afterwards" },
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *out)
{
	fputs("Usage: pmulab COMMAND [options]\n"
	      "An offline testbed for EPFL's TCP/IP lab on socket programming.\n\nCommands:\n", out);
	for (int i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].about);
	fputs("\n`pmulab COMMAND --help` says more.\n", out);
}

int main(int argc, char **argv)
{
	/* A reader that has gone, and a file as large as it may be, are errors of write(2), not an end. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	const char *name = argc > 1 ? argv[1] : "";
	struct err err;
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	bool version = strcmp(name, "--version") == 0;
	if (version || strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0) {
		if (version)
			puts("pmulab " PMULAB_VERSION);
		else
			print_help(stdout);
		return cli_flush(&err) ? STATUS_OK : cli_fail("pmulab", &err);
	}
	if (*name) {
		err_set(&err, STATUS_USAGE, "there is no command \"%s\"; see pmulab --help", name);
		return cli_fail("pmulab", &err);
	}
	print_help(stderr);
	return STATUS_USAGE;
}
