/* The options --control, --page and --scenario, for every command that runs the lab: with them the
   lab is watched and changed while it runs. */
#ifndef SERVERS_COMMANDS_LAB_CONTROL_H
#define SERVERS_COMMANDS_LAB_CONTROL_H

#include <stdbool.h>

#include "common/err.h"
#include "servers/commands/lab_options.h"
#include "servers/control/control.h"
#include "servers/control/scenario.h"

enum lab_place {
	/* the lab is in the network in which pmulab was started */
	LAB_HERE,
	/* The lab has a network of its own. Programs in that network must not reach the control,
	   though they see the socket's file. */
	LAB_BOXED,
	/* A command runs beside the lab, in the same network and with the same files. So there is
	   no socket; the page needs a key, which the command does not get. */
	LAB_LOOPBACK,
};

/*
 * Opens the socket and the page that the options ask for, in the network namespace of the calling
 * thread. `*control` is the caller's (control_close); NULL when the options ask for neither. --page
 * alone opens the socket in the default place too (not with LAB_LOOPBACK); when that fails, only a
 * note says so. False with `err`: STATUS_USAGE for a wrong option (also --control with
 * LAB_LOOPBACK), else as control_open and place.h say.
 */
bool lab_control_open(const struct lab_options *lab, enum lab_place place, struct ev_loop *loop,
	struct control **control, struct err *err);

/*
 * Makes the scenario of --scenario and checks its steps. The caller calls scenario_begin when the
 * emulator has started, and scenario_destroy at the end, also when this fails. Without --scenario
 * the scenario has no steps; `*scenario` is NULL when there is no `control` either. Call it between
 * emulator_listen and lab_control_start. False with `err`: STATUS_USAGE for a wrong file,
 * STATUS_FAILED: out of memory.
 */
bool lab_scenario_open(const struct lab_options *lab, const struct control *control,
	struct emulator *emulator, struct scenario **scenario, struct err *err);

/* Makes the control serve the emulator and the scenario, and prints the page's address to stderr,
   also with --quiet. Call it before emulator_start. `emulator` and `scenario` outlive the control.
   `control` may be NULL: does nothing. False with `err` (STATUS_FAILED): out of memory. */
bool lab_control_start(const struct lab_options *lab, struct control *control,
	struct scenario *scenario, struct emulator *emulator, struct err *err);

#endif
