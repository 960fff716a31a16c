/*
 * The questions of the report that a run can answer: a table, and for each a function that looks
 * into what is known and says what it has found.
 */
#ifndef SERVERS_COMMANDS_ANSWERS_QUESTIONS_H
#define SERVERS_COMMANDS_ANSWERS_QUESTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "servers/commands/answers/facts.h"
#include "servers/commands/answers/packets.h"
#include "servers/network/capture_read.h"

struct evidence {
	const struct facts *facts;
	const struct capture_streams *capture; /* NULL: none was given */
};

/* What a question's function fills. Texts are for people, values for programs. */
struct answer {
	/* what is written here is the answer; nothing: the run shows nothing of it */
	FILE *text;
	json_t *value;  /* NULL: none */
	json_t *notes;  /* array of texts */
	json_t *lines;  /* array of numbers of lines of the journal */
	/* "agrees", "differs" or "absent"; NULL: no capture was given, or it has no say */
	const char *capture;
	bool partly;    /* the run shows a part of it; `run` tells how to get the rest */
	const char *run; /* other than the question's */
	const char *why;
	char label[32]; /* "d=0: " before notes about packets; "" */
	bool out_of_memory;
};

struct question {
	const char *name;
	const char *asks; /* half a line */
	const char *why;  /* one sentence; the function may find a better one */
	const char *run;  /* a command that would show it */
	void (*answer)(struct answer *answer, const struct evidence *evidence);
};

extern const struct question questions[];
extern const size_t question_count;

/* The functions, and what they share. */
void answer_pieces(struct answer *answer, const struct evidence *evidence);
void answer_messages(struct answer *answer, const struct evidence *evidence);
void answer_short_packets(struct answer *answer, const struct evidence *evidence);
void answer_flood_packets(struct answer *answer, const struct evidence *evidence);
void answer_recv_calls(struct answer *answer, const struct evidence *evidence);
void answer_ws_packets(struct answer *answer, const struct evidence *evidence);
void answer_ws_messages(struct answer *answer, const struct evidence *evidence);
void answer_ws_flood(struct answer *answer, const struct evidence *evidence);
void answer_acknowledgement(struct answer *answer, const struct evidence *evidence);
void answer_loss(struct answer *answer, const struct evidence *evidence);
void answer_lines(struct answer *answer, const struct evidence *evidence);
void answer_talk(struct answer *answer, const struct evidence *evidence);

void answer_note(struct answer *answer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A line of the journal; 0 is left out. */
void answer_line(struct answer *answer, uint64_t line);

const char *plural(uint64_t count);

/* Values of jansson's: its json_integer, json_real and json_string have the names of others in
   common/json.h, and what calls them would get those. */
json_t *value_count(uint64_t count);
json_t *value_real(double real);
json_t *value_text(const char *text);

/* Connections that a question is about: the last ones of their kind. */
enum { CHOSEN_MAX = 100 };

struct chosen {
	const struct facts_conn *conns[CHOSEN_MAX]; /* in the order of the journal */
	size_t count;
	bool cut_short; /* none of them went to its end */
};

/* `d` < 0: any; 0: none; else more than 0, and the same as in the last one. */
struct chosen choose(const struct facts *facts, enum facts_endpoint endpoint, enum facts_kind kind,
	double d);

/* A number that each of them has. */
struct tally {
	size_t count;
	uint64_t min, max, last;
};

void tally_add(struct tally *tally, uint64_t value);

/* " in each of 3 runs"; " in the last of 3 runs, 8 to 20 in all"; "" for one. */
void tally_say(FILE *out, const struct tally *tally);

/* Packets of the chosen connections: "2 packets, of 18 and 352 bytes", with what the capture says.
   False: none is known. `value` gets what they are. */
bool say_packets(struct answer *answer, const struct evidence *evidence,
	const struct chosen *chosen, json_t *value, struct tally *tally);

/* ", of 18 and 352 bytes", ", 39 of 1448 and 1 of 872 bytes". */
void say_sizes(FILE *out, const struct facts_sizes *sizes);

#endif
