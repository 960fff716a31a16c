/*
 * The process that keeps a command: starts it, passes signals on, reports its end, and leaves
 * nothing of it behind. In the box it is process 1 of a pid namespace of its own, so everything
 * ends with it, and it ends with its maker, however that ends. Outside it is the parent of all that
 * the command leaves (PR_SET_CHILD_SUBREAPER, prctl(2)).
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

struct keeper_options {
	/* the command; execvp(3). It gets the environment as it is at keeper_start */
	char *const *argv;
	const sigset_t *mask;      /* the command's signal mask */
	const struct rlimit *files; /* its RLIMIT_NOFILE */
	const struct labnet *net;  /* NULL: no box */
	/* a shell at the terminal: in a process group of its own, which is the terminal's */
	bool leads;
	const struct hosts *hosts; /* what the command finds under /etc; in the box only */
	/* outside a box: there for as long as the keeper is; NULL: none */
	const struct ca_file *ca;
};

struct keeper {
	pid_t pid;   /* 0: none */
	int control; /* a descriptor that is readable when keeper_read has news */
	bool heir;   /* what it leaves is its maker's */
	/* errno: why the CA's file is not there, and the command's environment does not name it; 0:
	   no reason */
	int ca_error;
};

enum keeper_news {
	KEEPER_NOTHING, /* yet */
	KEEPER_STARTED, /* the command runs */
	KEEPER_UNABLE,  /* the command cannot be run: number is an errno. The last news */
	KEEPER_ENDED,   /* number is the command's status as wait(2) has it. The last news */
	KEEPER_GONE,    /* the keeper itself has been killed. The last news */
};

struct keeper_report {
	enum keeper_news news;
	int number;
};

/* Makes it, ready to start the command. Needs a process with one thread. False with `err`
   (STATUS_FAILED). */
bool keeper_start(struct keeper *keeper, const struct keeper_options *options, struct err *err);

/* Starts the command. */
void keeper_go(struct keeper *keeper);

/* Sends the command a signal. */
void keeper_signal(struct keeper *keeper, int signal);

/* The next news; does not wait. */
struct keeper_report keeper_read(struct keeper *keeper);

/* Ends it and all that the command has left, and waits until they are gone. Accepts one that is not
   there. */
void keeper_finish(struct keeper *keeper);

#endif
