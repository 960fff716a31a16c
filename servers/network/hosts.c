/* The new /etc is a tmpfs. It holds the files that are written here, and bind mounts of the
   machine's other entries. */
#include "servers/network/hosts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_LENGTH = 253 }; /* RFC 1035, 2.3.4 */

const char *const hosts_names[] = { "tcpip.epfl.ch", "lab3.iew.epfl.ch", "lab3.iw.epfl.ch", NULL };

bool hosts_name_valid(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	size_t len = strlen(name);
	return len > 0 && len <= NAME_MAX_LENGTH && strspn(name, allowed) == len &&
	       name[0] != '-' && name[0] != '.' && strcasecmp(name, "localhost") != 0 &&
	       strcasecmp(name, "localhost.") != 0;
}

/* ---- our own files ---- */

static void write_names(FILE *out, const char *address, const struct hosts *hosts)
{
	fprintf(out, "%s", address);
	for (size_t i = 0; hosts_names[i]; i++)
		fprintf(out, " %s", hosts_names[i]);
	for (size_t i = 0; i < hosts->count; i++)
		fprintf(out, " %s", hosts->names[i]);
	fputc('\n', out);
}

static bool is_lab(const struct hosts *hosts, const char *name)
{
	for (size_t i = 0; i < hosts->count; i++)
		if (strcasecmp(hosts->names[i], name) == 0)
			return true;
	return false;
}

static void write_hosts(FILE *out, int machine, const struct hosts *hosts)
{
	char name[HOST_NAME_MAX + 1] = "";
	fputs("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n", out);
	if (gethostname(name, sizeof name - 1) == 0 && hosts_name_valid(name) &&
		!is_lab(hosts, name))
		fprintf(out, "127.0.1.1 %s\n", name);
	fputs("# pmulab: the lab\n", out);
	write_names(out, hosts->v4, hosts);
	write_names(out, hosts->v6, hosts);
}

/* A program that asks a resolver itself is refused at once, since nobody listens at 127.0.0.1. A
   time-out of 0 means no waiting to musl, which does not notice the refusal, and one second to
   other libraries, which do. */
static void write_resolver(FILE *out, int machine, const struct hosts *hosts)
{
	fputs("# pmulab: no names but those in /etc/hosts\nnameserver 127.0.0.1\n"
		"options timeout:0 attempts:1\n",
		out);
}

/* The machine's file, but host names come from /etc/hosts alone. */
static void write_switch(FILE *out, int machine, const struct hosts *hosts)
{
	int fd = openat(machine, "nsswitch.conf", O_RDONLY | O_CLOEXEC);
	FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;
	char *line = NULL;
	size_t size = 0;
	fputs("# pmulab: no names but those in /etc/hosts\nhosts: files\n", out);
	while (in && getline(&line, &size, in) > 0)
		if (strncmp(line + strspn(line, " \t"), "hosts:", 6) != 0)
			fputs(line, out);
	free(line);
	if (in)
		fclose(in);
	else if (fd >= 0)
		close(fd);
}

/* IPv4 comes first, as with the deployed servers: a program that does not choose a family reaches
   the lab over IPv4. */
static void write_preference(FILE *out, int machine, const struct hosts *hosts)
{
	fputs("# pmulab: IPv4 first, as the handout's part 2 has it\n"
		"precedence ::ffff:0:0/96 100\n",
		out);
}

static void write_ca(FILE *out, int machine, const struct hosts *hosts)
{
	fputs(hosts->ca, out);
}

static const struct file {
	const char *name;
	/* `machine`: a descriptor of the machine's /etc */
	void (*write)(FILE *out, int machine, const struct hosts *hosts);
} files[] = {
	{ "hosts", write_hosts },
	{ "resolv.conf", write_resolver },
	{ "nsswitch.conf", write_switch },
	{ "gai.conf", write_preference },
	{ &HOSTS_CA_FILE[sizeof "/etc/" - 1], write_ca },
};

enum { FILES = sizeof files / sizeof files[0] };

static bool is_own_file(const char *name)
{
	for (int i = 0; i < FILES; i++)
		if (strcmp(files[i].name, name) == 0)
			return true;
	return false;
}

static bool write_file(int etc, int machine, const struct file *file, const struct hosts *hosts)
{
	int fd = openat(etc, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!out)
		return false;
	fchmod(fd, 0644);
	file->write(out, machine, hosts);
	return fclose(out) == 0;
}

/* ---- the machine's ---- */

/* Puts an entry of the machine's /etc into the new one. An entry that has disappeared meanwhile is
   no failure. */
static bool bind_entry(int etc, int machine, const char *name)
{
	char from[PATH_MAX], to[PATH_MAX];
	struct stat info;
	if (fstatat(machine, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT;
	if (S_ISLNK(info.st_mode)) {
		ssize_t len = readlinkat(machine, name, from, sizeof from - 1);
		from[len > 0 ? len : 0] = '\0';
		return len > 0 && symlinkat(from, etc, name) == 0;
	}
	if (S_ISDIR(info.st_mode)) {
		if (mkdirat(etc, name, 0755) != 0)
			return false;
	} else {
		int fd = openat(etc, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0)
			return false;
		close(fd);
	}
	snprintf(from, sizeof from, "/proc/self/fd/%d/%s", machine, name);
	snprintf(to, sizeof to, "/etc/%s", name);
	return mount(from, to, NULL, MS_BIND | MS_REC, NULL) == 0 || errno == ENOENT;
}

static bool bind_all(int etc, int machine, struct err *err)
{
	int fd = openat(machine, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	bool done = folder != NULL;
	while (done && (entry = readdir(folder))) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || is_own_file(name))
			continue;
		done = bind_entry(etc, machine, name);
		if (!done)
			err_set(err, STATUS_FAILED, "/etc/%s: %s", name, strerror(errno));
	}
	if (!folder)
		err_set(err, STATUS_FAILED, "/etc: %s", strerror(errno));
	else
		closedir(folder);
	return done;
}

/* A cache daemon (nscd) of the machine would answer with the world's names. So its socket's folder,
   if there is one, is covered. */
static bool cover_cache(struct err *err)
{
	if (access("/run/nscd", F_OK) != 0 ||
		mount("none", "/run/nscd", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") == 0)
		return true;
	err_set(err, STATUS_FAILED, "/run/nscd: %s", strerror(errno));
	return false;
}

bool hosts_mount(const struct hosts *hosts, struct err *err)
{
	int etc = -1, machine = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool done = machine >= 0 && mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) == 0 &&
		mount("none", "/etc", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") == 0 &&
		(etc = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC)) >= 0;
	for (int i = 0; i < FILES && done; i++)
		if (files[i].write != write_ca || hosts->ca)
			done = write_file(etc, machine, &files[i], hosts);
	if (!done)
		err_set(err, STATUS_FAILED, "/etc: %s", strerror(errno));
	done = done && bind_all(etc, machine, err) && cover_cache(err);
	if (done && mount("none", "/etc", NULL,
			    MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0) {
		err_set(err, STATUS_FAILED, "/etc: %s", strerror(errno));
		done = false;
	}
	int error = errno;
	if (etc >= 0)
		close(etc);
	if (machine >= 0)
		close(machine);
	errno = error;
	return done;
}
