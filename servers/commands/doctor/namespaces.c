/* Checks what `pmulab run` needs, one thing after the other, and then all together. Where the
   process has no right to make a namespace, it is tried inside a user namespace, as `pmulab run`
   does. */
#include "servers/commands/doctor/checks.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "servers/network/capture.h"
#include "servers/network/keeper.h"
#include "servers/network/labnet.h"
#include "servers/network/netlink.h"

#define SECONDS 5.0 /* limit for one trial, which takes milliseconds */

/* ---- trying ---- */

static bool fail(struct trial *trial, const char *what)
{
	trial->error = errno;
	snprintf(trial->text, sizeof trial->text, "%s", what);
	return false;
}

static bool fail_with(struct trial *trial, const struct err *err)
{
	return fail(trial, err->text);
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	int error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return done;
}

/* Also writes the maps of users and groups: Ubuntu's AppArmor lets users make a user namespace, but
   not map its users. */
static bool try_users(struct trial *trial, const void *argument)
{
	char uid_map[64], gid_map[64];
	snprintf(uid_map, sizeof uid_map, "%u %u 1", (unsigned)geteuid(), (unsigned)geteuid());
	snprintf(gid_map, sizeof gid_map, "%u %u 1", (unsigned)getegid(), (unsigned)getegid());
	return (unshare(CLONE_NEWUSER) == 0 && write_file("/proc/self/setgroups", "deny") &&
		       write_file("/proc/self/uid_map", uid_map) &&
		       write_file("/proc/self/gid_map", gid_map)) ||
	       fail(trial, "user");
}

/* Makes a namespace of this kind, inside a new user namespace when the process has no right
   to make it outside. */
static bool make(struct trial *trial, int flag, const char *kind)
{
	if (unshare(flag) == 0)
		return true;
	return errno == EPERM ? try_users(trial, NULL) && (unshare(flag) == 0 || fail(trial, kind))
			      : fail(trial, kind);
}

static bool try_network(struct trial *trial, const void *argument)
{
	return make(trial, CLONE_NEWNET, "net");
}

