/* The doctor's trials: whatever the child process does, the parent gets the result in time and
   keeps its own state. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "servers/commands/doctor/checks.h"

#define LONG 60.0 /* seconds: more than a test may take */
#define SHORT 0.05

static bool done(struct trial *trial, const void *argument)
{
	return strcmp(argument, "as it was given") == 0;
}

static bool refused(struct trial *trial, const void *argument)
{
	trial->error = EPERM;
	strcpy(trial->text, "no user namespace");
	return false;
}

static bool flush(struct trial *trial, const void *argument)
{
	return fflush(NULL) == 0;
}

static bool crash(struct trial *trial, const void *argument)
{
	abort();
}

/* A process of its own, which holds the pipe, and both wait for ever. */
static bool hang(struct trial *trial, const void *argument)
{
	const int *out = argument;
	fork();
	if (write(*out, "a", 1) != 1)
		return false;
	for (;;)
		pause();
}

START_TEST(test_a_trial_tells)
{
	struct trial trial = doctor_try(done, "as it was given", LONG);
	ck_assert(trial.done && !trial.late);
	ck_assert_int_eq(trial.error, 0);

	trial = doctor_try(refused, NULL, LONG);
	ck_assert(!trial.done && !trial.late);
	ck_assert_int_eq(trial.error, EPERM);
	ck_assert_str_eq(trial.text, "no user namespace");

	trial = doctor_try(crash, NULL, LONG);
	ck_assert(!trial.done && !trial.late);
	ck_assert_int_eq(trial.error, 0);
	ck_assert_str_eq(trial.text, "");
}
END_TEST

START_TEST(test_a_trial_ends_in_time)
{
	int alive[2];
	char bytes[4];
	ck_assert_int_eq(pipe2(alive, O_CLOEXEC), 0);
	struct trial trial = doctor_try(hang, &alive[1], SHORT);
	ck_assert(!trial.done && trial.late);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, */
	close(alive[1]);
	while (read(alive[0], bytes, sizeof bytes) > 0) /* and none of its: the pipe ends */
		;
	close(alive[0]);
}
END_TEST

static const struct {
	const char *argv[4];
	bool done;
	int error;
} programs[] = {
	{ { "true", NULL }, true, 0 },
	{ { "false", NULL }, false, 0 },
	{ { "sh", "-c", "read line", NULL }, false, 0 }, /* there is no input */
	/* SIGPIPE has its default action */
	{ { "sh", "-c", "kill -PIPE $$", NULL }, false, 0 },
	{ { "/nonexistent/tshark", NULL }, false, ENOENT },
	{ { "/", NULL }, false, EACCES },
};

START_TEST(test_a_program_runs)
{
	signal(SIGPIPE, SIG_IGN); /* as main() does */
	int input[2];
	ck_assert_int_eq(pipe2(input, O_CLOEXEC), 0);
	ck_assert_int_eq(write(input[1], "a line\n", 7), 7);
	dup2(input[0], STDIN_FILENO);
	struct trial trial = doctor_run(programs[_i].argv, LONG);
	ck_assert(trial.done == programs[_i].done && !trial.late);
	ck_assert_int_eq(trial.error, programs[_i].error);
	close(input[0]);
	close(input[1]);
}
END_TEST

START_TEST(test_a_program_ends_in_time)
{
	static const char *const argv[] = { "sleep", "60", NULL };
	double start = clock_now();
	struct trial trial = doctor_run(argv, SHORT);
	ck_assert(!trial.done && trial.late);
	ck_assert_double_lt(clock_now() - start, LONG / 2);
}
END_TEST

/* It is inherited from who starts the doctor (signal(7)). */
START_TEST(test_ends_are_ignored)
{
	static const char *const argv[] = { "true", NULL };
	signal(SIGCHLD, SIG_IGN);
	struct trial trial = doctor_run(argv, LONG);
	ck_assert(trial.done && !trial.late);
}
END_TEST

/* What is printed before is printed once, and signals are as they were. */
START_TEST(test_the_parent_is_as_it_was)
{
	int out[2];
	char text[16] = "";
	sigset_t mask;
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	FILE *file = fdopen(out[1], "w");
	fputs("once", file);
	ck_assert(doctor_try(flush, NULL, LONG).done);
	fclose(file);
	ck_assert_int_eq(read(out[0], text, sizeof text), 4);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	ck_assert(!sigismember(&mask, SIGCHLD));
	close(out[0]);
}
END_TEST

START_TEST(test_findings)
{
	struct finding finding;
	memset(&finding, 'x', sizeof finding);
	finding_set(&finding, DOCTOR_LIMITED, "port %d", 5003);
	ck_assert_int_eq(finding.result, DOCTOR_LIMITED);
	ck_assert_str_eq(finding.means, "port 5003");
	ck_assert_str_eq(finding.mend, "");
	finding_mend(&finding, "kill %d", 4711);
	ck_assert_str_eq(finding.mend, "kill 4711");
	finding_mend_as_root(&finding, "modprobe %s", "veth");
	ck_assert_str_eq(finding.mend, geteuid() == 0 ? "modprobe veth" : "sudo modprobe veth");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("doctor");
	TCase *tcase = tcase_create("doctor");
	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, test_a_trial_tells);
	tcase_add_test(tcase, test_a_trial_ends_in_time);
	tcase_add_loop_test(tcase, test_a_program_runs, 0, sizeof programs / sizeof programs[0]);
	tcase_add_test(tcase, test_a_program_ends_in_time);
	tcase_add_test(tcase, test_ends_are_ignored);
	tcase_add_test(tcase, test_the_parent_is_as_it_was);
	tcase_add_test(tcase, test_findings);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
