/* The words that the commands' arguments may be, for the shell's completion. */
#ifndef SERVERS_COMMANDS_WORDS_H
#define SERVERS_COMMANDS_WORDS_H

#include "common/cli/cli.h"

/* For ENDPOINT, KEY, KEY=VALUE and NAME|FILE (a profile). Ends with a row of NULL. */
extern const struct cli_words command_words[];

#endif
