/* What n tries tell about a probability. Used by clients (pdc-reset --runs) and by pmulab (loss
   stats). */
#ifndef COMMON_STATS_H
#define COMMON_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct interval {
	double low, high; /* 0 to 1 */
};

/*
 * The 95 % confidence interval of a probability after `hits` of `tries` (E. B. Wilson, "Probable
 * inference, the law of succession, and statistical inference", 1927). It is also sensible for few
 * tries, for no hits and for only hits. 0 tries give 0 to 1. The tries must be independent: with
 * losses in bursts the interval is too narrow.
 */
struct interval stats_wilson(uint64_t hits, uint64_t tries);

/* Counts the runs of hits (losses) in a sequence of tries. All zero at the start. */
struct stats_runs {
	uint64_t tries, hits;
	uint64_t runs;    /* of hits in a row; the current run counts */
	uint64_t longest; /* in hits */
	uint64_t run;     /* hits of the current run; 0: there is none */
};

/* Adds the next try. */
void stats_runs_add(struct stats_runs *runs, bool hit);

/* Ends the current run: the next try does not directly follow the last one. */
void stats_runs_break(struct stats_runs *runs);

/* The mean length of a run, in hits; 0: there is no run. */
double stats_runs_mean(const struct stats_runs *runs);

#endif
