/* Sockets: addresses and their text, listeners, blocking connections, and the kernel's count of
   segments. */
#ifndef COMMON_NET_H
#define COMMON_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/err.h"

/* An IPv4 or IPv6 address with a port. */
struct address {
	struct sockaddr_storage ss;
	socklen_t len;
};

enum { ADDRESS_TEXT = 80, NET_REASON_TEXT = 128 }; /* bytes of a text with its NUL */

/* Copies a text of strerror(3) or gai_strerror(3) in the form that it has after a colon:
   "Connection refused" becomes "connection refused". Truncates. */
void net_reason(char reason[NET_REASON_TEXT], const char *text);

/* Writes "127.0.0.1:5003" or "[::1]:5003"; "unknown": it is no IP address. */
void address_format(const struct address *address, char text[ADDRESS_TEXT]);

/* Reads a numeric address without a port ("127.0.0.1", "::1", "fe80::1%eth0"). False: `text` is no
   such address, and `*address` is not usable. */
bool address_parse(struct address *address, const char *text, uint16_t port);

/* The port, in host byte order; 0: `address` is no IP address. */
uint16_t address_port(const struct address *address);

/* Sets the port, in host byte order. Does nothing where `address` is no IP address. */
void address_set_port(struct address *address, uint16_t port);

/* Accepted connections inherit `mss` and `send_buffer`. */
struct listen_options {
	int backlog;   /* listen(2) */
	int mss;       /* TCP_MAXSEG, bytes; 0: the kernel's */
	int send_buffer; /* SO_SNDBUF, bytes; 0: the kernel's */
};

/*
 * Opens a TCP listener that is non-blocking and close-on-exec, with SO_REUSEADDR and IPV6_V6ONLY.
 * Port 0: a free port, which net_local_address tells. Returns the descriptor, which is the
 * caller's. -1 with `err` (STATUS_BIND): it failed, and errno is that of the call that failed.
 */
int net_listen(const struct address *address, const struct listen_options *options,
	struct err *err);

/* The address that the socket is bound to (getsockname(2)). False with errno. */
bool net_local_address(int fd, struct address *address);

/*
 * Makes a blocking TCP connection to `host` (a name or an address). It tries each address of the
 * host in turn. `family` is AF_UNSPEC, AF_INET or AF_INET6. `timeout`, in seconds, limits all
 * attempts together, and afterwards each send and recv (net_set_timeout); 0: no limit. It does not
 * limit the look-up of the name. Returns the descriptor, which is the caller's. -1 with `err`
 * (STATUS_FAILED) on failure.
 */
int net_connect(const char *host, uint16_t port, int family, double timeout, struct err *err);

/* Sets SO_RCVTIMEO and SO_SNDTIMEO (socket(7)) to `timeout` seconds; 0: no limit. */
void net_set_timeout(int fd, double timeout);

/* TCP data segments that the socket has sent and received, and bytes (tcp(7), TCP_INFO). */
struct segments {
	uint32_t out;   /* sent; a retransmitted segment counts once */
	/* retransmissions; a tail loss probe (RFC 8985) to a peer whose machine is slow to
	   acknowledge is one too */
	uint32_t again;
	uint32_t in;    /* received; a segment that came twice counts twice */
	/* the kernel counts bytes (Linux 4.19 and later); otherwise the next three are 0 */
	bool bytes_known;
	uint64_t left;    /* bytes sent; a retransmitted byte counts once */
	uint64_t waiting; /* bytes that the kernel has not sent yet */
	uint64_t acked;   /* bytes that the peer has acknowledged */
};

/* Reads the counts of a TCP socket. False: the system does not count segments, and `*segments` is
   left as it was. */
bool net_segments(int fd, struct segments *segments);

/* Bytes that were given to the kernel and are not yet acknowledged (SIOCOUTQ, tcp(7)). 0: none, or
   unknown, or the connection has ended, so that nobody will take the rest. */
int net_unacknowledged(int fd);

#endif
