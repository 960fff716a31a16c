/* The facts that answer the report's questions: taken from the events of a journal (docs/events.md)
   and from the objects that clients print with --json. */
#ifndef SERVERS_COMMANDS_ANSWERS_FACTS_H
#define SERVERS_COMMANDS_ANSWERS_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "servers/network/capture_read.h"

enum {
	/* messages of one connection whose sizes are kept: a journal has no more `send` events of
	   it */
	FACTS_SIZES = 1000,
	/* lines of the play that are kept, the first ones */
	FACTS_LINES = 5,
	/* participants that are kept, the first ones */
	FACTS_SPEAKERS = 100,
	/* bytes of a date with its NUL */
	FACTS_DATE = 48,
};

enum facts_endpoint { FACTS_ECHO, FACTS_PMU, FACTS_WS };
enum facts_kind { FACTS_NO_COMMAND, FACTS_SHORT, FACTS_FLOOD, FACTS_BAD };

/* A list of sizes in bytes. `size` is the number of items that are allocated. */
struct facts_sizes {
	uint32_t *items;
	size_t count, size;
};

/* One connection. Line numbers count from 1 in the journal's file; 0: there is no such line. */
struct facts_conn {
	/* the number of the `start` event before it, from 1; 0: no `start` stands before it */
	unsigned run;
	uint64_t id;
	enum facts_endpoint endpoint;
	enum facts_kind kind;
	double d; /* of CMD_short:d, in seconds */
	bool ends_known; /* `lab` and `peer` are set */
	struct capture_end lab, peer;
	uint64_t open_line, command_line, first_send_line, last_send_line, close_line;

	/* Messages that were handed over completely (`send` in docs/events.md): before `close`
	   those with a `send` event, after it all. For the echo: pieces. */
	uint64_t messages;
	uint64_t bytes;           /* in these messages, as far as the events say */
	uint64_t wire;            /* `bytes`, and the WebSocket frame headers */
	struct facts_sizes sizes; /* of each message with a `send` event, up to FACTS_SIZES */

	/* The packets that carried the messages, concluded from the kernel's count of segments in
	   each `send` event. */
	bool counted;      /* the `send` events have that count */
	uint64_t segments; /* the count after the last `send` event */
	uint64_t pending;  /* bytes that had not left the lab at that time */
	bool guess_broken; /* `packets` and `pending` cannot be concluded from the count */
	struct facts_sizes packets;

	bool done; /* closed, after everything was sent */
	/* data segments, and retransmitted ones, of a closed connection */
	uint64_t segments_out, segments_again;
};

/* One address family of the endpoint `reset`. */
struct facts_reset {
	uint64_t received; /* datagrams that came while the family was served */
	uint64_t lost;     /* of these datagrams and their answers, by simulated loss */
	uint64_t acknowledged; /* answers "OFFSET=X" that were sent */
	/* of the first `receive`, and of the last `receive` or acknowledgement; 0: none */
	uint64_t first_line, last_line;
};

/* An answer "OFFSET=X" of the endpoint `reset`. */
struct facts_acknowledgement {
	uint64_t line; /* 0: there was none */
	int family;    /* 4 or 6 */
	double t;      /* seconds, as in the event */
	/* "2026-11-23T14:05:09.123+01:00"; "": the journal does not say */
	char date[FACTS_DATE];
	char text[32]; /* "OFFSET=20" */
};

/* One datagram of the play. */
struct facts_text {
	uint64_t line;
	char *text;
};

/* A participant that wrote to the television station. */
struct facts_speaker {
	char *id;
	char *text;       /* of the last answer to it; NULL: none yet */
	uint64_t answers; /* answers to it */
	uint64_t total;   /* characters that it has sent */
	uint64_t line;    /* of the last answer; without an answer, of its last message */
};

struct facts {
	unsigned runs; /* `start` events */
	uint64_t events;
	/* events that the journal lost (`lost`); datagrams of `reset` that it only counts
	   (`repeated`) */
	uint64_t missing, repeated;
	/* of the last `start`: its time in seconds, and its date ("": not in the journal) */
	double start_t;
	char start_date[FACTS_DATE];
	uint64_t mss;   /* `pmu.mss`, bytes; 1460 where the journal does not say */
	uint64_t chunk; /* `echo.chunk`, bytes; 16 where the journal does not say */

	/* Connections of echo, pmu and pmu-ws, in the order of run and id. */
	struct facts_conn *conns;
	size_t conn_count, conn_size;

	struct facts_reset reset[2]; /* IPv4, IPv6 */
	uint64_t duplicates;         /* of `reset` */
	struct facts_acknowledgement acknowledgement; /* the last one */

	struct facts_text lines[FACTS_LINES]; /* not those that are only an ID */
	size_t line_count;
	uint64_t lines_told; /* all `line` events */
	struct facts_speaker speakers[FACTS_SPEAKERS];
	size_t speaker_count;
	bool speakers_left_out; /* there were more than FACTS_SPEAKERS */

	json_t *clients; /* array of the clients' objects, in the order of their files */
};

/* Makes `facts` empty. facts_finish is due afterwards. */
void facts_init(struct facts *facts);

/* Reads the journal at `path`; "-" is stdin. Warnings go to stderr as `program`. False with `err`
   (STATUS_FAILED): the file cannot be read, a line is not a JSON object, there is no event in the
   file, or out of memory. */
bool facts_read_journal(struct facts *facts, const char *program, const char *path,
	struct err *err);

/* Adds the objects that clients printed with --json, one a line, to `clients`. May be called for
   several files. Path, warnings and errors as in facts_read_journal. */
bool facts_read_client(struct facts *facts, const char *program, const char *path, struct err *err);

/* Frees all that `facts` holds. */
void facts_finish(struct facts *facts);

/* Takes an event from this line of the journal. An event that is not about a connection of echo,
   pmu or pmu-ws changes nothing. False: out of memory. For facts.c only. */
bool facts_read_conn(struct facts *facts, const json_t *event, uint64_t line);

/* Frees the connections. For facts.c only. */
void facts_finish_conns(struct facts *facts);

/* The size in bytes of the header of a server's WebSocket frame with `bytes` of payload, which is
   not masked (RFC 6455, section 5.2). */
unsigned facts_frame_header(uint64_t bytes);

#endif
