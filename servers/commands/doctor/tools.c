/* Checks what the lab's parts need beside the network: OpenSSL with this machine's configuration,
   and other programs. */
#include "servers/commands/doctor/checks.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECONDS 10.0 /* limit for a program; the first start from a disk is slow */

/* ---- OpenSSL ---- */

/* Whether OpenSSL accepts a certificate with this key in a program that sets no options. Frees the
   key. */
static bool is_accepted(SSL_CTX *context, EVP_PKEY *key)
{
	X509 *cert = X509_new();
	bool accepted = cert && key && X509_set_pubkey(cert, key) &&
			X509_gmtime_adj(X509_getm_notBefore(cert), 0) &&
			X509_gmtime_adj(X509_getm_notAfter(cert), 60) &&
			X509_sign(cert, key, EVP_sha256()) > 0 &&
			SSL_CTX_use_certificate(context, cert) == 1;
	X509_free(cert);
	EVP_PKEY_free(key);
	return accepted;
}

void doctor_tls(struct finding *finding)
{
	SSL_CTX *context = SSL_CTX_new(TLS_method());
	if (!context) {
		finding_set(finding, DOCTOR_MISSING,
			"`pmu-tls` and `pmu-wss` do not work: OpenSSL does not start");
		finding_mend(finding, "env OPENSSL_CONF=/dev/null %s doctor",
			program_invocation_name);
		return;
	}
	int level = SSL_CTX_get_security_level(context);
	/* The kind of the lab's own key; that of most CAs; that of the lab's first years. */
	bool own = is_accepted(context, EVP_EC_gen("P-256")),
	     usual = is_accepted(context, EVP_RSA_gen(2048));
	bool old = is_accepted(context, EVP_RSA_gen(1024));
	if (!own || !usual) {
		finding_set(finding, DOCTOR_LIMITED,
			"level %d refuses keys of %s bits: programs of part 6 may not "
			"reach `pmu-tls` and `pmu-wss`",
			level, own ? "2048" : "256 (elliptic) and 2048");
		finding_mend(finding, "export OPENSSL_CONF=/dev/null");
	} else {
		finding_set(finding, DOCTOR_OK,
			"level %d: 2048-bit keys are accepted, 1024-bit keys %s", level,
			old ? "too" : "with `--set tls.legacy=yes` only");
	}
	SSL_CTX_free(context);
}

/* ---- programs ---- */

/* Writes the path of a program that PATH has into `path`. False: PATH does not have it. */
static bool find_program(const char *name, char path[PATH_MAX])
{
	const char *folders = getenv("PATH");
	while (folders && *folders) {
		size_t len = strcspn(folders, ":");
		snprintf(path, PATH_MAX, "%.*s/%s", (int)len, folders, name);
		if (access(path, X_OK) == 0)
			return true;
		folders += len + (folders[len] == ':');
	}
	return false;
}

void doctor_python(struct finding *finding)
{
	static const char *const argv[] = { "python3", "-c",
		"import websocket; websocket.create_connection", NULL };
	char path[PATH_MAX];
	struct trial trial = doctor_run(argv, SECONDS);
	finding_set(finding, DOCTOR_OK, "students' programs of part 6 run");
	if (trial.done)
		return;
	if (trial.error != 0 || !find_program("python3", path)) {
		finding_set(finding, DOCTOR_MISSING, "programs in Python do not run: python3: %s",
			strerror(trial.error));
		finding_mend_as_root(finding, "apt-get install python3 python3-websocket");
		return;
	}
	finding_set(finding, DOCTOR_MISSING,
		"programs of part 6 that import websocket do not run: %s %s", path,
		trial.late ? "does not end" : "does not find it");
	/* Only the system's Python uses the system's packages. */
	if (strncmp(path, "/usr/bin/", 9) == 0 || strncmp(path, "/bin/", 5) == 0)
		finding_mend_as_root(finding, "apt-get install python3-websocket");
	else
		finding_mend(finding, "%s -m pip install websocket-client", path);
}

void doctor_tshark(struct finding *finding)
{
	static const char *const argv[] = { "tshark", "--version", NULL };
	struct trial trial = doctor_run(argv, SECONDS);
	finding_set(finding, DOCTOR_OK, "captures can be read here");
	if (trial.done)
		return;
	finding_set(finding, DOCTOR_MISSING,
		"captures are made, but cannot be read here: tshark: %s",
		trial.error != 0 ? strerror(trial.error)
		: trial.late     ? "does not end"
				 : "does not start");
	finding_mend_as_root(finding, "apt-get install tshark");
}
