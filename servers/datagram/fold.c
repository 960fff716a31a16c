#include "servers/datagram/fold.h"

#include <stdio.h>
#include <string.h>

enum { PROBES = 8 };

/* Adds the tokens of the time since the last call. True: the bucket holds `cost` tokens. */
static bool fill(struct fold_bucket *bucket, double burst, double rate, unsigned cost, double now)
{
	bucket->tokens += (now - bucket->filled_at) * rate;
	if (bucket->tokens > burst)
		bucket->tokens = burst;
	bucket->filled_at = now;
	return bucket->tokens >= cost;
}

void fold_init(struct fold *fold, double now)
{
	memset(fold, 0, sizeof *fold);
	fold->all = (struct fold_bucket){ .tokens = FOLD_BURST_ALL, .filled_at = now };
}

unsigned fold_cost(size_t written, unsigned impairments)
{
	return 1 + (unsigned)(written / FOLD_TEXT) + impairments;
}

/* The sender's place. A new sender gets the place of the one that has been silent longest. A host
   that changes ports to be forgotten as a sender still has its address's bucket. */
static struct fold_sender *find_sender(struct fold *fold, uint64_t key, double now)
{
	struct fold_sender *oldest = NULL;
	for (uint64_t i = 0; i < PROBES; i++) {
		struct fold_sender *sender = &fold->senders[((key >> 1) + i) % FOLD_SENDERS];
		if (sender->key == key)
			return sender;
		if (!oldest || sender->bucket.filled_at < oldest->bucket.filled_at)
			oldest = sender;
	}
	*oldest = (struct fold_sender){ .key = key,
		.bucket = { .tokens = FOLD_BURST, .filled_at = now } };
	return oldest;
}

/* The address's place. A new address gets the place of the one that has been silent longest, among
   those without folded datagrams that are not told yet. NULL: all places have such datagrams. */
static struct fold_host *find_host(struct fold *fold, uint64_t key, const char *name, double now)
{
	struct fold_host *oldest = NULL;
	for (uint64_t i = 0; i < PROBES; i++) {
		struct fold_host *host = &fold->hosts[((key >> 1) + i) % FOLD_HOSTS];
		if (host->key == key)
			return host;
		if (host->folded == 0 &&
			(!oldest || host->bucket.filled_at < oldest->bucket.filled_at))
			oldest = host;
	}
	if (oldest) {
		*oldest = (struct fold_host){ .key = key,
			.bucket = { .tokens = FOLD_BURST_HOST, .filled_at = now } };
		snprintf(oldest->name, sizeof oldest->name, "%s", name);
	}
	return oldest;
}

bool fold_admit(struct fold *fold, uint64_t sender_key, uint64_t host_key, const char *name,
	unsigned cost, double now)
{
	struct fold_host *host = find_host(fold, host_key, name, now);
	/* There are more busy addresses than places. The datagram is counted for another address,
	   which is better than not at all. */
	if (!host) {
		fold->hosts[(host_key >> 1) % FOLD_HOSTS].folded++;
		return false;
	}
	struct fold_sender *sender = find_sender(fold, sender_key, now);
	bool own = fill(&sender->bucket, FOLD_BURST, FOLD_RATE, cost, now);
	bool shared = fill(&host->bucket, FOLD_BURST_HOST, FOLD_RATE_HOST, cost, now);
	bool all = fill(&fold->all, FOLD_BURST_ALL, FOLD_RATE_ALL, cost, now);
	if (!own || !shared || !all) { /* no bucket pays */
		host->folded++;
		return false;
	}
	sender->bucket.tokens -= cost;
	host->bucket.tokens -= cost;
	fold->all.tokens -= cost;
	return true;
}

void fold_sweep(struct fold *fold, void (*tell)(void *context, const char *name, uint64_t count),
	void *context)
{
	for (int i = 0; i < FOLD_HOSTS; i++) {
		struct fold_host *host = &fold->hosts[i];
		if (host->folded > 0)
			tell(context, host->name, host->folded);
		host->folded = 0;
	}
}
