/*
 * SSL_CTX from files or memory, with the lab's rules: TLS 1.2 and 1.3, no renegotiation, no RSA key
 * transport, session tickets on, buffers released while idle.
 */
#ifndef COMMON_CARRIER_TLS_CONTEXT_H
#define COMMON_CARRIER_TLS_CONTEXT_H

#include <stdbool.h>

#include "common/err.h"

struct tls_context;
struct evp_pkey_st; /* OpenSSL's EVP_PKEY */
struct x509_st;     /* and X509 */

/*
 * A server's context from a PEM certificate chain and its key. Checked here, each with one clear
 * line and STATUS_USAGE: missing or unreadable file, a key that others may read, a key that does
 * not match, an expired or not yet valid certificate, RSA under 2048 bits or a SHA-1 signature
 * without `legacy` (the line names `tls.legacy`). `legacy` lowers OpenSSL's security level to 0,
 * for TLS 1.2 and 1.3 still.
 */
struct tls_context *tls_context_server(const char *cert_file, const char *key_file, bool legacy,
	struct err *err);

/* The same from a certificate of the lab's own and its key in memory, which stay the caller's.
   STATUS_FAILED. */
struct tls_context *tls_context_server_pair(struct x509_st *cert, struct evp_pkey_st *key,
	bool legacy, struct err *err);

/* A client's context that trusts the certificates in `ca_file`; NULL trusts the system's. */
struct tls_context *tls_context_client(const char *ca_file, bool legacy, struct err *err);

/* Accepts NULL. Transports made from it must be gone. */
void tls_context_destroy(struct tls_context *context);

/* For transport_tls: OpenSSL's SSL_CTX, and the CA file that a client trusts ("" is the system's
   CAs). */
struct ssl_ctx_st *tls_context_ssl(const struct tls_context *context);
const char *tls_context_trust(const struct tls_context *context);

#endif
