/*
 * Limits how much of the journal datagrams can fill. Detailed events of a datagram are paid for
 * from three token buckets: its sender's (address and port), its address's, and one of all
 * addresses. A datagram that cannot be paid for is folded: it is only counted for its address, and
 * the counts are told once a second. A datagram costs more when more is written about it. A cost of
 * 1 stands for at most FOLD_UNIT bytes, so a sender that sends without a pause for a minute fills
 * less than 1 MiB. Pure: the time is an input.
 */
#ifndef SERVERS_DATAGRAM_FOLD_H
#define SERVERS_DATAGRAM_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FOLD_SENDERS = 1024,
	FOLD_HOSTS = 256,
	FOLD_BURST = 500,       /* one sender: the cost that may be told in detail at once */
	FOLD_RATE = 5,          /* and the cost that is added each second */
	/* the same for all senders of one address, since one host can use many ports */
	FOLD_BURST_HOST = 2000,
	FOLD_RATE_HOST = 20,
	FOLD_BURST_ALL = 20000, /* the same for all addresses, since addresses may be spoofed */
	FOLD_RATE_ALL = 200,
	FOLD_UNIT = 1250,       /* bytes of the journal for a cost of 1, at most */
	FOLD_TEXT = 256,        /* written bytes of a datagram's text that cost 1 more */
};

/* A token bucket. `filled_at` is in seconds. */
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
	uint64_t folded; /* datagrams folded since the last sweep */
	char name[48];   /* its address as text */
};

struct fold {
	struct fold_sender senders[FOLD_SENDERS];
	struct fold_host hosts[FOLD_HOSTS];
	struct fold_bucket all;
};

/* All buckets are full. Here and below `now` is in seconds, on a clock that only goes forward. */
void fold_init(struct fold *fold, double now);

/* What a datagram costs. `written` is the bytes of its text that are written, `impairments` the
   number of impairments that may each be told. */
unsigned fold_cost(size_t written, unsigned impairments);

/* True: tell this datagram in detail; it is paid for. False: it is folded, and nothing is paid.
   `sender` and `host` are the keys (peer_key.h; not 0) of its sender and of the sender's address;
   `name` is that address as text, and is copied. */
bool fold_admit(struct fold *fold, uint64_t sender, uint64_t host, const char *name, unsigned cost,
	double now);

/* Calls `tell` for each address with datagrams folded since the last call; `count` is how many.
   `name` is valid during the call. */
void fold_sweep(struct fold *fold, void (*tell)(void *context, const char *name, uint64_t count),
	void *context);

#endif
