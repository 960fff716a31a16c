#include "servers/station/riddles.h"

#include <stdio.h>

static const char thanks[] = "Thank you for taking part!";

static const char *const riddles[RIDDLE_COUNT] = {
	"I shake three hands before I say a word, and four before I am silent. Who am I?",
	"I promise nothing and keep my word: what arrives of me arrives whole. Who am I?",
	"Whoever asks for me must join me; whoever leaves me does not say goodbye. Who am I?",
	"I lose one life at every door, and with none left I go no further. What am I?",
	"You may call me by name, but I only come when somebody tells you my number. What am I?",
	"I am everybody's home, and no letter to me ever leaves the house. What am I?",
	"The longer it waits for an answer, the slower it asks again. What is it?",
	"I have sixty-five thousand doors and not one wall. What am I?",
	"Alone I am nothing, doubled I shorten the longest address, but only once. What am I?",
	("I stay for a while after everybody has gone, so that no late letter finds a stranger. "
	 "What am I?"),
	"Two keys fit me: the one that locks is for all, the one that opens is for one. What am I?",
	"I cut what you send wherever I like, and put it together without a seam. Who am I?",
	"I grow with every answer, and one loss halves me. What am I?",
	"I am sent to all who live in my street, and everybody must open me. What am I?",
	"I am asked before every journey, and know only the next step. What am I?",
	"I was told to be quick, so I wait until there is more to carry. Who am I?",
	"I began as a request for a page, and now we both talk whenever we like. What am I?",
	"I change my address at the border, and my family never notices. What am I?",
	"I come twice when you hear me too late, and never when you do not ask again. What am I?",
	"A prince speaks, a ghost listens, and nobody acknowledges a single line. Where are you?",
};

const char *riddle_text(size_t index)
{
	return riddles[index];
}

size_t riddle_choose(const struct fate_stream *stream, const char id[WIRE_ID_BYTES],
	uint64_t number)
{
	/* n must not be 0, but the hash of an ID may be. */
	uint64_t first =
		fate_below(stream, fate_hash(id, WIRE_ID_BYTES) | 1, FATE_RIDDLE, RIDDLE_COUNT);
	return (first + number) % RIDDLE_COUNT;
}

size_t riddle_answer(char text[RIDDLE_ANSWER_MAX], const struct fate_stream *stream,
	const char id[WIRE_ID_BYTES], uint64_t number)
{
	char shown[WIRE_ID_BYTES]; /* an ID may be any bytes, but an answer is text */
	for (int i = 0; i < WIRE_ID_BYTES; i++)
		shown[i] = id[i] < ' ' || id[i] > '~' ? '?' : id[i];
	return (size_t)snprintf(text, RIDDLE_ANSWER_MAX, "@%.*s: %s %s", WIRE_ID_BYTES, shown,
		thanks, riddle_text(riddle_choose(stream, id, number)));
}
