/*
 * TLS on a descriptor, with OpenSSL. OpenSSL's own socket BIO is used. A callback on it learns two
 * things that SSL_read(3) does not tell: TCP has ended without close_notify (sending still works
 * then), and the first bytes of a peer that does not speak TLS.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "common/carrier/tls_context.h"
#include "common/carrier/tls_reason.h"
#include "common/carrier/transport.h"
#include "common/wire.h"

/*
 * The most reads of a non-blocking descriptor in one recv. A peer may send key updates for ever
 * (RFC 8446 4.6.3). They carry no data, so SSL_read would not return.
 */
enum { READS_AT_ONCE = 4 };

struct transport_tls {
	struct transport base;
	struct tls_context *context;
	SSL *ssl;
	char host[256]; /* client: the server's name; "" on the server's side */
	char refusal[400]; /* client: why the certificate was refused */
	/* the peer's first bytes; with the one byte more, wire_escape shows that they are cut */
	char first[WIRE_COMMAND_MAX + 1];
	size_t first_len;
	uint64_t recv_calls;
	int reads_left; /* of READS_AT_ONCE; negative: no limit */
	bool blocking;
	bool ready; /* the handshake is done */
	bool ended; /* TCP has ended the peer's direction */
	bool orderly; /* with a close_notify before */
	bool broken; /* nothing may be asked of `ssl` any more (SSL_get_error(3)) */
	int mute; /* errno of the write that failed: what the peer had sent can still be read */
	bool finished; /* our close_notify is with the kernel */
};

static struct transport_tls *tls_of(struct transport *t)
{
	return (struct transport_tls *)t;
}

/*
 * The callback on the BIO. It reports TCP's end to OpenSSL as "no data yet". If OpenSSL knew of the
 * end, it would send an alert and refuse to send from then on. But a peer that half-closes after
 * its command must get its answer.
 */
static long on_bio(BIO *bio, int op, const char *data, size_t len, int argi, long argl, int ret,
	size_t *processed)
{
	struct transport_tls *t = (struct transport_tls *)(void *)BIO_get_callback_arg(bio);

	if (op == BIO_CB_READ) {
		if (t->ended || t->reads_left == 0) {
			BIO_set_retry_read(bio);
			return -1;
		}
		if (t->reads_left > 0)
			t->reads_left--;
	}
	/* A write that failed is shown as one that waits, for then OpenSSL still reads what the
	   peer had sent before it went, such as why. */
	if (op == (BIO_CB_WRITE | BIO_CB_RETURN) && ret <= 0 && !BIO_should_retry(bio)) {
		t->mute = errno ? errno : EPIPE;
		BIO_set_retry_write(bio);
		return -1;
	}
	if (op != (BIO_CB_READ | BIO_CB_RETURN))
		return ret;
	if (ret > 0 && !t->ready && t->first_len < sizeof t->first) {
		size_t room = sizeof t->first - t->first_len;

		if (*processed < room)
			room = *processed;
		memcpy(t->first + t->first_len, data, room);
		t->first_len += room;
	}
	if (ret == 0 || (ret < 0 && !BIO_should_retry(bio) && BIO_eof(bio))) {
		t->ended = true;
		BIO_set_retry_read(bio);
		return -1;
	}
	return ret;
}

/* The first failure ends the verification. Its reason is put into words now, while the certificate
   is available. */
static int on_verify(int good, X509_STORE_CTX *store)
{
	if (!good) {
		SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
		struct transport_tls *t = SSL_get_app_data(ssl);

		tls_reason_certificate(t->refusal, sizeof t->refusal, store, t->host,
			tls_context_trust(t->context));
	}
	return good;
}

static enum io lost(struct transport_tls *t, int error)
{
	err_set(&t->base.err, STATUS_FAILED, "the TLS connection was lost: %s",
		error ? strerror(error) : "no reason known");
	return IO_FAILED;
}

static enum io refuse_protocol(struct transport_tls *t)
{
	unsigned long code = ERR_peek_error();
	int reason = ERR_GET_REASON(code);
	char text[WIRE_ESCAPED_MAX];

