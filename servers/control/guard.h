/*
 * Who may use the control server over TCP: who has the key, from a page of our own. A browser runs
 * what any site tells it, and any user of the machine reaches 127.0.0.1; the Unix socket has its
 * mode and needs none of this.
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
	/* for which the cookie is: no other server of this machine gets it, whatever its port */
	char folder[GUARD_FOLDER_SIZE];
};

/* For http_options.headers: what tells browsers to be as strict as can be, in every answer. */
extern const struct http_header guard_headers[];

/* Makes a key and a folder of the system's chance. False: `err`. */
bool guard_init(struct guard *guard, struct err *err);

/* "http://127.0.0.1:8080/?key=...": what is printed for people. `bound` is a listener's
   (http_listen_tcp); one on all addresses is reached at the loopback one. */
void guard_url(const struct guard *guard, const struct address *bound, char url[GUARD_URL_SIZE]);

/*
 * First in each on_request. True: go on with the request. False: it has been answered and is gone.
 *   Host is not the connection's own address and port, nor localhost and that port: 403
 *   Origin (or Sec-Fetch-Site) says that another site's page asks: 403
 *   GET with ?key=: 303 to the same target without it, in the folder, and the cookie pmulab_PORT for that; from a link on
 *     another site a page that goes on to the folder by itself; a wrong key: 401
 *   neither the cookie, in its folder, nor "Authorization: Bearer KEY": 401
 * What is in the folder is what is outside of it: the request's path is without it from here on.
 * On the Unix socket always true.
 */
bool guard_pass(const struct guard *guard, struct http_request *request);

#endif
