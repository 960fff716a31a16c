/*
 * Profiles: the lab as it was in a year, or as a test wants it, by name. A profile is an INI file
 * as config_load reads it, and nothing else; those of profiles/ are built into the program.
 */
#ifndef SERVERS_CONFIG_PROFILE_H
#define SERVERS_CONFIG_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/err.h"
#include "servers/config/config.h"

/*
 * Sets what a profile says: a built-in one ("epfl-2016"), or a file, which has a slash in its name
 * or ends in ".ini" ("./mine", "mine.ini"), whatever stands in the current folder. To be called
 * before config_load and config_set, so that what they say wins. That holds among equally
 * particular keys only (servers/config/config.h): epfl-2020 says pmu-ws.messages, and pmu.messages
 * in a file does not change it.
 *
 * STATUS_USAGE: there is none of that name ("--profile: "epfl-2015": no such profile; did you mean
 * epfl-2016? ..."), or a line is wrong ("mine.ini:7: ..."). Stops at the first error; what stood
 * before it is set.
 */
bool profile_load(struct config *config, const char *name, struct err *err);

/* The built-in ones, in the order of the list, for --help and completion. NULL behind the last.
   Static. */
const char *profile_name(size_t index);

/* For --list-profiles: "epfl-2016  what it is", a line each; what it is stands in the first line of
   its file. */
void profile_print_list(FILE *out);

#endif
