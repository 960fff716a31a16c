/* "20ms" or "20ms,normal": by how much a delay varies. Pure. */
#ifndef SERVERS_IMPAIR_JITTER_H
#define SERVERS_IMPAIR_JITTER_H

#include <stdbool.h>

#include "common/err.h"

struct jitter {
	double seconds;
	bool normal; /* else uniform */
};

/* STATUS_USAGE: one line that begins with the text. */
bool jitter_parse(struct jitter *jitter, const char *text, struct err *err);

#endif
