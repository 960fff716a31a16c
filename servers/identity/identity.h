/*
 * The lab's own certificates in files: a CA, and an EC P-256 server certificate for localhost,
 * 127.0.0.1, ::1, tcpip.epfl.ch, lab3.iew.epfl.ch and lab3.iw.epfl.ch. They are made on the user's
 * machine with libcrypto at the first start, and kept.
 */
#ifndef SERVERS_IDENTITY_IDENTITY_H
#define SERVERS_IDENTITY_IDENTITY_H

#include <limits.h>
#include <stdbool.h>
#include <time.h>

#include "common/err.h"

/* Absolute paths of PEM files. */
struct tls_identity {
	char ca_file[PATH_MAX];
	char cert_file[PATH_MAX];
	char key_file[PATH_MAX];
	/* there was a CA, and it was replaced: trust stores that have it need the new one */
	bool anew;
};

/*
 * Finds or makes ca.pem, cert.pem and key.pem in `dir`. "" is $XDG_STATE_HOME/pmulab, or, where
 * that variable is no absolute path, ~/.local/state/pmulab; a home directory that does not exist is
 * not made.
 *
 * Directories that are made, and the default one, have mode 0700, keys have 0600. A lock file lets
 * two processes that start at the same moment get the same files. The CA signs one certificate, and
 * its key is never written: a program that trusts ca.pem trusts this certificate and nothing else.
 * With less than a week left both are made anew (`anew`). A file that belongs to another user
 * counts as missing.
 *
 * False with `err` (STATUS_USAGE): there is no home directory; the directory cannot be made or
 * written, belongs to another user, may be written by others or does not keep keys private; its
 * files were made after the time that it is now, so the clock is wrong and they stay; another
 * process holds the lock for 10 s; or OpenSSL fails. The lab can still run, with certificates in
 * memory (tls_issue_run).
 */
bool tls_identity_open(struct tls_identity *identity, const char *dir, struct err *err);

/* tls_identity_open with `now` as the current time; for tests of certificates that expire. */
bool tls_identity_open_at(struct tls_identity *identity, const char *dir, time_t now,
	struct err *err);

#endif
