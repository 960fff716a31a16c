/* Checks what `pmulab serve` and `pmulab run --loopback` need: this machine's own network. Nothing
   is sent to another machine. */
#include "servers/commands/doctor/checks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net.h"
#include "servers/port_holder.h"
#include "servers/station/multicast.h"

#define SECONDS 5.0 /* limit for one trial, which takes milliseconds */
#define GROUP "224.1.1.1"

enum { PATIENCE = 2000 }; /* milliseconds to wait for a datagram */

static bool fail(struct trial *trial, const char *what)
{
	trial->error = errno;
	snprintf(trial->text, sizeof trial->text, "%s: %s", what, strerror(errno));
	return false;
}

/* ---- streams and datagrams on an address of this machine ---- */

/* Connects to a listener of its own. */
static bool try_stream(const struct address *any_port, struct trial *trial)
{
	const struct listen_options options = { .backlog = 1 };
	struct address address;
	int listener = net_listen(any_port, &options, NULL);
	if (listener < 0 || !net_local_address(listener, &address))
		return fail(trial, "TCP");
	int client = socket(address.ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return connect(client, (struct sockaddr *)&address.ss, address.len) == 0 ||
	       fail(trial, "TCP");
}

/* Sends a datagram to itself. */
static bool try_datagram(const struct address *any_port, struct trial *trial)
{
	struct address address;
	int fd = socket(any_port->ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char byte = 'a';
	return (fd >= 0 && bind(fd, (const struct sockaddr *)&any_port->ss, any_port->len) == 0 &&
		net_local_address(fd, &address) &&
		sendto(fd, &byte, 1, 0, (struct sockaddr *)&address.ss, address.len) == 1 &&
		recv(fd, &byte, 1, 0) == 1) || fail(trial, "UDP");
}

static unsigned interface_flags(const char *name)
{
	struct ifreq request = { 0 };
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;
	if (fd >= 0)
		close(fd);
	return done ? (unsigned short)request.ifr_flags : 0;
}

/* When `lo` is down, sets the command that repairs it. That is the usual cause of failures here. */
static bool mend_lo(struct finding *finding)
{
	bool down = !(interface_flags("lo") & IFF_UP);
	if (down)
		finding_mend_as_root(finding, "ip link set lo up");
	return down;
}

/* The sockets are closed when the child ends. */
static bool try_address(struct trial *trial, const void *argument)
{
	struct address address;
	return address_parse(&address, argument, 0) && try_stream(&address, trial) &&
	       try_datagram(&address, trial);
}

void doctor_loopback(struct finding *finding)
{
	struct trial trial = doctor_try(try_address, "127.0.0.1", SECONDS);
	finding_set(finding, DOCTOR_OK, "`serve` and `run --loopback` work");
	if (trial.done)
		return;
	finding_set(finding, DOCTOR_MISSING, "neither `serve` nor `run --loopback` works: %s",
		trial.text);
	mend_lo(finding);
}

void doctor_loopback_v6(struct finding *finding)
{
	struct trial trial = doctor_try(try_address, "::1", SECONDS);
	finding_set(finding, DOCTOR_OK, "the lab serves both families");
	if (trial.done)
		return;
	finding_set(finding, DOCTOR_MISSING, "without `run`, the lab serves IPv4 only: %s",
		trial.text);
	if (!mend_lo(finding) && trial.error == EADDRNOTAVAIL)
		finding_mend_as_root(finding,
			"sysctl net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.lo.disable_ipv6=0");
}

/* ---- multicast ---- */

/* Sends and receives as the television station does by default: on the loopback interface, TTL
   0. */
static bool try_multicast(struct trial *trial, const void *argument)
{
	const struct in_addr loopback = { .s_addr = htonl(INADDR_LOOPBACK) };
	struct address group, source;
	struct err err = { 0 };
	address_parse(&group, GROUP, 0);
	int ear = multicast_hear(&group, loopback, &err);
	int mouth = ear >= 0 ? multicast_speak(&source, loopback, 0, &err) : -1;
	if (mouth < 0) {
		snprintf(trial->text, sizeof trial->text, "%s", err.text);
		return false;
	}
	if (sendto(mouth, "a", 1, 0, (struct sockaddr *)&group.ss, group.len) != 1)
		return fail(trial, "sending");
	struct pollfd end = { .fd = ear, .events = POLLIN };
	if (poll(&end, 1, PATIENCE) == 1)
		return true;
	snprintf(trial->text, sizeof trial->text, "what is sent is not heard");
	return false;
}

void doctor_multicast_loopback(struct finding *finding)
{
	struct trial trial = doctor_try(try_multicast, NULL, SECONDS);
	finding_set(finding, DOCTOR_OK, "`tv` plays on the loopback interface");
	if (trial.done)
		return;
	finding_set(finding, DOCTOR_MISSING, "without `run`, `tv` does not work: %s", trial.text);
	mend_lo(finding);
}

/* Finds the interface that the kernel takes for programs that name none: that of the route with the
   longest prefix, then the least metric, in /proc/net/route (proc(5)). False: there is no route. */
static bool find_route(char name[IFNAMSIZ])
{
	FILE *routes = fopen("/proc/net/route", "re");
	char line[256], one[64];
	unsigned destination, flags, metric, mask, longest = 0, least = 0;
	const uint32_t group = inet_addr(GROUP);
	bool found = false;
	while (routes && fgets(line, sizeof line, routes)) {
		if (sscanf(line, "%63s %x %*x %x %*d %*d %u %x", one, &destination, &flags, &metric,
			    &mask) != 5 ||
			(group & mask) != destination || (found && ntohl(mask) < longest) ||
			(found && ntohl(mask) == longest && metric >= least))
			continue;
		longest = ntohl(mask);
		least = metric;
		found = true;
		snprintf(name, IFNAMSIZ, "%s", flags & RTF_REJECT ? "" : one);
	}
	if (routes)
		fclose(routes);
	return found && *name;
}

void doctor_multicast_route(struct finding *finding)
{
	char name[IFNAMSIZ] = "";
	bool found = find_route(name);
	unsigned flags = found ? interface_flags(name) : 0;
	if (flags & IFF_LOOPBACK) {
		finding_set(finding, DOCTOR_OK, "programs that name no interface hear `tv` on %s",
			name);
	} else if (flags & IFF_MULTICAST) {
		finding_set(finding, DOCTOR_OK,
			"programs that name no interface use %s: they hear `tv` in "
			"`run`, or with `serve --set tv.interface=ADDRESS`",
			name);
	} else {
		finding_set(finding, DOCTOR_LIMITED,
			"%s: without `run`, programs must name an interface to join "
			"and send",
			found ? "the default interface has none" : "no route");
		finding_mend_as_root(finding, "ip route add " GROUP " dev lo");
	}
}

/* ---- ports ---- */

/* Binds the port for a moment. It does not listen, so no client can connect to it. */
static bool try_port(const char *host, const struct endpoint_type *type, struct trial *trial)
{
	struct address address;
	const int on = 1;
	bool datagram = type->groups & GROUP_DATAGRAM;
	address_parse(&address, host, type->port);
	int fd = socket(address.ss.ss_family, (datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC,
		0);
	if (fd < 0)
		return errno == EAFNOSUPPORT || fail(trial, host);
	/* as the endpoints do: the station's port can be shared, other UDP ports cannot */
	if (!datagram || type->groups & GROUP_TV)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	bool free = bind(fd, (struct sockaddr *)&address.ss, address.len) == 0 ||
		    errno != EADDRINUSE || fail(trial, host);
	close(fd);
	return free;
}

void doctor_port(enum endpoint_id id, struct finding *finding)
{
	const struct endpoint_type *type = &endpoint_table[id];
	struct trial trial = { 0 };
	bool both = !(type->groups & GROUP_DATAGRAM) || type->groups & GROUP_RESET;
	if (try_port(type->groups & GROUP_TV ? GROUP : "127.0.0.1", type, &trial) &&
		(!both || try_port("::1", type, &trial))) {
		finding_set(finding, DOCTOR_OK, "free for `%s`", type->name);
		return;
	}
	char holder[128];
	long pid = 0;
	port_holder(type->port, type->groups & GROUP_DATAGRAM, holder, sizeof holder);
	finding_set(finding, DOCTOR_LIMITED,
		"taken%s: `serve` needs --ephemeral or --set %s.port=N; `run` does not "
		"mind",
		*holder ? holder : " by somebody else's process", type->name);
	const char *number = strrchr(holder, '(');
	if (number && sscanf(number, "(pid %ld)", &pid) == 1)
		finding_mend(finding, "kill %ld", pid);
	else
		finding_mend_as_root(finding, "ss -%cnlp sport = :%u",
			type->groups & GROUP_DATAGRAM ? 'u' : 't', (unsigned)type->port);
}
