#include "servers/datagram/habits.h"

/* How long a program waits for an answer before it asks again: 1 s in the handout. A program that
   runs many times in one go asks again at once. */
static const double WAITS_SECONDS = 0.5, WAITS_SECONDS_MAX = 5;

static struct habit_sender *find(struct habits *habits, uint64_t key)
{
	struct habit_sender *sender = &habits->senders[key % HABITS_SENDERS];
	if (sender->key != key)
		*sender = (struct habit_sender){ .key = key, .answered = -1 };
	return sender;
}

static enum habit notice(struct habits *habits, enum habit habit)
{
	if (habits->noticed[habit])
		return HABIT_NONE;
	habits->noticed[habit] = true;
	return habit;
}

enum habit habits_asked(struct habits *habits, uint64_t key, double now)
{
	struct habit_sender *sender = find(habits, key);
	double waited = now - sender->answered;
	if (now - sender->began >= 1) {
		sender->began = now;
		sender->count = 0;
	}
	sender->count++;
	if (sender->answered < 0)
		return HABIT_NONE;
	if (sender->count > HABITS_A_SECOND)
		return notice(habits, HABIT_SPIN);
	sender->again =
		waited >= WAITS_SECONDS && waited <= WAITS_SECONDS_MAX ? sender->again + 1 : 0;
	return sender->again >= HABITS_AGAIN ? notice(habits, HABIT_AGAIN) : HABIT_NONE;
}

void habits_answered(struct habits *habits, uint64_t key, double now)
{
	find(habits, key)->answered = now;
}
