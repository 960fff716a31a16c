/* The seed on a command line. */
#ifndef SERVERS_COMMANDS_SEED_H
#define SERVERS_COMMANDS_SEED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* A whole number from 0 to 2^63 - 1, which is what JSON's readers take. STATUS_USAGE: "--seed:
   ...". */
bool seed_parse(uint64_t *seed, const char *text, struct err *err);

/* One that nobody chose, short enough to be typed again. */
uint64_t seed_draw(void);

#endif
