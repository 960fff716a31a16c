/* The results of pdc-reset's runs, and what they tell about the loss: the answers to Q16 and
   Q17. */
#ifndef CLIENTS_CLIENT_RESET_H
#define CLIENTS_CLIENT_RESET_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "common/err.h"
#include "common/net.h"

/* One run: RESET:n is sent until an OFFSET arrives or the client gives up. */
struct reset_run {
	bool answered;
	long x; /* OFFSET=x */
	const char *family; /* the family of the answer, "IPv4" or "IPv6"; static */
	char server[ADDRESS_TEXT];
	long tries; /* how often it was sent over each family */
	long packets; /* sent over both families */
	long family_packets; /* of them, over the family of the answer */
	long refused; /* of these, those that met a closed port, as ICMP has told */
	time_t time; /* of the answer, or of the end */
	double seconds; /* of the whole run */
};

/* Counts of datagrams that were no answer, in all runs. */
struct reset_ignored {
	long foreign; /* from a sender that was not asked */
	long malformed; /* from the server, but no OFFSET=X with 0 <= X <= n */
};

/* Adds 1 to `*count`, and reports the datagram on stderr, unless `quiet` or `*count` is over 5.
   `fault` says what is wrong: "who was not asked". */
void reset_ignore(long *count, const struct address *from, const char *fault, const char *data,
	size_t len, bool quiet);

/* The sums of all runs so far. All zero at the start. */
struct reset_runs {
	long runs, answered;
	long all_packets;
	long packets; /* of the runs that were answered */
	long family_packets; /* of them, over the answer's family, without those to a closed port */
	bool both_answer; /* both families have brought an OFFSET, perhaps too late for its run */
	double seconds;
};

/* Adds a run that has ended. It does not set `both_answer`. */
void reset_runs_add(struct reset_runs *runs, const struct reset_run *run);

/* Prints a run to stdout. `number` 0, for the only run: "OFFSET=13 over IPv6 after 4 packets (2 of
   them over IPv6), 2026-03-01 14:03:22 +0100", or nothing if there was no answer. `number` 1 or
   more, for one of several runs: a row of a table, with the table's head before row 1. */
void reset_print_run(const struct reset_run *run, long number);

/* Sets `err` if a run was not answered: STATUS_PROTOCOL if replies without an OFFSET came, else
   STATUS_FAILED. `last` is the last run. */
void reset_runs_judge(const struct reset_runs *runs, const struct reset_run *last,
	const struct reset_ignored *ignored, struct err *err);

/* Prints to stderr the packets, the time and the ignored datagrams; for several runs also the mean
   and the loss. */
void reset_print_numbers(const struct reset_runs *runs, const struct reset_run *last,
	const struct reset_ignored *ignored);

/* For --json: prints the only run, or the sums of several runs, as client_print_json does. */
void reset_print_json(const struct reset_runs *runs, const struct reset_run *last,
	const struct reset_ignored *ignored, struct err *err);

#endif
