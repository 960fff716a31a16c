/*
 * Changes the lab while it runs, and shows it: over a Unix socket, and over TCP with a page for
 * people.
 *
 *   control_open -> control_start -> control_close
 */
#ifndef SERVERS_CONTROL_CONTROL_H
#define SERVERS_CONTROL_CONTROL_H

#include <stdbool.h>

#include "common/err.h"
#include "common/net.h"
#include "servers/control/scenario.h"
#include "servers/emulator.h"
#include "servers/events/ring.h"

struct control;

struct control_options {
	struct ev_loop *loop; /* the emulator's */
	const char *socket;   /* of the Unix socket; NULL: none */
	const struct address *page; /* of the TCP side; NULL: none. Port 0: a free one */
	/* who is in another network namespace than the caller of control_open gets no connection
	   over the Unix socket: the file can be seen there too */
	bool outside_only;
};

/*
 * Opens both where the calling thread is: who wants them outside of a box opens them before it
 * makes one. Who connects waits until the loop runs. NULL with `err`: STATUS_BIND, or STATUS_FAILED
 * where the kernel cannot tell namespaces apart.
 */
struct control *control_open(const struct control_options *options, struct err *err);

/* "http://127.0.0.1:8080/?key=..."; "" without the TCP side. */
const char *control_url(const struct control *control);

/* The lab is there: requests are served from here on, when the loop runs. `emulator`, `ring`, one
   of its observers, and `scenario`, which changes it too, outlive the control. */
bool control_start(struct control *control, struct emulator *emulator, struct ring *ring,
	struct scenario *scenario, struct err *err);

/* Closes everything: who reads events gets the last ones, as far as they can be sent at once.
   Accepts NULL. */
void control_close(struct control *control);

#endif
