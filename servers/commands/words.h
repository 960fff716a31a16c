/* What arguments of the commands stand for, for completion. */
#ifndef SERVERS_COMMANDS_WORDS_H
#define SERVERS_COMMANDS_WORDS_H

#include "common/cli/cli.h"

/* ENDPOINT, KEY=VALUE and NAME|FILE (a profile); ends with a row of NULL. */
extern const struct cli_words command_words[];

#endif
