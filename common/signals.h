/* Signals that a program ignores for itself, and that are for the programs it starts as they were for it. */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

/* A reader that has gone (SIGPIPE) and a file as large as it may be (SIGXFSZ) are errors of write(2) from here on, not an
   end; how children end is told, though who started this may ignore it (SIGCHLD). Once, and with one thread. */
void signals_settle(void);

/* As it was before: between fork(2) and exec(2). */
void signals_restore(void);

#endif
