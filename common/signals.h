/* Signal dispositions for a program, and the original ones for the programs that it starts; threads
   that get no signals. */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

#include <pthread.h>

/* Ignores SIGPIPE and SIGXFSZ, so that a closed pipe and a file at its size limit are errors of
   write(2) and do not end the program. Sets SIGCHLD to its default, because the program's starter
   may ignore it, and wait(2) would then not tell how children end. Call it once, while the program
   has one thread. */
void signals_settle(void);

/* Starts a thread in which all signals are blocked, so the process's signals go to the threads that
   wait for them. An unblocked thread would take a signal at a moment when it has no handler, and
   the default action would end the process. Returns 0, or the error of pthread_create(3). */
int signals_start_thread(pthread_t *thread, void *(*run)(void *context), void *context);

/* Restores the dispositions of before signals_settle. Call it between fork(2) and exec(2). */
void signals_restore(void);

#endif
