/* The Unix socket's file: never takes another process's file, and removes its own at the end. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "servers/http/http_private.h"

enum {
	BACKLOG = 1024,
	LOCK_TRIES = 100, /* each followed by 10 ms */
};

/*
 * Two processes that start at the same moment must not take each other's new socket for a dead one.
 * So the folder is locked, which leaves no file behind. If another process keeps that lock, we go
 * on without it.
 */
static int lock_folder(const char *path)
{
	char copy[sizeof((struct sockaddr_un *)0)->sun_path];
	strcpy(copy, path); /* the caller has checked its length */
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) != 0; i++)
		poll(NULL, 0, 10);
	return fd;
}

/* Removes the file of a socket on which nobody listens. True: `address` is free now. */
static bool make_room(const struct sockaddr_un *address, struct err *err)
{
	const char *path = address->sun_path;
	struct stat there;
	if (lstat(path, &there) != 0)
		return true; /* bind reports any other problem */
	if (!S_ISSOCK(there.st_mode)) {
		err_set(err, STATUS_BIND,
			"%s: is there already, and is no socket; give another path", path);
		return false;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool alive = fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (alive || error == EAGAIN) {
		err_set(err, STATUS_BIND,
			"%s: somebody listens there already; end that, or give another path", path);
		return false;
	}
	if (error != ECONNREFUSED || unlink(path) != 0) {
		err_set(err, STATUS_BIND, "%s: cannot be replaced: %s", path,
			strerror(error != ECONNREFUSED ? error : errno));
		return false;
	}
	return true;
}

int http_unix_bind(const char *path, dev_t *device, ino_t *inode, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path || !*path) {
		err_set(err, STATUS_BIND, "\"%s\": a socket's path has 1 to %zu bytes", path,
			sizeof address.sun_path - 1);
		return -1;
	}
	strcpy(address.sun_path, path);
	int lock = lock_folder(path);
	int fd = -1;
	bool bound = false;
	if (!make_room(&address, err))
		goto fail;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t mask = umask(0177);
	bound = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	int error = errno;
	umask(mask);
	struct stat made;
	if (!bound || lstat(path, &made) != 0 || listen(fd, BACKLOG) != 0) {
		err_set(err, STATUS_BIND, "%s: %s", path, strerror(bound ? errno : error));
		goto fail;
	}
	*device = made.st_dev;
	*inode = made.st_ino;
	if (lock >= 0)
		close(lock);
	return fd;
fail:
	if (bound)
		unlink(path);
	if (fd >= 0)
		close(fd);
	if (lock >= 0)
		close(lock);
	return -1;
}

void http_unix_unlink(const char *path, dev_t device, ino_t inode)
{
	struct stat now;
	if (lstat(path, &now) == 0 && now.st_dev == device && now.st_ino == inode)
		unlink(path);
}
