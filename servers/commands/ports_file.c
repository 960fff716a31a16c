#include "servers/commands/ports_file.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "servers/commands/variables.h"

/* Puts a value with characters that are special to a shell in single quotes; a single quote becomes
   '\''. */
static void print_variable(void *context, const char *name, const char *value)
{
	FILE *out = context;
	if (!value[strcspn(value, " \t\n\"'`$\\&|;<>()*?[]#~=%!{}")]) {
		fprintf(out, "%s=%s\n", name, value);
		return;
	}
	fprintf(out, "%s='", name);
	for (; *value; value++) {
		if (*value == '\'')
			fputs("'\\''", out);
		else
			fputc(*value, out);
	}
	fputs("'\n", out);
}

/* Clients cannot connect to a wildcard address, so they get the loopback address instead. */
static void print_all(FILE *out, const struct emulator *emulator, const struct address *host)
{
	char text[NI_MAXHOST] = "";
	getnameinfo((const struct sockaddr *)&host->ss, host->len, text, sizeof text, NULL, 0,
		NI_NUMERICHOST);
	variables_each(emulator, strcmp(text, "0.0.0.0") == 0 ? "127.0.0.1" : text, print_variable,
		out);
}

bool ports_file_write(struct ports_file *file, const char *path, const struct emulator *emulator,
	const struct address *host, struct err *err)
{
	char *temporary = NULL;
	FILE *out = NULL;
	int fd = -1;
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		goto fail;
	}
	fd = mkstemp(temporary);
	if (fd < 0)
		goto fail;
	fchmod(fd, 0644);
	struct stat written;
	if (fstat(fd, &written) != 0)
		goto fail;
	out = fdopen(fd, "w");
	if (!out)
		goto fail;
	print_all(out, emulator, host);
	int failed = ferror(out);
	if ((fclose(out) | failed) != 0) {
		out = NULL;
		fd = -1;
		goto fail;
	}
	out = NULL;
	fd = -1;
	if (rename(temporary, path) != 0)
		goto fail;
	free(temporary);
	*file = (struct ports_file){ .path = path,
		.device = written.st_dev,
		.inode = written.st_ino };
	return true;
fail:
	err_set(err, STATUS_USAGE, "--ports-file: %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (temporary)
		unlink(temporary);
	free(temporary);
	return false;
}

void ports_file_remove(struct ports_file *file)
{
	struct stat now;
	if (file->path && stat(file->path, &now) == 0 && now.st_dev == file->device &&
		now.st_ino == file->inode)
		unlink(file->path);
	file->path = NULL;
}
