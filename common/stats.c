#include "common/stats.h"

#include <math.h>

/* The 97.5 % quantile of the normal distribution. */
static const double QUANTILE = 1.959963984540054;

struct interval stats_wilson(uint64_t hits, uint64_t tries)
{
	if (tries == 0)
		return (struct interval){ 0, 1 };
	double n = (double)tries, share = (double)hits / n, z2 = QUANTILE * QUANTILE;
	double centre = share + z2 / (2 * n);
	double reach = QUANTILE * sqrt(share * (1 - share) / n + z2 / (4 * n * n));
	double scale = 1 + z2 / n;
	struct interval interval = { (centre - reach) / scale, (centre + reach) / scale };
	/* These bounds are exactly 0 and 1; rounding would miss them. */
	if (hits == 0)
		interval.low = 0;
	if (hits == tries)
		interval.high = 1;
	return interval;
}

void stats_runs_add(struct stats_runs *runs, bool hit)
{
	runs->tries++;
	if (!hit) {
		runs->run = 0;
		return;
	}
	runs->hits++;
	if (runs->run++ == 0)
		runs->runs++;
	if (runs->run > runs->longest)
		runs->longest = runs->run;
}

void stats_runs_break(struct stats_runs *runs)
{
	runs->run = 0;
}

double stats_runs_mean(const struct stats_runs *runs)
{
	return runs->runs > 0 ? (double)runs->hits / (double)runs->runs : 0;
}
