/*
 * A transport moves the bytes of one connection. It is plain TCP, TLS, or WebSocket over either of
 * them. It knows no event loop, and its descriptor may be blocking or not. The servers, the clients
 * and the tests use the same transports. Rules for callers:
 *
 *   Call `handshake` first, again until it returns IO_DONE. Then call `recv`, `send`, `flush` and
 *     `ping` in any order. At the end call `finish`, again until it returns IO_DONE.
 *   The descriptor is the caller's: no function here closes it or shuts it down.
 *   On a blocking descriptor IO_WANT_READ and IO_WANT_WRITE mean that SO_RCVTIMEO or SO_SNDTIMEO
 *     has run out.
 */
#ifndef COMMON_CARRIER_TRANSPORT_H
#define COMMON_CARRIER_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/io.h"

struct transport;

/* The facts about a connection. Strings are "" where they do not apply, and live as long as the
   transport. */
struct transport_about {
	const char *tls_version;    /* "TLSv1.3" */
	const char *tls_cipher;     /* "TLS_AES_256_GCM_SHA384" */
	const char *ws_path;        /* "/" */
	const char *ws_note;        /* what was unusual in the upgrade and was accepted */
	const char *ws_close_reason; /* of the peer's Close frame */
	/* the peer's close code (RFC 6455 7.1.5); 1005: it gave none; 1006: it sent no Close frame;
	   0: still open, or no WebSocket */
	unsigned ws_close_code;
	/* the peer has ended in its carrier's way: with close_notify, a Close frame, or a FIN */
	bool orderly;
	/* calls of recv() or SSL_read() that returned bytes */
	uint64_t recv_calls;
	uint64_t frames_in;         /* WebSocket data frames received */
	uint64_t messages_in;       /* complete WebSocket messages received */
};

struct transport_ops {
	const char *name; /* "plain", "tls", "ws" */

	/* Makes the carrier ready. Plain: nothing. TLS: its handshake. ws: the handshake of the
	   transport below, then the HTTP upgrade. IO_REFUSED: the peer did something else, or one
	   side refused the other. */
	enum io (*handshake)(struct transport *t);

	/* Reads up to `size` bytes. IO_DONE sets `*len` and `*last`. `*last`: a message ends with
	   these bytes (ws); on byte streams it is false. On ws `*len` may be 0. If
	   `*last` is true then, the message is empty or ends with an empty frame. If it is false,
	   only frames without data came, and the caller lets another connection have its turn. ws
	   queues the answers to pings, so the caller flushes after each call. */
	enum io (*recv)(struct transport *t, void *buf, size_t size, size_t *len, bool *last);

	/* Offers `len` > 0 bytes; on ws they are one whole message. IO_DONE sets `*taken`, 1 to
	   `len`. If it took fewer, the next call must offer the rest, from the same place or from a
	   copy. On plain transports one call is one send(). Taken bytes may still be in the
	   transport's buffer: see flush. IO_REFUSED also when both directions have ended (ws: the
	   peer's Close frame has arrived). */
	enum io (*send)(struct transport *t, const void *data, size_t len, size_t *taken);

	/* Moves the transport's buffer to the kernel. IO_DONE: the buffer is empty. */
	enum io (*flush)(struct transport *t);

	/* Sends a sign of life on an idle connection (ws: Ping, and flushes). Does nothing, with
	   IO_DONE, where the carrier has none. */
	enum io (*ping)(struct transport *t);

	/* Flushes and ends the carrier. TLS: sends close_notify. ws: sends a Close frame, waits for
	   the peer's, then finishes the transport below. Throws away data that the peer still
	   sends. The peer's end counts as done. */
	enum io (*finish)(struct transport *t);

	/* Fills `about`, at any time. */
	void (*describe)(const struct transport *t, struct transport_about *about);

	/* Frees the transport and the one below. Sends nothing to the peer. */
	void (*destroy)(struct transport *t);
};

struct transport {
	const struct transport_ops *ops;
	struct err err; /* why; valid after IO_REFUSED and IO_FAILED */
};

/* Calls `destroy`. Accepts NULL. */
void transport_destroy(struct transport *t);

/* Makes a plain transport on `fd`, a stream socket. The caller owns the transport. NULL: out of
   memory. */
struct transport *transport_plain_create(int fd);

struct tls_context;

/* Makes a TLS transport on `fd`, which the caller owns. `context` outlives it. Set `fd` to blocking
   or non-blocking before. `server_name` is NULL on the server's side. On the client's side it is
   the host name or address that the certificate must have; a name is also sent as SNI. NULL: out of
   memory, or OpenSSL refuses the name (it is empty or has more than 255 bytes). */
struct transport *transport_tls_create(struct tls_context *context, int fd,
	const char *server_name);

struct ws_options {
	bool text;            /* send TEXT messages instead of BINARY */
	size_t fragment;      /* payload bytes of a sent frame; 0: one frame a message */
	/* bytes of a received message; a longer one is refused with 1009; 0: no limit */
	size_t message_limit;
};

/* Makes the server's side of a WebSocket over `lower` (plain or TLS). It owns `lower` from here on,
   and destroys it on failure. `options` are copied. It accepts every path. NULL: out of memory. */
struct transport *transport_ws_accept(struct transport *lower, const struct ws_options *options);

/* Makes the client's side; `lower`, `options` and NULL as above. `host` is the value of the Host
   header ("localhost:5006"), `path` the request's target ("/"); both are copied. A bad one is
   refused by `handshake`. */
struct transport *transport_ws_connect(struct transport *lower, const char *host, const char *path,
	const struct ws_options *options);

#endif
