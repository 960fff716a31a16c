/* How near two names are, for "did you mean ...?". Pure. */
#ifndef COMMON_NEAR_H
#define COMMON_NEAR_H

enum { NEAR_NAME_MAX = 128 }; /* bytes of a name with its NUL */

/*
 * Letters that were left out, put in, changed or swapped with their neighbour (optimal string
 * alignment), whatever their case. UINT_MAX where a name does not fit NEAR_NAME_MAX.
 */
unsigned near_distance(const char *a, const char *b);

#endif
