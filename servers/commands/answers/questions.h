/*
 * The questions of the report that a run can answer: a table with one function for each question,
 * which searches the evidence and writes the answer. The functions that they share are below.
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
	const struct capture_streams *capture; /* NULL: no capture was given */
};

/* What a question's function fills in. Texts are for people, values for programs. The caller opens
   `text`, makes `notes` and `lines`, sets `run` and `why` to the question's, and frees all. */
struct answer {
	/* The function writes the answer here. When it writes nothing, the run does not answer the
	   question. */
	FILE *text;
	json_t *value; /* NULL: none; docs/answers.md */
	json_t *notes; /* array of texts */
	json_t *lines; /* array of line numbers in the journal */
	/* "agrees", "differs" or "absent"; NULL: no capture was given, or it does not matter
	   here */
	const char *capture;
	/* the run answers a part of the question; `run` is what to run for the rest */
	bool partly;
	const char *run; /* static */
	const char *why; /* static */
	char label[32];  /* stands before notes about packets: "d=0: ", or "" */
	bool out_of_memory;
};

struct question {
	const char *name; /* "Q9" */
	const char *asks; /* half a line */
	const char *why;  /* one sentence */
	const char *run;  /* a command whose run answers the question */
	void (*answer)(struct answer *answer, const struct evidence *evidence);
};

extern const struct question questions[];
extern const size_t question_count;

/* The functions of the table, in its order. */
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

/* Appends a note; `format` as in printf(3). Cuts it at 1023 bytes. */
void answer_note(struct answer *answer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends the number of a line of the journal; 0 is left out. */
void answer_line(struct answer *answer, uint64_t line);

/* "" for 1, else "s". */
const char *plural(uint64_t count);

/* New jansson values, which are the caller's. NULL: out of memory, or `text` is not UTF-8. */
json_t *value_count(uint64_t count);
json_t *value_real(double real);
json_t *value_text(const char *text);

/* The connections that answer a question: the last CHOSEN_MAX of their kind. */
enum { CHOSEN_MAX = 100 };

struct chosen {
	const struct facts_conn *conns[CHOSEN_MAX]; /* those of `facts`, in their order */
	size_t count;
	bool cut_short; /* none of them sent everything */
};

/* Chooses connections with messages. Connections that sent everything are preferred: the others are
   chosen only when there is none. `d` < 0: the interval does not matter; 0: only CMD_short:0; > 0:
   only intervals over 0, and of these only the last connection's interval. */
struct chosen choose(const struct facts *facts, enum facts_endpoint endpoint, enum facts_kind kind,
	double d);

/* A number that was found once for each chosen connection. */
struct tally {
	size_t count;
	uint64_t min, max, last;
};

/* Adds the next connection's number. `tally` is all zero before the first one. */
void tally_add(struct tally *tally, uint64_t value);

/* Writes " in each of 3 runs" or " in the last of 3 runs, 8 to 20 in all"; nothing for one run. */
void tally_say(FILE *out, const struct tally *tally);

/*
 * Writes the packets of the last chosen connection, "2 packets, of 18 and 352 bytes", and notes
 * about retransmissions and the capture. Sets "packets", "bytes", "again" and "counted_by" in the
 * object `value` (docs/answers.md) and `answer->capture`. `tally` gets the packets of every chosen
 * connection. Connections without a known number are left out. False: none has one, nothing was
 * written. `answer->out_of_memory` may be set.
 */
bool say_packets(struct answer *answer, const struct evidence *evidence,
	const struct chosen *chosen, json_t *value, struct tally *tally);

/* Writes ", of 18 and 352 bytes" or ", 39 of 1448 and 1 of 872 bytes"; nothing for no sizes. */
void say_sizes(FILE *out, const struct facts_sizes *sizes);

#endif
