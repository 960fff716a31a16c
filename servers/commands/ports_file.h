/* The file that tells other programs where the lab is: lines that a shell can source. */
#ifndef SERVERS_COMMANDS_PORTS_FILE_H
#define SERVERS_COMMANDS_PORTS_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/net.h"
#include "servers/emulator.h"

struct ports_file {
	const char *path; /* NULL: nothing was written */
	/* of what was written: another lab may have put its own in that place since */
	dev_t device;
	ino_t inode;
};

/* Writes it whole: a temporary file beside it, then rename(2). `path` outlives `file`. STATUS_USAGE
   on failure. */
bool ports_file_write(struct ports_file *file, const char *path, const struct emulator *emulator,
	const struct address *host, struct err *err);

/* Removes what was written, if it is still there. */
void ports_file_remove(struct ports_file *file);

#endif
