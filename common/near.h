/* The distance between two names, for "did you mean ...?". A pure function. */
#ifndef COMMON_NEAR_H
#define COMMON_NEAR_H

enum { NEAR_NAME_MAX = 128 }; /* bytes of a name with its NUL */

/*
 * The number of edits that make `b` of `a`: a letter left out, put in, changed, or swapped with its
 * neighbour (optimal string alignment). Upper and lower case are equal. UINT_MAX: a name does not
 * fit into NEAR_NAME_MAX.
 */
unsigned near_distance(const char *a, const char *b);

#endif
