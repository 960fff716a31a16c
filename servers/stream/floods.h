/* The texts of CMD_floodme. The text may change while the lab runs; connections that still send an
   older one may finish. */
#ifndef SERVERS_STREAM_FLOODS_H
#define SERVERS_STREAM_FLOODS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

enum { FLOODS_MAX = 4 }; /* texts that are kept while connections may send them */

/* All zero: no text. */
struct floods {
	char *made[FLOODS_MAX]; /* the newest one last */
	size_t count;
};

/* Whether there is room for one more text. False: STATUS_USAGE, with advice to wait. */
bool floods_check(const struct floods *floods, struct err *err);

/* Makes a text of `len` bytes from `file` (servers/texts/flood.h). It is valid until floods_forget
   or floods_finish frees it. NULL with `err`: there are FLOODS_MAX, or the file cannot be read
   (STATUS_USAGE); out of memory (STATUS_FAILED). */
const char *floods_make(struct floods *floods, const char *file, size_t len, struct err *err);

/* Frees every text but the newest. Call it when no connection sends an older one. */
void floods_forget(struct floods *floods);

/* Frees every text. */
void floods_finish(struct floods *floods);

#endif
