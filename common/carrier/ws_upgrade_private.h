/* For ws_upgrade*.c only: what is known of a head while it comes in, and the judge of a side. */
#ifndef COMMON_CARRIER_WS_UPGRADE_PRIVATE_H
#define COMMON_CARRIER_WS_UPGRADE_PRIVATE_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/carrier/ws_upgrade.h"
#include "common/err.h"

enum {
	WS_KEY_SIZE = 25,    /* 16 bytes in base64, and a NUL */
	WS_ACCEPT_SIZE = 29, /* 20 bytes (SHA-1) in base64, and a NUL */
};

enum header {
	HEADER_OTHER,
	HEADER_HOST,
	HEADER_UPGRADE,
	HEADER_CONNECTION,
	HEADER_KEY,
	HEADER_VERSION,
	HEADER_ACCEPT,
	HEADER_EXTENSIONS,
	HEADER_PROTOCOL,
	HEADER_CONTENT_LENGTH,
	HEADER_TRANSFER_ENCODING,
	HEADER_COUNT,
};

/* NUL-terminated; what does not fit is cut. */
struct text {
	char bytes[512];
	size_t len;
	bool cut;
};

void text_add(struct text *text, const char *data, size_t len);

/* Called once: the head is complete, or can no longer become a good one. */
typedef enum ws_verdict ws_upgrade_judge(struct ws_upgrade *upgrade);

struct ws_upgrade {
	llhttp_t parser;
	ws_upgrade_judge *judge;
	enum ws_verdict verdict;
	bool secure;

	size_t head_len;
	char before;       /* the byte before the next one */
	char first[65];    /* how it began, to be shown */
	bool complete;     /* the blank line has come */
	bool too_large;
	bool value_cut;    /* a header that counts is too long */
	const char *flaw;  /* what llhttp let pass */
	enum llhttp_errno error;

	struct text start; /* the request's target, the response's reason phrase */
	struct text name, value;
	unsigned seen[HEADER_COUNT];
	char host[256], key[WS_KEY_SIZE], version[8], accept[WS_ACCEPT_SIZE];
	bool upgrade_listed;    /* "websocket" is among the tokens of Upgrade */
	bool upgrade_alone;     /* and is the only one */
	bool connection_listed; /* "upgrade" is among the tokens of Connection */

	char wanted[WS_ACCEPT_SIZE]; /* client: the Sec-WebSocket-Accept that its key asks for */
	char *output;
	size_t output_len;
	struct err err;
};

/* NULL: out of memory. */
struct ws_upgrade *ws_upgrade_create(llhttp_type_t type, ws_upgrade_judge *judge);

/* Sec-WebSocket-Accept for `key` (RFC 6455 4.2.2, 5.4). False: libcrypto refused. */
bool ws_upgrade_accept_value(const char *key, char accept[WS_ACCEPT_SIZE]);

/* Makes the output. False: out of memory, and `err` says so. */
bool ws_upgrade_print(struct ws_upgrade *upgrade, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
