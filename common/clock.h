/* Seconds on CLOCK_MONOTONIC: never jumps, has no meaning outside this machine's uptime. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

double clock_now(void);

#endif
