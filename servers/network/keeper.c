/* The functions of keeper.h run in the maker. The keeper's own process begins at `keep`. Both ends
   of their channel stand together in this file. */
#include "servers/network/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/signals.h"
#include "servers/network/rights.h"

/* Messages on the control socket. To the keeper: a signal's number, or GO. From the keeper:
   reports. The first report says whether it is ready (KEEPER_STARTED) or not (KEEPER_UNABLE,
   followed by the reason as text). */
enum { GO = 0 };

/* ---- the keeper's own process ---- */

struct inside {
	const struct keeper_options *options;
	int control, children; /* the keeper's end of the socket; a signalfd(2) for SIGCHLD */
	pid_t command;
	struct ca_file ca;
	int ca_error;
};

static void report_end(int control, int status, double cpu)
{
	const struct keeper_report message = { KEEPER_ENDED, status, cpu };
	send(control, &message, sizeof message, MSG_NOSIGNAL);
}

static void report(int control, enum keeper_news news, int number)
{
	const struct keeper_report message = { .news = news, .number = number };
	send(control, &message, sizeof message, MSG_NOSIGNAL);
}

/* Closes the maker's descriptors. Kept are those that a command inherits, and the control
   socket. */
static void close_makers(int control)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	while (folder && (entry = readdir(folder))) {
		int fd = atoi(entry->d_name);
		if (fd > STDERR_FILENO && fd != control && fd != dirfd(folder) &&
			fcntl(fd, F_GETFD) & FD_CLOEXEC)
			close(fd);
	}
	if (folder)
		closedir(folder);
}

/* The keeper's pid outside the box, read before the box has its own /proc; 0: unknown. */
static long outside_number(void)
{
	char number[32] = "";
	return readlink("/proc/self", number, sizeof number - 1) > 0 ? atol(number) : 0;
}

/* Programs name files in /tmp by their pid, as Java does in hsperfdata_USER, and all boxes share
   /tmp. So pids should differ between boxes: those of a box begin at a number that is made from the
   keeper's pid outside, with room between two boxes. Where the kernel has no ns_last_pid
   (pid_namespaces(7)), they begin at 1. */
static void spread_numbers(long outside)
{
	enum { ROOM = 32 };
	char text[32] = "";
	int most = open("/proc/sys/kernel/pid_max", O_RDONLY | O_CLOEXEC);
	int last = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	if (most >= 0 && last >= 0 && read(most, text, sizeof text - 1) > 0 && atol(text) > 0) {
		int len = snprintf(text, sizeof text, "%ld", outside * ROOM % atol(text));
		(void)!write(last, text, (size_t)len);
	}
	if (most >= 0)
		close(most);
	if (last >= 0)
		close(last);
}

/* Mounts a new /proc. The parts of it that are the whole machine's become read-only, for root
   too. */
static bool mount_proc(void)
{
	static const char *const machine[] = { "/proc/sys", "/proc/sysrq-trigger" };
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
		return false;
	for (size_t i = 0; i < sizeof machine / sizeof machine[0]; i++)
		if (access(machine[i], F_OK) == 0 &&
			(mount(machine[i], machine[i], NULL, MS_BIND, NULL) != 0 ||
				mount("none", machine[i], NULL,
					MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV |
						MS_NOEXEC,
					NULL) != 0))
			return false;
	return true;
}

/* Enters the box as the command sees it: its end of the wire, its names, its processes, its rights.
   On failure errno is the reason. */
static bool enter_box(const struct keeper_options *options, struct err *err)
{
	long outside = outside_number();
	if (!labnet_enter(options->net->home, err) || !hosts_mount(options->hosts, err))
		return false;
	spread_numbers(outside);
	if (!mount_proc()) {
		err_set(err, STATUS_FAILED, "/proc: %s", strerror(errno));
		return false;
	}
	return rights_drop(err);
}

/* Sets up the keeper. In the box, process 1 must not be inspected (PR_SET_DUMPABLE): it is a copy
   of the emulator. */
static bool settle(struct inside *inside, struct err *err)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (inside->options->net) {
		prctl(PR_SET_DUMPABLE, 0);
		if (!enter_box(inside->options, err)) {
			err_append(err, "; %s", labnet_remedy(errno));
			return false;
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	} else {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	}
	close_makers(inside->control);
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	inside->children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (inside->children < 0)
		err_set(err, STATUS_FAILED, "signalfd: %s", strerror(errno));
	return inside->children >= 0;
}

