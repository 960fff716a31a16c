/*
 * A file with the lab's CA, for other programs to read, where its certificates are in memory alone.
 * Only that the CA is public, so it may be left behind; the keys never are. In the box it stands in
 * the box's own /etc instead (hosts.h).
 */
#ifndef SERVERS_NETWORK_CA_FILE_H
#define SERVERS_NETWORK_CA_FILE_H

#include <limits.h>
#include <stdbool.h>

/* Tells programs where it is. */
#define CA_FILE_VARIABLE "PMULAB_CA_FILE"

struct ca_file {
	char path[PATH_MAX]; /* "": none */
	const char *text;    /* PEM; the caller's */
};

/* Finds a name in $TMPDIR, else /tmp, that nobody has and nobody guesses. Nothing is written
   yet. */
void ca_file_init(struct ca_file *file, const char *text);

/* 0, or errno: nothing is there then. */
int ca_file_write(const struct ca_file *file);

/* Removes it where it is; also where another process has written or removed it. */
void ca_file_remove(struct ca_file *file);

#endif
