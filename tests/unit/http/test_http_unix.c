/* The Unix socket's file and its default place: its owner and mode, which files are replaced and
   which are not, and what is left behind. */
#include <sys/stat.h>

#include "servers/control/place.h"
#include "tests/unit/http/http_peer.h"

static void on_request(void *context, struct http_request *request)
{
	const char *peer = http_request_peer(request);
	http_respond(request, 200, "text/plain", peer, strlen(peer), NULL);
}

static const struct http_options options = { .on_request = on_request };

static void start(void)
{
	serve(&options);
}

/* A second server at the same path. */
static bool also_listens(struct err *err)
{
	struct http_options other_options = options;
	other_options.loop = loop;
	struct http *other = http_create(&other_options);
	bool listens = http_listen_unix(other, path, err);
	http_destroy(other);
	return listens;
}

static ino_t inode_of(const char *name)
{
	struct stat there;
	ck_assert_int_eq(lstat(name, &there), 0);
	return there.st_ino;
}

START_TEST(it_is_nobody_elses)
{
	struct stat there;
	mode_t mask = umask(0);
	umask(mask);
	ck_assert_int_eq(lstat(path, &there), 0);
	ck_assert(S_ISSOCK(there.st_mode));
	ck_assert_uint_eq(there.st_mode & 07777, 0600);
	ck_assert_uint_ne(mask, 0177);
}
END_TEST

START_TEST(the_peer_is_a_process)
{
	char expected[32];
	int fd = peer_unix();
	snprintf(expected, sizeof expected, "pid %d", (int)getpid());
	say(fd, "GET / HTTP/1.0\r\n\r\n");
	hear_all(fd);
	ck_assert_msg(strstr(heard, expected), "%s", heard);
	close(fd);
}
END_TEST

START_TEST(one_that_lives_is_left_alone)
{
	struct err err;
	ino_t before = inode_of(path);
	ck_assert(!also_listens(&err));
	ck_assert_int_eq(err.status, STATUS_BIND);
	ck_assert_msg(strstr(err.text, path) && strstr(err.text, "already"), "%s", err.text);
	ck_assert_uint_eq(inode_of(path), before);
	int fd = peer_unix();
	say(fd, "GET / HTTP/1.0\r\n\r\n");
	hear(fd, "pid");
	close(fd);
}
END_TEST

/* As one that was killed leaves it. */
static void leave_dead_socket(int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);
	strcpy(address.sun_path, path);
	unlink(path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 1), 0);
	close(fd);
}

START_TEST(one_that_is_dead_is_replaced)
{
	struct err err;
	leave_dead_socket(SOCK_STREAM);
	ck_assert_msg(also_listens(&err), "%s", err.text);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(what_is_no_socket_of_ours_is_left_alone)
{
	struct err err;
	unlink(path);
	if (_i == 0)
		close(open(path, O_CREAT | O_WRONLY, 0600));
	else if (_i == 1)
		ck_assert_int_eq(symlink("/dev/null", path), 0);
	else
		ck_assert_int_eq(mkdir(path, 0700), 0);
	ino_t before = inode_of(path);
	ck_assert(!also_listens(&err));
	ck_assert_msg(strstr(err.text, "no socket"), "%s", err.text);
	ck_assert_uint_eq(inode_of(path), before);
	http_destroy(http); /* it is not the one that it has made */
	http = NULL;
	ck_assert_uint_eq(inode_of(path), before);
	remove(path);
}
END_TEST

START_TEST(a_socket_of_another_kind_is_left_alone)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct err err;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	strcpy(address.sun_path, path);
	unlink(path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert(!also_listens(&err));
	ck_assert_msg(strstr(err.text, "cannot be replaced"), "%s", err.text);
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(paths_that_cannot_be)
{
	char longer[200];
	struct err err;
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	const char *const paths[] = { "", longer, "/nowhere/at/all/control" };
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		ck_assert(!http_listen_unix(http, paths[i], &err));
		ck_assert_int_eq(err.status, STATUS_BIND);
		ck_assert_ptr_null(strchr(err.text, '\n'));
	}
}
END_TEST

START_TEST(the_default_place)
{
	char place[PLACE_SIZE], expected[PLACE_SIZE], runtime[sizeof folder];
	struct stat made;
	struct err err;
	strcpy(runtime, folder);
	setenv("XDG_RUNTIME_DIR", runtime, 1);
	ck_assert(place_default(place, &err));
	snprintf(expected, sizeof expected, "%s/pmulab/control", runtime);
	ck_assert_str_eq(place, expected);
	ck_assert_msg(place_prepare(place, &err), "%s", err.text);
	*strrchr(expected, '/') = '\0';
	ck_assert_int_eq(lstat(expected, &made), 0);
	ck_assert_uint_eq(made.st_mode & 07777, 0700);
	ck_assert(place_prepare(place, &err)); /* again */
	chmod(expected, 0777);
	ck_assert(!place_prepare(place, &err));
	ck_assert_msg(strstr(err.text, "chmod 700"), "%s", err.text);
	rmdir(expected);
	ck_assert_int_eq(symlink("/tmp", expected), 0);
	ck_assert(!place_prepare(place, &err));
	unlink(expected);
	setenv("XDG_RUNTIME_DIR", "relative", 1);
	ck_assert(place_default(place, &err));
	snprintf(expected, sizeof expected, "/tmp/pmulab-%u/control", (unsigned)geteuid());
	ck_assert_str_eq(place, expected);
	char longer[200];
	memset(longer, '/', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	setenv("XDG_RUNTIME_DIR", longer, 1);
	ck_assert(!place_default(place, &err));
	ck_assert_int_eq(err.status, STATUS_USAGE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http_unix");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, start, serve_end);
	tcase_add_test(all, it_is_nobody_elses);
	tcase_add_test(all, the_peer_is_a_process);
	tcase_add_test(all, one_that_lives_is_left_alone);
	tcase_add_test(all, one_that_is_dead_is_replaced);
	tcase_add_loop_test(all, what_is_no_socket_of_ours_is_left_alone, 0, 3);
	tcase_add_test(all, a_socket_of_another_kind_is_left_alone);
	tcase_add_test(all, paths_that_cannot_be);
	tcase_add_test(all, the_default_place);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
