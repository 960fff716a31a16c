/*
 * The lab's CA and its server certificate, in memory: EC P-256, for the names that identity.h
 * lists. It only calls libcrypto; the caller gives the current time (`now`).
 */
#ifndef SERVERS_IDENTITY_ISSUE_H
#define SERVERS_IDENTITY_ISSUE_H

#include <stdbool.h>
#include <time.h>

#include <openssl/x509.h>

/* A certificate and its private key, both owned by the struct; each may be NULL. */
struct tls_pair {
	X509 *cert;
	EVP_PKEY *key;
};

/* Frees both and sets them to NULL. */
void tls_pair_finish(struct tls_pair *pair);

/* Makes a new CA, valid from a day before `now` to 825 days after it. The caller calls
   tls_pair_finish, also after false: OpenSSL's error queue says why. */
bool tls_issue_ca(struct tls_pair *ca, time_t now);

/* Makes a new server pair, signed by `ca`: valid for 825 days after `now`, but not longer than its
   CA. All else as for tls_issue_ca. */
bool tls_issue_server(struct tls_pair *server, const struct tls_pair *ca, time_t now);

/* For one run of the lab: makes a server pair, and its CA's certificate as text (PEM), which the
   caller frees with free(3). The CA's key signs this one certificate and is then freed. False:
   OpenSSL's error queue says why; the pair is empty and `*ca` is NULL. */
bool tls_issue_run(struct tls_pair *server, char **ca, time_t now);

/* Whether `cert` is a CA that is valid now, has at least a week left, and no name constraints,
   which earlier versions wrote and some TLS libraries do not accept. NULL is not. */
bool tls_issue_good_ca(X509 *cert, time_t now);

/* Whether the pair has a certificate and the key that fits it, is signed by `ca`, is valid for all
   names, and has at least a week left. */
bool tls_issue_good_server(const struct tls_pair *server, X509 *ca, time_t now);

#endif
