/* Sockets (common/net.h), on loopback ports that the kernel chooses. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/net.h"

static const char *const loopbacks[] = { "127.0.0.1", "::1" };

static const struct listen_options plain = { .backlog = 16 };

/* A listener on a free port of `host`; -1 where this machine has no such address. */
static int listen_on(const char *host, const struct listen_options *options,
	struct address *address)
{
	struct err err = { 0 };
	ck_assert(address_parse(address, host, 0));
	int fd = net_listen(address, options, &err);
	if (fd < 0) {
		ck_assert_msg(errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT, "%s", err.text);
		ck_assert_str_ne(host, "127.0.0.1");
		return -1;
	}
	ck_assert(net_local_address(fd, address));
	ck_assert_uint_gt(address_port(address), 0);
	return fd;
}

/* The next connection on a non-blocking listener. */
static int accept_one(int listener)
{
	struct pollfd poll_fd = { .fd = listener, .events = POLLIN };
	ck_assert_int_eq(poll(&poll_fd, 1, 5000), 1);
	int fd = accept(listener, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static int get_integer(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;
	ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static const struct {
	const char *text;
	const char *formatted; /* NULL: no address */
} addresses[] = {
	{ "127.0.0.1", "127.0.0.1:5003" },
	{ "::1", "[::1]:5003" },
	{ "::", "[::]:5003" },
	{ "2001:DB8:0::1", "[2001:db8::1]:5003" },
	{ "fe80::1%lo", "[fe80::1%lo]:5003" },
	{ "127.1", NULL },
	{ "127.0.0.1 ", NULL },
	{ "127.0.0.256", NULL },
	{ "[::1]", NULL },
	{ "localhost", NULL },
	{ "fe80::1%no-such-interface", NULL },
	{ "", NULL },
};

START_TEST(test_address)
{
	struct address address;
	char text[ADDRESS_TEXT];
	bool valid = address_parse(&address, addresses[_i].text, 5003);
	ck_assert_int_eq(valid, addresses[_i].formatted != NULL);
	if (!valid)
		return;
	address_format(&address, text);
	ck_assert_str_eq(text, addresses[_i].formatted);
	ck_assert_uint_eq(address_port(&address), 5003);
	address_set_port(&address, 80);
	ck_assert_uint_eq(address_port(&address), 80);
}
END_TEST

START_TEST(test_address_unknown)
{
	char text[ADDRESS_TEXT];
	struct address address = { .len = 0 };
	address_format(&address, text);
	ck_assert_str_eq(text, "unknown");
}
END_TEST

START_TEST(test_exchange)
{
	struct address address;
	char buffer[16];
	struct err err = { 0 };
	int listener = listen_on(loopbacks[_i], &plain, &address);
	if (listener < 0)
		return;
	ck_assert(fcntl(listener, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(listener, F_GETFD) & FD_CLOEXEC);

	int client = net_connect(loopbacks[_i], address_port(&address), AF_UNSPEC, 5, &err);
	ck_assert_msg(client >= 0, "%s", err.text);
	ck_assert(!(fcntl(client, F_GETFL) & O_NONBLOCK));
	ck_assert(fcntl(client, F_GETFD) & FD_CLOEXEC);
	int server = accept_one(listener);
	ck_assert_int_eq(send(client, "CMD_short:0", 11, 0), 11);
	ck_assert_int_eq(recv(server, buffer, sizeof buffer, 0), 11);
	/* what was read has been acknowledged on loopback */
	ck_assert_int_eq(net_unacknowledged(client), 0);
	struct segments segments;
	if (net_segments(client, &segments)) {
		ck_assert_uint_eq(segments.out, 1);
		ck_assert_uint_eq(segments.in, 0);
		if (segments.bytes_known) {
			ck_assert_uint_eq(segments.left, 11);
			ck_assert_uint_eq(segments.waiting, 0);
			ck_assert_uint_eq(segments.acked, 11);
		}
		ck_assert(net_segments(server, &segments));
		ck_assert_uint_eq(segments.out, 0);
		ck_assert_uint_eq(segments.in, 1);
	}
	close(client);
	close(server);
	close(listener);
}
END_TEST

/* Whether `fd` is deaf from here on, and no longer. Some machines keep users from it. */
static bool set_deaf(int fd, bool deaf)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &nothing };
	return setsockopt(fd, SOL_SOCKET, deaf ? SO_ATTACH_FILTER : SO_DETACH_FILTER, &program,
		       sizeof program) == 0;
}

/* What is sent to who does not hear is sent again; a FIN is no data, however often. */
START_TEST(test_sent_again)
{
	struct address address;
	struct segments segments;
	struct err err = { 0 };
	char byte;
	int listener = listen_on("127.0.0.1", &plain, &address);
	int client = net_connect("127.0.0.1", address_port(&address), AF_INET, 15, &err);
	int server = accept_one(listener);
	if (net_segments(server, &segments) && set_deaf(client, true)) {
		ck_assert_int_eq(send(server, "1", 1, 0), 1);
		ck_assert(set_deaf(client, false));
		ck_assert_int_eq(recv(client, &byte, 1, 0), 1);
		ck_assert_int_eq(send(client, "2", 1, 0), 1); /* acknowledges it */
		ck_assert_int_eq(recv(server, &byte, 1, 0), 1);
		ck_assert(net_segments(server, &segments));
		ck_assert_uint_eq(segments.out, 1);
		ck_assert_uint_ge(segments.again, 1);
		ck_assert(!segments.bytes_known || (segments.left == 1 && segments.acked == 1));

		uint32_t again = segments.again;
		ck_assert(set_deaf(client, true));
		shutdown(server, SHUT_WR);
		ck_assert(set_deaf(client, false));
		ck_assert_int_eq(recv(client, &byte, 1, 0), 0);
		ck_assert(net_segments(server, &segments));
		ck_assert_uint_eq(segments.out, 1);
		ck_assert_uint_eq(segments.again, again);
	}
	close(client);
	close(server);
	close(listener);
}
END_TEST

START_TEST(test_unacknowledged_after_reset)
{
	struct address address;
	struct err err = { 0 };
	int listener = listen_on("127.0.0.1", &plain, &address);
	int client = net_connect("127.0.0.1", address_port(&address), AF_INET, 5, &err);
	ck_assert_msg(client >= 0, "%s", err.text);
	int server = accept_one(listener);
	/* More than the client's buffer takes: a part stays unacknowledged. */
	static const char data[65536];
	while (send(server, data, sizeof data, MSG_DONTWAIT) > 0)
		;
	ck_assert_int_gt(net_unacknowledged(server), 0);
	close(client); /* with unread data: a reset */
	struct pollfd poll_fd = { .fd = server };
	ck_assert_int_eq(poll(&poll_fd, 1, 5000), 1);
	ck_assert(poll_fd.revents & POLLHUP);
	ck_assert_int_eq(net_unacknowledged(server), 0);
	close(server);
	close(listener);
}
END_TEST

START_TEST(test_listen_busy)
{
	struct address address;
	struct err err = { 0 };
	char expected[ADDRESS_TEXT + 40];
	int listener = listen_on(loopbacks[_i], &plain, &address);
	if (listener < 0)
		return;
	ck_assert_int_eq(net_listen(&address, &plain, &err), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	ck_assert_int_eq(err.status, STATUS_BIND);
	address_format(&address, expected);
	strcat(expected, ": address already in use");
	ck_assert_str_eq(err.text, expected);
	close(listener);
}
END_TEST

/* The same port on both families, as `pmulab serve` does: that needs IPV6_V6ONLY. */
START_TEST(test_listen_both)
{
	struct address address, any;
	struct err err = { 0 };
	int four = listen_on("127.0.0.1", &plain, &address);
	ck_assert(address_parse(&any, "::", address_port(&address)));
	int six = net_listen(&any, &plain, &err);
	if (six < 0)
		ck_assert_msg(errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL, "%s", err.text);
	else
		ck_assert_int_eq(get_integer(six, IPPROTO_IPV6, IPV6_V6ONLY), 1);
	close(six);
	close(four);
}
END_TEST

/* A restart while a connection is in TIME_WAIT. */
START_TEST(test_listen_again)
{
	struct address address;
	struct err err = { 0 };
	char byte;
	int listener = listen_on("127.0.0.1", &plain, &address);
	int client = net_connect("127.0.0.1", address_port(&address), AF_INET, 5, &err);
	ck_assert_int_ge(client, 0);
	int server = accept_one(listener);
	close(server); /* the side that closes first waits (TIME_WAIT) */
	ck_assert_int_eq(recv(client, &byte, 1, 0), 0);
	close(client);
	close(listener);
	listener = net_listen(&address, &plain, &err);
	ck_assert_msg(listener >= 0, "%s", err.text);
	close(listener);
}
END_TEST

START_TEST(test_listen_options)
{
	struct address address;
	struct err err = { 0 };
	const struct listen_options options = { .backlog = 16, .mss = 1000, .send_buffer = 100000 };
	int listener = listen_on("127.0.0.1", &options, &address);
	int client = net_connect("127.0.0.1", address_port(&address), AF_INET, 5, &err);
	int server = accept_one(listener);
	/* The kernel announces what was asked for, less the 12 bytes of timestamps in each
	   segment. */
	ck_assert_int_le(get_integer(server, IPPROTO_TCP, TCP_MAXSEG), 1000);
	ck_assert_int_le(get_integer(client, IPPROTO_TCP, TCP_MAXSEG), 1000);
	ck_assert_int_ge(get_integer(server, IPPROTO_TCP, TCP_MAXSEG), 900);
	ck_assert_int_ge(get_integer(server, SOL_SOCKET, SO_SNDBUF), 100000);
	close(server);
	close(client);
	close(listener);
}
END_TEST

/* A port that nobody listens on: one that was ours, bound by a socket that does not listen. */
static int closed_port(uint16_t *port)
{
	struct address address;
	ck_assert(address_parse(&address, "127.0.0.1", 0));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address.ss, address.len), 0);
	ck_assert(net_local_address(fd, &address));
	*port = address_port(&address);
	return fd;
}

START_TEST(test_connect_refused)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost" };
	struct err err = { 0 };
	char expected[200];
	uint16_t port;
	int fd = closed_port(&port);
	ck_assert_int_eq(net_connect(hosts[_i], port, AF_INET, 5, &err), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	ck_assert_int_eq(err.status, STATUS_FAILED);
	snprintf(expected, sizeof expected,
		"%s:%u: connection refused (is the lab running? start it with scripts/lab)",
		hosts[_i], port);
	ck_assert_str_eq(err.text, expected);
	close(fd);
}
END_TEST

START_TEST(test_connect_unknown)
{
	struct err err = { 0 };
	/* RFC 6761: .invalid never exists. The resolver's own words follow. */
	ck_assert_int_eq(net_connect("no-such-host.invalid", 5003, AF_UNSPEC, 5, &err), -1);
	ck_assert_int_eq(err.status, STATUS_FAILED);
	ck_assert_int_eq(strncmp(err.text, "no-such-host.invalid:5003: ", 27), 0);
	ck_assert_int_eq(net_connect("::1", 5003, AF_INET, 5, &err), -1);
	ck_assert_int_eq(strncmp(err.text, "[::1]:5003: ", 12), 0);
}
END_TEST

/* A listener whose backlog is full drops further SYNs: nobody answers, and the time limit must end
   it. */
START_TEST(test_connect_timeout)
{
	enum { TRIES = 16 };
	struct address address;
	struct err err = { 0 };
	char expected[200];
	int fds[TRIES], last = 0;
	const struct listen_options narrow = { .backlog = 0 };
	int listener = listen_on("127.0.0.1", &narrow, &address);
	for (; last < TRIES; last++) {
		double start = clock_now();
		fds[last] = net_connect("127.0.0.1", address_port(&address), AF_INET, 0.1, &err);
		if (fds[last] >= 0)
			continue;
		ck_assert_double_ge(clock_now() - start, 0.09);
		ck_assert_double_lt(clock_now() - start, 5);
		break;
	}
	ck_assert_int_lt(last, TRIES);
	snprintf(expected, sizeof expected, "127.0.0.1:%u: no answer within 0.1 s",
		address_port(&address));
	ck_assert_str_eq(err.text, expected);
	for (int i = 0; i < last; i++)
		close(fds[i]);
	close(listener);
}
END_TEST

START_TEST(test_recv_timeout)
{
	struct address address;
	struct err err = { 0 };
	char byte;
	int listener = listen_on("127.0.0.1", &plain, &address);
	int client = net_connect("127.0.0.1", address_port(&address), AF_INET, 0.05, &err);
	ck_assert_int_ge(client, 0);
	double start = clock_now();
	ck_assert_int_eq(recv(client, &byte, 1, 0), -1);
	ck_assert(errno == EAGAIN || errno == EWOULDBLOCK);
	ck_assert_double_ge(clock_now() - start, 0.04);

	struct timeval tv;
	socklen_t len = sizeof tv;
	net_set_timeout(client, 0); /* none */
	ck_assert_int_eq(getsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &tv, &len), 0);
	ck_assert(tv.tv_sec == 0 && tv.tv_usec == 0);
	net_set_timeout(client, 1e-9); /* very short is not none */
	ck_assert_int_eq(getsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &tv, &len), 0);
	ck_assert(tv.tv_sec > 0 || tv.tv_usec > 0);
	close(client);
	close(listener);
}
END_TEST

