#include "servers/commands/ports_file.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "pmu-ws" -> PMULAB_PMU_WS_PORT=... */
static void print_port(FILE *out, const char *endpoint, uint16_t port)
{
	fputs("PMULAB_", out);
	for (; *endpoint; endpoint++)
		fputc(*endpoint == '-' ? '_' : toupper((unsigned char)*endpoint), out);
	fprintf(out, "_PORT=%u\n", port);
}

/* In single quotes, as a shell reads them literally; a quote itself is '\''. */
static void print_quoted(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s='", name);
	for (; *value; value++) {
		if (*value == '\'')
			fputs("'\\''", out);
		else
			fputc(*value, out);
	}
	fputs("'\n", out);
}

/* Where clients on this machine reach it: a wildcard address is reached at the loopback one. */
static void print_host(FILE *out, const struct address *host)
{
	char text[NI_MAXHOST] = "";
	getnameinfo((const struct sockaddr *)&host->ss, host->len, text, sizeof text, NULL, 0, NI_NUMERICHOST);
	if (strcmp(text, "0.0.0.0") == 0)
		strcpy(text, "127.0.0.1");
	fprintf(out, "PMULAB_HOST=%s\n", text);
}

/* What else clients have to know; "" is left out. */
static const struct {
	const char *name;
	const char *(*value)(const struct emulator *emulator);
} texts[] = {
	{ "PMULAB_CA_FILE", emulator_ca_file },
	{ "PMULAB_TV_GROUP", emulator_group },
};

static void print_all(FILE *out, const struct emulator *emulator, const struct address *host)
{
	print_host(out, host);
	for (int id = 0; id < ENDPOINT_COUNT; id++)
		if (emulator_port(emulator, (enum endpoint_id)id))
			print_port(out, endpoint_table[id].name, emulator_port(emulator, (enum endpoint_id)id));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (*texts[i].value(emulator))
			print_quoted(out, texts[i].name, texts[i].value(emulator));
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
	*file = (struct ports_file){ .path = path, .device = written.st_dev, .inode = written.st_ino };
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
	if (file->path && stat(file->path, &now) == 0 && now.st_dev == file->device && now.st_ino == file->inode)
		unlink(file->path);
	file->path = NULL;
}
