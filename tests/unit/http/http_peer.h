/* For tests of the control server: a server with the test's handler, clients that send raw bytes,
   and a loop that runs until a condition holds. */
#ifndef TESTS_UNIT_HTTP_HTTP_PEER_H
#define TESTS_UNIT_HTTP_HTTP_PEER_H

#include <check.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "servers/http/http.h"

static struct ev_loop *loop;
static struct http *http;
static struct address bound; /* of the TCP listener */
static char folder[] = "/tmp/pmulab-http-XXXXXX";
static char path[sizeof folder + 16]; /* of the Unix socket */

static const double PATIENCE = 20; /* seconds until a test fails */

static inline void peer_connect_made(int fd, const struct sockaddr *sa, socklen_t len)
{
	ck_assert_int_ge(fd, 0);
	ck_assert_msg(connect(fd, sa, len) == 0, "connect: %s", strerror(errno));
	fcntl(fd, F_SETFL, O_NONBLOCK);
}

/* New connections to the server. The caller closes the descriptor. */
static inline int peer_unix(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, path);
	peer_connect_made(fd, (struct sockaddr *)&address, sizeof address);
	return fd;
}

static inline int peer_tcp(void)
{
	int fd = socket(bound.ss.ss_family, SOCK_STREAM, 0);
	peer_connect_made(fd, (struct sockaddr *)&bound.ss, bound.len);
	return fd;
}

/* Handles the events that are ready, without waiting. */
static inline void turn_loop(void)
{
	for (int i = 0; i < 4; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

static inline void on_tick(struct ev_loop *l, struct ev_timer *timer, int events)
{
}

/* Runs the loop once: waits for an event for at most 10 ms, since the clients' sockets are not in
   the loop. Fails after `deadline` (clock_now). */
static inline void wait_loop(double deadline)
{
	struct ev_timer tick;
	ck_assert_msg(clock_now() < deadline, "nothing came in time");
	ev_timer_init(&tick, on_tick, 0.01, 0);
	ev_timer_start(loop, &tick);
	ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &tick);
}

/* Runs the loop until the condition holds. Fails after PATIENCE. */
#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		double until_deadline = clock_now() + PATIENCE;                                    \
		while (!(condition))                                                               \
			wait_loop(until_deadline);                                                 \
	} while (0)

/* Sends all bytes. False: the server has closed the connection; its answer says why. */
static inline bool say_bytes(int fd, const char *data, size_t len)
{
	double deadline = clock_now() + PATIENCE;
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else {
			wait_loop(deadline);
		}
	}
	return true;
}

static inline void say(int fd, const char *text)
{
	say_bytes(fd, text, strlen(text));
}

static char heard[1024 * 1024];
static size_t heard_len;

/* Appends the bytes that have come to `heard`. True: the server has closed or reset the
   connection. */
static inline bool hear_some(int fd)
{
	for (;;) {
		ssize_t n = recv(fd, heard + heard_len, sizeof heard - 1 - heard_len, 0);
		if (n > 0)
			heard_len += (size_t)n;
		heard[heard_len] = '\0';
		if (n == 0)
			return true;
		if (n < 0)
			return errno != EAGAIN;
	}
}

/* Empties `heard` and reads until `text` is in it. */
static inline void hear(int fd, const char *text)
{
	double deadline = clock_now() + PATIENCE;
	bool over = false;
	heard_len = 0;
	heard[0] = '\0';
	while (!strstr(heard, text)) {
		ck_assert_msg(!over, "closed before \"%s\": \"%s\"", text, heard);
		over = hear_some(fd);
		if (!over && !strstr(heard, text))
			wait_loop(deadline);
	}
}

/* Empties `heard` and reads until the server closes the connection. */
static inline void hear_all(int fd)
{
	double deadline = clock_now() + PATIENCE;
	heard_len = 0;
	heard[0] = '\0';
	while (!hear_some(fd))
		wait_loop(deadline);
}

/* Starts a server on a Unix socket and on a TCP port of 127.0.0.1. serve_end ends it. */
static inline void serve(const struct http_options *given)
{
	struct http_options options = *given;
	struct err err;
	loop = ev_loop_new(EVFLAG_AUTO);
	options.loop = loop;
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/control", folder);
	http = http_create(&options);
	ck_assert_msg(http_listen_unix(http, path, &err), "%s", err.text);
	struct address any;
	address_parse(&any, "127.0.0.1", 0);
	ck_assert_msg(http_listen_tcp(http, &any, &bound, &err), "%s", err.text);
}

/* Destroys the server, and checks that it has removed the socket's file. */
static inline void serve_end(void)
{
	http_destroy(http);
	ev_loop_destroy(loop);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	strcpy(folder, "/tmp/pmulab-http-XXXXXX");
}

#endif
