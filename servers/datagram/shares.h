/*
 * Shares of a receive queue that fills faster than it is served. In one turn each sender (address
 * and port) may have SHARES_SENDER datagrams served, and each address SHARES_HOST. The endpoint
 * drops the datagrams above that, so that the queue has room for other senders. Pure.
 */
#ifndef SERVERS_DATAGRAM_SHARES_H
#define SERVERS_DATAGRAM_SHARES_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SHARES_SENDER = 32, /* datagrams in a turn */
	SHARES_HOST = 128,  /* datagrams in a turn */
	SHARES_PLACES = 1024,
};

struct shares {
	uint64_t turn;
	uint8_t senders[SHARES_PLACES], hosts[SHARES_PLACES];
};

/* Begins a turn: all counts are 0. The struct is zeroed before the first turn. */
void shares_begin(struct shares *shares);

/* True: serve this datagram, which is counted. False: its sender or address has had its share. The
   keys are those of the sender and of its address (peer_key.h). Two senders whose keys have the
   same place share it for this turn; the next turn assigns other places. */
bool shares_take(struct shares *shares, uint64_t sender, uint64_t host);

#endif
