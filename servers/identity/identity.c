/*
 * The CA and the server certificate, made once and kept. A usual start only reads them, without the
 * lock. Files that are missing or not good are made again under the lock. Each file is complete
 * before it gets its name.
 *
 * Directories made here have mode 0700; the default one is set back to that. A directory that the
 * user has named keeps its mode. It is not used when another user owns it or may write to it, since
 * that user could put a key of their own there.
 */
#include "servers/identity/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "servers/identity/issue.h"

enum {
	LOCK_WAIT_MS = 10000,
	LOCK_POLL_MS = 10,
};

static void path_join(char path[PATH_MAX], const char *dir, const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", dir, name);
}

/* Opens a file of the directory. NULL also when another user owns it, or when its mode has any of
   the bits `without`. */
static FILE *open_own(const char *dir, const char *name, mode_t without)
{
	char path[PATH_MAX];
	struct stat st;

	path_join(path, dir, name);
	FILE *in = fopen(path, "re");
	if (in &&
		(fstat(fileno(in), &st) != 0 || st.st_uid != geteuid() || (st.st_mode & without))) {
		fclose(in);
		return NULL;
	}
	return in;
}

static X509 *read_cert(const char *dir, const char *name)
{
	X509 *cert = NULL;

	FILE *in = open_own(dir, name, 0);
	if (in) {
		cert = PEM_read_X509(in, NULL, NULL, NULL);
		fclose(in);
	}
	return cert;
}

static int no_passphrase(char *buf, int size, int writing, void *context)
{
	return -1;
}

static bool is_there(const char *dir, const char *name)
{
	char path[PATH_MAX];

	path_join(path, dir, name);
	return access(path, F_OK) == 0;
}

static EVP_PKEY *read_key(const char *dir, const char *name)
{
	EVP_PKEY *key = NULL;

	FILE *in = open_own(dir, name, S_IRWXG | S_IRWXO);
	if (in) {
		key = PEM_read_PrivateKey(in, NULL, no_passphrase, NULL);
		fclose(in);
	}
	return key;
}

/*
 * The CA has signed the server's certificate, and its key was never written: nothing else can be
 * signed with what lies here. Where a key of the CA lies here, an earlier version has made it all.
 */
static bool is_good_dir(const char *dir, time_t now)
{
	X509 *ca = read_cert(dir, "ca.pem");
	struct tls_pair own = { read_cert(dir, "cert.pem"), read_key(dir, "key.pem") };
	bool good = tls_issue_good_ca(ca, now) && tls_issue_good_server(&own, ca, now) &&
		    !is_there(dir, "ca_key.pem");

	tls_pair_finish(&own);
	X509_free(ca);
	return good;
}

/* Writes a certificate, or else a key. The lock is held, so one name is enough for the incomplete
   file. A key has mode 0600 from the start. */
static bool write_file(const char *dir, const char *name, X509 *cert, EVP_PKEY *key,
	struct err *err)
{
	char fresh[PATH_MAX], path[PATH_MAX];
	FILE *out = NULL;

	path_join(fresh, dir, "new");
	path_join(path, dir, name);
	unlink(fresh);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		out = fdopen(fd, "w");
	if (out == NULL) {
		if (fd >= 0)
			close(fd);
		goto fail;
	}
	bool written = cert ? PEM_write_X509(out, cert) == 1 && fchmod(fd, 0644) == 0
			    : PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1;
	if (fclose(out) != 0 || !written || rename(fresh, path) != 0)
		goto fail;
	return true;

fail:
	err_set(err, STATUS_USAGE, "%s: cannot be written: %s", path, strerror(errno));
	unlink(fresh);
	return false;
}

/* Whether the files there were made after `now`: then the clock is wrong, and they stay. */
static bool is_of_the_future(const char *dir, time_t now)
{
	X509 *ca = read_cert(dir, "ca.pem");
	bool future = ca && X509_cmp_time(X509_get0_notBefore(ca), &now) > 0;

	X509_free(ca);
	return future;
}

/* Makes a CA and a server pair, and forgets the CA's key. The lock is held. */
static bool make_files(const char *dir, time_t now, struct err *err)
{
	struct tls_pair ca = { 0 }, own = { 0 };
	char old_key[PATH_MAX];
	bool made = false;

	if (tls_issue_ca(&ca, now) && tls_issue_server(&own, &ca, now))
		made = write_file(dir, "key.pem", NULL, own.key, err) &&
		       write_file(dir, "cert.pem", own.cert, NULL, err) &&
		       write_file(dir, "ca.pem", ca.cert, NULL, err);
	else
		err_set(err, STATUS_USAGE, "OpenSSL cannot make certificates: %s",
			ERR_reason_error_string(ERR_peek_last_error()));
	path_join(old_key, dir, "ca_key.pem");
	if (made)
		unlink(old_key);
	tls_pair_finish(&own);
	tls_pair_finish(&ca);
	return made;
}