	/* In a handshake a record begins with the byte 22 or 21 (RFC 8446 5.1). Anything else is
	   not TLS. */
	if (!t->ready && t->first_len > 0 && t->first[0] != 22 && t->first[0] != 21) {
		wire_escape(text, t->first, t->first_len);
		err_set(&t->base.err, STATUS_PROTOCOL,
			"the peer does not speak TLS: it sent \"%s\"", text);
		return IO_REFUSED;
	}
	if (t->refusal[0] != '\0') {
		err_set(&t->base.err, STATUS_FAILED, "%s", t->refusal);
		return IO_REFUSED;
	}
	if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET) {
		char alert[200];

		tls_reason_alert(alert, sizeof alert, reason - SSL_AD_REASON_OFFSET);
		err_set(&t->base.err, STATUS_FAILED, "%s", alert);
		return t->ready ? IO_FAILED : IO_REFUSED;
	}
	if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW) {
		err_set(&t->base.err, STATUS_PROTOCOL,
			"the peer only speaks versions of TLS older than 1.2");
		return IO_REFUSED;
	}
	const char *disagreement = t->ready ? NULL : tls_reason_disagreement(t->ssl, reason);

	if (disagreement) {
		err_set(&t->base.err, STATUS_PROTOCOL, "the peer offers %s", disagreement);
		return IO_REFUSED;
	}
	const char *words = ERR_reason_error_string(code);

	err_set(&t->base.err, STATUS_PROTOCOL, "the peer broke TLS%s: %s",
		t->ready ? "" : " in the handshake", words ? words : "no reason known");
	return IO_REFUSED;
}

/* The result of an OpenSSL call that returned `ret` <= 0. `saved` is errno right after the call. */
static enum io settle(struct transport_tls *t, int ret, int saved)
{
	switch (SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		return t->ended ? IO_EOF : IO_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return t->mute ? lost(t, t->mute) : IO_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		t->orderly = true;
		t->ended = true;
		return IO_EOF;
	case SSL_ERROR_SSL:
		t->broken = true;
		return refuse_protocol(t);
	default:
		t->broken = true;
		return lost(t, saved);
	}
}

/*
 * Whether the call must be made again. A process that was stopped and continued gets EINTR where a
 * time limit is set (signal(7)). OpenSSL does not tell this from a time limit that has run out.
 */
static bool was_interrupted(const struct transport_tls *t, int ret, int saved)
{
	return ret <= 0 && saved == EINTR && (SSL_want_read(t->ssl) || SSL_want_write(t->ssl));
}

static enum io tls_handshake(struct transport *transport)
{
	struct transport_tls *t = tls_of(transport);
	int ret, saved;

	if (t->ready)
		return IO_DONE;
	if (t->broken)
		return IO_FAILED;
	do {
		ERR_clear_error();
		errno = 0;
		ret = SSL_do_handshake(t->ssl);
		saved = errno;
	} while (was_interrupted(t, ret, saved));
	if (ret == 1) {
		t->ready = true;
		return IO_DONE;
	}
	enum io io = settle(t, ret, saved);

	if (io == IO_EOF) {
		t->broken = true;
		/* Node.js, PHP and wget send no alert where they do not accept a certificate. */
		bool refused = t->host[0] == '\0' && SSL_get_state(t->ssl) != TLS_ST_BEFORE;

		err_set(&t->base.err, STATUS_FAILED,
			"the peer closed the connection in the TLS handshake%s",
			refused ? ", as some do that do not accept our certificate" : "");
	}
	return io;
}

static enum io tls_recv(struct transport *transport, void *buf, size_t size, size_t *len,
	bool *last)
{
	struct transport_tls *t = tls_of(transport);
	int ret, saved;

	*len = 0;
	*last = false;
	if (t->broken)
		return IO_FAILED;
	t->reads_left = t->blocking ? -1 : READS_AT_ONCE;
	do {
		ERR_clear_error();
		errno = 0;
		ret = SSL_read_ex(t->ssl, buf, size, len);
		saved = errno;
	} while (was_interrupted(t, ret, saved));
	t->reads_left = -1;
	if (ret == 1) {
		t->recv_calls++;
		return IO_DONE;
	}
	*len = 0;
	return settle(t, ret, saved);
}

/* SSL_write takes one record of at most 16 KiB at a time (SSL_MODE_ENABLE_PARTIAL_WRITE). */
static enum io tls_send(struct transport *transport, const void *data, size_t len, size_t *taken)
{
	struct transport_tls *t = tls_of(transport);
	int ret = 1, saved = 0;

