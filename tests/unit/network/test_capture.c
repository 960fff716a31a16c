/* Captures a loopback interface in a network of its own, and reads the file back with libpcap. */
#include <check.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "servers/network/capture.h"

enum { DEADLINE = 10000, HEADERS = 14 + 20 + 8, FILE_HEADER = 24, FRAME_HEADER = 16 };

static char folder[64], path[80];
static int talker = -1;
static struct sockaddr_in to;

/* ---- a network namespace with nothing but lo ---- */

static bool write_text(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return done;
}

static bool lo_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	bool done = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
	close(fd);
	return done;
}

/* MTU 1500, no offload, as on the lab's wire: the ring then holds thousands of frames instead of a
   hundred. */
static void lo_as_a_wire(void)
{
	static const uint32_t commands[] = { ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO };
	struct ifreq request = { .ifr_name = "lo", .ifr_mtu = 1500 };
	ck_assert_int_eq(ioctl(talker, SIOCSIFMTU, &request), 0);
	for (int i = 0; i < 3; i++) {
		struct ethtool_value off = { .cmd = commands[i] };
		request.ifr_data = (char *)&off;
		ck_assert_msg(ioctl(talker, SIOCETHTOOL, &request) == 0, "%d: %s", i,
			strerror(errno));
	}
}

static bool enter_own_network(void)
{
	char map[32];
	snprintf(map, sizeof map, "0 %u 1", geteuid());
	if (unshare(CLONE_NEWNET) == 0)
		return lo_up();
	return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 &&
	       write_text("/proc/self/uid_map", map) && lo_up();
}

/* What this machine refuses, found out by a child. NULL: nothing. */
static const char *refused(void)
{
	pid_t child = fork();
	if (child == 0) {
		if (!enter_own_network())
			_exit(1);
		_exit(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0 ? 0 : 2);
	}
	int status;
	waitpid(child, &status, 0);
	return status == 0                ? NULL
	       : WEXITSTATUS(status) == 1 ? "a network namespace"
					  : "a packet socket";
}

