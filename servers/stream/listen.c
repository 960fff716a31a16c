#include "servers/stream/listen.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum {
	BACKLOG = 4096,
	SEND_BUFFER_MIN = 65536,  /* bytes */
	/* bytes; the kernel's default of net.core.wmem_max, which is the most one gets */
	SEND_BUFFER_MAX = 212992,
};

/* The kernel doubles SO_SNDBUF for its own bookkeeping (socket(7)). A flood that fits leaves in one
   send(). 0: the kernel's choice. */
static int send_buffer(size_t flood)
{
	if (flood > SEND_BUFFER_MAX || flood == 0)
		return 0; /* the kernel lets it grow */
	return flood + flood / 4 > SEND_BUFFER_MIN ? (int)(flood + flood / 4) : SEND_BUFFER_MIN;
}

/*
 * round_trip.c emulates Nagle's algorithm, so the kernel's is off. Segments that it releases must
 * leave at once. BBR paces, and would still hold the first message when the cork closes behind it.
 * cubic, which the lab's servers had, and reno, which every Linux has, do not pace (tcp(7),
 * TCP_CONGESTION). Accepted connections inherit both settings.
 */
static void leave_segments_to_us(int fd)
{
	static const char *const unpaced[] = { "cubic", "reno" };
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	for (size_t i = 0; i < sizeof unpaced / sizeof unpaced[0]; i++)
		if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, unpaced[i],
			    (socklen_t)strlen(unpaced[i])) == 0)
			return;
}

int stream_listen_on(const struct address *address, int mss, size_t flood, struct err *err)
{
	const struct listen_options options = { .backlog = BACKLOG,
		.mss = mss,
		.send_buffer = send_buffer(flood) };
	int fd = net_listen(address, &options, err);
	if (fd >= 0)
		leave_segments_to_us(fd);
	return fd;
}

/* TCP_MAXSEG 0 means the kernel's choice, as for a new listener. A buffer that was once set does
   not grow by itself any more, so a flood that is too large for any buffer gets the largest one. */
void stream_listen_change(int fd, int mss, size_t flood)
{
	int buffer = flood > SEND_BUFFER_MAX ? SEND_BUFFER_MAX : send_buffer(flood);
	setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof mss);
	if (buffer > 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
}
