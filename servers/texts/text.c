#include "servers/texts/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "flood_text.h"

size_t text_read(const char *key, const char *file, char *text, size_t size, struct err *err)
{
	if (*file == 0) {
		size_t len = sizeof flood_text - 1 < size ? sizeof flood_text - 1 : size;
		memcpy(text, flood_text, len);
		return len;
	}
	FILE *in = fopen(file, "re");
	size_t len = in ? fread(text, 1, size, in) : 0;
	bool failed = !in || ferror(in);
	if (failed)
		err_set(err, STATUS_USAGE, "%s: %s: %s", key, file, strerror(errno));
	else if (len == 0)
		err_set(err, STATUS_USAGE, "%s: %s: is empty", key, file);
	if (in)
		fclose(in);
	return failed ? 0 : len;
}