static _Noreturn void become_command(const struct keeper_options *options, int failure)
{
	/* The command is born into a process group of the outside, which has no number in the box.
	   A shell that gives the terminal back to that group at its end may report a failure
	   (dash). So the shell gets a group of its own. SIGTTOU is still blocked. */
	if (options->leads && setpgid(0, 0) == 0)
		tcsetpgrp(STDIN_FILENO, getpid());
	signals_restore();
	setrlimit(RLIMIT_NOFILE, options->files);
	sigprocmask(SIG_SETMASK, options->mask, NULL);
	execvp(options->argv[0], options->argv);
	int error = errno;
	if (write(failure, &error, sizeof error) < 0)
		_exit(1);
	_exit(0);
}

/* Starts the command, and reports that it runs or why it cannot. */
static bool start_command(struct inside *inside)
{
	int failure[2], error = 0;
	if (pipe2(failure, O_CLOEXEC) != 0 || (inside->command = fork()) < 0) {
		report(inside->control, KEEPER_UNABLE, errno);
		return false;
	}
	if (inside->command == 0)
		become_command(inside->options, failure[1]);
	close(failure[1]);
	/* exec closes the pipe */
	bool runs = read(failure[0], &error, sizeof error) != sizeof error;
	close(failure[0]);
	report(inside->control, runs ? KEEPER_STARTED : KEEPER_UNABLE, error);
	return runs;
}

static double seconds_of(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec * 1e-6;
}

/* Reaps ended children. False: the command is among them, and was reported. */
static bool reap(struct inside *inside)
{
	struct signalfd_siginfo info;
	while (read(inside->children, &info, sizeof info) > 0)
		;
	struct rusage used;
	int status;
	pid_t pid;
	while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0) {
		if (pid != inside->command)
			continue;
		report_end(inside->control, status,
			seconds_of(&used.ru_utime) + seconds_of(&used.ru_stime));
		return false;
	}
	return true;
}

/* Obeys one message of the maker. False: the keeper is to end. */
static bool obey(struct inside *inside)
{
	int order;
	ssize_t len = recv(inside->control, &order, sizeof order, MSG_DONTWAIT);
	if (len < 0)
		return errno == EAGAIN || errno == EINTR;
	if (len != sizeof order)
		return false; /* the maker has gone */
	if (order == GO)
		return start_command(inside);
	if (inside->command > 0)
		kill(inside->command, order);
	return true;
}

/* A process's parent; 0: unknown. The name in brackets may hold any character; no later field has a
   bracket (proc(5)). */
static pid_t parent_of(pid_t pid)
{
	char path[64], text[512] = "";
	int parent = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *stat = fopen(path, "re");
	if (!stat)
		return 0;
	text[fread(text, 1, sizeof text - 1, stat)] = '\0';
	fclose(stat);
	const char *bracket = strrchr(text, ')');
	return bracket && sscanf(bracket, ") %*c %d", &parent) == 1 ? parent : 0;
}

/* Kills all own children, for kernels that do not list them under /proc. */
static bool kill_children_of_all(void)
{
	bool killed = false;
	DIR *folder = opendir("/proc");
	const struct dirent *entry;
	while (folder && (entry = readdir(folder))) {
		pid_t pid = atoi(entry->d_name);
		if (pid > 0 && parent_of(pid) == getpid() && kill(pid, SIGKILL) == 0)
			killed = true;
	}
	if (folder)
		closedir(folder);
	return killed;
}

/* Kills all own children. True: at least one was killed. A child that runs as another user
   (sudo(8)) cannot be killed, and is left. The kernel's list of children is used where there is
   one: a child that forks and ends all the time would be gone before all of /proc was read. */
static bool kill_generation(void)
{
	char path[64];
	bool killed = false;
	int pid;
	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	FILE *children = fopen(path, "re");
	if (!children)
		return kill_children_of_all();
	while (fscanf(children, "%d", &pid) == 1)
		if (kill(pid, SIGKILL) == 0)
			killed = true;
	fclose(children);
	return killed;
}

/* Outside the box: kills all children. Their children become ours; repeats until there are none. */
static void kill_children(void)
{
	while (kill_generation())
		waitpid(-1, NULL, 0);
}

