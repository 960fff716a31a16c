#include "servers/datagram/batch.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes. The kernel doubles them and counts 768 for a short datagram. So there is room for 10,000
   datagrams: 0.1 s at 100,000 a second. */
enum { RECEIVE_BUFFER = 4 << 20 };

struct batch_in {
	struct mmsghdr headers[BATCH_SIZE];
	struct iovec vectors[BATCH_SIZE];
	struct batch_origin origins[BATCH_SIZE];
	char data[BATCH_SIZE][BATCH_DATAGRAM];
};

struct batch_out {
	int count;
	struct mmsghdr headers[BATCH_SIZE];
	struct iovec vectors[BATCH_SIZE];
	struct batch_origin origins[BATCH_SIZE];
	bool told[BATCH_SIZE];
	char data[BATCH_SIZE][BATCH_REPLY];
};

static bool is_any(const struct address *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&address->ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->ss;
	if (address->ss.ss_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
	return in->sin_addr.s_addr == htonl(INADDR_ANY);
}

int batch_bind(const struct address *address, struct err *err)
{
	int on = 1, family = address->ss.ss_family;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		goto fail;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
		goto fail;
	if (is_any(address) && setsockopt(fd, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
		family == AF_INET6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof on) != 0)
		goto fail;
	if (bind(fd, (const struct sockaddr *)&address->ss, address->len) != 0)
		goto fail;
	batch_make_room(fd);
	return fd;
fail:;
	int error = errno;
	char text[ADDRESS_TEXT], reason[NET_REASON_TEXT];
	address_format(address, text);
	net_reason(reason, strerror(error));
	err_set(err, STATUS_BIND, "%s: %s", text, reason);
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

void batch_make_room(int fd)
{
	int room = RECEIVE_BUFFER;
	/* SO_RCVBUFFORCE needs CAP_NET_ADMIN. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
}

/* It does not use SO_RXQ_OVFL: that counter only comes with the next datagram that is accepted. */
bool batch_queue(int fd, struct batch_queue *queue)
{
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof memory;
	bool told = getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size) == 0;
	*queue = (struct batch_queue){ memory[SK_MEMINFO_RMEM_ALLOC], memory[SK_MEMINFO_RCVBUF],
		memory[SK_MEMINFO_DROPS] };
	return told;
}

/* A connected UDP socket receives only from its peer. Connected to itself it receives from
   nobody. */
void batch_refuse(int fd)
{
	struct address self;
	if (!net_local_address(fd, &self))
		return;
	if (is_any(&self)) {
		uint16_t port = address_port(&self);
		address_parse(&self, self.ss.ss_family == AF_INET6 ? "::1" : "127.0.0.1", port);
	}
	/* When it fails, datagrams that arrive between the last read and close(2) are lost. */
	if (connect(fd, (const struct sockaddr *)&self.ss, self.len) != 0)
		return;
}

/* ---- in ---- */

struct batch_in *batch_in_create(void)
{
	/* 4 MiB, of which only the pages that are written to take memory. */
	struct batch_in *in = calloc(1, sizeof *in);
	for (int i = 0; in && i < BATCH_SIZE; i++) {
		in->vectors[i] = (struct iovec){ in->data[i], BATCH_DATAGRAM };
		in->headers[i].msg_hdr = (struct msghdr){
			.msg_name = &in->origins[i].peer.ss,
			.msg_iov = &in->vectors[i],
			.msg_iovlen = 1,
			.msg_control = in->origins[i].control,
		};
	}
	return in;
}

void batch_in_destroy(struct batch_in *in)
{
	free(in);
}

int batch_in_read(struct batch_in *in, int fd)
{
	for (int i = 0; i < BATCH_SIZE; i++) {
		in->headers[i].msg_hdr.msg_namelen = sizeof in->origins[i].peer.ss;
		in->headers[i].msg_hdr.msg_controllen = BATCH_CONTROL;
	}
	int count = recvmmsg(fd, in->headers, BATCH_SIZE, 0, NULL);
	for (int i = 0; i < count; i++) {
		in->origins[i].peer.len = in->headers[i].msg_hdr.msg_namelen;
		in->origins[i].control_len = in->headers[i].msg_hdr.msg_controllen;
	}
	return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? 0 : count;
}

char *batch_in_data(struct batch_in *in, int i, size_t *len)
{
	*len = in->headers[i].msg_len;
	return in->data[i];
}

/* Clears the interface in the ancillary data: a reply has the local address as its source, but the
   routing table chooses the interface. */
const struct batch_origin *batch_in_origin(struct batch_in *in, int i)
{
	struct msghdr *header = &in->headers[i].msg_hdr;
	struct cmsghdr *control = CMSG_FIRSTHDR(header);
	if (control && control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO)
		((struct in_pktinfo *)(void *)CMSG_DATA(control))->ipi_ifindex = 0;
	return &in->origins[i];
}

/* ---- out ---- */

struct batch_out *batch_out_create(void)
{
	return calloc(1, sizeof(struct batch_out));
}

void batch_out_destroy(struct batch_out *out)
{
	free(out);
}

bool batch_out_add(struct batch_out *out, const struct batch_origin *to, bool told,
	const char *data, size_t len)
{
	if (out->count == BATCH_SIZE || len > BATCH_REPLY)
		return false;
	int i = out->count++;
	struct batch_origin *origin = &out->origins[i];
	*origin = *to;
	out->told[i] = told;
	memcpy(out->data[i], data, len);
	out->vectors[i] = (struct iovec){ out->data[i], len };
	out->headers[i].msg_hdr = (struct msghdr){
		.msg_name = &origin->peer.ss,
		.msg_namelen = origin->peer.len,
		.msg_iov = &out->vectors[i],
		.msg_iovlen = 1,
		.msg_control = origin->control_len ? origin->control : NULL,
		.msg_controllen = origin->control_len,
	};
	return true;
}

void batch_out_send(struct batch_out *out, int fd,
	void (*on_refused)(void *context, const struct batch_origin *to, bool told, int error),
	void *context)
{
	for (int sent = 0; sent < out->count;) {
		int n = sendmmsg(fd, out->headers + sent, (unsigned)(out->count - sent), 0);
		if (n > 0) {
			sent += n;
		} else if (errno != EINTR) { /* the errno is that of the first datagram */
			on_refused(context, &out->origins[sent], out->told[sent], errno);
			sent++;
		}
	}
	out->count = 0;
}
