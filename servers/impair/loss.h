/*
 * Which datagrams are lost. A specification is read from text. A small state keeps where a stream
 * of datagrams is in its model. Random values come from fate.h by the datagram's number. A
 * specification may change in the middle of a stream: the random values stay the same, only the
 * probabilities that they are compared with change.
 *
 *   none                                nothing is lost
 *   30%, 0.3                            each one with this probability
 *   burst:AVERAGE,LENGTH                mean loss, mean run of losses (1 to 1000): a Gilbert model
 *   gemodel:p[,r[,1-h[,1-k]]]           Gilbert-Elliott, as in tc-netem(8); the defaults are
 *                                       r = 100% - p, 1-h = 100%, 1-k = 0%
 *   state:p13[,p31[,p32[,p23[,p14]]]]   four states, as in tc-netem(8); the defaults are
 *                                       p31 = 100% - p13, p32 = 0%, p23 = 100%, p14 = 0%
 *   list:1,2,5                          exactly these, counted from 1
 *   first:2                             the first two
 *   pattern:xx.                         x lost, . not lost; repeats
 *   ...,max-run=3                       behind any of them: after 3 losses in a row the next
 *                                       datagram is not lost
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
	LOSS_LIST_MAX = 64,      /* entries */
	LOSS_PATTERN_MAX = 256,  /* letters */
	LOSS_RUN_MAX = 1000,     /* the largest max-run */
	LOSS_TEXT_MAX = 768,     /* bytes of a specification as text with its NUL */
};

/* All zero: none. Plain data, to be copied and compared. Only loss_parse fills it. */
struct loss_spec {
	enum loss_model model;
	/* billionths (common/share.h), in the order of the text */
	uint32_t shares[LOSS_SHARES_MAX];
	uint32_t length;                  /* burst: mean run in millionths */
	uint32_t max_run;                 /* 0: no limit */
	/* entries of `list`, letters of `pattern`, N of first:N */
	uint32_t count;
	uint32_t list[LOSS_LIST_MAX];     /* in ascending order */
	char pattern[LOSS_PATTERN_MAX];   /* without a NUL */
};

/* Where a stream is in its model. All zero at the stream's start. When the specification gets
   another model, loss_next resets the model's state; when only numbers change, it keeps it. */
struct loss_state {
	enum loss_model model;
	uint8_t at;   /* the model's state; 0: its initial one */
	uint32_t run; /* datagrams lost in a row */
};

/* Whether datagram n is lost, and why. The event `drop` shows n, model, state and drawn. */
struct loss_verdict {
	bool lost;
	bool spared;        /* the model lost it, but max-run let it through */
	uint64_t n;
	const char *model;  /* "none", "random", "burst", ...; static */
	/* the model's state that decided: "good", "lost in burst"; static; NULL: it has no
	   states */
	const char *state;
	double drawn;       /* the random value in [0, 1) that decided; NAN: nothing was drawn */
	/* gemodel: the random value that decided whether the state changes after this datagram;
	   else NAN */
	double transition;
};

/* The values to expect in the long run. */
struct loss_theory {
	double loss;     /* lost share of the datagrams, 0 to 1; 0 for list and first, which end */
	double run;      /* mean number of losses in a row; 0: no losses, INFINITY: only losses */
	uint64_t total;  /* list, first: the number of datagrams lost in all; else 0 */
};

/* Reads a specification. False (STATUS_USAGE): one line that says what is wrong and what to write
   instead; `*spec` is left alone. */
bool loss_parse(struct loss_spec *spec, const char *text, struct err *err);

/* Writes the canonical text: shares as "30%", defaults written out. loss_parse reads it back as the
   same specification. */
void loss_format(const struct loss_spec *spec, char text[LOSS_TEXT_MAX]);

/* Decides on datagram n. Call it once for each datagram of the stream, n = 1, 2, 3, ... */
struct loss_verdict loss_next(const struct loss_spec *spec, struct loss_state *state,
	const struct fate_stream *stream, uint64_t n);

/* The mean loss and mean run of a specification, computed from the model, without random values. */
struct loss_theory loss_expect(const struct loss_spec *spec);

#endif
