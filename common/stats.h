/* What an experiment of n tries tells about a probability; for clients (pdc-reset --runs) and
   servers (loss stats). */
#ifndef COMMON_STATS_H
#define COMMON_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct interval {
	double low, high; /* 0 to 1 */
};

/*
 * The 95 % interval of a probability after `hits` of `tries` (E. B. Wilson, "Probable inference,
 * the law of succession, and statistical inference", 1927): sensible for few tries, for none and
 * for all hits too. 0 tries tell nothing: 0 to 1. It takes the tries for independent; losses in
 * bursts make it too narrow.
 */
struct interval stats_wilson(uint64_t hits, uint64_t tries);

/* Counts runs of hits (losses) in a sequence. All zero at the start. */
struct stats_runs {
	uint64_t tries, hits;
	uint64_t runs;    /* of hits in a row; one under way counts */
	uint64_t longest;
	uint64_t run;     /* the one under way */
};

void stats_runs_add(struct stats_runs *runs, bool hit);

/* The next one does not follow the last one: a run ends here. */
void stats_runs_break(struct stats_runs *runs);

/* Mean length of a run; 0 when there is none. */
double stats_runs_mean(const struct stats_runs *runs);

#endif
