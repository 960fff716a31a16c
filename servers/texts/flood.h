/* The large message of CMD_floodme: readable text, whatever its size. */
#ifndef SERVERS_TEXTS_FLOOD_H
#define SERVERS_TEXTS_FLOOD_H

#include <stddef.h>

#include "common/err.h"

/*
 * `size` bytes of text, the file's or (file "") the opening of Hamlet, again from its beginning
 * where it is too short; a UTF-8 character that the end would cut gives way to spaces. The caller
 * frees it. NULL with `err` (STATUS_USAGE) when the file cannot be read or is empty.
 */
char *flood_create(const char *file, size_t size, struct err *err);

#endif
