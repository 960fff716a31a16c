/* How the configuration writes a duration: "500us", "20ms", "1.5s", "2m", "1h"; seconds without a unit. */
#ifndef SERVERS_DURATION_H
#define SERVERS_DURATION_H

#include <stdbool.h>

/* False: it is none, or not a whole number of microseconds. */
bool duration_parse(const char *text, double *seconds);

#endif
