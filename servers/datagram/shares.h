/*
 * Who gets what of a queue that fills faster than it is served: each sender (address and port) so
 * many datagrams of a turn, each address so many more; what is above that is given up unread, so
 * that the queue has room for others. Pure.
 */
#ifndef SERVERS_DATAGRAM_SHARES_H
#define SERVERS_DATAGRAM_SHARES_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SHARES_SENDER = 32, /* datagrams of a turn */
	SHARES_HOST = 128,
	SHARES_PLACES = 1024,
};

struct shares {
	uint64_t turn;
	uint8_t senders[SHARES_PLACES], hosts[SHARES_PLACES];
};

/* A turn begins: nobody has had anything. A zeroed struct is fine to begin with. */
void shares_begin(struct shares *shares);

/* True: serve this datagram. The keys are those of its sender and of the sender's address
   (peer_key.h). Two senders may have one place; in the next turn they hardly have again. */
bool shares_take(struct shares *shares, uint64_t sender, uint64_t host);

#endif
