/* Certificates with their keys for tests, valid and invalid ones, made with libcrypto. */
#ifndef TESTS_UNIT_CARRIER_TLS_PAIR_H
#define TESTS_UNIT_CARRIER_TLS_PAIR_H

#include <check.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* Made by pair_make, freed by pair_free. */
struct tls_pair {
	X509 *cert;
	EVP_PKEY *key;
	char cert_file[PATH_MAX];
	char key_file[PATH_MAX];
};

struct tls_wish {
	const char *name; /* the common name, and the beginning of the files' names */
	const char *names; /* subjectAltName, such as "DNS:localhost"; NULL: none */
	const char *basic; /* basicConstraints, such as "critical,CA:TRUE"; NULL: none */
	int rsa_bits; /* 0: EC P-256 */
	bool use_sha1; /* instead of SHA-256 */
	long from_days; /* from now; negative: in the past */
	long days; /* the end, from now; 0: 30 */
};

static void pair_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_ptr_nonnull(extension);
	ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* Makes a certificate and a key, and writes both as PEM files into `dir`. `issuer` NULL: the
   certificate is self-signed. */
static struct tls_pair pair_make(const char *dir, const struct tls_wish *wish,
	const struct tls_pair *issuer)
{
	struct tls_pair pair = { 0 };
	static long serial = 1;
	const long day = 24 * 60 * 60;

	pair.key = wish->rsa_bits ? EVP_RSA_gen((unsigned)wish->rsa_bits) : EVP_EC_gen("P-256");
	pair.cert = X509_new();
	X509_set_version(pair.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(pair.cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(pair.cert), wish->from_days * day);
	X509_gmtime_adj(X509_getm_notAfter(pair.cert), (wish->days ? wish->days : 30) * day);
	X509_set_pubkey(pair.cert, pair.key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(pair.cert), "CN", MBSTRING_ASC,
		(const unsigned char *)wish->name, -1, -1, 0);
	X509 *signer = issuer ? issuer->cert : pair.cert;
	X509_set_issuer_name(pair.cert, X509_get_subject_name(signer));
	if (wish->names)
		pair_extension(pair.cert, signer, NID_subject_alt_name, wish->names);
	if (wish->basic)
		pair_extension(pair.cert, signer, NID_basic_constraints, wish->basic);
	ck_assert_int_gt(X509_sign(pair.cert, issuer ? issuer->key : pair.key,
				 wish->use_sha1 ? EVP_sha1() : EVP_sha256()),
		0);

	snprintf(pair.cert_file, sizeof pair.cert_file, "%s/%s_cert.pem", dir, wish->name);
	snprintf(pair.key_file, sizeof pair.key_file, "%s/%s_key.pem", dir, wish->name);
	FILE *out = fopen(pair.cert_file, "w");
	ck_assert_ptr_nonnull(out);
	PEM_write_X509(out, pair.cert);
	fclose(out);
	out = fopen(pair.key_file, "w");
	ck_assert_ptr_nonnull(out);
	fchmod(fileno(out), 0600);
	PEM_write_PrivateKey(out, pair.key, NULL, NULL, 0, NULL, NULL);
	fclose(out);
	return pair;
}

/* Removes the files too. */
static void pair_free(struct tls_pair *pair)
{
	unlink(pair->cert_file);
	unlink(pair->key_file);
	X509_free(pair->cert);
	EVP_PKEY_free(pair->key);
	memset(pair, 0, sizeof *pair);
}

#endif
