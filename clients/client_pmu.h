/*
 * A PMU's answer to one command: shown the moment it comes, checked, counted and judged, whatever
 * carries it. pdc, pdc-tls and pdc-ws read from their sockets and hand over what they have read.
 */
#ifndef CLIENTS_CLIENT_PMU_H
#define CLIENTS_CLIENT_PMU_H

#include <stdbool.h>
#include <stddef.h>

#include "clients/client.h"
#include "clients/client_options.h"
#include "common/carrier/transport.h"
#include "common/err.h"
#include "common/io.h"
#include "common/json.h"
#include "common/net.h"
#include "common/wire.h"

/*
 * A PMU refuses a command with one line that starts with "ERROR ". Only the first bytes of an
 * answer tell the two apart, and they may come one by one.
 */
struct client_refusal {
	char text[512]; /* what has come, as far as it fits */
	size_t len;
	bool excluded; /* it is an answer */
};

/* What a read has brought. True: it may be a refusal and is kept back. False: it is an answer, and
   the first `*held` bytes of `text`, kept back so far, come before it. */
bool client_refusal_take(struct client_refusal *refusal, const char *data, size_t len,
	size_t *held);

/* The answer has ended. True: it was a refusal, which `err` is now (STATUS_FAILED). False: what was
   kept back after all belongs to the answer, `*held` bytes of it. */
bool client_refusal_end(struct client_refusal *refusal, size_t *held, struct err *err);

struct client_pmu {
	const char *text; /* the command as it was given */
	struct wire_command command; /* what it says; zeroed when it says nothing */
	bool known; /* it says something */
	/* the carrier keeps messages apart (WebSocket): client_pmu_take_message is used */
	bool by_message;
	bool quiet; /* nothing of the answer is printed (--json) */
	char peer[ADDRESS_TEXT];
	double connect_timeout; /* seconds for the connecting; 0: any */
	double timeout; /* seconds of silence after it; 0: any */
	double start, seconds; /* clock_now() when the connection stood; how long it took */

	/* What came. */
	struct client_refusal refusal;
	struct wire_splitter splitter;
	size_t shown; /* bytes of the message under way that are printed already */
	bool line_open; /* what is printed needs a newline of ours behind it */
	struct client_screen screen;
	long bytes;
	long messages; /* by_message: as the carrier has counted them; set before client_pmu_end */
	const char *ended; /* one word for --json */
	struct err err; /* what went wrong, if anything */
};

/* The command from the operands, of which there must be exactly one. A wrong one is sent too, to
   see what the PMU says. Timeouts: --timeout, else 10 seconds, and after the connecting as many
   more as the command's own interval. False with `err` (STATUS_USAGE). */
bool client_pmu_init(struct client_pmu *pmu, const char *program,
	const struct client_options *options, int count, char **operands);

/* The connection stands: from here on silence is timed. */
void client_pmu_connected(struct client_pmu *pmu, int fd);

/* PMU messages are expected, not the flood or something unknown. */
bool client_pmu_expects_messages(const struct client_pmu *pmu);

/* What a read has brought: printed, PMU messages one a line. False: enough is seen, do not read
   on. */
bool client_pmu_take(struct client_pmu *pmu, const char *data, size_t len);

/* The same where the carrier says with `last` where a message ends: each one is a line but the
   flood. */
bool client_pmu_take_message(struct client_pmu *pmu, const char *data, size_t len, bool last);

/* The peer has ended the answer in an orderly way. */
void client_pmu_closed(struct client_pmu *pmu);

/* It went wrong: "peer: ..." becomes `err`, and `ended` its word for --json. */
void client_pmu_fail(struct client_pmu *pmu, const char *ended, enum status status,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same for an answer `io` of a transport that is neither data nor the end; `silence` says what
   did not happen in time. */
void client_pmu_fail_io(struct client_pmu *pmu, const struct transport *t, enum io io,
	const char *silence);

/* Nothing more will come: ends the last line, and finds the words for what went wrong. True: the
   peer has ended the answer, and nothing is wrong so far. */
bool client_pmu_end(struct client_pmu *pmu);

/* On stderr: "20 messages, 371 bytes". */
void client_pmu_print_counts(const struct client_pmu *pmu);

/* --json: an object with what all carriers have; the rest goes between the two calls. */
enum { CLIENT_PMU_JSON_SIZE = 8192 };
void client_pmu_json_begin(struct client_pmu *pmu, struct json *json,
	char text[CLIENT_PMU_JSON_SIZE]);
void client_pmu_json_end(struct client_pmu *pmu, struct json *json);

#endif
