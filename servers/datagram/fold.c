#include "servers/datagram/fold.h"

#include <stdio.h>
#include <string.h>

enum { PROBES = 8 };

/* A token bucket: fills with time, gives one a datagram. */
static bool take(double *tokens, double *filled_at, double burst, double rate, double now)
{
	*tokens += (now - *filled_at) * rate;
	if (*tokens > burst)
		*tokens = burst;
	*filled_at = now;
	if (*tokens < 1)
		return false;
	*tokens -= 1;
	return true;
}

void fold_init(struct fold *fold, double now)
{
	memset(fold, 0, sizeof *fold);
	fold->tokens = FOLD_BURST_ALL;
	fold->filled_at = now;
}

/* Its place, or that of the one longest silent of whom nothing is left to tell; NULL: all have something. */
static struct fold_sender *find(struct fold *fold, uint64_t key, const char *name, double now)
{
	struct fold_sender *oldest = NULL;
	for (uint64_t i = 0; i < PROBES; i++) {
		struct fold_sender *sender = &fold->senders[(key + i) % FOLD_SENDERS];
		if (sender->key == key)
			return sender;
		if (sender->folded == 0 && (!oldest || sender->filled_at < oldest->filled_at))
			oldest = sender;
	}
	if (oldest) {
		*oldest = (struct fold_sender){ .key = key, .tokens = FOLD_BURST, .filled_at = now };
		snprintf(oldest->name, sizeof oldest->name, "%s", name);
	}
	return oldest;
}

bool fold_admit(struct fold *fold, uint64_t key, const char *name, double now)
{
	struct fold_sender *sender = find(fold, key, name, now);
	if (!sender) { /* more spinners than places: count it with a neighbour rather than not at all */
		sender = &fold->senders[key % FOLD_SENDERS];
		sender->folded++;
		return false;
	}
	if (take(&sender->tokens, &sender->filled_at, FOLD_BURST, FOLD_RATE, now) &&
		take(&fold->tokens, &fold->filled_at, FOLD_BURST_ALL, FOLD_RATE_ALL, now))
		return true;
	sender->folded++;
	return false;
}

void fold_sweep(struct fold *fold, void (*tell)(void *context, const char *name, uint64_t count), void *context)
{
	for (int i = 0; i < FOLD_SENDERS; i++) {
		struct fold_sender *sender = &fold->senders[i];
		if (sender->folded > 0)
			tell(context, sender->name, sender->folded);
		sender->folded = 0;
	}
}
