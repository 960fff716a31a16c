/* The station's answers to participants that have sent enough text: thanks and a riddle. Pure. */
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

/* A riddle: one line of ASCII; static. `index` is 0 .. RIDDLE_COUNT - 1. */
const char *riddle_text(size_t index);

/* The index of the riddle that the participant gets in its answer `number` (from 1 on). It depends
   on the stream and the ID. A participant gets all riddles before one repeats. */
size_t riddle_choose(const struct fate_stream *stream, const char id[WIRE_ID_BYTES],
	uint64_t number);

/* Writes the answer, without the station's ID, and a NUL; returns its length in bytes without the
   NUL. The ID may be any bytes: those that are not printable ASCII are shown as '?'. */
size_t riddle_answer(char text[RIDDLE_ANSWER_MAX], const struct fate_stream *stream,
	const char id[WIRE_ID_BYTES], uint64_t number);

#endif
