/*
 * The control server: shows and changes the lab while it runs, over a Unix socket, and over TCP
 * with a page for people.
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
	struct ev_loop *loop; /* the emulator's loop */
	const char *socket;   /* the Unix socket's path; NULL: none */
	const struct address *page; /* the TCP address; NULL: none. Port 0: a free port */
	/* over the Unix socket, accept only connections from the network namespace of
	   control_open's caller; processes in other namespaces may see the socket's file too */
	bool outside_only;
};

/*
 * Opens the Unix socket and the TCP side in the calling thread's network namespace. A program that
 * wants them outside a box opens them before it makes the box. Connections wait until the loop
 * runs. NULL with `err`: STATUS_BIND; or STATUS_FAILED: the kernel cannot tell namespaces apart,
 * there is no random key, or out of memory.
 */
struct control *control_open(const struct control_options *options, struct err *err);

/* "http://127.0.0.1:8080/?key=..."; "": there is no TCP side. Lives as long as the control
   server. */
const char *control_url(const struct control *control);

/* Serves requests from here on, when the loop runs; before, they get 503. `emulator`, `ring` (one
   of its observers) and `scenario` outlive the control server. False: STATUS_FAILED, out of
   memory. */
bool control_start(struct control *control, struct emulator *emulator, struct ring *ring,
	struct scenario *scenario, struct err *err);

/* Closes and frees everything. Clients that read events get the last ones, as far as they can be
   sent at once. Accepts NULL. */
void control_close(struct control *control);

#endif
