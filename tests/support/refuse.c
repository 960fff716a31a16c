/*
 * For LD_PRELOAD: sendto(2) and sendmmsg(2) refuse datagrams to one IPv4 address with one errno, as
 * a packet filter or a full queue does. Other datagrams are sent. The address and the errno are in
 * the environment: REFUSE_ADDRESS=127.0.0.66 REFUSE_ERRNO=105.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

/* POSIX's way from dlsym's pointer to a function's. */
#define NEXT(function) (*(void **)&next = dlsym(RTLD_NEXT, function))

/* Sets errno. */
static bool is_refused(const struct sockaddr *to)
{
	const char *address = getenv("REFUSE_ADDRESS"), *number = getenv("REFUSE_ERRNO");
	const struct sockaddr_in *in = (const struct sockaddr_in *)to;
	if (!address || !number || !to || to->sa_family != AF_INET ||
		in->sin_addr.s_addr != inet_addr(address))
		return false;
	errno = atoi(number);
	return true;
}

/* __CONST_SOCKADDR_ARG: glibc's union of pointers to addresses. */
ssize_t sendto(int fd, const void *data, size_t len, int flags, __CONST_SOCKADDR_ARG to,
	socklen_t to_len)
{
	ssize_t (*next)(int, const void *, size_t, int, __CONST_SOCKADDR_ARG, socklen_t);
	NEXT("sendto");
	return is_refused(to.__sockaddr__) ? -1 : next(fd, data, len, flags, to, to_len);
}

/* Those before it go; the error is told where it is the first. */
int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	int (*next)(int, struct mmsghdr *, unsigned, int);
	unsigned go = 0;
	NEXT("sendmmsg");
	while (go < count && !is_refused(messages[go].msg_hdr.msg_name))
		go++;
	return go == 0 && count > 0 ? -1 : next(fd, messages, go, flags);
}
