/*
 * A transport moves the bytes of one connection: plain TCP, TLS, or WebSocket over either of them.
 * It knows no event loop; the descriptor below may be blocking or not. The server, the clients and
 * the tests use the same ones.
 *
 * Rules for callers: - `handshake` first, again until it is IO_DONE; then `recv`, `send`, `flush`
 * in any order; `finish` at
 *   the end, again until it is IO_DONE.
 * - The descriptor is the caller's: no function here closes it or shuts it down. - On a blocking
 * descriptor IO_WANT_READ and IO_WANT_WRITE mean that SO_RCVTIMEO or SO_SNDTIMEO ran out.
 */
#ifndef COMMON_CARRIER_TRANSPORT_H
#define COMMON_CARRIER_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/io.h"

struct transport;

/* What is known of a connection; strings are "" where they do not apply and live as long as the
   transport. */
struct transport_about {
	const char *tls_version;    /* "TLSv1.3" */
	const char *tls_cipher;     /* "TLS_AES_256_GCM_SHA384" */
	const char *ws_path;        /* "/" */
	const char *ws_close_reason; /* the peer's */
	/* the peer's, RFC 6455 7.1.5: 1005 none given, 1006 no Close frame, 0 still open */
	unsigned ws_close_code;
	/* the peer said goodbye in its carrier's way: close_notify, Close frame, FIN */
	bool orderly;
	/* recv() or SSL_read() calls on the descriptor that brought bytes */
	uint64_t recv_calls;
	uint64_t frames_in;         /* WebSocket data frames received */
	uint64_t messages_in;       /* WebSocket messages received in full */
};

struct transport_ops {
	const char *name; /* "plain", "tls", "ws" */

	/* Makes the carrier ready: nothing, a TLS handshake, the HTTP upgrade (and first the one
	   below). IO_REFUSED: the peer did something else; `err` says what, an answer is queued
	   where there is one. */
	enum io (*handshake)(struct transport *t);

	/* Up to `size` bytes. IO_DONE sets `*len` and `*last`: a message ends with these bytes (ws;
	   false on byte streams). On ws `*len` may be 0: with `*last` for an empty message or one
	   that ends with an empty frame, without it when only control frames came and it is another
	   connection's turn. It answers pings by itself, so the caller flushes after it. */
	enum io (*recv)(struct transport *t, void *buf, size_t size, size_t *len, bool *last);

	/* Offers `len` > 0 bytes, on ws one whole message. IO_DONE sets `*taken`, 1 to `len`. Where
	   fewer were taken, the next call must offer the rest, from the same place or a copy of it.
	   On plain transports one call is one send(). Taken bytes may still be in the transport:
	   see flush. IO_REFUSED: also when the peer has closed in both directions (ws: its Close
	   has come). */
	enum io (*send)(struct transport *t, const void *data, size_t len, size_t *taken);

	/* Moves what the transport holds to the kernel. IO_DONE: nothing is held. */
	enum io (*flush)(struct transport *t);

	/* An idle connection's sign of life (ws: Ping). IO_DONE where the carrier has none. */
	enum io (*ping)(struct transport *t);

	/* Flushes and says goodbye: close_notify; or Close and waiting for the peer's, then what is
	   below. Data that the peer still sends is thrown away. IO_EOF counts as done: the peer was
	   faster. */
	enum io (*finish)(struct transport *t);

	void (*describe)(const struct transport *t, struct transport_about *about);

	/* Frees the transport and the one below. Says nothing to the peer. */
	void (*destroy)(struct transport *t);
};

struct transport {
	const struct transport_ops *ops;
	struct err err; /* valid after IO_REFUSED and IO_FAILED */
};

/* Accepts NULL. */
void transport_destroy(struct transport *t);

/* Plain TCP (any stream socket) on `fd`. NULL: out of memory. */
struct transport *transport_plain_create(int fd);

struct tls_context;

/* TLS on `fd`. `server_name` is NULL on the server's side; on the client's it is the host name or
   address that the certificate is checked for, and is sent as SNI where it is a name. The context
   outlives the transport. NULL: out of memory. */
struct transport *transport_tls_create(struct tls_context *context, int fd,
	const char *server_name);

struct ws_options {
	bool text;            /* send TEXT messages instead of BINARY */
	size_t fragment;      /* bytes a frame that is sent; 0: one frame a message */
	size_t message_limit; /* bytes; a longer message is refused with 1009; 0: no limit */
};

/* WebSocket over `lower`, which belongs to the new transport from here on, also on failure (NULL:
   out of memory). The server's side accepts path "/" only. */
struct transport *transport_ws_accept(struct transport *lower, const struct ws_options *options);

/* The client's side: `host` as it goes into the Host header ("localhost:5006"), `path` such as
   "/". */
struct transport *transport_ws_connect(struct transport *lower, const char *host, const char *path,
	const struct ws_options *options);

#endif
