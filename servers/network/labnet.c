/* The steps that make the box, each with its undo. Undoing goes in reverse order. */
#include "servers/network/labnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "servers/network/netlink.h"

#define OWN_NETNS "/proc/thread-self/ns/net"

/* ---- the way in ---- */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	bool done = fd >= 0 && write(fd, text, len) == (ssize_t)len;
	int error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return done;
}

/* The first digit of a file that holds one number; 0: there is none. */
static char read_switch(const char *path)
{
	char value = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, &value, 1) != 1)
		value = 0;
	close(fd);
	return value;
}

const char *labnet_remedy(int error)
{
	if (error == ENOSPC)
		return "no more namespaces are allowed (sudo sysctl user.max_user_namespaces=10000 "
		       "user.max_net_namespaces=10000 user.max_mnt_namespaces=10000 "
		       "user.max_pid_namespaces=10000)";
	if (error == EAGAIN)
		return "no more processes are allowed (ulimit -u)";
	if (error == EMFILE || error == ENFILE)
		return "no more files may be open (ulimit -n 64)";
	if (error == ENOSYS || error == EINVAL)
		return "this kernel has no such namespaces "
		       "(WSL 1? wsl --set-version DISTRIBUTION 2)";
	if (read_switch("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == '1')
		return "AppArmor keeps users from it "
		       "(sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0)";
	if (read_switch("/proc/sys/kernel/unprivileged_userns_clone") == '0')
		return "only root may (sudo sysctl kernel.unprivileged_userns_clone=1)";
	return "a container, a chroot or another box refuses it "
	       "(docker run --privileged allows it)";
}

/* Preserves errno. */
static void refused(const char *what, struct err *err)
{
	int error = errno;
	err_set(err, STATUS_FAILED, "no %s: %s; %s", what, strerror(error), labnet_remedy(error));
	errno = error;
}

/* Makes a user namespace in which the own user and group keep their numbers; no others are mapped
   (user_namespaces(7)). */
static bool make_users(struct err *err)
{
	char uid_map[64], gid_map[64];
	snprintf(uid_map, sizeof uid_map, "%u %u 1", (unsigned)geteuid(), (unsigned)geteuid());
	snprintf(gid_map, sizeof gid_map, "%u %u 1", (unsigned)getegid(), (unsigned)getegid());
	if (unshare(CLONE_NEWUSER) == 0 && write_file("/proc/self/setgroups", "deny") &&
		write_file("/proc/self/uid_map", uid_map) &&
		write_file("/proc/self/gid_map", gid_map))
		return true;
	refused("user namespace", err);
	return false;
}

/* Moves to a new network namespace and returns its descriptor. -1 with `err` and errno. */
static int make_netns(struct err *err)
{
	int fd = unshare(CLONE_NEWNET) == 0 ? open(OWN_NETNS, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		refused("network namespace", err);
	return fd;
}

static bool remember_outside(struct labnet *net, struct err *err)
{
	net->outside = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	if (net->outside < 0)
		err_set(err, STATUS_FAILED, "%s: %s", OWN_NETNS, strerror(errno));
	return net->outside >= 0;
}

/* Fails in a process that has made a user namespace; such a process is about to end. */
static void go_outside(struct labnet *net)
{
	struct err ignored;
	labnet_enter(net->outside, &ignored);
	close(net->outside);
}

/* Root, or a user who has the rights, needs no user namespace. */
static bool make_home(struct labnet *net, struct err *err)
{
	net->home = make_netns(err);
	if (net->home < 0 && errno == EPERM) {
		net->own_users = make_users(err);
		net->home = net->own_users ? make_netns(err) : -1;
	}
	if (net->home >= 0)
		*err->text = '\0'; /* the first refusal is no failure */
	return net->home >= 0;
}

static void close_home(struct labnet *net)
{
	close(net->home);
}

static bool make_lab(struct labnet *net, struct err *err)
{
	net->lab = make_netns(err);
	return net->lab >= 0;
}

static void close_lab(struct labnet *net)
{
	close(net->lab);
}

/* ---- the wire ---- */

/* Switches off segmentation and checksum offload. Then a capture shows what was on the wire: at
   most 1,448 bytes of data a packet, with correct checksums. */
static bool cut_offload(struct err *err)
{
	static const unsigned commands[] = { ETHTOOL_STXCSUM, ETHTOOL_SRXCSUM, ETHTOOL_SSG,
		ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO };
	struct ifreq request = { .ifr_name = LABNET_WIRE };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = fd >= 0;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0] && done; i++) {
		struct ethtool_value value = { .cmd = commands[i], .data = 0 };
		request.ifr_data = (char *)&value;
		/* A feature that the kernel does not know or cannot switch is not on. */
		done = ioctl(fd, SIOCETHTOOL, &request) == 0 || errno == EOPNOTSUPP;
	}
	if (!done)
		err_set(err, STATUS_FAILED, "switching off the offload of %s: %s", LABNET_WIRE,
			strerror(errno));
	if (fd >= 0)
		close(fd);
	return done;
}

static bool lay_wire(struct labnet *net, struct err *err)
{
	const struct netlink_end lab = { .name = LABNET_WIRE,
		.mac = { 2, 0, 0, 0, 0, 1 },
		.netns = -1 };
	const struct netlink_end home = { .name = LABNET_WIRE,
		.mac = { 2, 0, 0, 0, 0, 2 },
		.netns = net->home };
	struct netlink netlink;
	bool done = netlink_open(&netlink, err) && netlink_add_wire(&netlink, &lab, &home, err);
	netlink_close(&netlink);
	return done;
}

/* Sets up one end: its addresses, the route to the other end and to multicast groups, and no other
   route. */
static bool set_up_end(const char *const own[2], const char *const other[2], struct err *err)
{
	struct netlink netlink;
	bool done = cut_offload(err) && netlink_open(&netlink, err);
	if (!done)
		return false;
	done = netlink_set_up(&netlink, "lo", err) && netlink_set_up(&netlink, LABNET_WIRE, err);
	for (int i = 0; i < 2 && done; i++)
		done = netlink_add_address(&netlink, LABNET_WIRE, own[i], other[i], err);
	done = done && netlink_add_route(&netlink, "224.0.0.0/4", LABNET_WIRE, err) &&
	       netlink_add_route(&netlink, "0.0.0.0/0", NULL, err) &&
	       netlink_add_route(&netlink, "::/0", NULL, err);
	netlink_close(&netlink);
	return done;
}

/* IPv6 is the last to learn that an interface is on. When it has a route to the neighbour, all else
   is ready. connect(2) of a datagram socket looks up the route and sends nothing. */
static bool has_way_to(const char *neighbour)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	inet_pton(AF_INET6, neighbour, &address.sin6_addr);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	if (fd >= 0)
		close(fd);
	return done;
}

