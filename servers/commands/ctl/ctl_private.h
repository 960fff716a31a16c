/* What the commands below `pmulab ctl` share. Private to servers/commands/ctl/. */
#ifndef SERVERS_COMMANDS_CTL_PRIVATE_H
#define SERVERS_COMMANDS_CTL_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>

#include "common/cli/cli.h"
#include "common/err.h"
#include "servers/commands/ctl/ask.h"

enum ctl_option {
	CTL_OPTION_CONTROL = CLI_FIRST,
	CTL_OPTION_URL,
	CTL_OPTION_JSON,
	CTL_OPTION_LAST
};

/* Which lab; rows for each command's table, beside CLI_COMMON. */
#define CTL_PLACE                                                                                                       \
	{ CTL_OPTION_CONTROL, 0, "control", "FILE", "the lab's socket; without it the place where --page opens one" },  \
	{ CTL_OPTION_URL, 0, "url", "URL", "the address that --page has printed; so does PMULAB_URL in the environment, " \
		"where nobody else reads the key" }
#define CTL_JSON { CTL_OPTION_JSON, 0, "json", NULL, "the lab's answer as it is, for programs" }

#define CTL_EXIT_STATUS "0 done, 1 the lab refused, or cannot be reached, 2 wrong usage."

struct ctl {
	const struct cli *cli;
	struct ctl_lab lab;
	bool json;
	char **operands;
	int count;
	cli_on_option *on_option; /* the command's own; NULL: none */
	void *context;
};

/* Reads a command line of `least` to `most` operands, which `wanted` names. False: `*status` is
   what to exit with. */
bool ctl_begin(struct ctl *ctl, const struct cli *cli, int argc, char **argv, int least, int most,
	const char *wanted, int *status);

/*
 * Asks, with `body` (taken; NULL: none), and shows the answer: with --json as it is, else by
 * `show`. What is refused goes to stderr, a line each. Returns the exit status.
 */
int ctl_run(const struct ctl *ctl, const char *method, const char *target, json_t *body,
	void (*show)(const struct ctl *ctl, const json_t *answer));

/* The same for an answer that is no JSON: it goes to stdout as it comes. */
int ctl_copy(const struct ctl *ctl, const char *target);

/* Tells a refusal on stderr. Returns the exit status. */
int ctl_refused(const struct ctl *ctl, const struct ctl_answer *answer);

/* Escapes what a terminal would obey in a text on the heap (wire_show), if there is any. NULL: out
   of memory. */
void ctl_show_safely(char **text);

/* A member's text; "" where there is none. The object's. */
const char *ctl_text(const json_t *object, const char *member);

extern const struct cli ctl_status_cli, ctl_get_cli, ctl_set_cli, ctl_unset_cli, ctl_watch_cli,
	ctl_connections_cli, ctl_cut_cli, ctl_pause_cli, ctl_resume_cli, ctl_preview_cli,
	ctl_scenario_cli, ctl_metrics_cli;
int ctl_status(int argc, char **argv);
int ctl_get(int argc, char **argv);
int ctl_set(int argc, char **argv);
int ctl_unset(int argc, char **argv);
int ctl_watch(int argc, char **argv);
int ctl_connections(int argc, char **argv);
int ctl_cut(int argc, char **argv);
int ctl_pause(int argc, char **argv);
int ctl_resume(int argc, char **argv);
int ctl_preview(int argc, char **argv);
int ctl_scenario(int argc, char **argv);
int ctl_metrics(int argc, char **argv);

#endif
