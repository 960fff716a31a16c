/* How much a delay varies: "20ms", "20ms,uniform" (the same) or "20ms,normal". Pure. */
#ifndef SERVERS_IMPAIR_JITTER_H
#define SERVERS_IMPAIR_JITTER_H

#include <stdbool.h>

#include "common/err.h"

struct jitter {
	double seconds; /* 0 to 60 */
	bool normal;    /* else uniform */
};

/* Reads a jitter. False (STATUS_USAGE): one line that begins with the text, and `*jitter` is
   undefined. */
bool jitter_parse(struct jitter *jitter, const char *text, struct err *err);

#endif
