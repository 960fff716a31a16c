/*
 * Makes an SSL_CTX of OpenSSL from files or memory, with the lab's rules: TLS 1.2 and 1.3, no
 * renegotiation, no RSA key transport, session tickets on, buffers released while idle.
 */
#ifndef COMMON_CARRIER_TLS_CONTEXT_H
#define COMMON_CARRIER_TLS_CONTEXT_H

#include <stdbool.h>

#include "common/err.h"

struct tls_context;
struct evp_pkey_st; /* OpenSSL's EVP_PKEY */
struct x509_st;     /* OpenSSL's X509 */

/*
 * Makes a server's context from the PEM files of a certificate chain, the server's own certificate
 * first, and of its private key. The caller owns it. NULL with `err`, one line: STATUS_FAILED where
 * OpenSSL cannot be set up, and STATUS_USAGE for
 *
 *   a file that is missing, unreadable or damaged, or has no certificate or key;
 *   a key file that others may read, or a key with a passphrase;
 *   a key that does not belong to the certificate;
 *   a certificate of the chain that has expired or is not yet valid;
 *   without `legacy`, a key or certificate of the chain with under 112 bits of security (RSA under
 *     2048 bits), or a certificate other than a root that is signed with SHA-1 or MD5; the line
 *     names `tls.legacy`.
 *
 * `legacy` lowers OpenSSL's security level to 0 (SSL_CTX_set_security_level(3)). The versions are
 * TLS 1.2 and 1.3 even then.
 */
struct tls_context *tls_context_server(const char *cert_file, const char *key_file, bool legacy,
	struct err *err);

/* Makes a server's context from the lab's own certificate and its key, which stay the caller's.
   NULL with `err` (STATUS_FAILED): OpenSSL cannot be set up, or refuses them. */
struct tls_context *tls_context_server_pair(struct x509_st *cert, struct evp_pkey_st *key,
	bool legacy, struct err *err);

/* Makes a client's context that trusts the certificates in the PEM file `ca_file`; NULL: the
   system's CAs. The caller owns it. `legacy` as above. NULL with `err`: STATUS_USAGE where the file
   cannot be read or has no good certificate, STATUS_FAILED where OpenSSL cannot be set up. */
struct tls_context *tls_context_client(const char *ca_file, bool legacy, struct err *err);

/* A secret of a connection, as a line in the format that Wireshark reads (SSLKEYLOGFILE), without
   its newline. Valid during the call. */
typedef void tls_on_secret(void *receiver, const char *line);

/* From here on `on_secret` gets the secrets of each connection that is made from the context. */
void tls_context_tell_secrets(struct tls_context *context, tls_on_secret *on_secret,
	void *receiver);

/* Frees a context. Accepts NULL. Destroy the transports that use it first. */
void tls_context_destroy(struct tls_context *context);

/* For TLS transports: OpenSSL's SSL_CTX, and the CA file that a client trusts ("": the system's
   CAs). Both live as long as the context. */
struct ssl_ctx_st *tls_context_ssl(const struct tls_context *context);
const char *tls_context_trust(const struct tls_context *context);

#endif
