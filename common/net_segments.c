/*
 * The kernel's counts of data segments (tcp(7), TCP_INFO). This is a file of its own, because it
 * needs <linux/tcp.h>. The struct tcp_info of glibc's <netinet/tcp.h> has no tcpi_data_segs_out,
 * and the two headers cannot be included together.
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
	/* A kernel before 4.6 fills a shorter struct. */
	if (len < offsetof(struct tcp_info, tcpi_data_segs_out) + sizeof info.tcpi_data_segs_out)
		return false;
	segments->again = info.tcpi_total_retrans;
	/* tcpi_total_retrans includes a retransmitted FIN or SYN, which carries no data. A FIN is
	   retransmitted after only 10 ms if the peer's machine is busy. A data segment has
	   at least one byte, so the retransmitted bytes limit the count. A kernel before 4.19 does
	   not count bytes. */
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
	if (segments->acked > segments->left) /* tcpi_bytes_acked counts a FIN as a byte */
		segments->acked = segments->left;
	return true;
}

#else

bool net_segments(int fd, struct segments *segments)
{
	return false;
}

#endif
