/*
 * Decides which requests may use the control server over TCP: those with the key, from the lab's
 * own page. A browser runs what any site tells it, and every user of the machine can reach
 * 127.0.0.1. The Unix socket has its file mode and needs no guard.
 */
#ifndef SERVERS_CONTROL_GUARD_H
#define SERVERS_CONTROL_GUARD_H

#include <stdbool.h>

#include "common/err.h"
#include "common/net.h"
#include "servers/http/http.h"

enum {
	GUARD_KEY_SIZE = 33,               /* 128 bits in hex, and a NUL */
	GUARD_FOLDER_SIZE = 18,            /* "/", 64 bits in hex, and a NUL */
	GUARD_URL_SIZE = ADDRESS_TEXT + 64,
};

struct guard {
	char key[GUARD_KEY_SIZE];
	/* the cookie's path: so no other server of this machine gets the cookie, whatever its
	   port */
	char folder[GUARD_FOLDER_SIZE];
};

/* For http_options.headers: tells browsers in every answer to be as strict as possible. */
extern const struct http_header guard_headers[];

/* Makes a random key and folder. False with `err` (STATUS_FAILED): the system has no random
   bytes. */
bool guard_init(struct guard *guard, struct err *err);

/* Writes the URL that is printed for people, "http://127.0.0.1:8080/?key=...". `bound` is the
   listener's address (http_listen_tcp); for a listener on all addresses the URL has the loopback
   one. */
void guard_url(const struct guard *guard, const struct address *bound, char url[GUARD_URL_SIZE]);

/*
 * Call it first in each on_request. True: go on with the request. False: it has been answered and
 * is gone. The rules, in this order:
 *
 *   Host is neither the connection's own address nor localhost, with its port: 403.
 *   Origin or Sec-Fetch-Site says that a page of another site asks: 403.
 *   GET with the right ?key=: 303 to the same target without the key, in the folder, and the
 *     cookie pmulab_PORT for the folder. For a link on another site: a page that goes on to the
 *     folder by itself, and the cookie. A wrong key: 401.
 *   Neither the cookie, in its folder, nor "Authorization: Bearer KEY": 401.
 *
 * The folder has the same content as the root: its name is removed from the request's path. On the
 * Unix socket the result is always true.
 */
bool guard_pass(const struct guard *guard, struct http_request *request);

#endif
