/* Clocks: seconds for measuring, and the date for people. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

/* Seconds on CLOCK_MONOTONIC (clock_gettime(2)). This clock never jumps. Its value has no meaning
   after a restart of the machine, or on another machine. */
double clock_now(void);

enum { CLOCK_DATE = 48 }; /* bytes of a date's text with its NUL */

/* Writes the local date and time, to the millisecond, with the offset from UTC (ISO 8601):
   "2026-11-23T14:05:09.123+01:00". */
void clock_date(char text[CLOCK_DATE]);

#endif
