/* Signals that a program ignores for itself, and that are for the programs it starts as they were
   for it; and threads that have none. */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

#include <pthread.h>

/* A reader that has gone (SIGPIPE) and a file as large as it may be (SIGXFSZ) are errors of
   write(2) from here on, not an end; how children end is told, though who started this may ignore
   it (SIGCHLD). Once, and with one thread. */
void signals_settle(void);

/* Starts a thread that no signal is delivered to: the process's are for those who wait for them,
   and one that is taken back for a moment would end it. 0, or the error of pthread_create(3). */
int signals_start_thread(pthread_t *thread, void *(*run)(void *context), void *context);

/* As it was before: between fork(2) and exec(2). */
void signals_restore(void);

#endif
