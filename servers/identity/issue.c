/* X.509 for the lab: the contents of its CA and of its server certificate, and the checks whether
   they are still good. */
#include "servers/identity/issue.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum {
	DAY = 24 * 60 * 60,
	VALID_DAYS = 825, /* of CA and server alike; macOS and iOS accept no more of a server */
	RENEW_DAYS = 7, /* a certificate with less time left is renewed */
};

static const char *const dns_names[] = { "localhost", "tcpip.epfl.ch", "lab3.iew.epfl.ch",
	"lab3.iw.epfl.ch" };
static const char *const ip_names[] = { "127.0.0.1", "::1" };

#define SUBJECT_NAMES                                                                              \
	"DNS:localhost,DNS:tcpip.epfl.ch,DNS:lab3.iew.epfl.ch,"                                    \
	"DNS:lab3.iw.epfl.ch,IP:127.0.0.1,IP:::1"

void tls_pair_finish(struct tls_pair *pair)
{
	X509_free(pair->cert);
	EVP_PKEY_free(pair->key);
	*pair = (struct tls_pair){ 0 };
}

static bool is_current(X509 *cert, time_t now)
{
	time_t soon = now + (time_t)RENEW_DAYS * DAY;

	return X509_cmp_time(X509_get0_notBefore(cert), &now) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(cert), &soon) > 0;
}

static bool has_our_names(X509 *cert)
{
	for (size_t i = 0; i < sizeof dns_names / sizeof dns_names[0]; i++)
		if (X509_check_host(cert, dns_names[i], 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
			    NULL) != 1)
			return false;
	for (size_t i = 0; i < sizeof ip_names / sizeof ip_names[0]; i++)
		if (X509_check_ip_asc(cert, ip_names[i], 0) != 1)
			return false;
	return true;
}

bool tls_issue_good_ca(X509 *cert, time_t now)
{
	return cert && is_current(cert, now) && X509_check_ca(cert) == 1 &&
	       X509_get_ext_by_NID(cert, NID_name_constraints, -1) < 0;
}

bool tls_issue_good_server(const struct tls_pair *server, X509 *ca, time_t now)
{
	return server->cert && server->key && is_current(server->cert, now) &&
	       X509_check_private_key(server->cert, server->key) == 1 &&
	       X509_verify(server->cert, X509_get0_pubkey(ca)) == 1 && has_our_names(server->cert);
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	added = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

/* 127 random bits: a positive number, and not more than the 20 bytes of RFC 5280, section
   4.1.2.2. */
static bool set_serial(X509 *cert)
{
	BIGNUM *number = BN_new();
	bool set = number && BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
		   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;

	BN_free(number);
	return set;
}

/* Makes a key and an unsigned certificate. It is valid from a day ago on, since the clock of a
   virtual machine may be slow. */
static bool pair_begin(struct tls_pair *pair, const char *name, time_t now, int days)
{
	*pair = (struct tls_pair){ X509_new(), EVP_EC_gen("P-256") };
	return pair->cert && pair->key && X509_set_version(pair->cert, X509_VERSION_3) == 1 &&
	       set_serial(pair->cert) && X509_set_pubkey(pair->cert, pair->key) == 1 &&
	       X509_time_adj_ex(X509_getm_notBefore(pair->cert), -1, 0, &now) &&
	       X509_time_adj_ex(X509_getm_notAfter(pair->cert), days, 0, &now) &&
	       X509_NAME_add_entry_by_txt(X509_get_subject_name(pair->cert), "O", MBSTRING_ASC,
		       (const unsigned char *)"pmulab", -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_txt(X509_get_subject_name(pair->cert), "CN", MBSTRING_ASC,
		       (const unsigned char *)name, -1, -1, 0) == 1;
}

bool tls_issue_ca(struct tls_pair *ca, time_t now)
{
	return pair_begin(ca, "pmulab CA of this machine", now, VALID_DAYS) &&
	       X509_set_issuer_name(ca->cert, X509_get_subject_name(ca->cert)) == 1 &&
	       add_extension(ca->cert, ca->cert, NID_basic_constraints,
		       "critical,CA:TRUE,pathlen:0") &&
	       add_extension(ca->cert, ca->cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_extension(ca->cert, ca->cert, NID_subject_key_identifier, "hash") &&
	       X509_sign(ca->cert, ca->key, EVP_sha256()) > 0;
}

bool tls_issue_server(struct tls_pair *own, const struct tls_pair *ca, time_t now)
{
	if (!pair_begin(own, "localhost", now, VALID_DAYS))
		return false;
	/* A certificate must not be valid longer than its CA. */
	if (ASN1_TIME_compare(X509_get0_notAfter(own->cert), X509_get0_notAfter(ca->cert)) > 0 &&
		X509_set1_notAfter(own->cert, X509_get0_notAfter(ca->cert)) != 1)
		return false;
	return X509_set_issuer_name(own->cert, X509_get_subject_name(ca->cert)) == 1 &&
	       add_extension(own->cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(own->cert, ca->cert, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(own->cert, ca->cert, NID_ext_key_usage, "serverAuth") &&
	       add_extension(own->cert, ca->cert, NID_subject_key_identifier, "hash") &&
	       add_extension(own->cert, ca->cert, NID_authority_key_identifier, "keyid") &&
	       add_extension(own->cert, ca->cert, NID_subject_alt_name, SUBJECT_NAMES) &&
	       X509_sign(own->cert, ca->key, EVP_sha256()) > 0;
}

static char *cert_text(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL, *copy = NULL;
	if (bio && PEM_write_bio_X509(bio, cert) == 1) {
		long len = BIO_get_mem_data(bio, &text);
		copy = strndup(text, (size_t)len);
	}
	BIO_free(bio);
	return copy;
}

bool tls_issue_run(struct tls_pair *server, char **ca, time_t now)
{
	struct tls_pair signer = { 0 };
	*server = (struct tls_pair){ 0 };
	*ca = tls_issue_ca(&signer, now) && tls_issue_server(server, &signer, now)
		? cert_text(signer.cert)
		: NULL;
	tls_pair_finish(&signer);
	if (!*ca)
		tls_pair_finish(server);
	return *ca;
}
