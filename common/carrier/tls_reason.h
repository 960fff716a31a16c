/* Puts into words why a certificate or a handshake was refused. OpenSSL has only a code for it. All
   texts are NUL-terminated, and truncated at `size` bytes. */
#ifndef COMMON_CARRIER_TLS_REASON_H
#define COMMON_CARRIER_TLS_REASON_H

#include <stddef.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

enum { TLS_DATE_MAX = 12 }; /* bytes of a date's text with its NUL */

/* Writes "2026-01-02", in UTC; "unknown": OpenSSL cannot read the time. */
void tls_reason_date(char text[TLS_DATE_MAX], const ASN1_TIME *time);

/*
 * Writes why the verification has failed, "the certificate of HOST expired on 2026-01-02". `ctx` is
 * that of a verify callback, with the error and its certificate (SSL_CTX_set_verify(3)). `trust` is
 * the file of the CAs that are trusted; "": the system's.
 */
void tls_reason_certificate(
	char *text, size_t size, X509_STORE_CTX *ctx, const char *host, const char *trust);

/* What a client lacked in its ClientHello, where OpenSSL's `reason` (SSL_R_...) on the server's
   side is that the two did not find a common cipher, group or signature algorithm: "no cipher that
   is safe today". NULL: it is another reason. */
const char *tls_reason_disagreement(SSL *ssl, int reason);

/* An alert (RFC 8446 section 6) that the peer has sent. */
void tls_reason_alert(char *text, size_t size, int alert);

#endif
