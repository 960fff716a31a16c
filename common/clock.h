/* Seconds on CLOCK_MONOTONIC: never jumps, has no meaning outside this machine's uptime. And the
   date, for people. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

double clock_now(void);

/* What the calendar and the clock on the wall say, to the millisecond:
   "2026-11-23T14:05:09.123+01:00" (ISO 8601, local time). */
enum { CLOCK_DATE = 48 };
void clock_date(char text[CLOCK_DATE]);

#endif
