/* The listeners of a stream endpoint, one on every address. Their connections have the lab's
   segment size and send buffer, and no Nagle delay: round_trip.c emulates it. */
#ifndef SERVERS_STREAM_LISTEN_H
#define SERVERS_STREAM_LISTEN_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/net.h"

/* All members but `count` and a listener's `text` belong to listen.c. */
struct listener {
	struct ev_io io;
	int fd;
	char text[ADDRESS_TEXT]; /* the address and port that it has */
};

struct listeners {
	struct ev_loop *loop;
	const struct listeners_owner *owner;
	void *context;
	struct listener *list;
	size_t count;
	struct ev_timer rest; /* until accepting resumes */
};

/* What the owner does with what the listeners see. */
struct listeners_owner {
	/* A connection was accepted. The owner owns `fd`. */
	void (*take)(void *context, int fd, const struct address *peer);
	/* The process ran out of descriptors or memory (`error` is an errno). Accepting pauses for
	   a moment; pending connections stay in the backlog. */
	void (*rest)(void *context, int error);
};

/* Prepares without a listener. Cannot fail. */
void listeners_init(struct listeners *listeners, struct ev_loop *loop,
	const struct listeners_owner *owner, void *context);

/* Binds all addresses to `*port`, in the network namespace of the caller. 0 takes a port that is
   free on every address, and sets it. `mss`: bytes in a segment, 0: the kernel's choice. `flood`:
   bytes that a connection sends at once, 0: few. False with `err` and errno as net_listen: none is
   bound. */
bool listeners_open(struct listeners *listeners, const struct address *addresses, size_t count,
	uint16_t *port, int mss, size_t flood, struct err *err);

/* Begins or resumes accepting. */
void listeners_start(struct listeners *listeners);

/* Pauses accepting. The kernel still completes connections up to the backlog. */
void listeners_stop(struct listeners *listeners);

/* Changes the segment size and the flood for connections that begin from now on. */
void listeners_change(struct listeners *listeners, int mss, size_t flood);

/* Closes and frees all listeners. Does nothing when there are none. */
void listeners_close(struct listeners *listeners);

#endif
