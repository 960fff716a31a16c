/*
 * Who sends too much is told of in numbers: each sender may cause so many detailed events, and more once it is
 * quieter; the rest is counted and told once a second. A client that spins thus cannot fill a disk. Pure: the time is an
 * input.
 */
#ifndef SERVERS_DATAGRAM_FOLD_H
#define SERVERS_DATAGRAM_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FOLD_SENDERS = 256,
	FOLD_BURST = 500,     /* datagrams told in detail at once, of one sender */
	FOLD_RATE = 5,        /* and each second after that */
	FOLD_BURST_ALL = 20000, /* the same for all senders together: they may be spoofed */
	FOLD_RATE_ALL = 200,
};

struct fold_sender {
	uint64_t key;    /* 0: free */
	double tokens, filled_at;
	uint64_t folded; /* since the last sweep */
	char name[48];   /* its address without the port */
};

struct fold {
	struct fold_sender senders[FOLD_SENDERS];
	double tokens, filled_at;
};

void fold_init(struct fold *fold, double now);

/* True: tell this datagram in detail. `key` is the sender's (not 0), `name` what people know it by. */
bool fold_admit(struct fold *fold, uint64_t key, const char *name, double now);

/* Calls `tell` for each sender of which something was folded since the last time. */
void fold_sweep(struct fold *fold, void (*tell)(void *context, const char *name, uint64_t count), void *context);

#endif
