/*
 * The lab's own certificates, made on the user's machine with libcrypto the first time: a CA and an
 * EC P-256 certificate for localhost, 127.0.0.1, ::1, tcpip.epfl.ch, lab3.iew.epfl.ch and
 * lab3.iw.epfl.ch.
 */
#ifndef SERVERS_IDENTITY_IDENTITY_H
#define SERVERS_IDENTITY_IDENTITY_H

#include <limits.h>
#include <stdbool.h>
#include <time.h>

#include "common/err.h"

struct tls_identity {
	char ca_file[PATH_MAX];
	char cert_file[PATH_MAX];
	char key_file[PATH_MAX];
};

/*
 * Finds or makes ca.pem, cert.pem and key.pem in `dir`; "" is $XDG_STATE_HOME/pmulab, else
 * ~/.local/state/pmulab, where a home that does not exist is not made. Directory 0700, keys 0600;
 * two processes at the same moment get the same files (lock file); a pair with less than a week
 * left is renewed, and so is its CA; a file of somebody else counts as not there. False with `err`
 * (STATUS_USAGE): nothing can be written there, or it is somebody else's. No reason to give up: a
 * lab can have its certificates in memory (tls_issue_run).
 */
bool tls_identity_open(struct tls_identity *identity, const char *dir, struct err *err);

/* The same as if it was `now`; for tests of what happens when certificates grow old. */
bool tls_identity_open_at(struct tls_identity *identity, const char *dir, time_t now,
	struct err *err);

#endif
