#include "servers/control/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool place_default(char path[PLACE_SIZE], struct err *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int len;
	/* XDG Base Directory Specification: ignore a relative path */
	if (runtime && runtime[0] == '/')
		len = snprintf(path, PLACE_SIZE, "%s/pmulab/control", runtime);
	else
		len = snprintf(path, PLACE_SIZE, "/tmp/pmulab-%u/control", (unsigned)geteuid());
	if (len < PLACE_SIZE)
		return true;
	err_set(err, STATUS_USAGE,
		"XDG_RUNTIME_DIR: %s: too long for a socket's path; give one of less than %d bytes",
		runtime, PLACE_SIZE);
	return false;
}

bool place_prepare(const char *path, struct err *err)
{
	char folder[PLACE_SIZE];
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
	struct stat there;
	bool made = mkdir(folder, 0700) == 0;
	if (made)
		chmod(folder, 0700); /* whatever the umask is */
	if ((!made && errno != EEXIST) || lstat(folder, &there) != 0) {
		err_set(err, STATUS_BIND, "%s: %s; give a path with --control PATH", folder,
			strerror(errno));
		return false;
	}
	if (S_ISDIR(there.st_mode) && there.st_uid == geteuid() && !(there.st_mode & 077))
		return true;
	err_set(err, STATUS_BIND,
		"%s: must be a folder of yours that is closed to others (chmod 700); "
		"or give a path with --control PATH",
		folder);
	return false;
}
