/* One process chooses the path, so that others can be told it. Another process, which lives longer,
   may write and remove the file. */
#include "servers/network/ca_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

void ca_file_init(struct ca_file *file, const char *text)
{
	const char *folder = getenv("TMPDIR");
	uint64_t number = 0;
	file->text = text;
	/* getrandom(2) returns 8 bytes whole and is not interrupted. */
	(void)!getrandom(&number, sizeof number, 0);
	int len = snprintf(file->path, sizeof file->path, "%s/pmulab-ca-%016" PRIx64 ".pem",
		folder && folder[0] == '/' ? folder : "/tmp", number);
	if (len >= (int)sizeof file->path)
		snprintf(file->path, sizeof file->path, "/tmp/pmulab-ca-%016" PRIx64 ".pem",
			number);
}

int ca_file_write(const struct ca_file *file)
{
	int fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return errno;
	size_t len = strlen(file->text);
	errno = ENOSPC; /* a short write sets no errno */
	bool written = write(fd, file->text, len) == (ssize_t)len && fchmod(fd, 0644) == 0;
	int error = written ? 0 : errno;
	if (close(fd) != 0 && error == 0)
		error = errno;
	if (error != 0)
		unlink(file->path);
	return error;
}

void ca_file_remove(struct ca_file *file)
{
	if (*file->path)
		unlink(file->path);
	*file->path = '\0';
}
