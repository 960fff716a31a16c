/* Prints the addresses of each NAME by getaddrinfo(3) of the C library that it is built with, and
   how many seconds that took: one line "NAME SECONDS ADDRESS..." each. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG },
				*list = NULL;
		double began = now();
		if (getaddrinfo(argv[i], "5003", &hints, &list) != 0)
			list = NULL;
		printf("%s %.3f", argv[i], now() - began);
		for (struct addrinfo *one = list; one; one = one->ai_next) {
			char text[NI_MAXHOST];
			getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, NULL, 0,
				NI_NUMERICHOST);
			printf(" %s", text);
		}
		putchar('\n');
		if (list)
			freeaddrinfo(list);
	}
	return 0;
}