/* An end learns after a moment that the other one is on; packets that are sent before are lost. The
   limit is never needed in practice. */
static bool await_end(const char *neighbour, struct err *err)
{
	const struct timespec moment = { .tv_nsec = 200000 };
	enum { MOMENTS = 10000 };
	struct ifreq request = { .ifr_name = LABNET_WIRE };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool on = false;
	for (int i = 0; fd >= 0 && i < MOMENTS && !on; i++) {
		/* newer kernels check at once when asked for this */
		struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
		request.ifr_data = (char *)&link;
		if (i > 0)
			nanosleep(&moment, NULL);
		ioctl(fd, SIOCETHTOOL, &request);
		on = ioctl(fd, SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & IFF_RUNNING &&
		     has_way_to(neighbour);
	}
	if (!on)
		err_set(err, STATUS_FAILED, "%s stays down: %s", LABNET_WIRE, strerror(errno));
	if (fd >= 0)
		close(fd);
	return on;
}

/* Waits at both ends. A packet from an end that is not yet on is lost, and TCP tries again only
   after a second. */
static bool await_wire(struct labnet *net, struct err *err)
{
	return await_end(LABNET_HOME_V6, err) && labnet_enter(net->home, err) &&
	       await_end(LABNET_LAB_V6, err) && labnet_enter(net->lab, err);
}

static const char *const lab_addresses[2] = { LABNET_LAB_V4, LABNET_LAB_V6 };
static const char *const home_addresses[2] = { LABNET_HOME_V4, LABNET_HOME_V6 };

static bool set_up_lab(struct labnet *net, struct err *err)
{
	return labnet_enter(net->lab, err) && set_up_end(lab_addresses, home_addresses, err);
}

/* Allows ping(8) without rights to the own group (icmp(7)). Where /proc/sys cannot be written,
   there is no ping. */
static void allow_ping(void)
{
	char range[64];
	snprintf(range, sizeof range, "%u %u", (unsigned)getegid(), (unsigned)getegid());
	write_file("/proc/sys/net/ipv4/ping_group_range", range);
}

static bool set_up_home(struct labnet *net, struct err *err)
{
	if (!labnet_enter(net->home, err))
		return false;
	allow_ping();
	return set_up_end(home_addresses, lab_addresses, err);
}

/* ---- all together ---- */

static const struct step {
	bool (*make)(struct labnet *net, struct err *err);
	void (*undo)(struct labnet *net); /* NULL: it ends with its namespace */
} steps[] = {
	{ remember_outside, go_outside },
	{ make_home, close_home },
	{ make_lab, close_lab },
	{ lay_wire, NULL },
	{ set_up_home, NULL },
	{ set_up_lab, NULL },
	{ await_wire, NULL },
};

enum { STEPS = sizeof steps / sizeof steps[0] };

bool labnet_open(struct labnet *net, struct err *err)
{
	*net = (struct labnet){ .outside = -1, .home = -1, .lab = -1 };
	for (; net->done < STEPS; net->done++) {
		if (steps[net->done].make(net, err))
			continue;
		err_prefix(err, "cannot make a network of its own");
		int error = errno;
		labnet_close(net);
		errno = error;
		return false;
	}
	return true;
}

void labnet_close(struct labnet *net)
{
	while (net->done > 0)
		if (steps[--net->done].undo)
			steps[net->done].undo(net);
	net->outside = net->home = net->lab = -1;
}

bool labnet_enter(int netns, struct err *err)
{
	if (setns(netns, CLONE_NEWNET) == 0)
		return true;
	err_set(err, STATUS_FAILED, "cannot enter a network namespace: %s", strerror(errno));
	return false;
}
