/* Where the control socket is unless somebody says otherwise: one place for the server and for
   `pmulab ctl`. */
#ifndef SERVERS_CONTROL_PLACE_H
#define SERVERS_CONTROL_PLACE_H

#include <stdbool.h>

#include "common/err.h"

enum { PLACE_SIZE = 108 }; /* what a Unix socket's address holds (unix(7)) */

/* "$XDG_RUNTIME_DIR/pmulab/control"; without that variable "/tmp/pmulab-UID/control". False: too
   long (`err`). */
bool place_default(char path[PLACE_SIZE], struct err *err);

/*
 * Makes the default place's folder, mode 0700, and looks whether it is nobody else's: a folder,
 * ours, closed to others. Only for `path` from place_default. False: `err` (STATUS_BIND).
 */
bool place_prepare(const char *path, struct err *err);

#endif
