/*
 * Data segments as the kernel counts them, tcp(7) TCP_INFO. A file of its own: glibc's
 * <netinet/tcp.h> has a struct tcp_info without tcpi_data_segs_out, and cannot be included beside
 * <linux/tcp.h>, which has it.
 */
#include "common/net.h"

#ifdef __linux__

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>

bool net_segments(int fd, struct segments *segments)
{
	struct tcp_info info;
	socklen_t len = sizeof info;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return false;
	/* A kernel before 4.6 fills less. */
	if (len < offsetof(struct tcp_info, tcpi_data_segs_out) + sizeof info.tcpi_data_segs_out)
		return false;
	segments->again = info.tcpi_total_retrans;
	/* Among these is a FIN or SYN that was sent again without any data: the FIN after 10 ms
	   already, where the peer's machine is busy. A kernel before 4.19 does not count the
	   bytes. */
	if (len >= offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof info.tcpi_bytes_retrans &&
		info.tcpi_bytes_retrans < segments->again)
		segments->again = (uint32_t)info.tcpi_bytes_retrans;
	segments->out = info.tcpi_data_segs_out - segments->again;
	segments->in = info.tcpi_data_segs_in;
	segments->bytes_known = len >= offsetof(struct tcp_info, tcpi_bytes_retrans) +
					       sizeof info.tcpi_bytes_retrans;
	segments->left = segments->bytes_known ? info.tcpi_bytes_sent - info.tcpi_bytes_retrans : 0;
	segments->waiting = segments->bytes_known ? info.tcpi_notsent_bytes : 0;
	segments->acked = segments->bytes_known ? info.tcpi_bytes_acked : 0;
	if (segments->acked > segments->left) /* a FIN counts as a byte there */
		segments->acked = segments->left;
	return true;
}

#else

bool net_segments(int fd, struct segments *segments)
{
	return false;
}

#endif
