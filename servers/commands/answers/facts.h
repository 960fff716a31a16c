/* What is kept of a journal, and of what clients have counted, to answer the report's questions. */
#ifndef SERVERS_COMMANDS_ANSWERS_FACTS_H
#define SERVERS_COMMANDS_ANSWERS_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "servers/network/capture_read.h"

enum {
	/* of one connection: as many `send` events as the journal tells of it */
	FACTS_SIZES = 1000,
	FACTS_LINES = 5,    /* of the play */
	FACTS_SPEAKERS = 100, /* participants that are remembered */
	FACTS_DATE = 48,
};

enum facts_endpoint { FACTS_ECHO, FACTS_PMU, FACTS_WS };
enum facts_kind { FACTS_NO_COMMAND, FACTS_SHORT, FACTS_FLOOD, FACTS_BAD };

struct facts_sizes {
	uint32_t *items; /* bytes */
	size_t count, size;
};

/* One connection. Numbers of lines are those of the file; 0: there is no such line. */
struct facts_conn {
	unsigned run; /* which `start` it belongs to, from 1 */
	uint64_t id;
	enum facts_endpoint endpoint;
	enum facts_kind kind;
	double d; /* of CMD_short:d, seconds */
	bool ends_known;
	struct capture_end lab, peer;
	uint64_t open_line, command_line, first_send_line, last_send_line, close_line;

	/* handed to the kernel in full: those told, of a closed connection all */
	uint64_t messages;
	uint64_t bytes;     /* of them, as far as told */
	uint64_t wire;      /* the same with the headers of WebSocket */
	struct facts_sizes sizes; /* of each message */

	/* Which packets the messages left in, as far as the kernel's count says after each. */
	bool counted;            /* it does count */
	uint64_t segments;       /* after the last message that was told */
	uint64_t pending;        /* bytes that had not left by then */
	bool guess_broken;       /* `packets` cannot be told from the count */
	struct facts_sizes packets;

	bool done; /* closed, after everything was sent */
	uint64_t segments_out, segments_again; /* of a closed one */
};

/* One family of `reset`. */
struct facts_reset {
	uint64_t received;   /* datagrams that have come while the family was served */
	uint64_t lost;       /* of them or of their answers, by chance */
	uint64_t acknowledged;
	uint64_t first_line, last_line; /* of `receive` and `reply` */
};

struct facts_acknowledgement {
	uint64_t line;
	int family;
	double t;
	char date[FACTS_DATE]; /* "2026-11-23T14:05:09.123+01:00"; "": the journal does not tell */
	char text[32];
};

struct facts_text {
	uint64_t line;
	char *text;
};

struct facts_speaker {
	char *id;
	char *text;       /* of the last answer; NULL: none yet */
	uint64_t answers; /* to it */
	uint64_t total;   /* characters */
	uint64_t line;    /* of the last answer, or of what it said last */
};

struct facts {
	unsigned runs; /* `start` events */
	uint64_t events;
	/* events that the journal lost; datagrams that it only counts */
	uint64_t missing, repeated;
	double start_t;
	char start_date[FACTS_DATE];
	uint64_t mss;       /* `pmu.mss`, bytes */
	uint64_t chunk;     /* `echo.chunk`, bytes */

	struct facts_conn *conns; /* by run and id */
	size_t conn_count, conn_size;

	struct facts_reset reset[2]; /* IPv4, IPv6 */
	uint64_t duplicates;
	struct facts_acknowledgement acknowledgement; /* the last one */

	struct facts_text lines[FACTS_LINES];
	size_t line_count;
	uint64_t lines_told;
	struct facts_speaker speakers[FACTS_SPEAKERS];
	size_t speaker_count;
	bool speakers_left_out;

	json_t *clients; /* array: the objects of clients, in the order of their files */
};

void facts_init(struct facts *facts);

/* Reads a journal; "-" is stdin. False with `err`: it cannot be read, or is no journal. */
bool facts_read_journal(struct facts *facts, const char *program, const char *path,
	struct err *err);

/* Reads what clients have printed with --json, one object a line. */
bool facts_read_client(struct facts *facts, const char *program, const char *path, struct err *err);

void facts_finish(struct facts *facts);

/* An event about a connection, in this line; others change nothing. False: out of memory. */
bool facts_read_conn(struct facts *facts, const json_t *event, uint64_t line);
void facts_finish_conns(struct facts *facts);

/* Bytes that WebSocket puts before a message of so many (RFC 6455, section 5.2; a server does not
   mask). */
unsigned facts_frame_header(uint64_t bytes);

#endif
