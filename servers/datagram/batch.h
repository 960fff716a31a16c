/* UDP sockets that receive and send datagrams in batches: recvmmsg(2) and sendmmsg(2), with the
   local address that each datagram was sent to (IP_PKTINFO, ip(7)). */
#ifndef SERVERS_DATAGRAM_BATCH_H
#define SERVERS_DATAGRAM_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "common/err.h"
#include "common/net.h"

enum {
	BATCH_SIZE = 64,        /* datagrams */
	/* bytes of a received datagram; no datagram is larger, so none is truncated */
	BATCH_DATAGRAM = 65536,
	BATCH_CONTROL = 64,     /* bytes of ancillary data */
	BATCH_REPLY = 64,       /* bytes of a datagram that is sent, at most */
};

/* Makes a non-blocking, close-on-exec UDP socket bound to `address`, with IPV6_V6ONLY. When it is
   bound to the wildcard address, it reports the local address of each datagram. The caller closes
   it. -1 with `err` (STATUS_BIND) and errno: failure. */
int batch_bind(const struct address *address, struct err *err);

/* Makes the kernel refuse new datagrams, as if the socket were closed. Datagrams that are in the
   receive queue can still be read and answered. When this fails, nothing is reported, and datagrams
   that arrive before close(2) are lost. */
void batch_refuse(int fd);

/* Asks for a receive buffer of 4 MiB, which holds the datagrams that arrive while the streams are
   served. Without CAP_NET_ADMIN, net.core.rmem_max limits it (socket(7)). Failure is ignored. */
void batch_make_room(int fd);

/* A socket's receive queue, as the kernel counts it. */
struct batch_queue {
	/* bytes in the queue, and its size; with the kernel's overhead for each datagram */
	uint32_t held, room;
	/* datagrams dropped because the queue was full, since the socket was made; wraps at 2^32 */
	uint32_t missed;
};

/* Reads the queue's counters (SO_MEMINFO). False, with zeros: the kernel does not report them
   (Linux before 4.12). */
bool batch_queue(int fd, struct batch_queue *queue);

/* Where a datagram came from, and so where its reply goes. A plain value, to be copied. */
struct batch_origin {
	struct address peer;
	/* ancillary data with the local address that the datagram was sent to; a reply is sent from
	   that address */
	char control[BATCH_CONTROL];
	size_t control_len;
};

struct batch_in;

/* NULL: out of memory. */
struct batch_in *batch_in_create(void);

/* Accepts NULL. */
void batch_in_destroy(struct batch_in *in);

/* Reads up to BATCH_SIZE datagrams without blocking. Returns how many; 0: none is there, or a
   signal interrupted; -1 with errno: failure. */
int batch_in_read(struct batch_in *in, int fd);

/* Datagram i of the last read, and its origin. Both are valid until the next read. The caller may
   change the bytes. */
char *batch_in_data(struct batch_in *in, int i, size_t *len);
const struct batch_origin *batch_in_origin(struct batch_in *in, int i);

struct batch_out;

/* NULL: out of memory. */
struct batch_out *batch_out_create(void);

/* Accepts NULL. */
void batch_out_destroy(struct batch_out *out);

/* Copies a datagram and its destination into the batch. `told` is handed to `on_refused`. False:
   the batch is full and has to be sent first, or the datagram has more than BATCH_REPLY bytes. */
bool batch_out_add(struct batch_out *out, const struct batch_origin *to, bool told,
	const char *data, size_t len);

/* Sends all datagrams and empties the batch. For a datagram that the kernel does not send it calls
   `on_refused` with the errno in `error`, and goes on with the next. */
void batch_out_send(struct batch_out *out, int fd,
	void (*on_refused)(void *context, const struct batch_origin *to, bool told, int error),
	void *context);

#endif
