#include "servers/network/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MTU = 1500, BUFFER = 4096, LAST_PRIORITY = 0x7fffffff };

/* A request under construction. */
struct request {
	char buffer[BUFFER];
	struct nlmsghdr *head;
};

/* An address in the kernel's form. */
struct raw_address {
	unsigned char bytes[16];
	size_t len;
	unsigned char family;
};

bool netlink_open(struct netlink *netlink, struct err *err)
{
	*netlink = (struct netlink){ .socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC) };
	if (netlink->socket && mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) == 0)
		return true;
	err_set(err, STATUS_FAILED, "cannot talk to the kernel about networks: %s",
		strerror(errno));
	netlink_close(netlink);
	return false;
}

void netlink_close(struct netlink *netlink)
{
	if (netlink->socket)
		mnl_socket_close(netlink->socket);
	netlink->socket = NULL;
}

/* Begins a request. Returns the place of its fixed part of `size` bytes, zeroed. */
static void *begin(struct request *request, uint16_t type, uint16_t flags, size_t size)
{
	request->head = mnl_nlmsg_put_header(request->buffer);
	request->head->nlmsg_type = type;
	request->head->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	return mnl_nlmsg_put_extra_header(request->head, size);
}

/* Sends it and waits for the answer. */
static bool ask(struct netlink *netlink, struct request *request, const char *what, struct err *err)
{
	request->head->nlmsg_seq = ++netlink->seq;
	unsigned port = mnl_socket_get_portid(netlink->socket);
	int result = mnl_socket_sendto(netlink->socket, request->head, request->head->nlmsg_len) < 0
			     ? MNL_CB_ERROR
			     : MNL_CB_OK;
	while (result == MNL_CB_OK) {
		char answer[BUFFER];
		ssize_t len = mnl_socket_recvfrom(netlink->socket, answer, sizeof answer);
		result = len < 0 ? MNL_CB_ERROR :
				   mnl_cb_run(answer, (size_t)len, netlink->seq, port, NULL, NULL);
	}
	if (result == MNL_CB_STOP)
		return true;
	err_set(err, STATUS_FAILED, "%s: %s", what, strerror(errno));
	return false;
}

static bool parse(struct raw_address *address, const char *text)
{
	bool v6 = strchr(text, ':') != NULL;
	address->family = v6 ? AF_INET6 : AF_INET;
	address->len = v6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
	return inet_pton(address->family, text, address->bytes) == 1;
}

static void put_end(struct nlmsghdr *head, const struct netlink_end *end)
{
	mnl_attr_put_strz(head, IFLA_IFNAME, end->name);
	mnl_attr_put_u32(head, IFLA_MTU, MTU);
	mnl_attr_put(head, IFLA_ADDRESS, sizeof end->mac, end->mac);
	if (end->netns >= 0)
		mnl_attr_put_u32(head, IFLA_NET_NS_FD, (uint32_t)end->netns);
}

bool netlink_add_wire(struct netlink *netlink, const struct netlink_end *here,
	const struct netlink_end *there, struct err *err)
{
	struct request request;
	struct ifinfomsg *info =
		begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof *info);
	info->ifi_family = AF_UNSPEC;
	put_end(request.head, here);
	struct nlattr *kind = mnl_attr_nest_start(request.head, IFLA_LINKINFO);
	mnl_attr_put_strz(request.head, IFLA_INFO_KIND, "veth");
	struct nlattr *data = mnl_attr_nest_start(request.head, IFLA_INFO_DATA);
	struct nlattr *peer = mnl_attr_nest_start(request.head, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(request.head, sizeof *info);
	put_end(request.head, there);
	mnl_attr_nest_end(request.head, peer);
	mnl_attr_nest_end(request.head, data);
	mnl_attr_nest_end(request.head, kind);
	return ask(netlink, &request, "a pair of virtual interfaces (veth)", err);
}

