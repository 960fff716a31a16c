/* The end of every program: the line that says why it failed, and the check that stdout has
   arrived. */
#include "common/cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

int cli_fail(const char *program, const struct err *err)
{
	fprintf(stderr, "%s: ", program);
	for (const char *p = err->text; *p; p++) {
		if (*p == '\n')
			fputs("\\n", stderr);
		else if (iscntrl((unsigned char)*p))
			fprintf(stderr, "\\x%02x", (unsigned char)*p);
		else
			putc(*p, stderr);
	}
	putc('\n', stderr);
	return (int)err->status;
}

bool cli_flush(struct err *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	err_set(err, STATUS_FAILED, "stdout: %s", strerror(errno));
	return false;
}