/* The keeper writes the file, since the maker may be killed at any moment. */
static void write_ca(struct inside *inside)
{
	if (!inside->options->ca)
		return;
	inside->ca = *inside->options->ca;
	inside->ca_error = ca_file_write(&inside->ca);
	if (inside->ca_error == 0)
		return;
	*inside->ca.path = '\0';
	unsetenv(CA_FILE_VARIABLE);
}

static _Noreturn void keep(struct inside *inside)
{
	struct err err = { 0 };
	bool ready = settle(inside, &err);
	if (ready)
		write_ca(inside);
	report(inside->control, ready ? KEEPER_STARTED : KEEPER_UNABLE, inside->ca_error);
	if (!ready)
		send(inside->control, err.text, strlen(err.text) + 1, MSG_NOSIGNAL);
	struct pollfd polls[] = { { .fd = inside->control, .events = POLLIN },
		{ .fd = inside->children, .events = POLLIN } };
	while (ready) {
		poll(polls, 2, -1);
		ready = (!polls[1].revents || reap(inside)) && (!polls[0].revents || obey(inside));
	}
	if (!inside->options->net)
		kill_children();
	ca_file_remove(&inside->ca);
	_exit(0);
}

/* ---- the maker's side ---- */

static bool await_ready(struct keeper *keeper, struct err *err)
{
	struct keeper_report message = { .news = KEEPER_NOTHING };
	char why[sizeof err->text] = "it ended";
	recv(keeper->control, &message, sizeof message, 0);
	keeper->ca_error = message.number;
	if (message.news == KEEPER_STARTED)
		return true;
	recv(keeper->control, why, sizeof why, 0);
	err_set(err, STATUS_FAILED, "cannot make room for a command: %s", why);
	keeper_finish(keeper);
	return false;
}

bool keeper_start(struct keeper *keeper, const struct keeper_options *options, struct err *err)
{
	int ends[2];
	*keeper = (struct keeper){ .control = -1 };
	/* If the keeper is killed, the maker shall become the parent of what it leaves. Not when
	   the maker already has children (those of a shell that became pmulab by exec), since they
	   could not be told apart. */
	siginfo_t child;
	bool heir = !options->net && waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) != 0 &&
		    errno == ECHILD;
	if (heir)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		err_set(err, STATUS_FAILED, "cannot make a socket pair: %s", strerror(errno));
		return false;
	}
	fflush(NULL);
	/* Not unshare(2) and fork(2): after unshare this process could make no threads any more. */
	int flags = options->net ? CLONE_NEWNS | CLONE_NEWPID | SIGCHLD : SIGCHLD;
	pid_t pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		struct inside inside = { .options = options, .control = ends[1], .children = -1 };
		close(ends[0]);
		keep(&inside);
	}
	int error = errno;
	close(ends[1]);
	if (pid < 0) {
		err_set(err, STATUS_FAILED, "cannot make a process of its own: %s; %s",
			strerror(error), labnet_remedy(error));
		close(ends[0]);
		return false;
	}
	*keeper = (struct keeper){ .pid = pid, .control = ends[0], .heir = heir };
	return await_ready(keeper, err);
}

static void order(struct keeper *keeper, int number)
{
	send(keeper->control, &number, sizeof number, MSG_NOSIGNAL);
}

void keeper_go(struct keeper *keeper)
{
	order(keeper, GO);
}

void keeper_signal(struct keeper *keeper, int signal)
{
	order(keeper, signal);
}

struct keeper_report keeper_read(struct keeper *keeper)
{
	struct keeper_report message;
	ssize_t len;
	/* ECONNRESET: the keeper has ended without reading all messages. What it reported before
	   follows (unix(7)). */
	do
		len = recv(keeper->control, &message, sizeof message, MSG_DONTWAIT);
	while (len < 0 && errno == ECONNRESET);
	if (len == sizeof message)
		return message;
	bool later = len < 0 && (errno == EAGAIN || errno == EINTR);
	return (struct keeper_report){ .news = later ? KEEPER_NOTHING : KEEPER_GONE };
}

void keeper_finish(struct keeper *keeper)
{
	if (keeper->pid == 0)
		return;
	close(keeper->control);
	while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (keeper->heir)
		kill_children();
	*keeper = (struct keeper){ .control = -1 };
}
