/*
 * Replies in batches when the kernel refuses some of them: linked with --wrap=sendmmsg, so that a
 * table row decides what happens to each datagram. Also what the kernel reports about a socket's
 * queue, over loopback.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "servers/datagram/batch.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);

/* What becomes of datagram 0, 1, ...: `.` it goes, `i` a signal comes first, `p` EPERM, `b`
   ENOBUFS, `c` ECONNREFUSED, `a` EAGAIN. Its first byte is its number. */
static struct {
	char fates[BATCH_SIZE + 1], sent[BATCH_SIZE + 1], refused[BATCH_SIZE + 1];
	unsigned calls;
} kernel;

static const int errors[] = { ['i'] = EINTR,
	['p'] = EPERM,
	['b'] = ENOBUFS,
	['c'] = ECONNREFUSED,
	['a'] = EAGAIN };

static unsigned number_of(const struct mmsghdr *message)
{
	return *(const unsigned char *)message->msg_hdr.msg_iov->iov_base;
}

/* As sendmmsg(2): how many have gone before one that does not; the error only where it is the
   first. */
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	kernel.calls++;
	for (unsigned i = 0; i < count; i++) {
		unsigned number = number_of(&messages[i]);
		char *fate = &kernel.fates[number];
		if (*fate == '.') {
			kernel.sent[number]++;
			continue;
		}
		if (i > 0)
			return (int)i;
		errno = errors[(unsigned char)*fate];
		if (*fate == 'i')
			*fate = '.';
		return -1;
	}
	return (int)count;
}

static const struct batch_origin *origin_of(unsigned number)
{
	static struct batch_origin origin;
	origin = (struct batch_origin){ 0 };
	address_parse(&origin.peer, "127.0.0.1", (uint16_t)(1000 + number));
	return &origin;
}

static void on_refused(void *context, const struct batch_origin *to, bool told, int error)
{
	unsigned number = address_port(&to->peer) - 1000u;
	ck_assert_ptr_eq(context, &kernel);
	ck_assert_int_eq(error, errors[(unsigned char)kernel.fates[number]]);
	ck_assert_int_eq(told, number % 2);
	kernel.refused[number]++;
}

static void add(struct batch_out *out, unsigned number)
{
	char data[BATCH_REPLY] = { (char)number };
	ck_assert(batch_out_add(out, origin_of(number), number % 2, data,
		1 + number % BATCH_REPLY));
}

static const struct {
	const char *fates;
	unsigned calls;
} rows[] = {
	{ "", 0 },
	{ "....", 1 },
	{ "p...", 2 },
	{ "..p.", 3 },
	{ "...p", 2 },
	{ "pbca", 4 },
	{ ".p.b.c.a.", 9 },
	{ "i.", 2 },
	{ ".ip.", 5 },
	{ "................................................................", 1 },
	{ "p..............................................................c", 3 },
	{ "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", 64 },
};

START_TEST(test_a_refused_datagram_holds_up_no_other)
{
	struct batch_out *out = batch_out_create();
	unsigned count = (unsigned)strlen(rows[_i].fates);
	memset(&kernel, 0, sizeof kernel);
	strcpy(kernel.fates, rows[_i].fates);
	for (unsigned number = 0; number < count; number++)
		add(out, number);
	batch_out_send(out, -1, on_refused, &kernel);
	for (unsigned number = 0; number < count; number++) { /* a signal has changed its fate */
		bool refused = rows[_i].fates[number] != '.' && rows[_i].fates[number] != 'i';
		ck_assert_int_eq(kernel.sent[number], !refused);
		ck_assert_int_eq(kernel.refused[number], refused);
	}
	ck_assert_uint_eq(kernel.calls, rows[_i].calls);
	/* It is empty again. */
	batch_out_send(out, -1, on_refused, &kernel);
	ck_assert_uint_eq(kernel.calls, rows[_i].calls);
	batch_out_destroy(out);
}
END_TEST

START_TEST(test_a_full_batch_takes_no_more)
{
	static const char large[BATCH_REPLY + 1];
	struct batch_out *out = batch_out_create();
	ck_assert(!batch_out_add(out, origin_of(0), true, large, sizeof large));
	for (unsigned number = 0; number < BATCH_SIZE; number++)
		add(out, number);
	ck_assert(!batch_out_add(out, origin_of(0), true, large, 1));
	batch_out_destroy(out);
}
END_TEST

/* ---- a socket's queue ---- */

static int bind_loopback(struct address *address)
{
	struct err err;
	address_parse(address, "127.0.0.1", 0);
	int fd = batch_bind(address, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert(net_local_address(fd, address));
	return fd;
}

static void send_many(int fd, const struct address *to, int count)
{
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(sendto(fd, "x", 1, 0, (const struct sockaddr *)&to->ss, to->len),
			1);
}

START_TEST(test_what_waits_and_what_found_no_room)
{
	enum { SENT = 1000, ROOM = 65536 };
	struct address address;
	struct batch_queue queue;
	struct batch_in *in = batch_in_create();
	int fd = bind_loopback(&address), other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
	    room = ROOM, read = 0, n;
	ck_assert(batch_queue(fd, &queue));
	ck_assert_uint_eq(queue.held, 0);
	ck_assert_uint_eq(queue.missed, 0);
	ck_assert_uint_ge(queue.room, 2 * ROOM); /* more than any system's default */
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);

	send_many(other, &address, 1);
	ck_assert(batch_queue(fd, &queue));
	ck_assert_uint_gt(queue.held, 0);
	send_many(other, &address, SENT - 1);
	ck_assert(batch_queue(fd, &queue));
	ck_assert_uint_eq(queue.room, 2 * ROOM);
	ck_assert_uint_gt(queue.held, queue.room / 2);
	ck_assert_uint_gt(queue.missed, 0);
	while ((n = batch_in_read(in, fd)) > 0)
		read += n;
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq((unsigned)read + queue.missed, SENT);
	close(fd);
	close(other);
	batch_in_destroy(in);

	ck_assert(!batch_queue(-1, &queue));
	ck_assert_uint_eq(queue.held + queue.room + queue.missed, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("batch");
	TCase *tcase = tcase_create("batch");
	tcase_add_loop_test(tcase, test_a_refused_datagram_holds_up_no_other, 0, COUNT(rows));
	tcase_add_test(tcase, test_a_full_batch_takes_no_more);
	tcase_add_test(tcase, test_what_waits_and_what_found_no_room);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