/* Mounts a small file system on /etc, as `run` does. */
static bool try_mount(struct trial *trial, const void *argument)
{
	return make(trial, CLONE_NEWNS, "mnt") &&
	       ((mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
			mount("pmulab", "/etc", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k") == 0) ||
		       fail(trial, "mnt"));
}

/* The child becomes process 1 of the new pid namespace, and mounts a /proc of its own. */
static bool try_pid(struct trial *trial, const void *argument)
{
	if (!make(trial, CLONE_NEWNS, "mnt") || !make(trial, CLONE_NEWPID, "pid"))
		return false;
	pid_t child = fork();
	if (child == 0)
		_exit(getpid() != 1 ? EINVAL
			: mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
					mount("proc", "/proc", "proc",
						MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0
				? 0
				: errno);
	int status = 0;
	if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
		return true;
	if (child > 0)
		errno = WEXITSTATUS(status);
	return fail(trial, child > 0 ? "proc" : "pid");
}

static bool try_veth(struct trial *trial, const void *argument)
{
	const struct netlink_end one = { .name = "one", .mac = { 2, 0, 0, 0, 0, 1 }, .netns = -1 };
	const struct netlink_end other = { .name = "other",
		.mac = { 2, 0, 0, 0, 0, 2 },
		.netns = -1 };
	struct netlink netlink;
	struct err err;
	if (!make(trial, CLONE_NEWNET, "net"))
		return false;
	return (netlink_open(&netlink, &err) && netlink_add_wire(&netlink, &one, &other, &err)) ||
		fail_with(trial, &err);
}

static bool try_packet(struct trial *trial, const void *argument)
{
	struct netlink netlink;
	struct err err;
	if (!make(trial, CLONE_NEWNET, "net"))
		return false;
	if (!netlink_open(&netlink, &err) || !netlink_set_up(&netlink, "lo", &err))
		return fail_with(trial, &err);
	struct capture *capture = capture_start("lo", "/dev/null", &err);
	if (capture && capture_stop(capture, &err))
		return true;
	errno = 0; /* libpcap gives a text, but no errno */
	return fail_with(trial, &err);
}

static bool try_box(struct trial *trial, const void *argument)
{
	char nothing[] = "true", *const command[] = { nothing, NULL }; /* never started */
	const struct hosts hosts = { .v4 = LABNET_LAB_V4, .v6 = LABNET_LAB_V6 };
	struct labnet net;
	struct keeper keeper;
	struct err err;
	sigset_t mask;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	const struct keeper_options options = { .argv = command,
		.mask = &mask,
		.net = &net,
		.hosts = &hosts };
	if (!labnet_open(&net, &err) || !keeper_start(&keeper, &options, &err))
		return fail_with(trial, &err);
	keeper_finish(&keeper);
	labnet_close(&net);
	return true;
}

/* ---- causes and remedies ---- */

static bool is_one(const char *path, char value)
{
	char text = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is = fd >= 0 && read(fd, &text, 1) == 1 && text == value;
	if (fd >= 0)
		close(fd);
	return is;
}

static bool is_limit(int error)
{
	return error == ENOSPC || error == EUSERS;
}

static bool is_wsl_without(int error)
{
	return (error == ENOSYS || error == EINVAL) && getenv("WSL_DISTRO_NAME");
}

static bool is_without(int error)
{
	return error == ENOSYS || error == EINVAL || error == EOPNOTSUPP || error == ENODEV;
}

static bool is_apparmor(int error)
{
	return geteuid() != 0 &&
	       is_one("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1');
}

static bool is_switched_off(int error)
{
	return geteuid() != 0 && is_one("/proc/sys/kernel/unprivileged_userns_clone", '0');
}

static bool is_container(int error)
{
	return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0 ||
	       getenv("container");
}

static bool is_user(int error)
{
	return geteuid() != 0;
}

static bool is_any(int error)
{
	return true;
}

static void mend_limit(struct finding *finding, const char *kind)
{
	finding_mend_as_root(finding, "sysctl user.max_%s_namespaces=10000", kind);
}

static void mend_wsl(struct finding *finding, const char *kind)
{
	finding_mend(finding, "wsl.exe --set-version %s 2", getenv("WSL_DISTRO_NAME"));
}

static void mend_apparmor(struct finding *finding, const char *kind)
{
	finding_mend_as_root(finding, "sysctl kernel.apparmor_restrict_unprivileged_userns=0");
}

static void mend_switch(struct finding *finding, const char *kind)
{
	finding_mend_as_root(finding, "sysctl kernel.unprivileged_userns_clone=1");
}

static void mend_container(struct finding *finding, const char *kind)
{
	finding_mend(finding, "docker run --privileged IMAGE");
}

static void mend_user(struct finding *finding, const char *kind)
{
	finding_mend(finding, "sudo %s run COMMAND", program_invocation_name);
}

/* The first row whose `applies` is true is the cause. */
static const struct remedy {
	bool (*applies)(int error);
	const char *why;
	/* `kind` is that of the namespace: "net"; NULL: no command repairs it */
	void (*mend)(struct finding *finding, const char *kind);
} remedies[] = {
	{ is_limit, "none more is allowed", mend_limit },
	{ is_wsl_without, "WSL 1 has none", mend_wsl },
	{ is_without, "this kernel has none", NULL },
	{ is_apparmor, "AppArmor keeps users from it", mend_apparmor },
	{ is_switched_off, "only root may", mend_switch },
	{ is_container, "this container refuses it", mend_container },
	{ is_user, "it is refused here; root may have the right", mend_user },
	{ is_any, "a chroot, a sandbox or a container refuses it", NULL },
};

/* ---- the checks ---- */

static const char *words(const struct trial *trial)
{
	return trial->late    ? "it took too long"
	       : *trial->text ? trial->text
			      : "the trial broke off";
}

/* `ok` and `without` say what the result means for the lab. When the trial has an errno, its text
   is the kind of namespace that was refused. */
static void judge(struct finding *finding, const struct trial *trial, const char *ok,
	const char *without)
{
	if (trial->done) {
		finding_set(finding, DOCTOR_OK, "%s", ok);
	} else if (trial->error == 0) {
		finding_set(finding, DOCTOR_MISSING, "%s: %s", without, words(trial));
	} else {
		const struct remedy *remedy = remedies;
		while (!remedy->applies(trial->error))
			remedy++;
		finding_set(finding, DOCTOR_MISSING, "%s: %s (%s)", without, remedy->why,
			strerror(trial->error));
		if (remedy->mend)
			remedy->mend(finding, trial->text);
	}
}

void doctor_users(struct finding *finding)
{
	struct trial trial = doctor_try(try_users, NULL, SECONDS);
	judge(finding, &trial, "`run` needs no rights", "`run` needs root's rights");
	if (trial.done)
		return;
	trial = doctor_try(try_network, NULL, SECONDS);
	if (strcmp(trial.text, "user") != 0)
		finding->result = DOCTOR_LIMITED; /* works with the process's own rights */
}

void doctor_network(struct finding *finding)
{
	struct trial trial = doctor_try(try_network, NULL, SECONDS);
	judge(finding, &trial, "`run` gives a command a network of its own",
		"no network of its own for a command");
}

void doctor_mount(struct finding *finding)
{
	struct trial trial = doctor_try(try_mount, NULL, SECONDS);
	judge(finding, &trial, "`run` gives a command the lab's names",
		"no names of its own for a command");
}

void doctor_pid(struct finding *finding)
{
	struct trial trial = doctor_try(try_pid, NULL, SECONDS);
	judge(finding, &trial, "`run` leaves nothing behind",
		"no processes of its own for a command");
}

void doctor_veth(struct finding *finding)
{
	struct trial trial = doctor_try(try_veth, NULL, SECONDS);
	judge(finding, &trial, "`run` lays a wire between a command and the lab",
		"no wire between a command and the lab");
	if (!trial.done && trial.error == EOPNOTSUPP)
		finding_mend_as_root(finding, "modprobe veth");
}

void doctor_packet(struct finding *finding)
{
	struct trial trial = doctor_try(try_packet, NULL, SECONDS);
	judge(finding, &trial, "`run --capture` works", "`run --capture` does not work");
}

void doctor_box(struct finding *finding)
{
	struct trial trial = doctor_try(try_box, NULL, SECONDS);
	if (trial.done)
		finding_set(finding, DOCTOR_OK, "`run` and `shell` work");
	else
		finding_set(finding, DOCTOR_MISSING,
			"`run` and `shell` do not work, `run --loopback` may: %s", words(&trial));
}
