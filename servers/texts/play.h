/* The play: the text that the television station sends line by line. */
#ifndef SERVERS_TEXTS_PLAY_H
#define SERVERS_TEXTS_PLAY_H

#include <stddef.h>

#include "common/err.h"

enum { PLAY_BYTES_MAX = 1 << 20 }; /* bytes of a play */

/* Reads the whole of `file` ("": the opening of Hamlet). `*len` is its length in bytes; there is no
   NUL. The caller frees the text with free(3). NULL with `err`: the file cannot be read, is empty,
   is larger than PLAY_BYTES_MAX, or is not UTF-8 (STATUS_USAGE); out of memory (STATUS_FAILED). */
char *play_create(const char *file, size_t *len, struct err *err);

#endif
