/* `pmulab answers`: the numbers of a run that answer the questions of the lab's report.
   docs/answers.md describes the output. */
#ifndef SERVERS_COMMANDS_ANSWERS_H
#define SERVERS_COMMANDS_ANSWERS_H

#include "common/cli/cli.h"

extern const struct cli answers_cli;

/* argv[0] is "answers". Returns the exit status. */
int command_answers(int argc, char **argv);

#endif