	*taken = 0;
	if (t->broken)
		return IO_FAILED;
	if (t->mute)
		return lost(t, t->mute);
	while (*taken < len && (ret == 1 || was_interrupted(t, ret, saved))) {
		size_t part = 0;

		ERR_clear_error();
		errno = 0;
		ret = SSL_write_ex(t->ssl, (const char *)data + *taken, len - *taken, &part);
		saved = errno;
		if (ret == 1)
			*taken += part;
	}
	if (*taken > 0)
		return IO_DONE; /* the next call meets again what stopped this one */
	enum io io = settle(t, ret, saved);

	if (io == IO_EOF) { /* TLS itself waits for the peer, which can send nothing more */
		t->broken = true;
		err_set(&t->base.err, STATUS_FAILED, "the peer closed the connection");
		return IO_FAILED;
	}
	return io;
}

/* OpenSSL keeps no data that SSL_write has taken. */
static enum io tls_flush(struct transport *transport)
{
	return IO_DONE;
}

static enum io tls_ping(struct transport *transport)
{
	return IO_DONE;
}

/*
 * Each side closes its own direction (RFC 8446 6.1), so this does not wait for the peer's
 * close_notify. Most students' programs never send one.
 */
static enum io tls_finish(struct transport *transport)
{
	struct transport_tls *t = tls_of(transport);

	if (t->finished || t->broken || t->mute || !t->ready)
		return IO_DONE;
	ERR_clear_error();
	errno = 0;
	int ret = SSL_shutdown(t->ssl);

	if (ret < 0) {
		enum io io = settle(t, ret, errno);

		if (io == IO_WANT_WRITE || io == IO_FAILED)
			return io;
	}
	t->finished = true;
	return IO_DONE;
}

static void tls_describe(const struct transport *transport, struct transport_about *about)
{
	const struct transport_tls *t = (const struct transport_tls *)transport;

	*about = (struct transport_about){
		.tls_version = t->ready ? SSL_get_version(t->ssl) : "",
		.tls_cipher = t->ready ? SSL_get_cipher_name(t->ssl) : "",
		.ws_path = "",
		.ws_note = "",
		.ws_close_reason = "",
		.orderly = t->orderly,
		.recv_calls = t->recv_calls,
	};
}

static void tls_destroy(struct transport *transport)
{
	struct transport_tls *t = tls_of(transport);

	/* Without this OpenSSL would not resume the session of a peer that has sent no
	   close_notify. Most students' programs send none. */
	if (t->ready && !t->broken)
		SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(t->ssl);
	free(t);
}

static const struct transport_ops tls_ops = {
	.name = "tls",
	.handshake = tls_handshake,
	.recv = tls_recv,
	.send = tls_send,
	.flush = tls_flush,
	.ping = tls_ping,
	.finish = tls_finish,
	.describe = tls_describe,
	.destroy = tls_destroy,
};

/* Sets the name or address that the certificate must have. A certificate has them in different
   fields. SNI carries names only (RFC 6066 3). */
static bool expect_host(SSL *ssl, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

struct transport *transport_tls_create(struct tls_context *context, int fd, const char *server_name)
{
	struct transport_tls *t = calloc(1, sizeof *t);
	int flags = fcntl(fd, F_GETFL);

	if (t == NULL)
		return NULL;
	t->base.ops = &tls_ops;
	t->context = context;
	t->reads_left = -1;
	t->blocking = flags == -1 || (flags & O_NONBLOCK) == 0;
	t->ssl = SSL_new(tls_context_ssl(context));
	if (t->ssl == NULL || SSL_set_fd(t->ssl, fd) != 1)
		goto fail;
	SSL_set_app_data(t->ssl, t);
	BIO_set_callback_arg(SSL_get_rbio(t->ssl), (char *)t);
	BIO_set_callback_ex(SSL_get_rbio(t->ssl), on_bio);
	if (server_name == NULL) {
		SSL_set_accept_state(t->ssl);
		return &t->base;
	}
	snprintf(t->host, sizeof t->host, "%s", server_name);
	SSL_set_verify(t->ssl, SSL_VERIFY_PEER, on_verify);
	if (!expect_host(t->ssl, server_name))
		goto fail;
	SSL_set_connect_state(t->ssl);
	return &t->base;

fail:
	SSL_free(t->ssl);
	free(t);
	return NULL;
}
