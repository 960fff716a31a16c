/* What the commands of `pmulab ctl` share. Only for servers/commands/ctl/. */
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

/* Rows for each command's table of options, beside CLI_COMMON: which lab is meant. */
#define CTL_PLACE                                                                                  \
	{ CTL_OPTION_CONTROL, 0, "control", "FILE",                                                \
		"the lab's socket; without it the place where --page opens one" },                 \
	{ CTL_OPTION_URL, 0, "url", "URL",                                                         \
		"the address that --page has printed; so does PMULAB_URL in the environment, "     \
		"where nobody else reads the key" }
#define CTL_JSON { CTL_OPTION_JSON, 0, "json", NULL, "the lab's answer as it is, for programs" }

#define CTL_EXIT_STATUS "0 done, 1 the lab refused, or cannot be reached, 2 wrong usage."

/* One call of a command. The caller sets `on_option` and `context`, all else is zero before
   ctl_begin, which fills it in. Texts belong to argv or the environment. */
struct ctl {
	const struct cli *cli;
	struct ctl_lab lab;
	bool json; /* --json: print the lab's answer unchanged */
	char **operands;
	int count; /* of the operands */
	/* for the command's own options, from CTL_OPTION_LAST on; NULL when its table has none */
	cli_on_option *on_option;
	void *context; /* of on_option */
};

/*
 * Parses a command line with `least` to `most` operands. `wanted` names them in the error when
 * there are too few. Without --control and --url the lab is that of the variable PMULAB_URL, where
 * it is set. False: the command is to end with `*status`. It is 0 after --help and --version, else
 * the error has been printed to stderr.
 */
bool ctl_begin(struct ctl *ctl, const struct cli *cli, int argc, char **argv, int least, int most,
	const char *wanted, int *status);

/*
 * Sends one request, with `body` as JSON (NULL: none), and prints the answer: unchanged with
 * --json, else by `show`, which gets it with every text escaped for a terminal. Takes over the
 * caller's reference to `body`. Errors go to stderr: the lab cannot be reached, sends nothing for
 * 5 s, refuses (ctl_refused), or its answer is no JSON object or has more than 16 MiB. Returns the
 * exit status.
 */
int ctl_run(const struct ctl *ctl, const char *method, const char *target, json_t *body,
	void (*show)(const struct ctl *ctl, const json_t *answer));

/* GETs `target`, whose answer is not JSON, and copies it to stdout unchanged. Errors as in ctl_run.
   Returns the exit status. */
int ctl_copy(const struct ctl *ctl, const char *target);

/* Prints the errors of an answer that is not of the 200s to stderr, escaped, one a line. Returns
   the exit status, STATUS_FAILED. */
int ctl_refused(const struct ctl *ctl, const struct ctl_answer *answer);

/* Escapes what a terminal would obey in `*text`, a string from malloc(3). A text that is not
   printable ASCII is freed and replaced by what wire_show makes of it, which cuts long ones.
   `*text` is NULL afterwards: out of memory. */
void ctl_show_safely(char **text);

/* The text of a member, owned by the object; "" where there is no such member or it is no text. */
const char *ctl_text(const json_t *object, const char *member);

extern const struct cli ctl_status_cli, ctl_get_cli, ctl_set_cli, ctl_unset_cli, ctl_watch_cli,
	ctl_connections_cli, ctl_cut_cli, ctl_pause_cli, ctl_resume_cli, ctl_preview_cli,
	ctl_scenario_cli, ctl_metrics_cli;

/* The commands. argv[0] is the command's name. Each returns the exit status. */
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
