/* Finds the process that has a port (proc(5)): /proc/net/tcp and udp give the socket's inode,
   /proc/PID/fd the process that holds it, /proc/PID/comm its name. */
#include "servers/port_holder.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Kernel states of a socket that is not connected to one peer. */
enum { TCP_LISTEN_STATE = 0x0A, UDP_UNCONNECTED_STATE = 0x07 };

/* The inode of the socket that has `port` and that state; 0: there is none. */
static unsigned long find_inode(const char *table, uint16_t port, unsigned wanted)
{
	FILE *file = fopen(table, "re");
	if (!file)
		return 0;
	char line[512];
	unsigned long found = 0;
	while (found == 0 && fgets(line, sizeof line, file)) {
		unsigned local, state;
		unsigned long inode;
		if (sscanf(line, "%*s %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %lu", &local,
			    &state, &inode) == 3 &&
			local == port && state == wanted)
			found = inode;
	}
	fclose(file);
	return found;
}

static bool holds(const char *pid, const char *socket_name)
{
	char path[300];
	snprintf(path, sizeof path, "/proc/%s/fd", pid);
	DIR *dir = opendir(path);
	if (!dir)
		return false;
	bool found = false;
	struct dirent *entry;
	while (!found && (entry = readdir(dir))) {
		char link[64];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof link - 1);
		if (n > 0) {
			link[n] = 0;
			found = strcmp(link, socket_name) == 0;
		}
	}
	closedir(dir);
	return found;
}

static void describe(const char *pid, char *text, size_t size)
{
	char path[300], name[64] = "";
	snprintf(path, sizeof path, "/proc/%s/comm", pid);
	FILE *file = fopen(path, "re");
	if (file) {
		if (fgets(name, sizeof name, file))
			name[strcspn(name, "\n")] = 0;
		fclose(file);
	}
	snprintf(text, size, " by %s (pid %s)", *name ? name : "a process", pid);
}

void port_holder(uint16_t port, bool udp, char *text, size_t size)
{
	*text = 0;
	unsigned state = udp ? UDP_UNCONNECTED_STATE : TCP_LISTEN_STATE;
	unsigned long inode = find_inode(udp ? "/proc/net/udp" : "/proc/net/tcp", port, state);
	if (inode == 0)
		inode = find_inode(udp ? "/proc/net/udp6" : "/proc/net/tcp6", port, state);
	DIR *proc = inode ? opendir("/proc") : NULL;
	if (!proc)
		return;
	char socket_name[64];
	snprintf(socket_name, sizeof socket_name, "socket:[%lu]", inode);
	struct dirent *entry;
	while (*text == 0 && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]) && holds(entry->d_name, socket_name))
			describe(entry->d_name, text, size);
	closedir(proc);
}
