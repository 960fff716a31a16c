/* The plain transport over a socketpair: the result for each errno, and for each way in which the
   peer ends the connection. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/carrier/transport.h"

static int fds[2];
static struct transport *t;
static char buf[65536];
static size_t len;
static bool last;

static void open_pair(int flags)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | flags, 0, fds), 0);
	t = transport_plain_create(fds[0]);
	ck_assert_int_eq(t->ops->handshake(t), IO_DONE);
}

static void open_nonblocking(void)
{
	open_pair(SOCK_NONBLOCK);
}

static void close_pair(void)
{
	transport_destroy(t);
	close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
}

static struct transport_about describe(void)
{
	struct transport_about about;
	t->ops->describe(t, &about);
	return about;
}

START_TEST(bytes_go_both_ways)
{
	ck_assert_int_eq(t->ops->recv(t, buf, sizeof buf, &len, &last), IO_WANT_READ);
	ck_assert_uint_eq(describe().recv_calls, 0);
	ck_assert_int_eq(write(fds[1], "hello", 5), 5);
	last = true;
	ck_assert_int_eq(t->ops->recv(t, buf, 2, &len, &last), IO_DONE);
	ck_assert_uint_eq(len, 2);
	ck_assert(!last);
	ck_assert_int_eq(t->ops->recv(t, buf, sizeof buf, &len, &last), IO_DONE);
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(buf, "llo", 3);
	ck_assert_uint_eq(describe().recv_calls, 2);
	ck_assert_int_eq(t->ops->send(t, "world", 5, &len), IO_DONE);
	ck_assert_uint_eq(len, 5);
	ck_assert_int_eq(t->ops->flush(t), IO_DONE);
	ck_assert_int_eq(t->ops->ping(t), IO_DONE);
	ck_assert_int_eq(t->ops->finish(t), IO_DONE);
	ck_assert_int_eq(read(fds[1], buf, sizeof buf), 5);
	ck_assert_mem_eq(buf, "world", 5);
}
END_TEST

START_TEST(a_half_close_ends_only_one_direction)
{
	ck_assert(!describe().orderly);
	shutdown(fds[1], SHUT_WR);
	ck_assert_int_eq(t->ops->recv(t, buf, sizeof buf, &len, &last), IO_EOF);
	ck_assert(describe().orderly);
	ck_assert_int_eq(t->ops->send(t, "more", 4, &len), IO_DONE);
	ck_assert_int_eq(read(fds[1], buf, sizeof buf), 4);
}
END_TEST

START_TEST(a_full_socket_wants_write)
{
	size_t sent = 0;
	enum io io;
	memset(buf, 'x', sizeof buf);
	while ((io = t->ops->send(t, buf, sizeof buf, &len)) == IO_DONE)
		sent += len;
	ck_assert_int_eq(io, IO_WANT_WRITE);
	ck_assert_uint_gt(sent, 0);
	while (sent > 0)
		sent -= (size_t)read(fds[1], buf, sizeof buf);
	ck_assert_int_eq(t->ops->send(t, buf, 1, &len), IO_DONE);
}
END_TEST

START_TEST(a_peer_that_is_gone_fails_the_send_without_a_signal)
{
	close(fds[1]);
	fds[1] = -1;
	ck_assert_int_eq(t->ops->send(t, "x", 1, &len), IO_FAILED);
	ck_assert_str_eq(t->err.text, "the peer has closed the connection");
	ck_assert_int_eq(t->err.status, STATUS_FAILED);
}
END_TEST

START_TEST(a_reset_fails_the_recv)
{
	/* A Unix socket resets when it is closed with unread bytes. */
	ck_assert_int_eq(t->ops->send(t, "x", 1, &len), IO_DONE);
	close(fds[1]);
	fds[1] = -1;
	ck_assert_int_eq(t->ops->recv(t, buf, sizeof buf, &len, &last), IO_FAILED);
	ck_assert_str_eq(t->err.text, "the peer reset the connection");
	ck_assert(!describe().orderly);
}
END_TEST

START_TEST(other_errors_are_named)
{
	struct transport *bad = transport_plain_create(-1);
	ck_assert_int_eq(bad->ops->recv(bad, buf, sizeof buf, &len, &last), IO_FAILED);
	ck_assert_str_eq(bad->err.text, "Bad file descriptor");
	transport_destroy(bad);
	transport_destroy(NULL);
}
END_TEST

START_TEST(a_blocking_recv_that_times_out_wants_read)
{
	struct timeval moment = { .tv_usec = 1000 };
	open_pair(0);
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment);
	ck_assert_int_eq(t->ops->recv(t, buf, sizeof buf, &len, &last), IO_WANT_READ);
	close_pair();
}
END_TEST

static void on_alarm(int number)
{
	/* Only now is there something to read: recv has been interrupted before. */
	(void)!write(fds[1], "x", 1);
}

START_TEST(an_interrupted_recv_goes_on)
{
	struct sigaction action = { .sa_handler = on_alarm }; /* without SA_RESTART */
	struct itimerval soon = { .it_value = { .tv_usec = 2000 } };
	open_pair(0);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	ck_assert_int_eq(t->ops->recv(t, buf, sizeof buf, &len, &last), IO_DONE);
	ck_assert_uint_eq(len, 1);
	close_pair();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plain");
	TCase *nonblocking = tcase_create("non-blocking");
	tcase_add_checked_fixture(nonblocking, open_nonblocking, close_pair);
	tcase_add_test(nonblocking, bytes_go_both_ways);
	tcase_add_test(nonblocking, a_half_close_ends_only_one_direction);
	tcase_add_test(nonblocking, a_full_socket_wants_write);
	tcase_add_test(nonblocking, a_peer_that_is_gone_fails_the_send_without_a_signal);
	tcase_add_test(nonblocking, a_reset_fails_the_recv);
	tcase_add_test(nonblocking, other_errors_are_named);
	suite_add_tcase(suite, nonblocking);
	TCase *blocking = tcase_create("blocking");
	tcase_add_test(blocking, a_blocking_recv_that_times_out_wants_read);
	tcase_add_test(blocking, an_interrupted_recv_goes_on);
	suite_add_tcase(suite, blocking);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
