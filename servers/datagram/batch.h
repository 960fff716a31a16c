/* Datagrams in batches: recvmmsg(2) and sendmmsg(2), with the address that each was sent to
   (IP_PKTINFO, ip(7)). */
#ifndef SERVERS_DATAGRAM_BATCH_H
#define SERVERS_DATAGRAM_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "common/err.h"
#include "common/net.h"

enum {
	BATCH_SIZE = 64,
	/* bytes; none is larger, so none is cut and passes for a shorter one */
	BATCH_DATAGRAM = 65536,
	BATCH_CONTROL = 64,     /* bytes of ancillary data */
	BATCH_REPLY = 64,       /* bytes of a datagram that is sent */
};

/* A non-blocking, close-on-exec UDP socket bound to `address`, with IPV6_V6ONLY, that tells the
   local address of each datagram where it is bound to any. -1 with `err` (STATUS_BIND) and errno on
   failure. */
int batch_bind(const struct address *address, struct err *err);

/* From here on nothing more arrives: whoever sends is refused, as if the socket were closed. What
   has arrived can be read and answered. */
void batch_refuse(int fd);

/* Asks for room for what comes while the streams have their turn: 4 MiB, or what net.core.rmem_max
   allows whom it binds. */
void batch_make_room(int fd);

/* What waits in a socket's receive queue, as the kernel counts it. */
struct batch_queue {
	uint32_t held, room; /* bytes, with what the kernel adds to each datagram */
	/* datagrams that found no room, since the socket was made; begins again at 2^32 */
	uint32_t missed;
};

/* False, with zeros: this kernel does not say (Linux before 4.12). */
bool batch_queue(int fd, struct batch_queue *queue);

struct batch_origin {
	struct address peer;
	/* which of our addresses it was sent to; a reply goes out from there */
	char control[BATCH_CONTROL];
	size_t control_len;
};

struct batch_in;

struct batch_in *batch_in_create(void); /* NULL: no memory */
void batch_in_destroy(struct batch_in *in);

/* Reads up to BATCH_SIZE datagrams. Returns how many, 0 for none, -1 with errno. */
int batch_in_read(struct batch_in *in, int fd);

/* Datagram i of the last read; both belong to the batch until the next one. */
char *batch_in_data(struct batch_in *in, int i, size_t *len);
const struct batch_origin *batch_in_origin(struct batch_in *in, int i);

struct batch_out;

struct batch_out *batch_out_create(void); /* NULL: no memory */
void batch_out_destroy(struct batch_out *out);

/* Copies a datagram of at most BATCH_REPLY bytes into the batch. `told` comes back in `on_refused`.
   False: it is full; send it first. */
bool batch_out_add(struct batch_out *out, const struct batch_origin *to, bool told,
	const char *data, size_t len);

/* Sends all. One that the kernel refuses is told to `on_refused` with its errno and skipped. */
void batch_out_send(struct batch_out *out, int fd,
	void (*on_refused)(void *context, const struct batch_origin *to, bool told, int error),
	void *context);

#endif
