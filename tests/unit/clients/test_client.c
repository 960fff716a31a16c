/* What the clients share: finding the lab (options, environment, URLs), sockets, datagrams. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/client.h"
#include "clients/client_options.h"
#include "clients/client_udp.h"
#include "common/clock.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static void forget_environment(void)
{
	static const char *const names[] = { "PMULAB_HOST", "PMULAB_PMU_PORT", "PMULAB_CA_FILE",
		"XDG_STATE_HOME", "HOME" };
	for (int i = 0; i < COUNT(names); i++)
		unsetenv(names[i]);
}

START_TEST(test_host)
{
	struct client_options options = { 0 };
	ck_assert_str_eq(client_host(&options), "localhost");
	setenv("PMULAB_HOST", "", 1);
	ck_assert_str_eq(client_host(&options), "localhost");
	setenv("PMULAB_HOST", "192.0.2.1", 1);
	ck_assert_str_eq(client_host(&options), "192.0.2.1");
	options.host = "pmu.example";
	ck_assert_str_eq(client_host(&options), "pmu.example");
}
END_TEST

struct port_case {
	const char *option, *environment;
	long min;
	int port; /* -1: refused */
	const char *said;
};

static const struct port_case ports[] = {
	{ NULL, NULL, 1, 5003, NULL },
	{ NULL, "", 1, 5003, NULL },
	{ NULL, "1234", 1, 1234, NULL },
	{ "4321", "1234", 1, 4321, NULL },
	{ "4321", "rubbish", 1, 4321, NULL },
	{ "65535", NULL, 1, 65535, NULL },
	{ "0", NULL, 0, 0, NULL },
	{ "0", NULL, 1, -1, "--port: 0 is outside" },
	{ "65536", NULL, 1, -1, "--port: 65536 is outside" },
	{ "", NULL, 1, -1, "--port: \"\" is not" },
	{ "5003x", NULL, 1, -1, "--port: \"5003x\"" },
	{ NULL, "http", 1, -1, "PMULAB_PMU_PORT: \"http\"" },
};

START_TEST(test_port)
{
	const struct port_case *c = &ports[_i];
	struct client_options options = { .port_text = c->option };
	struct err err = { 0 };
	if (c->environment)
		setenv("PMULAB_PMU_PORT", c->environment, 1);
	bool found = client_find_port(&options, "PMULAB_PMU_PORT", LAB_PMU_PORT, c->min, &err);
	ck_assert_int_eq(found, c->port >= 0);
	if (found) {
		ck_assert_int_eq(options.port, c->port);
	} else {
		ck_assert_int_eq(err.status, STATUS_USAGE);
		ck_assert_ptr_eq(strstr(err.text, c->said), err.text);
	}
}
END_TEST

START_TEST(test_port_without_a_variable)
{
	struct client_options options = { 0 };
	ck_assert(client_find_port(&options, NULL, 5003, 0, NULL));
	ck_assert_int_eq(options.port, 5003);
}
END_TEST

START_TEST(test_ca)
{
	struct client_options options = { 0 };
	char file[64];
	struct err err = { 0 };
	ck_assert(!client_find_ca(&options, file, sizeof file, &err));
	ck_assert_int_eq(err.status, STATUS_USAGE);
	setenv("HOME", "/home/juliet", 1);
	ck_assert(client_find_ca(&options, file, sizeof file, &err));
	ck_assert_str_eq(file, "/home/juliet/.local/state/pmulab/ca.pem");
	setenv("XDG_STATE_HOME", "state", 1);
	ck_assert(client_find_ca(&options, file, sizeof file, &err));
	ck_assert_str_eq(file, "/home/juliet/.local/state/pmulab/ca.pem");
	setenv("XDG_STATE_HOME", "/state", 1);
	ck_assert(client_find_ca(&options, file, sizeof file, &err));
	ck_assert_str_eq(file, "/state/pmulab/ca.pem");
	setenv("PMULAB_CA_FILE", "lab.pem", 1);
	ck_assert(client_find_ca(&options, file, sizeof file, &err));
	ck_assert_str_eq(file, "lab.pem");
	options.ca = "mine.pem";
	ck_assert(client_find_ca(&options, file, sizeof file, &err));
	ck_assert_str_eq(file, "mine.pem");
	ck_assert(!client_find_ca(&options, file, 8, &err));
}
END_TEST

struct url_case {
	const char *text;
	bool secure;
	const char *host, *port, *path; /* NULL: refused */
};

