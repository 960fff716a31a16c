/*
 * Who sends too much is told of in numbers: each sender (address and port) may cause so many
 * detailed events, and more once it is quieter; so may each address, and all together. The rest is
 * counted and told once a second. A datagram costs the more the more is written about it, and a
 * cost of 1 writes at most FOLD_UNIT bytes: who spins for a minute fills less than 1 MiB. Pure: the
 * time is an input.
 */
#ifndef SERVERS_DATAGRAM_FOLD_H
#define SERVERS_DATAGRAM_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FOLD_SENDERS = 1024,
	FOLD_HOSTS = 256,
	FOLD_BURST = 500,       /* costs told in detail at once, of one sender */
	FOLD_RATE = 5,          /* and each second after that */
	/* the same for all senders of one address: who has many ports has one */
	FOLD_BURST_HOST = 2000,
	FOLD_RATE_HOST = 20,
	FOLD_BURST_ALL = 20000, /* the same for all addresses: they may be spoofed */
	FOLD_RATE_ALL = 200,
	FOLD_UNIT = 1250,       /* bytes of the journal for a cost of 1, at most */
	FOLD_TEXT = 256,        /* bytes of a datagram's text, as it is written, that cost 1 more */
};

struct fold_bucket {
	double tokens, filled_at;
};

struct fold_sender {
	uint64_t key; /* 0: free */
	struct fold_bucket bucket;
};

struct fold_host {
	uint64_t key; /* 0: free */
	struct fold_bucket bucket;
	uint64_t folded; /* datagrams since the last sweep */
	char name[48];   /* its address */
};

struct fold {
	struct fold_sender senders[FOLD_SENDERS];
	struct fold_host hosts[FOLD_HOSTS];
	struct fold_bucket all;
};

void fold_init(struct fold *fold, double now);

/* What a datagram costs of which so many bytes of text are written, with so many impairments that
   may each be told. */
unsigned fold_cost(size_t written, unsigned impairments);

/* True: tell this datagram in detail. The keys (not 0) are those of its sender and of the sender's
   address, whose `name` people know. */
bool fold_admit(struct fold *fold, uint64_t sender, uint64_t host, const char *name, unsigned cost,
	double now);

/* Calls `tell` for each address of which something was folded since the last time. */
void fold_sweep(struct fold *fold, void (*tell)(void *context, const char *name, uint64_t count),
	void *context);

#endif
