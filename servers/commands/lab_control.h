/* --control, --page and --scenario: how the lab is reached and changed while it runs, for every
   command that runs it. */
#ifndef SERVERS_COMMANDS_LAB_CONTROL_H
#define SERVERS_COMMANDS_LAB_CONTROL_H

#include <stdbool.h>

#include "common/err.h"
#include "servers/commands/lab_options.h"
#include "servers/control/control.h"
#include "servers/control/scenario.h"

enum lab_place {
	LAB_HERE,     /* the lab is in the network in which pmulab was started */
	/* it has one of its own: who is in it does not reach the control, but sees the socket's
	   file */
	LAB_BOXED,
	/* a command runs beside it and has the same files: no socket, only the page, whose key it
	   is not told */
	LAB_LOOPBACK,
};

/* Opens what the options ask for, where the calling thread is; `*control` is NULL where they ask
   for nothing. False with `err`. */
bool lab_control_open(const struct lab_options *lab, enum lab_place place, struct ev_loop *loop,
	struct control **control, struct err *err);

/* What --scenario says, checked, to be begun when the emulator has started (scenario_begin); with a
   control one without steps at least, else NULL. Between emulator_listen and lab_control_start.
   False with `err`. */
bool lab_scenario_open(const struct lab_options *lab, const struct control *control,
	struct emulator *emulator, struct scenario **scenario, struct err *err);

/* Before emulator_start; tells the page's address on stderr. Accepts NULL. */
bool lab_control_start(const struct lab_options *lab, struct control *control,
	struct scenario *scenario, struct emulator *emulator, struct err *err);

#endif
