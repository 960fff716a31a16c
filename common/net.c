/*
 * Sockets: numeric addresses, listeners and blocking connections. Each failure becomes one line
 * with the address and the reason.
 */
#include "common/net.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/sockios.h>
#endif

#include "common/clock.h"

enum { ENDPOINT_TEXT = 300 };

void net_reason(char reason[NET_REASON_TEXT], const char *text)
{
	snprintf(reason, NET_REASON_TEXT, "%s", text);
	if (isupper((unsigned char)reason[0]) && islower((unsigned char)reason[1]))
		reason[0] = (char)tolower((unsigned char)reason[0]);
}

void address_format(const struct address *address, char text[ADDRESS_TEXT])
{
	char host[64], port[8];
	const struct sockaddr *sa = (const struct sockaddr *)&address->ss;
	if (getnameinfo(sa, address->len, host, sizeof host, port, sizeof port,
		    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(text, ADDRESS_TEXT, "unknown");
	else
		snprintf(text, ADDRESS_TEXT,
			address->ss.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

bool address_parse(struct address *address, const char *text, uint16_t port)
{
	*address = (struct address){ 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&address->ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address->ss;
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		address->len = sizeof *in;
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		address->len = sizeof *in6;
	} else if (strchr(text, '%')) {
		/* link-local, "fe80::1%eth0": only getaddrinfo(3) reads the scope */
		const struct addrinfo hints = { .ai_family = AF_INET6, .ai_flags = AI_NUMERICHOST };
		struct addrinfo *found;
		if (getaddrinfo(text, NULL, &hints, &found) != 0)
			return false;
		memcpy(&address->ss, found->ai_addr, found->ai_addrlen);
		address->len = found->ai_addrlen;
		freeaddrinfo(found);
	} else {
		return false;
	}
	address_set_port(address, port);
	return true;
}

uint16_t address_port(const struct address *address)
{
	if (address->ss.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&address->ss)->sin_port);
	if (address->ss.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&address->ss)->sin6_port);
	return 0;
}

void address_set_port(struct address *address, uint16_t port)
{
	if (address->ss.ss_family == AF_INET)
		((struct sockaddr_in *)&address->ss)->sin_port = htons(port);
	else if (address->ss.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&address->ss)->sin6_port = htons(port);
}

static bool set_integer(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static bool set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return false;
	return fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0;
}

/* Closes `fd` and preserves errno; -1: does nothing. */
static void close_quietly(int fd)
{
	int saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
}

int net_listen(const struct address *address, const struct listen_options *options, struct err *err)
{
	int family = address->ss.ss_family;
	const char *what = "socket";
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		goto fail;
	what = "SO_REUSEADDR"; /* a restart must not wait for TIME_WAIT (handout, 1.2) */
	if (!set_integer(fd, SOL_SOCKET, SO_REUSEADDR, 1))
		goto fail;
	what = "IPV6_V6ONLY";
	if (family == AF_INET6 && !set_integer(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
		goto fail;
	what = "TCP_MAXSEG"; /* before listen(2), so that the SYN-ACK announces it */
	if (options->mss > 0 && !set_integer(fd, IPPROTO_TCP, TCP_MAXSEG, options->mss))
		goto fail;
	what = "SO_SNDBUF";
	if (options->send_buffer > 0 &&
		!set_integer(fd, SOL_SOCKET, SO_SNDBUF, options->send_buffer))
		goto fail;
	what = NULL; /* bind(2) and listen(2): the reason alone is clear */
	if (bind(fd, (const struct sockaddr *)&address->ss, address->len) != 0)
		goto fail;
	if (listen(fd, options->backlog) != 0)
		goto fail;
	return fd;

fail:
	close_quietly(fd);
	char where[ADDRESS_TEXT], reason[NET_REASON_TEXT];
	int saved = errno;
	address_format(address, where);
	net_reason(reason, strerror(saved));
	if (what)
		err_set(err, STATUS_BIND, "%s: %s: %s", where, what, reason);
	else
		err_set(err, STATUS_BIND, "%s: %s", where, reason);
	errno = saved;
	return -1;
}

bool net_local_address(int fd, struct address *address)
{
	*address = (struct address){ .len = sizeof address->ss };
	return getsockname(fd, (struct sockaddr *)&address->ss, &address->len) == 0;
}

void net_set_timeout(int fd, double timeout)
{
	struct timeval tv = { 0 };
	if (timeout > 0) { /* false for NaN too */
		timeout = fmin(timeout, 1e9);
		tv.tv_sec = (time_t)timeout;
		tv.tv_usec = (suseconds_t)((timeout - (double)tv.tv_sec) * 1e6);
		if (tv.tv_sec == 0 && tv.tv_usec == 0)
			tv.tv_usec = 1; /* 0 would mean no limit */
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
}

/* Waits until the connection that connect(2) has begun is established. `deadline` is on clock_now;
   0: no limit. False with errno. */
static bool wait_connected(int fd, double deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	for (;;) {
		int wait = -1;
		if (deadline > 0)
			wait = (int)fmin(fmax(ceil((deadline - clock_now()) * 1000), 0), 1e9);
		int ready = poll(&poll_fd, 1, wait);
		if (ready > 0)
			break;
		if (ready == 0 && clock_now() >= deadline) {
			errno = ETIMEDOUT;
			return false;
		}
		if (ready < 0 && errno != EINTR)
			return false;
	}
	int error = 0;
	socklen_t len = sizeof error;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return false;
	errno = error;
	return error == 0;
}

/* Connects without blocking, so that the deadline holds and a signal does no harm. The descriptor
   blocks afterwards. -1 with errno. */
static int connect_one(const struct addrinfo *to, double deadline)
{
	int fd = socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
		to->ai_protocol);
	if (fd < 0)
		return -1;
	if (connect(fd, to->ai_addr, to->ai_addrlen) != 0) {
		if (errno != EINPROGRESS || !wait_connected(fd, deadline))
			goto fail;
	}
	if (!set_blocking(fd, true))
		goto fail;
	return fd;

fail:
	close_quietly(fd);
	return -1;
}

static bool is_loopback(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 ==
		       IN_LOOPBACKNET;
	return sa->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)sa)->sin6_addr);
}

/* Whether this machine has no route to that family. The error of an address that was reached says
   more. */
static bool is_unreachable(int error)
{
	return error == ENETUNREACH || error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

/* Sets the line of `err`: "localhost:5003: connection refused ...", "tcpip.epfl.ch:5003
   (128.178.1.2): no answer within 10 s". */
static void connect_failed(struct err *err, const char *endpoint, const char *host,
	const struct addrinfo *at, int error, double timeout)
{
	char number[64] = "", reason[NET_REASON_TEXT], tried[80] = "";
	bool loopback = is_loopback(at->ai_addr);
	getnameinfo(at->ai_addr, at->ai_addrlen, number, sizeof number, NULL, 0, NI_NUMERICHOST);
	if (!loopback && strcmp(host, number) != 0)
		snprintf(tried, sizeof tried, " (%s)", number);
	net_reason(reason, strerror(error));
	if (error == ETIMEDOUT && timeout > 0)
		snprintf(reason, sizeof reason, "no answer within %g s", timeout);
	err_set(err, STATUS_FAILED, "%s%s: %s%s", endpoint, tried, reason,
		error == ECONNREFUSED && loopback
			? " (is the lab running? start it with scripts/lab)"
			: "");
}

int net_connect(const char *host, uint16_t port, int family, double timeout, struct err *err)
{
	/* Without AI_ADDRCONFIG: it would hide ::1 and 127.0.0.1 on a machine that has no other
	   address of the family. */
	const struct addrinfo hints = {
		.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV
	};
	struct addrinfo *list;
	char service[8], endpoint[ENDPOINT_TEXT];
	snprintf(service, sizeof service, "%u", (unsigned)port);
	snprintf(endpoint, sizeof endpoint, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, service);

	int code = getaddrinfo(host, service, &hints, &list);
	if (code != 0) {
		char reason[NET_REASON_TEXT];
		net_reason(reason, code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
		err_set(err, STATUS_FAILED, "%s: %s", endpoint, reason);
		return -1;
	}

	double deadline = timeout > 0 ? clock_now() + timeout : 0;
	const struct addrinfo *failed = NULL;
	int error = 0, fd = -1;
	for (const struct addrinfo *at = list; at && fd < 0; at = at->ai_next) {
		fd = connect_one(at, deadline);
		if (fd < 0 && (!failed || !is_unreachable(errno))) {
			failed = at;
			error = errno;
		}
	}
	if (fd >= 0)
		net_set_timeout(fd, timeout);
	else
		connect_failed(err, endpoint, host, failed, error, timeout);
	freeaddrinfo(list);
	if (fd < 0)
		errno = error;
	return fd;
}

int net_unacknowledged(int fd)
{
#ifdef SIOCOUTQ
	struct tcp_info info;
	socklen_t len = sizeof info;
	int bytes;
	/* After a reset, SIOCOUTQ counts the lost bytes for ever. */
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_state == TCP_CLOSE)
		return 0;
	if (ioctl(fd, SIOCOUTQ, &bytes) == 0)
		return bytes;
#endif
	return 0;
}
