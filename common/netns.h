/* Network namespaces (network_namespaces(7)): a socket belongs to the one that its thread is in
   when it is made. */
#ifndef COMMON_NETNS_H
#define COMMON_NETNS_H

#include <stdbool.h>

#include "common/err.h"

/* Moves the calling thread to the namespace of a descriptor; -1: stays. `*outside` leads back
   (netns_leave). False with `err` (STATUS_FAILED). */
bool netns_enter(int netns, int *outside, struct err *err);

/* Moves it back. Preserves errno. */
void netns_leave(int outside);

#endif
