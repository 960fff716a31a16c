/*
 * What the summary of a run remembers, in bounded memory: observer_summary.c collects it from
 * events, summary_faults.c judges, summary_text.c says it. Nobody else includes this.
 */
#ifndef SERVERS_EVENTS_SUMMARY_H
#define SERVERS_EVENTS_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/wire.h"
#include "servers/endpoint_table.h"

enum {
	EXCERPT_BYTES = 40,  /* shown of one text */
	EXCERPTS = 3,        /* different texts that are shown; the others are counted */
	FAULT_WHAT = 320,    /* bytes of what was wrong, with its NUL */
	SUMMARY_FAULTS = 16, /* different ones that are remembered */
	SUMMARY_SPEAKERS = 4,
	SUMMARY_TRACKS = 256, /* connections that are followed at once */
	SUMMARY_CORRUPTED = 8,
	SUMMARY_LINES = 24, /* written at most */
};

/* Different texts, each with its number. */
struct excerpts {
	struct {
		char bytes[EXCERPT_BYTES];
		size_t len; /* of the whole text */
		uint64_t count;
	} list[EXCERPTS];
	size_t used;
	uint64_t more; /* times, of other texts */
};

/* The same thing gone wrong at the same endpoint, however often. */
struct fault {
	enum endpoint_id endpoint;
	bool ours; /* the lab's or the network's, not the program's */
	char what[FAULT_WHAT];
	struct excerpts excerpts; /* of the bytes that it was about, where there were any */
	uint64_t count;
};

struct speaker {
	char id[WIRE_ID_BYTES];
	uint64_t datagrams, characters, answers;
};

/* One endpoint. */
struct met {
	bool listens, met;
	struct excerpts asked; /* commands that were understood; datagrams */
	uint64_t repeated;     /* datagrams that were only counted */

	/* Streams. The sums are those of connections that were answered as they asked. */
	uint64_t connections, not_understood, no_command, no_handshake;
	uint64_t messages, bytes_in, bytes_out, segments;
	uint64_t closed, closed_by_peer;

	/* Datagrams: requests by family (IPv4, IPv6), what the network did, and what came of it. */
	uint64_t requests[2], bytes, lost, unserved, given_up, doubled, changed;
	char given_up_why[64]; /* the first reason */
	uint64_t resets, seconds, replies, replies_lost;
	uint64_t unheard;  /* replies lost that would have told of a reset */
	bool after_reset;  /* the next reply that is told of, sent or lost, is that of a reset */

	/* The station. */
	uint64_t lines;
	struct speaker speakers[SUMMARY_SPEAKERS];
	size_t speaker_count;
	uint64_t others; /* datagrams, of other speakers */
};

/* A connection that has not ended. What went wrong is judged when it has. */
struct track {
	uint64_t conn;    /* 0: free */
	int64_t expected; /* messages that its command asked for; -1: none yet */
	enum endpoint_id endpoint;
	bool refused; /* it was no command */
	bool pending, ours;
	char what[FAULT_WHAT];
	char bytes[EXCERPT_BYTES];
	size_t len;
};

/* The beginning of a datagram. */
struct beginning {
	char bytes[WIRE_COMMAND_MAX];
	size_t len; /* of the whole datagram */
};

struct summary {
	struct met met[ENDPOINT_COUNT];
	struct fault faults[SUMMARY_FAULTS];
	size_t fault_count;
	uint64_t faults_more; /* times, of others */
	bool wrong;           /* something was the program's fault */
	struct track tracks[SUMMARY_TRACKS];

	/* What the network has changed on its way is not the program's fault when it is no request
	   any more. */
	struct beginning last, corrupted[SUMMARY_CORRUPTED];
	size_t corrupted_count; /* so far */
};

/* `len` is that of the text, of which EXCERPT_BYTES are read at most. */
void excerpts_add(struct excerpts *excerpts, const char *text, size_t len);

/* `bytes` NULL: it is about none. */
void faults_add(struct summary *summary, enum endpoint_id endpoint, bool ours, const char *what,
	const char *bytes, size_t len);

/* Of more than SUMMARY_TRACKS at once the oldest make room: what they have done wrong stays, how
   they end is not judged. */
struct track *track_find(struct summary *summary, enum endpoint_id endpoint, uint64_t conn);

/* What went wrong with it last; it becomes a fault with track_settle. */
void track_blame(struct track *track, bool ours, const char *what, const char *bytes, size_t len);
void track_settle(struct summary *summary, struct track *track);

/* How a connection has ended. */
struct verdict {
	const char *command; /* NULL: none has come */
	size_t command_len;
	int64_t messages, bytes_in;
	bool lost; /* not closed in an orderly way */
};

/* Who has asked: were all the messages taken? Who has not asked: why not? */
void track_judge_answer(struct track *track, const struct verdict *verdict);
void track_judge_silence(struct track *track, const struct verdict *verdict);

/* At most SUMMARY_LINES lines. Nothing at all where no endpoint has ever listened. */
void summary_write(const struct summary *summary, FILE *out);

#endif
