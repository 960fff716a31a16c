/* Shared by the lab's clients: sockets, and what they print. */
#ifndef CLIENTS_CLIENT_H
#define CLIENTS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/json.h"
#include "common/net.h"
#include "common/utf8.h"

/* Calls send(2) on a blocking socket until it has taken all bytes. SIGPIPE must be
   ignored. Returns how many bytes were taken; fewer than `len`: it failed, with errno. */
size_t client_send_all(int fd, const char *data, size_t len);

/* The reason why a send(2) or recv(2) on a blocking socket failed, from errno. "timed out" if
   SO_RCVTIMEO or SO_SNDTIMEO ran out (socket(7)); `*silent` tells this too. Static, or of
   strerror(3). */
const char *client_socket_error(bool *silent);

/* Waits until poll(2) reports on `fd` one of `events` (POLLIN, POLLOUT), an error (POLLERR) or the
   end of both directions (POLLHUP). `events` 0: only the last two. `deadline` is on clock_now;
   INFINITY: none. False: the deadline came first. */
bool client_wait(int fd, short events, double deadline);

/* Half-closes the connection after the last bytes, then reads until the peer closes, for at most
   `seconds`. close(2) with unread bytes would reset the connection, and the reset can overtake the
   bytes that were sent (RFC 1122 4.2.2.13). `fd` stays open. */
void client_end_tcp(int fd, double seconds);

struct tls_context;

/* Appends the secrets of TLS connections to the file that the environment's SSLKEYLOGFILE names,
   for Wireshark. A file that cannot be opened is told on stderr, and nothing else comes of it. */
void client_tls_keys(const char *program, struct tls_context *context);

/* Writes the peer's address and port (address_format); "unknown": it has none any more. */
void client_peer(int fd, char text[ADDRESS_TEXT]);

/* Opens a blocking TCP listener on `bind`, an address of this machine; port 0: a free one. Prints
   its address and port to stderr. The caller owns the descriptor. -1 with `err`: STATUS_USAGE,
   `bind` is no IP address; STATUS_BIND, the listener cannot be opened. */
int client_listen(const char *bind, uint16_t port, int backlog, struct err *err);

/* Waits for a connection and accepts it with `flags` (accept4(2)). It skips connections that ended
   before they were accepted. The caller owns the descriptor. -1 with `err` (STATUS_FAILED). */
int client_accept(int listener, int flags, struct err *err);

/* Prints "label: " and the bytes to stdout as one line. All but printable ASCII is escaped, and the
   backslash too: \n, \x1b, \\. For pieces of a stream, which may end inside a UTF-8 character. */
void client_print_piece(const char *label, const char *data, size_t len);

/* Prints unchecked bytes of a peer to stdout as they are. If stdout is a terminal, which must not
   obey them, control characters except \n and \t are escaped. `screen` keeps the state between the
   pieces of a stream; it is all zero before the first one. */
struct client_screen {
	struct utf8 utf8; /* the current character */
	unsigned char before; /* the last byte */
};
void client_print_raw(struct client_screen *screen, const char *data, size_t len);

/* Flushes stdout. False: it takes no more. `err` (STATUS_FAILED) says why, except for EPIPE: a
   reader such as `head -1` has closed the pipe, which is no error. */
bool client_flush(struct err *err);

/* For --json: adds the member "error" from `err` (no text: null), ends the object, prints it as a
   line and flushes. Sets `err` (STATUS_FAILED) if the object does not fit into its buffer, or as
   client_flush does. */
void client_print_json(struct json *json, struct err *err);

/* The ending of a plural: "s"; "" if `count` is 1. */
const char *client_plural(long count);

#endif
