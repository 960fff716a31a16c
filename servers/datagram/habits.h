/*
 * Notices what a program does that does not see that it was answered: it asks again, or without a
 * pause. Such programs wait for another text than the lab's. Pure: the time is an input.
 */
#ifndef SERVERS_DATAGRAM_HABITS_H
#define SERVERS_DATAGRAM_HABITS_H

#include <stdbool.h>
#include <stdint.h>

enum {
	HABITS_SENDERS = 64, /* that are watched; another one takes the place of an older one */
	HABITS_AGAIN = 3,    /* times that a sender asks again before it is noticed */
	HABITS_A_SECOND = 20, /* requests in a second before they are noticed */
};

enum habit {
	HABIT_NONE,
	HABIT_AGAIN, /* it waits as for a lost answer, and asks again */
	HABIT_SPIN,  /* it asks more than HABITS_A_SECOND times in a second */
};

struct habit_sender {
	uint64_t key;     /* 0: none */
	double answered;  /* seconds; when it was last sent a reply; negative: never */
	double began;     /* seconds; the second that is counted */
	unsigned again;   /* requests in a row that came as after a timeout */
	unsigned count;   /* requests in that second */
};

/* Zeroed at first. */
struct habits {
	struct habit_sender senders[HABITS_SENDERS];
	bool noticed[HABIT_SPIN + 1]; /* each habit is answered once */
};

/* A request of the sender `key` (peer_key.h) came at `now` (seconds). Answers a habit the first
   time that it is noticed, else HABIT_NONE. */
enum habit habits_asked(struct habits *habits, uint64_t key, double now);

/* A reply was sent to it. */
void habits_answered(struct habits *habits, uint64_t key, double now);

#endif