static void set_up(void)
{
	signal(SIGPIPE, SIG_IGN); /* as main() does */
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_msg(enter_own_network(), "%s", strerror(errno));
	snprintf(folder, sizeof folder, "/tmp/test_capture.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/lab.pcap", folder);
	to = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	/* A sink for what is sent, so that no ICMP comes back. */
	int sink = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof to;
	ck_assert_int_eq(bind(sink, (struct sockaddr *)&to, sizeof to), 0);
	ck_assert_int_eq(getsockname(sink, (struct sockaddr *)&to, &len), 0);
	talker = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static void tear_down(void)
{
	unlink(path);
	rmdir(folder);
}

/* A datagram of `size` bytes, all of them `fill`. On loopback it has passed when this returns. */
static void say(size_t size, char fill)
{
	static char data[65507];
	memset(data, fill, size);
	ck_assert_int_eq(sendto(talker, data, size, 0, (struct sockaddr *)&to, sizeof to),
		(ssize_t)size);
}

static struct capture *start(void)
{
	struct err err = { 0 };
	struct capture *capture = capture_start("lo", path, &err);
	ck_assert_msg(capture, "%s", err.text);
	return capture;
}

/* Reads the file to its end, which must be that of a whole frame; how many there are. Frame i
   carries sizes[i] bytes. */
static unsigned read_back(const size_t *sizes)
{
	char text[PCAP_ERRBUF_SIZE];
	pcap_t *file = pcap_open_offline(path, text);
	ck_assert_msg(file, "%s", text);
	ck_assert_int_eq(pcap_datalink(file), DLT_EN10MB);
	struct pcap_pkthdr *header;
	const u_char *bytes;
	unsigned count = 0;
	int status;
	while ((status = pcap_next_ex(file, &header, &bytes)) == 1) {
		ck_assert_uint_eq(header->caplen, header->len);
		if (sizes) {
			ck_assert_uint_eq(header->len, HEADERS + sizes[count]);
			ck_assert_int_eq(bytes[HEADERS], 'a' + (int)count);
			ck_assert_int_eq(bytes[header->len - 1], 'a' + (int)count);
		}
		count++;
	}
	ck_assert_msg(status == PCAP_ERROR_BREAK, "%s", pcap_geterr(file));
	pcap_close(file);
	return count;
}

/* ---- what is captured ---- */

START_TEST(test_each_frame_is_there_once)
{
	static const size_t sizes[] = { 1, 18, 1448, 20000, 65507 };
	say(3, 'x'); /* before */
	umask(027);
	struct capture *capture = start();
	for (int i = 0; i < 5; i++)
		say(sizes[i], (char)('a' + i));
	struct err err = { 0 };
	ck_assert_msg(capture_stop(capture, &err), "%s", err.text);
	say(3, 'x'); /* after */
	ck_assert_uint_eq(read_back(sizes), 5);
	struct stat stat_of;
	ck_assert_int_eq(stat(path, &stat_of), 0);
	ck_assert_int_eq(stat_of.st_mode & 07777, 0640);
}
END_TEST

/* What the thread has not come to when it is stopped is still in the ring, and is written. */
START_TEST(test_what_has_passed_is_written)
{
	enum { MANY = 2000 };
	struct err err = { 0 };
	lo_as_a_wire();
	for (int round = 0; round < 5; round++) { /* the file begins anew each time */
		struct capture *capture = start();
		for (int i = 0; i < MANY; i++)
			say(100, 'a');
		ck_assert_msg(capture_stop(capture, &err), "%s", err.text);
		ck_assert_uint_eq(read_back(NULL), MANY);
	}
}
END_TEST

START_TEST(test_nothing_passed)
{
	struct err err = { 0 };
	ck_assert(capture_stop(start(), &err));
	ck_assert_uint_eq(read_back(NULL), 0);
	ck_assert(capture_stop(NULL, &err));
}
END_TEST

/* A reader may follow the file: each frame is in it without anything else having to pass. */
START_TEST(test_readable_while_it_is_written)
{
	int watch = inotify_init1(IN_CLOEXEC);
	struct capture *capture = start();
	ck_assert_int_ge(inotify_add_watch(watch, path, IN_MODIFY), 0);
	for (int i = 1; i <= 3; i++) {
		say(100, 'a');
		off_t wanted = FILE_HEADER + i * (FRAME_HEADER + HEADERS + 100);
		struct stat stat_of = { 0 };
		while (stat(path, &stat_of) == 0 && stat_of.st_size < wanted) {
			struct pollfd end = { .fd = watch, .events = POLLIN };
			ck_assert_msg(poll(&end, 1, DEADLINE) == 1, "frame %d has not come", i);
			char events[4096];
			ck_assert_int_gt(read(watch, events, sizeof events), 0);
		}
		ck_assert_int_eq(stat_of.st_size, wanted);
		ck_assert_uint_eq(read_back(NULL), (unsigned)i);
	}
	ck_assert(capture_stop(capture, NULL));
	close(watch);
}
END_TEST

/* ---- what goes wrong ---- */

START_TEST(test_full_disk)
{
	enum { SIZE = 40000 }; /* Check itself writes a file, of less than that */
	static const size_t sizes[] = { SIZE, SIZE, SIZE };
	struct capture *capture = start();
	const size_t three = FILE_HEADER + 3 * (FRAME_HEADER + HEADERS + SIZE);
	struct rlimit limit = { .rlim_cur = three + SIZE / 2, .rlim_max = RLIM_INFINITY };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	int watch = inotify_init1(IN_CLOEXEC);
	ck_assert_int_ge(inotify_add_watch(watch, path, IN_MODIFY), 0);
	/* each by itself: one that fails takes those flushed with it along */
	for (int i = 0; i < 3; i++) {
		char events[4096];
		say(SIZE, (char)('a' + i));
		struct pollfd end = { .fd = watch, .events = POLLIN };
		ck_assert_int_eq(poll(&end, 1, DEADLINE), 1);
		ck_assert_int_gt(read(watch, events, sizeof events), 0);
	}
	for (int i = 0; i < 4; i++)
		say(SIZE, 'x');
	struct err err = { 0 };
	ck_assert(!capture_stop(capture, &err));
	ck_assert_int_eq(err.status, STATUS_FAILED);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_ptr_nonnull(strstr(err.text,
		": File too large: the first 3 frames are in it, 4 more are not"));
	ck_assert_uint_eq(read_back(sizes), 3);
	close(watch);
}
END_TEST

/* A pipe, and its reader's end. The thread that opens it for reading is this one, so it must not
   wait for a writer. */
static int make_pipe(void)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(reader, 0);
	return reader;
}

/* The capture does not wait for a reader: a person who runs a command could not end that. */
START_TEST(test_pipe_without_a_reader)
{
	struct err err = { 0 };
	close(make_pipe());
	ck_assert_ptr_null(capture_start("lo", path, &err));
	ck_assert_ptr_nonnull(strstr(err.text,
		"lab.pcap: nobody reads this pipe; start its reader first"));
	ck_assert_int_eq(err.status, STATUS_USAGE);
}
END_TEST

START_TEST(test_reader_has_gone)
{
	int reader = make_pipe();
	struct capture *capture = start();
	close(reader);
	say(100, 'a');
	say(100, 'b');
	struct err err = { 0 };
	ck_assert(!capture_stop(capture, &err));
	ck_assert_int_eq(err.status, STATUS_FAILED);
	ck_assert_ptr_nonnull(strstr(err.text,
		": Broken pipe: the first 0 frames are in it, 2 more are not"));
}
END_TEST

START_TEST(test_reader_stands_still)
{
	int reader = make_pipe();
	struct capture *capture = start();
	for (int i = 0; i < 4; i++) /* more than a pipe holds */
		say(60000, 'a');
	struct err err = { 0 };
	ck_assert(!capture_stop(capture, &err));
	ck_assert_ptr_nonnull(strstr(err.text, ": nobody reads it: "));
	close(reader);
}
END_TEST

