/*
 * A file with the lab's CA certificate, for programs outside the box, when the certificates are
 * only in memory. It may be left behind, because the CA certificate is public; the keys are never
 * written. In the box the certificate stands in the box's own /etc instead (hosts.h).
 */
#ifndef SERVERS_NETWORK_CA_FILE_H
#define SERVERS_NETWORK_CA_FILE_H

#include <limits.h>
#include <stdbool.h>

/* The environment variable with the file's path. */
#define CA_FILE_VARIABLE "PMULAB_CA_FILE"

struct ca_file {
	char path[PATH_MAX]; /* "": none */
	const char *text;    /* PEM; the caller's */
};

/* Chooses a random path in $TMPDIR, or in /tmp where that is no absolute path or too long. Writes
   no file yet. `text` outlives `file`. */
void ca_file_init(struct ca_file *file, const char *text);

/* Writes the file, mode 0644. It must not exist yet. 0, or errno: then there is no file. */
int ca_file_write(const struct ca_file *file);

/* Removes the file if it exists, also when another process has written it. Sets the path to "". */
void ca_file_remove(struct ca_file *file);

#endif