/* Takes the lock. -1: it cannot be made, or another process holds it for LOCK_WAIT_MS. */
static int lock_take(const char *dir, struct err *err)
{
	const struct timespec pause = { .tv_nsec = LOCK_POLL_MS * 1000000L };
	char path[PATH_MAX];
	int fd;

	path_join(path, dir, "lock");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err_set(err, STATUS_USAGE, "%s: %s", path, strerror(errno));
		return -1;
	}
	/* It polls, since flock(2) has no timeout. A signal as a timeout would affect the whole
	   process. */
	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += LOCK_POLL_MS) {
		if (errno != EWOULDBLOCK || waited >= LOCK_WAIT_MS) {
			err_set(err, STATUS_USAGE, "%s: %s", path,
				errno == EWOULDBLOCK ? "held by another process" : strerror(errno));
			close(fd);
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

/* Makes the directory and its parents, with mode 0700 as the XDG base directory specification
   asks. */
static bool make_dirs(const char *dir, struct err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s", dir);
	for (char *slash = path + 1;; slash++) {
		if (*slash != '/' && *slash != '\0')
			continue;
		char held = *slash;
		*slash = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST && errno != EISDIR) {
			err_set(err, STATUS_USAGE, "%s: cannot be made: %s", path, strerror(errno));
			return false;
		}
		*slash = held;
		if (held == '\0')
			return true;
	}
}

static bool check_rights(const char *dir, bool is_default, struct err *err)
{
	struct stat st;

	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
		err_set(err, STATUS_USAGE, "%s: not a directory", dir);
		return false;
	}
	if (st.st_uid != geteuid()) {
		err_set(err, STATUS_USAGE, "%s: belongs to somebody else (user %u)", dir,
			(unsigned)st.st_uid);
		return false;
	}
	if (is_default && (st.st_mode & 07777) != 0700 && chmod(dir, 0700) == 0)
		return true;
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		err_set(err, STATUS_USAGE,
			"%s: others may write there (mode %04o; chmod 700 helps)", dir,
			(unsigned)(st.st_mode & 07777));
		return false;
	}
	return true;
}

static bool use_dir(const char *dir, bool is_default, time_t now, bool *anew, struct err *err)
{
	bool good = true;

	if (strlen(dir) > PATH_MAX - 32) {
		err_set(err, STATUS_USAGE,
			"the name of the directory for certificates is too long");
		return false;
	}
	if (access(dir, F_OK) == 0) {
		if (!check_rights(dir, is_default, err))
			return false;
		if (is_good_dir(dir, now))
			return true;
	}
	if (is_of_the_future(dir, now)) {
		err_set(err, STATUS_USAGE,
			"%s: made later than this machine's clock says that it is now", dir);
		return false;
	}
	*anew = is_there(dir, "ca.pem");
	if (!make_dirs(dir, err) || !check_rights(dir, is_default, err))
		return false;
	int lock = lock_take(dir, err);
	if (lock < 0)
		return false;
	if (!is_good_dir(dir, now)) { /* no other process has made the files meanwhile */
		good = make_files(dir, now, err);
		if (good && !is_good_dir(dir, now)) {
			good = false;
			err_set(err, STATUS_USAGE,
				"%s: the file system there does not keep keys private", dir);
		}
	}
	close(lock);
	return good;
}

/* A home directory is not made: a user without one (a daemon, HOME=/nonexistent) is not meant to
   have one. */
static bool default_dir(char dir[PATH_MAX], struct err *err)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct stat st;

	if (state && state[0] == '/') { /* the specification: a relative one is invalid */
		snprintf(dir, PATH_MAX, "%s/pmulab", state);
		return true;
	}
	if (!home || home[0] != '/') {
		err_set(err, STATUS_USAGE, "no home directory is known");
		return false;
	}
	if (stat(home, &st) != 0 || !S_ISDIR(st.st_mode)) {
		err_set(err, STATUS_USAGE, "HOME is %s, which is no directory", home);
		return false;
	}
	snprintf(dir, PATH_MAX, "%s/.local/state/pmulab", home);
	return true;
}

bool tls_identity_open_at(struct tls_identity *identity, const char *dir, time_t now,
	struct err *err)
{
	char wanted[PATH_MAX], place[PATH_MAX];
	bool is_default = dir[0] == '\0';

	*identity = (struct tls_identity){ 0 };
	if (!is_default)
		snprintf(wanted, sizeof wanted, "%s", dir);
	else if (!default_dir(wanted, err))
		return false;
	if (!use_dir(wanted, is_default, now, &identity->anew, err))
		return false;
	ERR_clear_error();
	if (!realpath(wanted, place)) {
		err_set(err, STATUS_USAGE, "%s: %s", wanted, strerror(errno));
		return false;
	}
	path_join(identity->ca_file, place, "ca.pem");
	path_join(identity->cert_file, place, "cert.pem");
	path_join(identity->key_file, place, "key.pem");
	return true;
}

bool tls_identity_open(struct tls_identity *identity, const char *dir, struct err *err)
{
	return tls_identity_open_at(identity, dir, time(NULL), err);
}
