/* What the station answers to a talkative participant: a word of thanks and a riddle. Pure. */
#ifndef SERVERS_STATION_RIDDLES_H
#define SERVERS_STATION_RIDDLES_H

#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"
#include "servers/impair/fate.h"

enum {
	RIDDLE_COUNT = 20,
	RIDDLE_ANSWER_MAX = 256, /* bytes of "@<ID>: <thanks> <riddle>" with its NUL */
};

/* `index` is 0 .. RIDDLE_COUNT - 1; one line of ASCII. */
const char *riddle_text(size_t index);

/* Which one the participant gets as its answer `number`, from 1 on: by seed and ID. It gets all of
   them before it gets one again. */
size_t riddle_choose(const struct fate_stream *stream, const char id[WIRE_ID_BYTES],
	uint64_t number);

/* Writes the answer, without the station's ID, and a NUL; returns its length. The ID is printable
   ASCII. */
size_t riddle_answer(char text[RIDDLE_ANSWER_MAX], const struct fate_stream *stream,
	const char id[WIRE_ID_BYTES], uint64_t number);

#endif
