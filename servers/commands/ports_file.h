/* The file that tells other programs the lab's address and ports: lines NAME=VALUE (variables.h)
   that a shell can source. */
#ifndef SERVERS_COMMANDS_PORTS_FILE_H
#define SERVERS_COMMANDS_PORTS_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/net.h"
#include "servers/emulator.h"

struct ports_file {
	const char *path; /* NULL: nothing was written */
	/* the file that was written; another lab may have replaced it by its own since */
	dev_t device;
	ino_t inode;
};

/* Writes the file atomically, mode 0644: to a temporary file beside it, then rename(2). `host` is
   the address that clients on this machine connect to; for 0.0.0.0 they get 127.0.0.1. `path`
   outlives `file`. False with `err` (STATUS_USAGE): nothing is left behind. */
bool ports_file_write(struct ports_file *file, const char *path, const struct emulator *emulator,
	const struct address *host, struct err *err);

/* Removes the file if it is still the one that was written. Does nothing for `path` NULL. */
void ports_file_remove(struct ports_file *file);

#endif
