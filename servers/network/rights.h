/* Takes all capabilities from a command in the box, so that it may do what its user may and nothing
   more (capabilities(7)). */
#ifndef SERVERS_NETWORK_RIGHTS_H
#define SERVERS_NETWORK_RIGHTS_H

#include <stdbool.h>

#include "common/err.h"

/* Drops every capability of this process and its children, for good. Neither being root nor a
   program's own rights (setuid, file capabilities) bring one back. False with `err`
   (STATUS_FAILED). */
bool rights_drop(struct err *err);

#endif
