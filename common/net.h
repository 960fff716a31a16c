/* Sockets: addresses as text, listeners, blocking connections, and the kernel's count of
   segments. */
#ifndef COMMON_NET_H
#define COMMON_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/err.h"

struct address {
	struct sockaddr_storage ss;
	socklen_t len;
};

enum { ADDRESS_TEXT = 80, NET_REASON_TEXT = 128 };

/* "Connection refused" (strerror(3)) as it reads behind a colon: "connection refused". */
void net_reason(char reason[NET_REASON_TEXT], const char *text);

/* "127.0.0.1:5003" or "[::1]:5003". */
void address_format(const struct address *address, char text[ADDRESS_TEXT]);

/* From a numeric address without a port; false: `text` is none. */
bool address_parse(struct address *address, const char *text, uint16_t port);

uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);

struct listen_options {
	int backlog;   /* listen(2) */
	int mss;       /* TCP_MAXSEG, bytes; 0: the kernel's */
	int send_buffer; /* SO_SNDBUF, bytes; 0: the kernel's. Accepted connections inherit both */
};

/*
 * A non-blocking, close-on-exec listener with SO_REUSEADDR and IPV6_V6ONLY. -1 with `err`
 * (STATUS_BIND) on failure; errno is that of the call that failed. Port 0 asks for a free one:
 * net_local_address tells which.
 */
int net_listen(const struct address *address, const struct listen_options *options,
	struct err *err);

bool net_local_address(int fd, struct address *address);

/*
 * A blocking TCP connection to `host` (name or address), each address of it in turn. `family` is
 * AF_UNSPEC, AF_INET or AF_INET6. `timeout` in seconds bounds the connecting and then each send and
 * recv (SO_SNDTIMEO, SO_RCVTIMEO); 0: none. -1 with `err` (STATUS_FAILED) on failure.
 */
int net_connect(const char *host, uint16_t port, int family, double timeout, struct err *err);

/* Sets SO_RCVTIMEO and SO_SNDTIMEO to `timeout` seconds; 0: none. */
void net_set_timeout(int fd, double timeout);

/* Data segments that this socket has sent and received (tcp(7), TCP_INFO). */
struct segments {
	uint32_t out;   /* each once, however often it was sent */
	/* sent again: also a tail loss probe (RFC 8985) to a peer whose machine is slow to
	   acknowledge */
	uint32_t again;
	uint32_t in;    /* with those that came twice */
	bool bytes_known; /* Linux 4.19 and later; the next ones are 0 elsewhere */
	uint64_t left;    /* bytes that have left, each once */
	uint64_t waiting; /* bytes that the kernel holds back */
	uint64_t acked;   /* bytes that the peer has acknowledged */
};

/* False where the system does not count them. */
bool net_segments(int fd, struct segments *segments);

/* Bytes that were given to the kernel and are not yet acknowledged (SIOCOUTQ); 0 where unknown, and
   where the connection has ended: what is left then, nobody will take. */
int net_unacknowledged(int fd);

#endif
