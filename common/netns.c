#include "common/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool netns_enter(int netns, int *outside, struct err *err)
{
	*outside = -1;
	if (netns < 0)
		return true;
	*outside = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (*outside >= 0 && setns(netns, CLONE_NEWNET) == 0)
		return true;
	err_set(err, STATUS_FAILED, "cannot enter a network namespace: %s", strerror(errno));
	if (*outside >= 0)
		close(*outside);
	*outside = -1;
	return false;
}

void netns_leave(int outside)
{
	int error = errno;
	if (outside < 0)
		return;
	if (setns(outside, CLONE_NEWNET) != 0)
		abort(); /* everything that follows would happen in the wrong network */
	close(outside);
	errno = error;
}
