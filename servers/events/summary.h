/* What the summary of a run remembers, in bounded memory. observer_summary.c collects it from
   events, summary_faults.c judges, summary_text.c writes it. No other file includes this header. */
#ifndef SERVERS_EVENTS_SUMMARY_H
#define SERVERS_EVENTS_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/wire.h"
#include "servers/endpoint_table.h"

enum {
	EXCERPT_BYTES = 40,  /* bytes of one text that are shown */
	EXCERPTS = 3,        /* different texts that are shown; others are only counted */
	FAULT_WHAT = 320,    /* bytes of a fault's text with its NUL */
	SUMMARY_FAULTS = 16, /* different faults that are remembered */
	SUMMARY_SPEAKERS = 4,
	SUMMARY_TRACKS = 256, /* connections that are followed at a time */
	SUMMARY_CORRUPTED = 8,
	SUMMARY_LINES = 24, /* the most lines that are written */
};

/* Different texts, each with the number of its occurrences. */
struct excerpts {
	struct {
		char bytes[EXCERPT_BYTES];
		size_t len; /* of the whole text */
		uint64_t count;
	} list[EXCERPTS];
	size_t used;
	uint64_t more; /* occurrences of other texts */
};

/* Who caused a fault. */
enum blame {
	BLAME_PROGRAM,
	BLAME_LAB, /* or the network */
	BLAME_NOBODY, /* a hint, which would explain what people see */
};

/* One fault at one endpoint, however often it occurred. */
struct fault {
	enum endpoint_id endpoint;
	enum blame blame;
	char what[FAULT_WHAT];
	struct excerpts excerpts; /* the bytes that the fault was about, where there were any */
	uint64_t count;
};

struct speaker {
	char id[WIRE_ID_BYTES];
	uint64_t datagrams, characters, answers;
};

/* What is remembered of one endpoint. `met`: the program has used it. */
struct met {
	bool listens, met;
	struct excerpts asked; /* commands that were understood, or datagrams */
	uint64_t repeated;     /* datagrams that were only counted (event `repeated`) */

	/* Streams. The sums are those of connections that were answered as they asked. */
	uint64_t connections, not_understood, no_command, no_handshake, unused;
	uint64_t messages, bytes_in, bytes_out, segments;
	uint64_t closed, closed_by_peer;

	/* Datagrams: requests by family (IPv4, IPv6), what the network did to them, and what came
	   of it. */
	uint64_t requests[2], bytes, lost, unserved, given_up, doubled, changed;
	char given_up_why[64]; /* the first reason */
	uint64_t resets, seconds, replies, replies_lost;
	uint64_t unheard;  /* lost replies to a reset */
	bool after_reset;  /* the next event of a reply, sent or lost, is about a reset */

	/* The station. */
	uint64_t lines;
	struct speaker speakers[SUMMARY_SPEAKERS];
	size_t speaker_count;
	uint64_t others; /* datagrams of other speakers */
};

/* A connection that has not ended. Its faults are judged when it ends. */
struct track {
	uint64_t conn;    /* 0: free */
	int64_t expected; /* messages that its command asked for; -1: no command yet */
	enum endpoint_id endpoint;
	bool refused; /* what it sent was no command */
	/* `what` is a fault that is not yet settled */
	bool pending;
	enum blame blame;
	char what[FAULT_WHAT];
	char bytes[EXCERPT_BYTES];
	size_t len;
};

/* The first bytes of a datagram. */
struct beginning {
	char bytes[WIRE_COMMAND_MAX];
	size_t len; /* of the whole datagram */
};

struct summary {
	struct met met[ENDPOINT_COUNT];
	struct fault faults[SUMMARY_FAULTS];
	size_t fault_count;
	uint64_t faults_more; /* occurrences of other faults */
	bool wrong;           /* a fault of the program's has occurred */
	struct track tracks[SUMMARY_TRACKS];
	double last_met; /* `t` of the last event about the program's traffic */
	struct {
		const char *how; /* as in the event `program`; NULL: it has not come */
		int64_t status;
		double seconds, cpu, quiet; /* quiet: since the lab last met it */
	} program;

	/* The last datagram, and datagrams that the network has corrupted: when such a datagram is
	   no longer a request, the program is not to blame. */
	struct beginning last, corrupted[SUMMARY_CORRUPTED];
	size_t corrupted_count; /* corrupted so far; the last SUMMARY_CORRUPTED are kept */
};

/* Counts a text of `len` bytes, of which at most EXCERPT_BYTES are read. */
void excerpts_add(struct excerpts *excerpts, const char *text, size_t len);

/* Counts a fault. `bytes`: what the fault is about; NULL: it is not about bytes. */
void faults_add(struct summary *summary, enum endpoint_id endpoint, enum blame blame,
	const char *what, const char *bytes, size_t len);

/* Finds a connection, or begins to follow it. A connection may take the place of an older one, when
   there are more than SUMMARY_TRACKS: then a pending fault of the older one is settled, and its end
   is not judged. */
struct track *track_find(struct summary *summary, enum endpoint_id endpoint, uint64_t conn);

/* track_blame notes what went wrong last with a connection, in place of what it had noted before;
   track_settle counts that as a fault. */
void track_blame(struct track *track, enum blame blame, const char *what, const char *bytes,
	size_t len);
void track_settle(struct summary *summary, struct track *track);

/* How a connection has ended. */
struct verdict {
	const char *command; /* NULL: there was no command */
	size_t command_len;
	int64_t messages, bytes_in;
	bool lost; /* the connection was lost, and not closed in order */
};

/* Judge a connection when it ends. track_judge_answer: one that has sent a command; did the peer
   take all messages? track_judge_silence: one that has not; why not? */
void track_judge_answer(struct track *track, const struct verdict *verdict);
void track_judge_silence(struct track *track, const struct verdict *verdict);

/* Writes the summary, at most SUMMARY_LINES lines. Writes nothing when no endpoint has listened. */
void summary_write(const struct summary *summary, FILE *out);

#endif
