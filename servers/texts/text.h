/* The texts that the lab says: a file's, or the opening of Hamlet, which is built in. */
#ifndef SERVERS_TEXTS_TEXT_H
#define SERVERS_TEXTS_TEXT_H

#include <stddef.h>

#include "common/err.h"

/* Reads at most `size` bytes of `file` ("": Hamlet) into `text` and returns how many. 0 with `err`
   (STATUS_USAGE, behind `key`): the file cannot be read or is empty. */
size_t text_read(const char *key, const char *file, char *text, size_t size, struct err *err);

#endif
