/* A command that runs beside the emulator, in the same loop: its signals, its time limit, its
   end. */
#ifndef SERVERS_COMMANDS_BESIDE_H
#define SERVERS_COMMANDS_BESIDE_H

#include <ev.h>
#include <signal.h>
#include <stdbool.h>

#include "common/err.h"
#include "servers/emulator.h"
#include "servers/network/keeper.h"

/* Exit statuses of a program that runs another one (env(1), timeout(1)). */
enum {
	BESIDE_TIMEOUT = 124,   /* `timeout` was over */
	BESIDE_FAILED = 125,    /* pmulab itself failed */
	BESIDE_CANNOT = 126,    /* the command exists, but cannot be run */
	BESIDE_NOT_FOUND = 127, /* there is no such command */
	BESIDE_SIGNAL = 128     /* plus the number of the signal that killed the command */
};

/* All zero before beside_open, but for `signals`, which is -1. */
struct beside {
	struct ev_loop *loop;
	struct emulator *emulator;

	/* The caller sets these between beside_open and beside_go. */
	struct keeper keeper; /* keeper_start */
	const char *command;  /* its name, for messages */
	double timeout;       /* seconds; 0: no limit */

	/* The result, once the emulator has stopped. */
	int status;     /* the exit status for pmulab */
	struct err err; /* set when the command could not be run, or its keeper was killed */

	double began;      /* on clock_now(), when the command was started */
	bool had_terminal; /* pmulab was in the terminal's foreground process group */
	int signals;       /* signalfd(2); -1: none */
	sigset_t mask;     /* the signal mask before beside_open */
	struct ev_io on_signal, on_news;
	struct ev_timer on_time;
	struct ev_idle on_quiet; /* the emulator has read all that the command had sent */
};

/* From here on pmulab gets signals through `signals`, to pass them on to the command. Call it while
   the process has one thread. beside_close is due afterwards, also when this fails. False with
   `err` (STATUS_FAILED): signalfd(2) failed. */
bool beside_open(struct beside *beside, struct ev_loop *loop, struct err *err);

/* The number of a signal that has come already and is for the command; 0: none has come. SIGWINCH
   does not count. Call it before beside_go. */
int beside_interrupted(struct beside *beside);

/* Starts the keeper's command. When the command has ended, ends all processes that it has left, and
   then stops the emulator, so that emulator_run returns. */
void beside_go(struct beside *beside, struct emulator *emulator);

/* Ends the command's processes that are left, and restores the signal mask and the terminal's
   foreground process group. May be called at any time, also when beside_open was not. */
void beside_close(struct beside *beside);

#endif
