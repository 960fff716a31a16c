/* Network namespaces (network_namespaces(7)). A socket belongs to the namespace in which its thread
   is when it makes the socket. */
#ifndef COMMON_NETNS_H
#define COMMON_NETNS_H

#include <stdbool.h>

#include "common/err.h"

/* Moves the calling thread into the namespace of the descriptor `netns`; -1: the thread stays.
   `*outside` is set for netns_leave, which must follow. False with `err` (STATUS_FAILED): the
   thread stays, and netns_leave has nothing to do. */
bool netns_enter(int netns, int *outside, struct err *err);

/* Moves the thread back and closes `outside`; -1: does nothing. Ends the process (abort(3)) if the
   thread cannot go back. Preserves errno. */
void netns_leave(int outside);

#endif
