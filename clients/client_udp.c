/* Shared by the datagram clients: a datagram's destination, its sender, and its text. */
#include "clients/client_udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "common/utf8.h"

bool client_resolve(const char *host, uint16_t port, int family, struct address *address,
	struct err *err)
{
	if (strcmp(host, "localhost") == 0)
		host = family == AF_INET6 ? "::1" : "127.0.0.1";
	const struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *list;
	int code = getaddrinfo(host, NULL, &hints, &list);
	if (code != 0) {
		err_set(err, STATUS_FAILED, "%s: %s", host,
			code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
		return false;
	}
	const struct addrinfo *best = list;
	for (const struct addrinfo *at = list; at; at = at->ai_next)
		if (at->ai_family == AF_INET && best->ai_family != AF_INET)
			best = at;
	*address = (struct address){ .len = best->ai_addrlen };
	memcpy(&address->ss, best->ai_addr, best->ai_addrlen);
	address_set_port(address, port);
	freeaddrinfo(list);
	return true;
}

bool client_is_from(const struct address *from, const struct address *expected)
{
	if (from->ss.ss_family != expected->ss.ss_family ||
		address_port(from) != address_port(expected))
		return false;
	if (from->ss.ss_family == AF_INET6)
		return IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)&from->ss)->sin6_addr,
			&((const struct sockaddr_in6 *)&expected->ss)->sin6_addr);
	return ((const struct sockaddr_in *)&from->ss)->sin_addr.s_addr ==
	       ((const struct sockaddr_in *)&expected->ss)->sin_addr.s_addr;
}

void client_hear_refusals(int fd, int family)
{
	const int on = 1;
	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
}

long client_take_refusals(int fd)
{
	char data[64], control[512];
	long count = 0;
	for (;;) {
		struct iovec into = { .iov_base = data, .iov_len = sizeof data };
		struct msghdr message = { .msg_iov = &into,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof control };
		if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return count;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
			struct sock_extended_err error;
			if ((c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR) &&
				(c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_RECVERR))
				continue;
			memcpy(&error, CMSG_DATA(c), sizeof error);
			count += error.ee_errno == ECONNREFUSED;
		}
	}
}

/* Whether this is one of ASCII's control characters, or one of U+0080 to U+009F, which some
   terminals obey too. */
static bool is_control(const char *character, size_t len)
{
	unsigned char first = (unsigned char)character[0];
	return len == 1 ? first < ' ' || first == 0x7f
			: first == 0xc2 && (unsigned char)character[1] < 0xa0;
}

void client_print_text(const char *data, size_t len)
{
	while (len > 0) {
		size_t character = utf8_character(data, len),
		       bytes = character > 0 ? character : 1;
		if (*data == '\\')
			fputs("\\\\", stdout);
		else if (*data == '\n')
			fputs("\\n", stdout);
		else if (character > 0 && !is_control(data, character))
			fwrite(data, 1, character, stdout);
		else
			for (size_t i = 0; i < bytes; i++)
				printf("\\x%02x", (unsigned)(unsigned char)data[i]);
		data += bytes;
		len -= bytes;
	}
}

size_t client_cut(const char *data, size_t len, size_t max)
{
	if (len <= max)
		return len;
	/* A character has at most four bytes. All but the first are 10xxxxxx (RFC 3629 section
	   3). */
	for (size_t cut = max; cut > max - 4; cut--)
		if (((unsigned char)data[cut] & 0xc0) != 0x80)
			return cut;
	return max;
}

size_t client_characters(const char *data, size_t len)
{
	size_t count = 0;
	while (len > 0) {
		size_t character = utf8_character(data, len);
		if (character == 0)
			character = 1;
		data += character;
		len -= character;
		count++;
	}
	return count;
}

bool client_find_group(struct client_group *group, const char *program,
	struct client_options *options, struct err *err)
{
	const char *name = "--group", *text = options->group;
	if (!text) {
		name = "PMULAB_TV_GROUP";
		text = client_environment(name);
	}
	if (!client_find_port(options, "PMULAB_TV_PORT", LAB_TV_PORT, 1, err))
		return false;
	bool valid = address_parse(&group->address, text ? text : "224.1.1.1", options->port) &&
		     group->address.ss.ss_family == AF_INET;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&group->address.ss;
	if (!valid || !IN_MULTICAST(ntohl(in->sin_addr.s_addr))) {
		err_set(err, STATUS_USAGE,
			"%s: \"%s\" is no multicast group: 224.0.0.0 to 239.255.255.255", name,
			text);
		return false;
	}
	const char *interface = options->interface;
	name = "--iface";
	if (!interface) {
		name = "PMULAB_TV_INTERFACE";
		interface = client_environment(name);
	}
	if (inet_pton(AF_INET, interface ? interface : "127.0.0.1", &group->interface) != 1) {
		err_set(err, STATUS_USAGE, "%s: \"%s\" is no IPv4 address of this machine", name,
			interface);
		return false;
	}
	bool loopback = ntohl(group->interface.s_addr) >> 24 == IN_LOOPBACKNET;
	group->ttl = loopback || options->interface ? 0 : 1;
	if (!loopback && options->interface)
		fprintf(stderr,
			"%s: --iface %s: the group is that of a network now, "
			"not of this machine alone\n",
			program, interface);
	return true;
}
