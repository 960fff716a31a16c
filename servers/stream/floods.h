/* The text of CMD_floodme, which may become another while the lab runs: who is sending the one
   before may finish. */
#ifndef SERVERS_STREAM_FLOODS_H
#define SERVERS_STREAM_FLOODS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

enum { FLOODS_MAX = 4 }; /* made while older ones may still be sent */

/* All zero: none. */
struct floods {
	char *made[FLOODS_MAX]; /* the newest one last */
	size_t count;
};

/* Whether there is room for one more; false with `err` (STATUS_USAGE). */
bool floods_check(const struct floods *floods, struct err *err);

/* The text of `len` bytes (servers/texts/flood.h); valid until floods_forget or floods_finish. NULL
   with `err` (STATUS_USAGE): it cannot be made, or there are FLOODS_MAX. */
const char *floods_make(struct floods *floods, const char *file, size_t len, struct err *err);

/* Nobody sends any but the newest one. */
void floods_forget(struct floods *floods);

void floods_finish(struct floods *floods);

#endif
