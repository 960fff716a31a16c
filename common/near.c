#include "common/near.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool same(char a, char b)
{
	return strncasecmp(&a, &b, 1) == 0;
}

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned near_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	if (la >= NEAR_NAME_MAX || lb >= NEAR_NAME_MAX)
		return UINT_MAX;
	unsigned rows[3][NEAR_NAME_MAX];
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3],
			 *two_above = rows[(i + 1) % 3];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = smaller(smaller(above[j], row[j - 1]) + 1,
				above[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = smaller(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}
