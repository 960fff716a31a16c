/* What the television station says, line by line. */
#ifndef SERVERS_TEXTS_PLAY_H
#define SERVERS_TEXTS_PLAY_H

#include <stddef.h>

#include "common/err.h"

enum { PLAY_BYTES_MAX = 1 << 20 };

/* The whole file (file "": the opening of Hamlet); the caller frees it. NULL with `err`: it cannot
   be read, is empty, larger than PLAY_BYTES_MAX, or not UTF-8 (STATUS_USAGE); no memory. */
char *play_create(const char *file, size_t *len, struct err *err);

#endif
