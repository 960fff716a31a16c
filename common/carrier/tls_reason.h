/* Says in words what OpenSSL only has a code for: why a certificate or a handshake was refused. */
#ifndef COMMON_CARRIER_TLS_REASON_H
#define COMMON_CARRIER_TLS_REASON_H

#include <stddef.h>

#include <openssl/x509.h>

enum { TLS_DATE_MAX = 12 };

/* "2026-01-02", in UTC. */
void tls_reason_date(char text[TLS_DATE_MAX], const ASN1_TIME *time);

/*
 * Why the verification that `ctx` stands at has failed: "the certificate of HOST expired on
 * 2026-01-02". `trust` is the file with the CAs that were asked; "" means the system's.
 */
void tls_reason_certificate(
        char *text, size_t size, X509_STORE_CTX *ctx, const char *host, const char *trust);

/* An alert (RFC 8446 section 6) that the peer has sent. */
void tls_reason_alert(char *text, size_t size, int alert);

#endif
