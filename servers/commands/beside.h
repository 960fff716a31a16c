/* A command that runs beside the emulator, in one loop with it: its signals, its time, its end. */
#ifndef SERVERS_COMMANDS_BESIDE_H
#define SERVERS_COMMANDS_BESIDE_H

#include <ev.h>
#include <signal.h>
#include <stdbool.h>

#include "common/err.h"
#include "servers/emulator.h"
#include "servers/network/keeper.h"

/* Exit statuses of who runs another program (env(1), timeout(1)). */
enum {
	BESIDE_TIMEOUT = 124,
	BESIDE_FAILED = 125,
	BESIDE_CANNOT = 126,
	BESIDE_NOT_FOUND = 127,
	BESIDE_SIGNAL = 128
};

struct beside {
	struct ev_loop *loop;
	struct emulator *emulator;
	struct keeper keeper;
	const char *command; /* for messages */
	double timeout;      /* seconds; 0: none */
	int status;          /* what pmulab is to end with */
	struct err err;      /* set when the command could not be run */
	bool had_terminal;   /* the terminal was ours */

	int signals; /* signalfd(2); -1: none */
	sigset_t mask; /* as it was */
	struct ev_io on_signal, on_news;
	struct ev_timer on_time;
	struct ev_idle on_quiet; /* what the command has sent has been heard */
};

/* Takes the signals from here on: they are the command's. With one thread only. False with
   `err`. */
bool beside_open(struct beside *beside, struct ev_loop *loop, struct err *err);

/* A signal has come before there is a command to get it: the number, 0 for none. */
int beside_interrupted(struct beside *beside);

/* Starts the keeper's command; the emulator is stopped when it has ended and nothing is left of
   it. */
void beside_go(struct beside *beside, struct emulator *emulator);

/* Ends what is left and gives the signals and the terminal back. At any stage. */
void beside_close(struct beside *beside);

#endif
