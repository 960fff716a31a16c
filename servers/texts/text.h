/* The texts that the lab sends: a file's, or the opening of Hamlet, which is built in. */
#ifndef SERVERS_TEXTS_TEXT_H
#define SERVERS_TEXTS_TEXT_H

#include <stddef.h>

#include "common/err.h"

/* Reads at most `size` (at least 1) bytes of `file` ("": Hamlet) into `text`, without a NUL, and
   returns how many. 0 with `err` (STATUS_USAGE): the file cannot be read or is empty. `key` is the
   configuration key that names the file; the error begins with it. */
size_t text_read(const char *key, const char *file, char *text, size_t size, struct err *err);

#endif