/* An interface's index. 0 with `err`: there is no such interface. */
static unsigned find(const char *name, struct err *err)
{
	unsigned index = if_nametoindex(name);
	if (index == 0)
		err_set(err, STATUS_FAILED, "interface %s: %s", name, strerror(errno));
	return index;
}

/* Begins a change of an interface; the caller adds what is to change. NULL with `err`. */
static struct ifinfomsg *change(struct request *request, const char *name, struct err *err)
{
	unsigned index = find(name, err);
	if (!index)
		return NULL;
	struct ifinfomsg *info = begin(request, RTM_NEWLINK, 0, sizeof *info);
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)index;
	return info;
}

bool netlink_set_up(struct netlink *netlink, const char *name, struct err *err)
{
	struct request request;
	char what[64];
	snprintf(what, sizeof what, "switching interface %s on", name);
	if (!change(&request, name, err))
		return false;
	struct nlattr *families = mnl_attr_nest_start(request.head, IFLA_AF_SPEC);
	struct nlattr *inet6 = mnl_attr_nest_start(request.head, AF_INET6);
	mnl_attr_put_u8(request.head, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(request.head, inet6);
	mnl_attr_nest_end(request.head, families);
	if (!ask(netlink, &request, what, err))
		return false;
	/* In a second request, because in one request the kernel would switch the interface on
	   first. */
	struct ifinfomsg *info = change(&request, name, err);
	if (!info)
		return false;
	info->ifi_flags = info->ifi_change = IFF_UP;
	return ask(netlink, &request, what, err);
}

bool netlink_add_address(struct netlink *netlink, const char *name, const char *address,
	const char *neighbour, struct err *err)
{
	struct request request;
	struct raw_address own, other;
	unsigned index = find(name, err);
	if (!index)
		return false;
	if (!parse(&own, address) || !parse(&other, neighbour))
		abort(); /* literals of labnet.c */
	struct ifaddrmsg *message =
		begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *message);
	message->ifa_family = own.family;
	message->ifa_prefixlen = (unsigned char)(8 * own.len);
	message->ifa_scope = RT_SCOPE_UNIVERSE;
	message->ifa_index = index;
	mnl_attr_put(request.head, IFA_LOCAL, own.len, own.bytes);
	mnl_attr_put(request.head, IFA_ADDRESS, other.len, other.bytes);
	/* An IPv6 address is usable at once, without a second of duplicate address detection (RFC
	   4862, section 5.4). */
	mnl_attr_put_u32(request.head, IFA_FLAGS, IFA_F_NODAD);
	char what[128];
	snprintf(what, sizeof what, "address %s on %s", address, name);
	return ask(netlink, &request, what, err);
}

bool netlink_add_route(struct netlink *netlink, const char *prefix, const char *name,
	struct err *err)
{
	struct request request;
	struct raw_address to;
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(prefix, '/');
	unsigned index = name ? find(name, err) : 0;
	if (name && !index)
		return false;
	snprintf(address, sizeof address, "%.*s", (int)(slash - prefix), prefix);
	if (!parse(&to, address))
		abort(); /* literals of labnet.c */
	struct rtmsg *message =
		begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof *message);
	message->rtm_family = to.family;
	message->rtm_dst_len = (unsigned char)atoi(slash + 1);
	message->rtm_table = RT_TABLE_MAIN;
	message->rtm_protocol = RTPROT_STATIC;
	message->rtm_scope = index ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	message->rtm_type = index ? RTN_UNICAST : RTN_UNREACHABLE;
	if (message->rtm_dst_len > 0)
		mnl_attr_put(request.head, RTA_DST, to.len, to.bytes);
	if (index)
		mnl_attr_put_u32(request.head, RTA_OIF, index);
	else
		mnl_attr_put_u32(request.head, RTA_PRIORITY, LAST_PRIORITY);
	char what[128];
	snprintf(what, sizeof what, "route to %s", prefix);
	return ask(netlink, &request, what, err);
}
