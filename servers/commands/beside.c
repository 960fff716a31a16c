#include "servers/commands/beside.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"

/* How long a command may go on after SIGTERM, before it is killed. */
static const double PATIENCE_SECONDS = 2;

/* The signals to pmulab that are passed on to the command. Not SIGTSTP: it stops the whole process
   group, the command included. */
static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH };

/* Whether pmulab is in the terminal's foreground process group. */
static bool owns_terminal(void)
{
	pid_t group = tcgetpgrp(STDIN_FILENO);
	return group > 0 && group == getpgrp();
}

/* Whether the terminal's foreground process group has ended. A group that exists has been put into
   the foreground by the user's shell, while pmulab was in the background. */
static bool terminal_is_free(void)
{
	pid_t group = tcgetpgrp(STDIN_FILENO);
	return group > 0 && kill(-group, 0) != 0 && errno == ESRCH;
}

bool beside_open(struct beside *beside, struct ev_loop *loop, struct err *err)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
		sigaddset(&set, passed_on[i]);
	beside->loop = loop;
	beside->keeper.control = -1;
	beside->status = BESIDE_FAILED;
	beside->had_terminal = owns_terminal();
	sigprocmask(SIG_BLOCK, &set, &beside->mask);
	beside->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (beside->signals < 0)
		err_set(err, STATUS_FAILED, "signalfd: %s", strerror(errno));
	return beside->signals >= 0;
}

int beside_interrupted(struct beside *beside)
{
	struct signalfd_siginfo info;
	while (read(beside->signals, &info, sizeof info) == sizeof info)
		if (info.ssi_signo != SIGWINCH)
			return (int)info.ssi_signo;
	return 0;
}

static void on_quiet(struct ev_loop *loop, struct ev_idle *watcher, int events)
{
	struct beside *beside = watcher->data;
	ev_idle_stop(loop, watcher);
	emulator_stop(beside->emulator);
}

/* Ends everything: first the command's processes; then, when the loop is idle and so has read all
   that they have sent, the emulator. */
static void end(struct beside *beside, int status)
{
	beside->status = status;
	ev_io_stop(beside->loop, &beside->on_news);
	ev_io_stop(beside->loop, &beside->on_signal);
	ev_timer_stop(beside->loop, &beside->on_time);
	keeper_finish(&beside->keeper);
	ev_idle_init(&beside->on_quiet, on_quiet);
	beside->on_quiet.data = beside;
	ev_idle_start(beside->loop, &beside->on_quiet);
}

/* The terminal's signals (SI_KERNEL) have reached the command already: it is in pmulab's process
   group or in the terminal's foreground group. */
static void on_signal(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct beside *beside = watcher->data;
	struct signalfd_siginfo info;
	while (read(beside->signals, &info, sizeof info) == sizeof info)
		if (info.ssi_code != SI_KERNEL)
			keeper_signal(&beside->keeper, (int)info.ssi_signo);
}

/* SIGTERM has not ended the command in time. */
static void on_no_patience(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
	struct beside *beside = watcher->data;
	emulator_tell_program(beside->emulator, "timeout", BESIDE_TIMEOUT,
		clock_now() - beside->began, NAN);
	end(beside, BESIDE_TIMEOUT);
}

static void on_time(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
	struct beside *beside = watcher->data;
	beside->status = BESIDE_TIMEOUT;
	keeper_signal(&beside->keeper, SIGTERM);
	keeper_signal(&beside->keeper, SIGCONT);
	ev_timer_init(watcher, on_no_patience, PATIENCE_SECONDS, 0);
	ev_timer_start(loop, watcher);
}

static int status_of(const struct beside *beside, int status)
{
	if (beside->status == BESIDE_TIMEOUT)
		return BESIDE_TIMEOUT;
	return WIFSIGNALED(status) ? BESIDE_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

/* execvp(3) fails with ENOENT also for a script that exists, when the program that its "#!" line
   names does not. */
static void tell_unable(struct beside *beside, int error)
{
	bool found = error != ENOENT ||
		     (strchr(beside->command, '/') && access(beside->command, F_OK) == 0);
	err_set(&beside->err, STATUS_FAILED, "%s: %s", *beside->command ? beside->command : "\"\"",
		error != ENOENT ? strerror(error)
		: found         ? "the program that its first line names is missing"
				: "there is no such command");
	end(beside, found ? BESIDE_CANNOT : BESIDE_NOT_FOUND);
}

static void tell_end(struct beside *beside, const struct keeper_report *report)
{
	const char *how = beside->status == BESIDE_TIMEOUT ? "timeout" :
		WIFSIGNALED(report->number) ? "killed" : "exited";
	emulator_tell_program(beside->emulator, how, status_of(beside, report->number),
		clock_now() - beside->began, report->cpu);
}

static void on_news(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct beside *beside = watcher->data;
	const struct keeper_report report = keeper_read(&beside->keeper);
	switch (report.news) {
	case KEEPER_NOTHING:
	case KEEPER_STARTED:
		return;
	case KEEPER_UNABLE:
		tell_unable(beside, report.number);
		return;
	case KEEPER_ENDED:
		tell_end(beside, &report);
		end(beside, status_of(beside, report.number));
		return;
	case KEEPER_GONE:
		err_set(&beside->err, STATUS_FAILED, "%s was killed, with all that it had started",
			beside->command);
		end(beside, BESIDE_SIGNAL + SIGKILL);
		return;
	}
}

void beside_go(struct beside *beside, struct emulator *emulator)
{
	beside->emulator = emulator;
	ev_io_init(&beside->on_signal, on_signal, beside->signals, EV_READ);
	ev_io_init(&beside->on_news, on_news, beside->keeper.control, EV_READ);
	beside->on_signal.data = beside->on_news.data = beside->on_time.data = beside;
	ev_io_start(beside->loop, &beside->on_signal);
	ev_io_start(beside->loop, &beside->on_news);
	if (beside->timeout > 0) {
		ev_now_update(beside->loop);
		ev_timer_init(&beside->on_time, on_time, beside->timeout, 0);
		ev_timer_start(beside->loop, &beside->on_time);
	}
	beside->began = clock_now();
	keeper_go(&beside->keeper);
}

void beside_close(struct beside *beside)
{
	keeper_finish(&beside->keeper);
	if (!beside->loop)
		return;
	if (beside->signals >= 0)
		close(beside->signals);
	/* An interactive shell puts itself into the terminal's foreground, and may have been killed
	   before it restored the terminal. SIGTTOU would stop tcsetpgrp(3). */
	if (beside->had_terminal && terminal_is_free()) {
		sigset_t output;
		sigemptyset(&output);
		sigaddset(&output, SIGTTOU);
		sigprocmask(SIG_BLOCK, &output, NULL);
		tcsetpgrp(STDIN_FILENO, getpgrp());
	}
	sigprocmask(SIG_SETMASK, &beside->mask, NULL);
	*beside = (struct beside){ .signals = -1 };
}