START_TEST(test_unknown_descriptor)
{
	struct segments segments;
	int fds[2];
	ck_assert(!net_segments(-1, &segments));
	ck_assert_int_eq(net_unacknowledged(-1), 0);
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert(!net_segments(fds[0], &segments));
	close(fds[0]);
	close(fds[1]);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("net");
	TCase *tcase = tcase_create("net");
	tcase_set_timeout(tcase, 20);
	tcase_add_loop_test(tcase, test_address, 0, COUNT(addresses));
	tcase_add_test(tcase, test_address_unknown);
	tcase_add_loop_test(tcase, test_exchange, 0, COUNT(loopbacks));
	tcase_add_test(tcase, test_sent_again);
	tcase_add_test(tcase, test_unacknowledged_after_reset);
	tcase_add_loop_test(tcase, test_listen_busy, 0, COUNT(loopbacks));
	tcase_add_test(tcase, test_listen_both);
	tcase_add_test(tcase, test_listen_again);
	tcase_add_test(tcase, test_listen_options);
	tcase_add_loop_test(tcase, test_connect_refused, 0, 2);
	tcase_add_test(tcase, test_connect_unknown);
	tcase_add_test(tcase, test_connect_timeout);
	tcase_add_test(tcase, test_recv_timeout);
	tcase_add_test(tcase, test_unknown_descriptor);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
