/* The seed of the lab's chance: --seed, or a random one. */
#ifndef SERVERS_COMMANDS_SEED_H
#define SERVERS_COMMANDS_SEED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* Reads a whole number from 0 to 2^63 - 1; JSON readers take no larger one. False with `err`
   (STATUS_USAGE, "--seed: ..."): `*seed` is unchanged. */
bool seed_parse(uint64_t *seed, const char *text, struct err *err);

/* A random seed from 0 to 2^32 - 1 (getrandom(2)): short enough to be typed again. 0 when the
   kernel gives none. */
uint64_t seed_draw(void);

#endif
