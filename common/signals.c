#include "common/signals.h"

#include <signal.h>
#include <stddef.h>

static struct {
	const int number;
	void (*const handler)(int);
	struct sigaction before;
} settled[] = {
	{ .number = SIGPIPE, .handler = SIG_IGN },
	{ .number = SIGXFSZ, .handler = SIG_IGN },
	{ .number = SIGCHLD, .handler = SIG_DFL },
};

enum { SETTLED = sizeof settled / sizeof settled[0] };

void signals_settle(void)
{
	for (int i = 0; i < SETTLED; i++) {
		const struct sigaction action = { .sa_handler = settled[i].handler };
		sigaction(settled[i].number, &action, &settled[i].before);
	}
}

int signals_start_thread(pthread_t *thread, void *(*run)(void *context), void *context)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(thread, NULL, run, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

void signals_restore(void)
{
	for (int i = 0; i < SETTLED; i++)
		sigaction(settled[i].number, &settled[i].before, NULL);
}