static const struct url_case urls[] = {
	{ "ws://localhost:5006/", false, "localhost", "5006", "/" },
	{ "ws://localhost", false, "localhost", "", "/" },
	{ "wss://tcpip.epfl.ch", true, "tcpip.epfl.ch", "", "/" },
	{ "wss://127.0.0.1:5008/a/b", true, "127.0.0.1", "5008", "/a/b" },
	{ "ws://[::1]:5006/", false, "::1", "5006", "/" },
	{ "ws://[::1]", false, "::1", "", "/" },
	{ "ws://localhost:port", false, "localhost", "port", "/" },
	{ "", false, NULL, NULL, NULL },
	{ "ws:", false, NULL, NULL, NULL },
	{ "ws://", false, NULL, NULL, NULL },
	{ "ws:///", false, NULL, NULL, NULL },
	{ "ws://:5006", false, NULL, NULL, NULL },
	{ "ws://localhost:", false, NULL, NULL, NULL },
	{ "ws://localhost:/", false, NULL, NULL, NULL },
	{ "ws://localhost:123456789", false, NULL, NULL, NULL },
	{ "ws://[::1", false, NULL, NULL, NULL },
	{ "ws://[]", false, NULL, NULL, NULL },
	{ "ws://[::1]x", false, NULL, NULL, NULL },
	{ "ws://me@localhost/", false, NULL, NULL, NULL },
	{ "ws://localhost/?q", false, NULL, NULL, NULL },
	{ "ws://localhost/#top", false, NULL, NULL, NULL },
	{ "ws://localhost/ HTTP/1.1\r\nX: y", false, NULL, NULL, NULL },
	{ "http://localhost/", false, NULL, NULL, NULL },
	{ "WS://localhost/", false, NULL, NULL, NULL },
	{ "localhost:5006", false, NULL, NULL, NULL },
};

START_TEST(test_url)
{
	const struct url_case *c = &urls[_i];
	struct client_url url;
	struct err err = { 0 };
	ck_assert_int_eq(client_url_parse(&url, c->text, &err), c->host != NULL);
	if (c->host) {
		ck_assert_int_eq(url.secure, c->secure);
		ck_assert_str_eq(url.host, c->host);
		ck_assert_str_eq(url.port, c->port);
		ck_assert_str_eq(url.path, c->path);
	} else {
		ck_assert_int_eq(err.status, STATUS_USAGE);
		ck_assert_ptr_nonnull(strstr(err.text, "is no WebSocket URL"));
	}
}
END_TEST

START_TEST(test_url_too_long)
{
	struct client_url url;
	char text[1024] = "ws://";
	memset(text + 5, 'h', 300);
	ck_assert(!client_url_parse(&url, text, NULL));
	snprintf(text, sizeof text, "ws://localhost/%0600d", 0);
	ck_assert(!client_url_parse(&url, text, NULL));
}
END_TEST

/* Sockets */

START_TEST(test_wait)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert(client_wait(pair[0], POLLOUT, clock_now() + 10));
	double start = clock_now();
	ck_assert(!client_wait(pair[0], POLLIN, start + 0.02));
	ck_assert(clock_now() >= start + 0.02);
	ck_assert(!client_wait(pair[0], 0, clock_now() - 1));
	ck_assert_uint_eq(client_send_all(pair[1], "abc", 3), 3);
	ck_assert(client_wait(pair[0], POLLIN, clock_now() + 10));
	close(pair[1]);
	/* the end counts without being asked for */
	ck_assert(client_wait(pair[0], 0, clock_now() + 10));
	client_end_tcp(pair[0], 10);
	close(pair[0]);
}
END_TEST

/* Datagrams */

/* Pieces of every size: no character is cut, nothing is lost, and no piece is smaller than it has
   to be. */
START_TEST(test_cut)
{
	static const char text[] =
		"x\xc3\xa9\xe2\x99\xa5\xf0\x9d\x84\x9e\xf0\x9d\x84\x9eyz\xe2\x99\xa5";
	const size_t len = sizeof text - 1;
	for (size_t max = 4; max <= len + 1; max++) {
		size_t at = 0;
		while (at < len) {
			size_t piece = client_cut(text + at, len - at, max);
			ck_assert(piece > 0 && piece <= max && piece <= len - at);
			ck_assert(at + piece == len || piece > max - 4);
			at += piece;
			ck_assert(at == len || ((unsigned char)text[at] & 0xc0) != 0x80);
		}
	}
	/* no characters at all */
	ck_assert_uint_eq(client_cut("\x80\x80\x80\x80\x80\x80\x80\x80", 8, 5), 5);
	ck_assert_uint_eq(client_cut("", 0, 5), 0);
}
END_TEST

START_TEST(test_characters)
{
	ck_assert_uint_eq(client_characters("", 0), 0);
	ck_assert_uint_eq(client_characters("x\xc3\xa9\xe2\x99\xa5\xf0\x9d\x84\x9e", 10), 4);
	ck_assert_uint_eq(client_characters("\xff\x80x\xe2\x99", 5), 5);
}
END_TEST

