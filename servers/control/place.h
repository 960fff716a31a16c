/* The default path of the control socket, the same for the server and for `pmulab ctl`. */
#ifndef SERVERS_CONTROL_PLACE_H
#define SERVERS_CONTROL_PLACE_H

#include <stdbool.h>

#include "common/err.h"

enum { PLACE_SIZE = 108 }; /* bytes of a Unix socket's path with its NUL (unix(7)) */

/* Writes "$XDG_RUNTIME_DIR/pmulab/control", or "/tmp/pmulab-UID/control" where that variable is no
   absolute path. False with `err` (STATUS_USAGE): the path is too long. */
bool place_default(char path[PLACE_SIZE], struct err *err);

/* Makes the folder of a path from place_default, mode 0700. An existing folder must be the user's
   own and closed to others. False with `err` (STATUS_BIND). */
bool place_prepare(const char *path, struct err *err);

#endif
