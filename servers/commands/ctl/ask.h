/* Asks the lab: a blocking HTTP/1.1 client, one request at a time, over the Unix socket or an
   http:// address. */
#ifndef SERVERS_COMMANDS_CTL_ASK_H
#define SERVERS_COMMANDS_CTL_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct ctl_lab {
	const char *socket; /* a path; NULL: the default place */
	const char *url;    /* "http://127.0.0.1:8080/?key=..."; NULL: over the socket */
};

/* Pieces of an answer's body as they come. False ends the reading. */
typedef bool ctl_on_body(void *context, const char *data, size_t len);

struct ctl_request {
	const char *method; /* "GET" */
	const char *target; /* "/v1/status", coded (ctl_encode) */
	const char *body;   /* JSON; NULL: none */
	double timeout;     /* seconds without a byte of an answer; 0: none */
	ctl_on_body *on_body; /* of an answer with a status of the 200s; others are kept */
	void *context;
};

enum { CTL_REFUSAL_MAX = 65536 };

struct ctl_answer {
	unsigned status;
	size_t refusal_len;
	/* the body of any other status, cut at its size, with a NUL */
	char refusal[CTL_REFUSAL_MAX];
};

/* Asks, and reads the answer to its end. False with `err` (STATUS_FAILED, or STATUS_USAGE for an
   address that is none): nobody is there, or what answered does not speak HTTP; also where the
   answer ends before its end. */
bool ctl_ask(const struct ctl_lab *lab, const struct ctl_request *request,
	struct ctl_answer *answer, struct err *err);

/* Percent-codes all but letters, digits and -._~ behind what stands in `target`. False: it does not
   fit. */
bool ctl_encode(char *target, size_t size, const char *text);

#endif
