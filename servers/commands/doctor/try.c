/* A trial runs in a child process, which reports its result through a pipe. What the child has made
   ends with it. */
#include "servers/commands/doctor/checks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

void finding_set(struct finding *finding, enum doctor_result result, const char *means, ...)
{
	va_list arguments;
	va_start(arguments, means);
	vsnprintf(finding->means, sizeof finding->means, means, arguments);
	va_end(arguments);
	finding->result = result;
	finding->mend[0] = '\0';
}

void finding_mend(struct finding *finding, const char *command, ...)
{
	va_list arguments;
	va_start(arguments, command);
	vsnprintf(finding->mend, sizeof finding->mend, command, arguments);
	va_end(arguments);
}

void finding_mend_as_root(struct finding *finding, const char *command, ...)
{
	const char *before = geteuid() == 0 ? "" : "sudo ";
	size_t len = strlen(before);
	memcpy(finding->mend, before, len);
	va_list arguments;
	va_start(arguments, command);
	vsnprintf(finding->mend + len, sizeof finding->mend - len, command, arguments);
	va_end(arguments);
}

/* Waits for the child's end, and kills it when its time is over. Returns its status. SIGCHLD is
   blocked, so that none is missed between waitpid(2) and sigtimedwait(2). */
static int await_child(pid_t child, double seconds, bool *late)
{
	sigset_t one;
	sigemptyset(&one);
	sigaddset(&one, SIGCHLD);
	double end = clock_now() + seconds;
	int status = 0;
	while (waitpid(child, &status, WNOHANG) == 0) {
		double left = end - clock_now();
		time_t whole = (time_t)left;
		struct timespec wait = { .tv_sec = whole,
			.tv_nsec = (long)((left - (double)whole) * 1e9) };
		if (left > 0 && (sigtimedwait(&one, NULL, &wait) > 0 || errno == EINTR))
			continue;
		*late = true;
		kill(-child, SIGKILL);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		break;
	}
	return status;
}

static _Noreturn void be_child(pid_t parent, int out, bool (*body)(struct trial *, const void *),
	const void *argument)
{
	struct trial trial = { 0 };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	setpgid(0, 0); /* so that what a program starts is killed with it */
	errno = 0;
	trial.done = body(&trial, argument);
	_exit(write(out, &trial, sizeof trial) == sizeof trial ? 0 : 1);
}

struct trial doctor_try(bool (*body)(struct trial *trial, const void *argument),
	const void *argument, double seconds)
{
	struct trial trial = { 0 };
	int ends[2];
	sigset_t one, before;
	sigemptyset(&one);
	sigaddset(&one, SIGCHLD);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
		trial.error = errno;
		return trial;
	}
	fflush(NULL); /* else the child would print what is buffered again */
	/* when SIGCHLD is ignored (the parent's setting), waitpid(2) gets no status */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &one, &before);
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		be_child(parent, ends[1], body, argument);
	}
	int status = -1;
	bool late = false;
	if (child > 0)
		status = await_child(child, seconds, &late);
	else
		trial.error = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	/* A child that has become another program writes nothing; its status is the result. */
	if (child > 0 && read(ends[0], &trial, sizeof trial) != (ssize_t)sizeof trial)
		trial = (struct trial){ .done = status == 0 };
	trial.late = late;
	close(ends[0]);
	close(ends[1]);
	return trial;
}

static bool become(struct trial *trial, const void *argument)
{
	char *const *argv = argument;
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(nothing, fd);
	signal(SIGPIPE, SIG_DFL); /* pmulab ignores these two, its children must not */
	signal(SIGXFSZ, SIG_DFL);
	execvp(argv[0], argv);
	trial->error = errno;
	return false;
}

struct trial doctor_run(const char *const argv[], double seconds)
{
	return doctor_try(become, argv, seconds);
}
