/*
 * Which datagrams are lost. A specification is read from text, and a small state says where a
 * stream is in its model; the chance comes from fate.h by the datagram's number. A specification
 * may change in the middle of a stream: the values that are drawn stay the same, only what they are
 * compared with changes.
 *
 *   none                                    nothing is lost
 *   30%, 0.3                                each one with this probability
 *   burst:AVERAGE,LENGTH                    mean loss, mean run of losses (>= 1): a Gilbert model
 *   gemodel:p[,r[,1-h[,1-k]]]               as in tc-netem(8): Gilbert-Elliott; r = 100% - p, 1-h = 100%, 1-k = 0%
 *   state:p13[,p31[,p32[,p23[,p14]]]]       as in tc-netem(8): p31 = 100% - p13, p32 = 0%, p23 = 100%, p14 = 0%
 *   list:1,2,5                              exactly these
 *   first:2                                 the first two
 *   pattern:xx.                             x lost, . not; repeats
 *   ...,max-run=3                           behind any of them: after 3 in a row the next one gets through
 *
 * Pure: no socket, clock or allocation.
 */
#ifndef SERVERS_IMPAIR_LOSS_H
#define SERVERS_IMPAIR_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "servers/impair/fate.h"

enum loss_model {
	LOSS_NONE,
	LOSS_RANDOM,
	LOSS_BURST,
	LOSS_GEMODEL,
	LOSS_STATE,
	LOSS_LIST,
	LOSS_FIRST,
	LOSS_PATTERN,
	LOSS_MODEL_COUNT,
};

enum {
	LOSS_SHARES_MAX = 5,
	LOSS_LIST_MAX = 64,
	LOSS_PATTERN_MAX = 256,  /* letters */
	LOSS_RUN_MAX = 1000,     /* of max-run */
	LOSS_TEXT_MAX = 768,     /* bytes of a specification as text with its NUL */
};

/* All zero: none. Plain data, to be copied and compared; filled by loss_parse only. */
struct loss_spec {
	enum loss_model model;
	/* billionths (common/share.h), in the order of the text */
	uint32_t shares[LOSS_SHARES_MAX];
	uint32_t length;                  /* burst: mean run in millionths */
	uint32_t max_run;                 /* 0: no limit */
	/* entries of `list`, letters of `pattern`, N of first:N */
	uint32_t count;
	uint32_t list[LOSS_LIST_MAX];     /* rising */
	char pattern[LOSS_PATTERN_MAX];   /* without a NUL */
};

/* Where a stream is. All zero at its start. When the model changes it starts anew by itself; when
   only its numbers change it goes on. */
struct loss_state {
	enum loss_model model;
	uint8_t at;   /* the model's state; 0: at its start */
	uint32_t run; /* datagrams lost in a row */
};

/* What became of datagram n, and why: all that a `drop` event tells. */
struct loss_verdict {
	bool lost;
	bool spared;        /* the model had it lost, max-run let it through */
	uint64_t n;
	const char *model;  /* "none", "random", "burst", ...; static */
	/* in which it was judged: "good", "lost in burst"; static; NULL: the model has none */
	const char *state;
	double drawn;       /* in [0, 1): what decided; NAN: nothing was drawn */
	/* gemodel: what decided whether the state changes behind this one; else NAN */
	double transition;
};

/* What to expect in the long run. */
struct loss_theory {
	double loss;     /* share of the datagrams; 0 for list and first, which end */
	double run;      /* mean number lost in a row; 0: none ever, INFINITY: it never ends */
	uint64_t total;  /* list, first: so many are lost in all */
};

/* STATUS_USAGE: one line that begins with what is wrong, and says what to write instead. */
bool loss_parse(struct loss_spec *spec, const char *text, struct err *err);

/* The canonical text: shares as "30%", defaults written out. Parsed again it gives the same
   specification. */
void loss_format(const struct loss_spec *spec, char text[LOSS_TEXT_MAX]);

/* To be asked once for each datagram of the stream, n = 1, 2, 3, ... */
struct loss_verdict loss_next(const struct loss_spec *spec, struct loss_state *state,
	const struct fate_stream *stream, uint64_t n);

struct loss_theory loss_expect(const struct loss_spec *spec);

#endif
