/*
 * A PMU's answer to one command. It is printed as soon as it arrives, checked, counted and judged,
 * the same for every carrier. pdc, pdc-tls and pdc-ws read from their sockets and hand over the
 * bytes:
 *
 *   client_pmu_init -> client_pmu_connected -> client_pmu_take or client_pmu_take_message ->
 *   client_pmu_closed or client_pmu_fail -> client_pmu_end
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
 * A PMU refuses a command with one line that begins with "ERROR ". Only the first bytes tell a
 * refusal from an answer, and they may arrive one by one. All zero at the start.
 */
struct client_refusal {
	char text[512]; /* the bytes so far, truncated; not NUL-terminated */
	size_t len;
	bool excluded; /* it is an answer, no refusal */
};

/* Takes the bytes of a read. True: they may be part of a refusal, and are kept back. False: they
   are part of an answer; the first `*held` bytes of `refusal->text`, which were kept back, come
   before them. */
bool client_refusal_take(struct client_refusal *refusal, const char *data, size_t len,
	size_t *held);

/* The answer has ended. True: it was a refusal, and `err` has its line (STATUS_FAILED). False: the
   first `*held` bytes of `refusal->text`, which were kept back, belong to the answer. */
bool client_refusal_end(struct client_refusal *refusal, size_t *held, struct err *err);

struct client_pmu {
	const char *text; /* the command as it was given; points into argv */
	struct wire_command command; /* the command, parsed; all zero if it is unknown */
	bool known; /* the text is a command of the lab */
	/* the carrier separates messages (WebSocket), so client_pmu_take_message is used; set after
	   client_pmu_init */
	bool by_message;
	bool quiet; /* nothing of the answer is printed (--json) */
	char peer[ADDRESS_TEXT];
	double connect_timeout; /* seconds for connecting; 0: no limit */
	double timeout; /* seconds of silence after that; 0: no limit */
	/* clock_now() when the connection was established; seconds from then to the end */
	double start, seconds;

	/* The answer so far. */
	struct client_refusal refusal;
	struct wire_splitter splitter;
	size_t shown; /* bytes of the current message that are already printed */
	bool line_open; /* the printed text does not end with a newline yet */
	struct client_screen screen;
	long bytes;
	/* by_message: the carrier's count of messages; set before client_pmu_end */
	long messages;
	const char *ended; /* how the answer ended, in one or two words, for --json */
	struct err err; /* what went wrong; no text: nothing */
};

/* Sets up `pmu` with the command from the operands, of which there must be exactly one. An unknown
   command is accepted, to see the PMU's answer. `options->timeout` below 0 means that it was not
   given: then connecting may take 10 seconds, and silence afterwards 10 seconds more than the
   command's interval. False with `pmu->err` (STATUS_USAGE). */
bool client_pmu_init(struct client_pmu *pmu, const char *program,
	const struct client_options *options, int count, char **operands);

/* The connection on `fd`, a blocking socket, is established. Sets the socket's time limits to
   `timeout`, and notes the peer and the start. */
void client_pmu_connected(struct client_pmu *pmu, int fd);

/* Whether PMU messages are expected (CMD_short), and not the flood or the answer to an unknown
   command. */
bool client_pmu_expects_messages(const struct client_pmu *pmu);

/* Takes the bytes of a read and prints them; each PMU message gets a line. False: do not read on,
   because the bytes are no PMU messages or stdout takes no more. */
bool client_pmu_take(struct client_pmu *pmu, const char *data, size_t len);

/* The same for a carrier that separates messages; `last`: a message ends with these bytes. Each
   message is printed as a line, except in the flood. */
bool client_pmu_take_message(struct client_pmu *pmu, const char *data, size_t len, bool last);

/* The peer has ended its direction: recv(2) has returned 0, or a transport IO_EOF. */
void client_pmu_closed(struct client_pmu *pmu);

/* Notes a failure: sets `pmu->err` to "peer: ...", and `pmu->ended` to `ended`, which is static. */
void client_pmu_fail(struct client_pmu *pmu, const char *ended, enum status status,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same for a result `io` of a transport that is neither IO_DONE nor IO_EOF. `silence` says what
   did not happen in time. */
void client_pmu_fail_io(struct client_pmu *pmu, const struct transport *t, enum io io,
	const char *silence);

/* The answer is over: ends the last line, and sets `err` if it was a refusal or is no PMU's. True:
   the peer has ended the answer, and nothing is wrong so far. */
bool client_pmu_end(struct client_pmu *pmu);

/* Prints to stderr, without a newline: "20 messages, 371 bytes". */
void client_pmu_print_counts(const struct client_pmu *pmu);

/* For --json: begin and end the object with the members that all carriers have. `text` is its
   buffer. The carrier's own members go between the two calls. The second one prints the object, and
   sets `pmu->err` as client_print_json does. */
enum { CLIENT_PMU_JSON_SIZE = 8192 };
void client_pmu_json_begin(struct client_pmu *pmu, struct json *json,
	char text[CLIENT_PMU_JSON_SIZE]);
void client_pmu_json_end(struct client_pmu *pmu, struct json *json);

#endif
