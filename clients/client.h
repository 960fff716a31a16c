/* What the lab's clients do alike with sockets and with what they print. */
#ifndef CLIENTS_CLIENT_H
#define CLIENTS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/json.h"
#include "common/net.h"
#include "common/utf8.h"

/* send() until all of it has been taken; a blocking socket waits meanwhile. Returns how many bytes
   went: fewer than `len` when it failed, and errno says why. */
size_t client_send_all(int fd, const char *data, size_t len);

/* After a send() or recv() that failed: in words, from errno. "timed out" where SO_RCVTIMEO or
   SO_SNDTIMEO ran out (socket(7)), which `*silent` tells as well. */
const char *client_socket_error(bool *silent);

/* Waits until poll(2) sees `events` (POLLIN, POLLOUT), an error or the peer's end on `fd`; true.
   False: it is `deadline` (clock_now()) before that. */
bool client_wait(int fd, short events, double deadline);

/* The last bytes are sent: ends TCP's direction, and reads for at most `seconds` what the peer
   still says. close() with bytes unread would be a reset, which can overtake what was sent (RFC
   1122 4.2.2.13). */
void client_end_tcp(int fd, double seconds);

/* The other end's address, for what is told about it. */
void client_peer(int fd, char text[ADDRESS_TEXT]);

/* A listener on `bind` (an address of this machine) whose accept() waits; says on stderr where it
   listens. -1 with `err` on failure. */
int client_listen(const char *bind, uint16_t port, int backlog, struct err *err);

/* accept4(2) with `flags`; connections that were gone before they were accepted do not count. -1
   with `err`. */
int client_accept(int listener, int flags, struct err *err);

/* Prints "label: " and the bytes to stdout as one line; what is not printable ASCII as \n, \x1b,
   \\. For pieces of a stream, which are cut within characters as well. */
void client_print_piece(const char *label, const char *data, size_t len);

/* What a peer sends and nobody has checked, on stdout as it is: but a terminal must not obey it, so
   there control characters other than \n and \t are escaped. `screen` is zeroed before the first
   piece. */
struct client_screen {
	struct utf8 utf8; /* the character under way */
	unsigned char before; /* the byte before */
};
void client_print_raw(struct client_screen *screen, const char *data, size_t len);

/* Makes visible what was printed. False: stdout takes no more; `err` says why, unless it is that a
   reader such as `head -1` has seen enough. */
bool client_flush(struct err *err);

/* --json: adds "error", ends the object and prints it. What does not fit becomes `err`. */
void client_print_json(struct json *json, struct err *err);

/* "s" unless `count` is 1. */
const char *client_plural(long count);

#endif
