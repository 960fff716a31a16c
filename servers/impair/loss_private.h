/* What loss.c, loss_text.c and loss_theory.c share. */
#ifndef SERVERS_IMPAIR_LOSS_PRIVATE_H
#define SERVERS_IMPAIR_LOSS_PRIVATE_H

#include "servers/impair/loss.h"

#define LOSS_LENGTH_ONE UINT32_C(1000000) /* 1 in the unit of loss_spec.length */

/* burst: the probability that a datagram is lost when it is the first one, when the one before was
   not lost (`begin`), and when the one before was lost (`go_on`). */
struct burst_odds {
	double first, begin, go_on;
};

/* `spec` is a burst model. */
struct burst_odds loss_burst_odds(const struct loss_spec *spec);

#endif
