#include "servers/station/multicast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "servers/datagram/batch.h"

static int fail(int fd, const struct address *where, struct in_addr interface, const char *what,
	struct err *err)
{
	int error = errno;
	char text[ADDRESS_TEXT], name[INET_ADDRSTRLEN] = "", reason[NET_REASON_TEXT];
	address_format(where, text);
	inet_ntop(AF_INET, &interface, name, sizeof name);
	net_reason(reason, strerror(error));
	err_set(err, STATUS_BIND, "%s on the interface of %s: %s: %s", text, name, what, reason);
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

static bool set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

bool multicast_is(const struct address *group)
{
	return IN_MULTICAST(ntohl(((const struct sockaddr_in *)&group->ss)->sin_addr.s_addr));
}

bool multicast_is_loopback(struct in_addr address)
{
	enum { LOOPBACK_NET = 127 };
	return ntohl(address.s_addr) >> 24 == LOOPBACK_NET;
}

bool multicast_check(const struct address *group, struct in_addr interface, struct err *err)
{
	const struct in_addr host = ((const struct sockaddr_in *)&group->ss)->sin_addr;
	char host_text[INET_ADDRSTRLEN] = "", name[INET_ADDRSTRLEN] = "";
	if (multicast_is(group) || multicast_is_loopback(host) || !multicast_is_loopback(interface))
		return true;
	inet_ntop(AF_INET, &host, host_text, sizeof host_text);
	inet_ntop(AF_INET, &interface, name, sizeof name);
	err_set(err, STATUS_USAGE,
		"tv.group=%s is no multicast address and cannot be reached from tv.interface=%s; "
		"name an address of this machine's with --set tv.interface=ADDRESS too, or a group "
		"from 224.0.0.0 to 239.255.255.255",
		host_text, name);
	return false;
}

int multicast_hear(struct address *group, struct in_addr interface, struct err *err)
{
	struct address local = *group;
	if (!multicast_is(group))
		((struct sockaddr_in *)&local.ss)->sin_addr = interface;
	const struct ip_mreqn membership = {
		.imr_multiaddr = ((const struct sockaddr_in *)&group->ss)->sin_addr,
		.imr_address = interface,
	};
	bool any_port = address_port(group) == 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(fd, group, interface, "socket", err);
	/* With SO_REUSEADDR set, bind(2) to port 0 may choose a port that is in use. When it is set
	   after bind(2), other sockets can still share the port. */
	if (!any_port && !set(fd, SOL_SOCKET, SO_REUSEADDR, 1))
		return fail(fd, group, interface, "SO_REUSEADDR", err);
	if (bind(fd, (const struct sockaddr *)&local.ss, local.len) != 0)
		return fail(fd, group, interface, "bind", err);
	if (any_port && !set(fd, SOL_SOCKET, SO_REUSEADDR, 1))
		return fail(fd, group, interface, "SO_REUSEADDR", err);
	/* Otherwise the socket would also receive from groups that other sockets on this machine
	   have joined, on any interface (ip(7)). */
	if (!set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0))
		return fail(fd, group, interface, "IP_MULTICAST_ALL", err);
	if (multicast_is(group) &&
		setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) != 0)
		return fail(fd, group, interface, "cannot join the group", err);
	batch_make_room(fd);
	if (net_local_address(fd, &local))
		address_set_port(group, address_port(&local));
	return fd;
}

int multicast_speak(struct address *source, struct in_addr interface, int ttl, struct err *err)
{
	const struct ip_mreqn through = { .imr_address = interface };
	struct sockaddr_in *in = (struct sockaddr_in *)&source->ss;
	*source = (struct address){ .len = sizeof *in };
	*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = interface };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(fd, source, interface, "socket", err);
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &through, sizeof through) != 0)
		return fail(fd, source, interface, "IP_MULTICAST_IF", err);
	if (!set(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl) ||
		!set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1))
		return fail(fd, source, interface, "IP_MULTICAST_TTL", err);
	if (bind(fd, (const struct sockaddr *)&source->ss, source->len) != 0)
		return fail(fd, source, interface, "bind", err);
	net_local_address(fd, source);
	return fd;
}
