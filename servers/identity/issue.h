/*
 * The lab's CA and its server's certificate, in memory: EC P-256, for the names that identity.h
 * lists. Pure libcrypto; the clock is the caller's.
 */
#ifndef SERVERS_IDENTITY_ISSUE_H
#define SERVERS_IDENTITY_ISSUE_H

#include <stdbool.h>
#include <time.h>

#include <openssl/x509.h>

/* Owned by whoever holds it; either may be NULL. */
struct tls_pair {
	X509 *cert;
	EVP_PKEY *key;
};

/* Frees both and sets them to NULL. */
void tls_pair_finish(struct tls_pair *pair);

/* Make a new pair, a CA or a server's that `ca` signs. False: OpenSSL's error queue says why.
   Finish it anyway. */
bool tls_issue_ca(struct tls_pair *ca, time_t now);
bool tls_issue_server(struct tls_pair *server, const struct tls_pair *ca, time_t now);

/* For one run: a server's pair, and the certificate of its CA as text (PEM), for free(3). The CA's
   key signs this once and is gone. False: as above, and there is neither. */
bool tls_issue_run(struct tls_pair *server, char **ca, time_t now);

/* Complete, matching, signed by `ca`, with all names, and a week left at least. `cert` may be
   NULL. */
bool tls_issue_good_ca(X509 *cert, time_t now);
bool tls_issue_good_server(const struct tls_pair *server, X509 *ca, time_t now);

#endif
