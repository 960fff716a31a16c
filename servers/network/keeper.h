/*
 * The keeper: a process that starts a command, passes signals on, reports its end, and leaves
 * nothing of it behind. Its maker is the process that calls these functions. In the box the keeper
 * is process 1 of its own pid namespace: all processes in it end with the keeper, and the keeper
 * ends with its maker, however that ends. Outside the box it becomes the parent of the processes
 * that the command leaves (PR_SET_CHILD_SUBREAPER, prctl(2)).
 */
#ifndef SERVERS_NETWORK_KEEPER_H
#define SERVERS_NETWORK_KEEPER_H

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "common/err.h"
#include "servers/network/ca_file.h"
#include "servers/network/hosts.h"
#include "servers/network/labnet.h"

/* What keeper_start takes. It need not outlive that call. */
struct keeper_options {
	/* the command, for execvp(3); its environment is that of keeper_start */
	char *const *argv;
	const sigset_t *mask;      /* the command's signal mask */
	const struct rlimit *files; /* its RLIMIT_NOFILE */
	const struct labnet *net;  /* the box; NULL: none */
	/* the command is a shell at the terminal: it gets its own process group, in the
	   foreground */
	bool leads;
	const struct hosts *hosts; /* what the command finds under /etc; only in the box */
	/* outside the box: a file that the keeper writes and, at its end, removes; NULL: none */
	const struct ca_file *ca;
};

struct keeper {
	pid_t pid;   /* 0: there is no keeper */
	int control; /* a descriptor; readable when keeper_read has news */
	bool heir;   /* when the keeper is killed, its maker becomes the parent of what it leaves */
	/* errno: why the CA's file could not be written; then the command's environment does not
	   name it. 0: no failure */
	int ca_error;
};

enum keeper_news {
	KEEPER_NOTHING, /* nothing new yet */
	KEEPER_STARTED, /* the command runs */
	KEEPER_UNABLE,  /* the command cannot be run; `number` is an errno. The last news */
	/* the command has ended; `number` is its status as in wait(2). The last news */
	KEEPER_ENDED,
	KEEPER_GONE,    /* the keeper itself was killed. The last news */
};

struct keeper_report {
	enum keeper_news news;
	int number;
	double cpu; /* KEEPER_ENDED: seconds of CPU that the command and its children have used */
};

/* Makes the keeper, ready to start the command. The calling process must have one thread. False
   with `err` (STATUS_FAILED): there is no keeper. */
bool keeper_start(struct keeper *keeper, const struct keeper_options *options, struct err *err);

/* Starts the command; keeper_read tells whether it runs. Call it once. */
void keeper_go(struct keeper *keeper);

/* Sends a signal to the command, if it runs. */
void keeper_signal(struct keeper *keeper, int signal);

/* Returns the next news, without waiting. */
struct keeper_report keeper_read(struct keeper *keeper);

/* Ends the keeper and all processes that the command has left, and waits until they are gone.
   Accepts a keeper that does not exist (`pid` 0). */
void keeper_finish(struct keeper *keeper);

#endif
