/* Shared by ws_upgrade*.c: the state of a head while it arrives, and the judge of each side. */
#ifndef COMMON_CARRIER_WS_UPGRADE_PRIVATE_H
#define COMMON_CARRIER_WS_UPGRADE_PRIVATE_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/carrier/ws_upgrade.h"
#include "common/err.h"
#include "common/wire.h"

enum {
	WS_KEY_SIZE = 25,    /* bytes of Sec-WebSocket-Key with its NUL: 16 bytes in base64 */
	WS_ACCEPT_SIZE = 29, /* of Sec-WebSocket-Accept with its NUL: 20 bytes (SHA-1) in base64 */
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

/* A text of the head, NUL-terminated. All zero at the start. */
struct text {
	char bytes[512];
	size_t len;
	bool cut; /* it was truncated */
};

/* Appends. Truncates a text that does not fit, and sets `cut`. */
void text_add(struct text *text, const char *data, size_t len);

/* Judges the head, and makes the output and `err`. Called once, when the head is complete or can no
   longer become a good one. */
typedef enum ws_verdict ws_upgrade_judge(struct ws_upgrade *upgrade);

struct ws_upgrade {
	llhttp_t parser;
	ws_upgrade_judge *judge;
	enum ws_verdict verdict;
	bool secure;       /* server: TLS is below */

	size_t head_len;   /* bytes of the head so far */
	char before;       /* the last byte so far */
	char first[65];    /* the head's first bytes, NUL-terminated, for error texts */
	bool complete;     /* the blank line has arrived */
	bool too_large;
	bool value_cut;    /* a header that counts is too long */
	bool nameless;     /* a header without a name, or with a blank in it */
	bool has_content;  /* Content-Length says more than 0 */
	const char *flaw;  /* what llhttp let pass */
	enum llhttp_errno error;

	struct text start; /* the request's target, or the response's reason phrase */
	struct text name, value; /* of the current header */
	unsigned seen[HEADER_COUNT]; /* how often each header has come */
	char host[256], key[WS_KEY_SIZE], version[8], accept[WS_ACCEPT_SIZE];
	bool upgrade_listed;    /* "websocket" is among the tokens of Upgrade */
	bool upgrade_alone;     /* it is the only token */
	bool connection_listed; /* "upgrade" is among the tokens of Connection */

	char wanted[WS_ACCEPT_SIZE]; /* client: the Sec-WebSocket-Accept for its key */
	char *output; /* owned; NULL: empty */
	size_t output_len;
	char path[WIRE_ESCAPED_MAX]; /* server: the target, to be shown */
	char note[128];    /* server: what was accepted though it is unusual */
	struct err err;
};

/* Makes a side with its judge. NULL: out of memory. */
struct ws_upgrade *ws_upgrade_create(llhttp_type_t type, ws_upgrade_judge *judge);

/* Writes the Sec-WebSocket-Accept for `key` (RFC 6455 4.2.2, step 5.4). False: libcrypto has no
   SHA-1. */
bool ws_upgrade_accept_value(const char *key, char accept[WS_ACCEPT_SIZE]);

/* Makes the output, once. False: out of memory; `upgrade->err` says so. */
bool ws_upgrade_print(struct ws_upgrade *upgrade, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
