/* The large message of CMD_floodme: readable text of any size. */
#ifndef SERVERS_TEXTS_FLOOD_H
#define SERVERS_TEXTS_FLOOD_H

#include <stddef.h>

#include "common/err.h"

/*
 * Makes `size` (at least 1) bytes of text, without a NUL. The text is that of `file`, or of the
 * opening of Hamlet where `file` is "". A text that is too short is repeated. A UTF-8 character
 * that the end would cut is replaced by spaces. The caller frees the text with free(3). NULL with
 * `err`: the file cannot be read or is empty (STATUS_USAGE); out of memory (STATUS_FAILED).
 */
char *flood_create(const char *file, size_t size, struct err *err);

#endif