START_TEST(test_is_from)
{
	struct address four, other, six, mapped;
	ck_assert(address_parse(&four, "127.0.0.1", 5004) &&
		  address_parse(&other, "127.0.0.2", 5004));
	ck_assert(address_parse(&six, "::1", 5004) &&
		  address_parse(&mapped, "::ffff:127.0.0.1", 5004));
	ck_assert(client_is_from(&four, &four) && client_is_from(&six, &six));
	ck_assert(!client_is_from(&four, &other) && !client_is_from(&four, &six) &&
		  !client_is_from(&six, &mapped));
	other = four;
	address_set_port(&other, 5005);
	ck_assert(!client_is_from(&four, &other));
}
END_TEST

START_TEST(test_resolve)
{
	struct address address;
	char text[ADDRESS_TEXT];
	ck_assert(client_resolve("localhost", 5004, AF_UNSPEC, &address, NULL));
	address_format(&address, text);
	ck_assert_str_eq(text, "127.0.0.1:5004");
	ck_assert(client_resolve("localhost", 5004, AF_INET6, &address, NULL));
	address_format(&address, text);
	ck_assert_str_eq(text, "[::1]:5004");
	ck_assert(client_resolve("::1", 1, AF_UNSPEC, &address, NULL));
	ck_assert(!client_resolve("::1", 1, AF_INET, &address, NULL));
	ck_assert(!client_resolve("127.0.0.1", 1, AF_INET6, &address, NULL));
}
END_TEST

struct group_case {
	const char *group, *environment, *interface;
	const char *found; /* NULL: refused */
};

static const struct group_case groups[] = {
	{ NULL, NULL, NULL, "224.1.1.1:5005" },
	{ NULL, "239.1.2.3", NULL, "239.1.2.3:5005" },
	{ "224.0.0.0", "239.1.2.3", NULL, "224.0.0.0:5005" },
	{ "239.255.255.255", NULL, "127.0.0.2", "239.255.255.255:5005" },
	{ "223.255.255.255", NULL, NULL, NULL },
	{ "240.0.0.0", NULL, NULL, NULL },
	{ "127.0.0.1", NULL, NULL, NULL },
	{ "ff02::1", NULL, NULL, NULL },
	{ "tv", NULL, NULL, NULL },
	{ NULL, "tv", NULL, NULL },
	{ NULL, NULL, "lo", NULL },
	{ NULL, NULL, "::1", NULL },
};

START_TEST(test_group)
{
	const struct group_case *c = &groups[_i];
	struct client_options options = { .group = c->group, .interface = c->interface };
	struct client_group group;
	struct err err = { 0 };
	char text[ADDRESS_TEXT];
	if (c->environment)
		setenv("PMULAB_TV_GROUP", c->environment, 1);
	ck_assert_int_eq(client_find_group(&group, "test", &options, &err), c->found != NULL);
	ck_assert_int_eq(err.status, c->found ? STATUS_OK : STATUS_USAGE);
	if (!c->found)
		return;
	address_format(&group.address, text);
	ck_assert_str_eq(text, c->found);
	ck_assert_uint_eq(ntohl(group.interface.s_addr) >> 24, 127);
}
END_TEST

START_TEST(test_plural)
{
	ck_assert_str_eq(client_plural(0), "s");
	ck_assert_str_eq(client_plural(1), "");
	ck_assert_str_eq(client_plural(2), "s");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client");
	TCase *where = tcase_create("where"), *sockets = tcase_create("sockets"),
	      *datagrams = tcase_create("datagrams");
	tcase_add_checked_fixture(where, forget_environment, NULL);
	tcase_add_test(where, test_host);
	tcase_add_loop_test(where, test_port, 0, COUNT(ports));
	tcase_add_test(where, test_port_without_a_variable);
	tcase_add_test(where, test_ca);
	tcase_add_loop_test(where, test_url, 0, COUNT(urls));
	tcase_add_test(where, test_url_too_long);
	tcase_add_test(sockets, test_wait);
	tcase_add_test(sockets, test_plural);
	tcase_add_checked_fixture(datagrams, forget_environment, NULL);
	tcase_add_test(datagrams, test_cut);
	tcase_add_test(datagrams, test_characters);
	tcase_add_test(datagrams, test_is_from);
	tcase_add_test(datagrams, test_resolve);
	tcase_add_loop_test(datagrams, test_group, 0, COUNT(groups));
	suite_add_tcase(suite, where);
	suite_add_tcase(suite, datagrams);
	suite_add_tcase(suite, sockets);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