static void *read_to_end(void *argument)
{
	static char bytes[65536];
	while (read(*(int *)argument, bytes, sizeof bytes) > 0)
		;
	return NULL;
}

/* While the reader stood still, the kernel's ring has filled: what is missing is told, however well
   it ended. */
START_TEST(test_ring_is_full)
{
	int reader = make_pipe();
	fcntl(reader, F_SETFL, 0);
	struct capture *capture = start();
	for (int i = 0; i < 600; i++)
		say(60000, 'a');
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, read_to_end, &reader), 0);
	struct err err = { 0 };
	ck_assert(!capture_stop(capture, &err));
	ck_assert_msg(strstr(err.text, " frames are missing: "), "%s", err.text);
	pthread_join(thread, NULL);
	close(reader);
}
END_TEST

static unsigned count_descriptors(void)
{
	unsigned count = 0;
	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static const struct {
	const char *interface, *path, *said;
	enum status status;
} failures[] = {
	{ "lo", "/nonexistent/lab.pcap", "/nonexistent/lab.pcap: No such file or directory",
		STATUS_USAGE },
	{ "lo", "/", "/: Is a directory", STATUS_USAGE },
	{ "lo", "/dev/full", "/dev/full: No space left on device", STATUS_USAGE },
	{ "wire", "/dev/null", "capture on wire: ", STATUS_FAILED },
	{ "wire", "/nonexistent/lab.pcap", "capture on wire: ", STATUS_FAILED },
};

START_TEST(test_failures)
{
	unsigned before = count_descriptors();
	struct err err = { 0 };
	ck_assert_ptr_null(capture_start(failures[_i].interface, failures[_i].path, &err));
	ck_assert_msg(strncmp(err.text, failures[_i].said, strlen(failures[_i].said)) == 0, "%s",
		err.text);
	ck_assert_int_eq(err.status, failures[_i].status);
	ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

/* ---- what others see of it ---- */

START_TEST(test_no_program_gets_its_descriptors)
{
	bool before[1024];
	for (int fd = 0; fd < 1024; fd++)
		before[fd] = fcntl(fd, F_GETFD) >= 0;
	struct capture *capture = start();
	unsigned found = 0;
	for (int fd = 0; fd < 1024; fd++)
		if (!before[fd] && fcntl(fd, F_GETFD) >= 0) {
			ck_assert_msg(fcntl(fd, F_GETFD) & FD_CLOEXEC, "descriptor %d", fd);
			found++;
		}
	ck_assert_uint_ge(found, 3);
	ck_assert(capture_stop(capture, NULL));
	for (int fd = 0; fd < 1024; fd++)
		ck_assert_int_eq(fcntl(fd, F_GETFD) >= 0, before[fd]);
}
END_TEST

/* sigwait, signalfd and handlers are for the threads that were there before. */
START_TEST(test_signals_are_not_its_business)
{
	sigset_t one, none, now, pending;
	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	sigemptyset(&none);
	struct capture *capture = start();
	sigprocmask(SIG_SETMASK, NULL, &now);
	ck_assert(!sigismember(&now, SIGUSR1)); /* ours is as it was */
	sigprocmask(SIG_BLOCK, &one, NULL);
	kill(getpid(), SIGUSR1); /* the other thread would die of it, and all with it */
	sigpending(&pending);
	ck_assert(sigismember(&pending, SIGUSR1));
	ck_assert(capture_stop(capture, NULL));
	signal(SIGUSR1, SIG_IGN);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
END_TEST

START_TEST(test_rights)
{
	ck_assert_msg(getenv("CI") == NULL, "this machine refuses %s", refused());
}
END_TEST

int main(void)
{
	const char *missing = refused();
	Suite *suite = suite_create("capture");
	TCase *tcase = tcase_create("capture");
	suite_add_tcase(suite, tcase);
	if (missing) {
		fprintf(stderr, "capture: this machine refuses %s: nothing was tested\n", missing);
		tcase_add_test(tcase, test_rights);
	} else {
		tcase_add_checked_fixture(tcase, set_up, tear_down);
		tcase_set_timeout(tcase, 30);
		tcase_add_test(tcase, test_each_frame_is_there_once);
		tcase_add_test(tcase, test_what_has_passed_is_written);
		tcase_add_test(tcase, test_nothing_passed);
		tcase_add_test(tcase, test_readable_while_it_is_written);
		tcase_add_test(tcase, test_full_disk);
		tcase_add_test(tcase, test_pipe_without_a_reader);
		tcase_add_test(tcase, test_reader_has_gone);
		tcase_add_test(tcase, test_reader_stands_still);
		tcase_add_test(tcase, test_ring_is_full);
		tcase_add_loop_test(tcase, test_failures, 0, sizeof failures / sizeof failures[0]);
		tcase_add_test(tcase, test_no_program_gets_its_descriptors);
		tcase_add_test(tcase, test_signals_are_not_its_business);
	}
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
