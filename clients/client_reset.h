/* What pdc-reset tells of its runs, and what they say about the loss: the answers to Q16 and
   Q17. */
#ifndef CLIENTS_CLIENT_RESET_H
#define CLIENTS_CLIENT_RESET_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "common/err.h"
#include "common/net.h"

/* RESET:n was sent until an OFFSET came, or it was given up. */
struct reset_run {
	bool answered;
	long x; /* OFFSET=x */
	const char *family; /* "IPv4", "IPv6": which server has answered */
	char server[ADDRESS_TEXT];
	long tries; /* times that it was sent over each family */
	long packets; /* sent over both families */
	long family_packets; /* of them, over the one that answered */
	long refused; /* of these, before the server was there: ICMP has said so */
	time_t time; /* of the answer */
	double seconds;
};

/* What was not an answer. */
struct reset_ignored {
	long foreign; /* from somebody who was not asked */
	long malformed; /* from the server, but no OFFSET=X with 0 <= X <= n */
};

/* Counts one more; tells of it on stderr unless `quiet`; of many, of the first few. `fault`: "who
   was not asked". */
void reset_ignore(long *count, const struct address *from, const char *fault, const char *data,
	size_t len, bool quiet);

/* All runs so far. */
struct reset_runs {
	long runs, answered;
	long all_packets;
	long packets; /* of the runs that were answered */
	long family_packets; /* of them, those that could have been answered */
	bool both_answer; /* an OFFSET has come over either family, if only too late for its run */
	double seconds;
};

void reset_runs_add(struct reset_runs *runs, const struct reset_run *run);

/* "OFFSET=13 over IPv6 after 4 packets (2 of them over IPv6), 2026-03-01 14:03:22 +0100" on stdout,
   nothing where there was no answer. As number `number` of several: a row of the table; its head
   before the first. */
void reset_print_run(const struct reset_run *run, long number);

/* Sets `err` where a run was not answered. */
void reset_runs_judge(const struct reset_runs *runs, const struct reset_run *last,
	const struct reset_ignored *ignored, struct err *err);

/* On stderr: how long it took; of several runs, mean and loss. */
void reset_print_numbers(const struct reset_runs *runs, const struct reset_run *last,
	const struct reset_ignored *ignored);

/* --json: of the only run, or of all. */
void reset_print_json(const struct reset_runs *runs, const struct reset_run *last,
	const struct reset_ignored *ignored, struct err *err);

#endif
