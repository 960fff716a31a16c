/*
 * Profiles: named configurations, such as the lab of a certain year or a configuration for tests. A
 * profile is an INI file as config_load reads it. The files in profiles/ are built into the
 * program.
 */
#ifndef SERVERS_CONFIG_PROFILE_H
#define SERVERS_CONFIG_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/err.h"
#include "servers/config/config.h"

/*
 * Sets the keys of a profile. `name` is a built-in profile ("epfl-2016") or a file. A name with a
 * slash in it or ".ini" at its end is always a file ("./mine", "mine.ini"); any other name never
 * is. Call it before config_load and config_set, so that their values win. They win only over the
 * same key of the same scope (servers/config/config.h): epfl-2020 sets pmu-ws.messages, and
 * pmu.messages in a file does not change it.
 *
 * False (STATUS_USAGE; STATUS_FAILED: out of memory): there is no such profile ("--profile:
 * "epfl-2015": no such profile; did you mean epfl-2016? ..."), or a line is wrong ("mine.ini:7:
 * ..."). Stops at the first error; the lines before it have been set.
 */
bool profile_load(struct config *config, const char *name, struct err *err);

/* The name of a built-in profile, in the order of the list, for --help and completion; static.
   NULL: `index` is behind the last. */
const char *profile_name(size_t index);

/* Writes the list of --list-profiles, one line each: "epfl-2016  what it is". The description is
   the first line of the profile's file. */
void profile_print_list(FILE *out);

#endif
