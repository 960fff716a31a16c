#include "common/clock.h"

#include <stdio.h>
#include <time.h>

double clock_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void clock_date(char text[CLOCK_DATE])
{
	struct timespec now;
	struct tm local = { 0 };
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	char date[32], zone[8];
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &local);
	strftime(zone, sizeof zone, "%z", &local); /* "+0100" */
	snprintf(text, CLOCK_DATE, "%s.%03ld%.3s:%.2s", date, now.tv_nsec / 1000000, zone,
		zone + 3);
}
