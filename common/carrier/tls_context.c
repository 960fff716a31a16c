/*
 * Makes an SSL_CTX from files or memory. The files are checked before OpenSSL gets them, because
 * its own messages ("ee key too small") name neither the file nor the remedy.
 */
#include "common/carrier/tls_context.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "common/carrier/tls_reason.h"

/* OpenSSL's security level 2 requires 112 bits: RSA of 2048 bits, SHA-2
   (SSL_CTX_set_security_level(3)). */
enum { SECURITY_LEVEL = 2, SECURITY_BITS = 112 };

struct tls_context {
	SSL_CTX *ssl;
	char trust[256];
	tls_on_secret *on_secret;
	void *receiver;
};

SSL_CTX *tls_context_ssl(const struct tls_context *context)
{
	return context->ssl;
}

static void on_keylog(const SSL *ssl, const char *line)
{
	const struct tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	context->on_secret(context->receiver, line);
}

void tls_context_tell_secrets(struct tls_context *context, tls_on_secret *on_secret, void *receiver)
{
	context->on_secret = on_secret;
	context->receiver = receiver;
	SSL_CTX_set_app_data(context->ssl, context);
	SSL_CTX_set_keylog_callback(context->ssl, on_keylog);
}

const char *tls_context_trust(const struct tls_context *context)
{
	return context->trust;
}

static const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason ? reason : "no reason known";
}

static struct tls_context *context_create(const SSL_METHOD *method, bool legacy, struct err *err)
{
	struct tls_context *context = calloc(1, sizeof *context);

	ERR_clear_error();
	if (context == NULL)
		goto fail;
	context->ssl = SSL_CTX_new(method);
	if (context->ssl == NULL)
		goto fail;
	if (legacy)
		SSL_CTX_set_security_level(context->ssl, 0);
	else if (SSL_CTX_get_security_level(context->ssl) < SECURITY_LEVEL)
		SSL_CTX_set_security_level(context->ssl, SECURITY_LEVEL);
	SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_clear_options(context->ssl, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(context->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
					       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					       SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
	/* One read(2) for all that has arrived, instead of two for each record. */
	SSL_CTX_set_read_ahead(context->ssl, 1);
	/* The ciphers of TLS 1.2, without RSA key transport. Those of 1.3 have a list of their
	   own. */
	if (SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_max_proto_version(context->ssl, TLS1_3_VERSION) != 1 ||
		SSL_CTX_set_cipher_list(context->ssl, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES") != 1)
		goto fail;
	return context;

fail:
	err_set(err, STATUS_FAILED, "OpenSSL cannot be set up: %s",
		context ? openssl_reason() : "out of memory");
	tls_context_destroy(context);
	return NULL;
}

static BIO *open_pem(const char *file, struct err *err)
{
	errno = 0;
	BIO *bio = BIO_new_file(file, "re");
	int saved = errno;

	if (bio == NULL)
		err_set(err, STATUS_USAGE, "%s: cannot be read: %s", file,
			saved ? strerror(saved) : openssl_reason());
	return bio;
}

/* Never asks at the terminal. Notes in `context`, a bool, that the key has a passphrase. */
static int on_passphrase(char *buf, int size, int writing, void *context)
{
	bool *asked = context;

	*asked = true;
	return -1;
}

static EVP_PKEY *read_key(const char *file, struct err *err)
{
	EVP_PKEY *key = NULL;
	bool asked = false;
	FILE *stream = NULL;
	struct stat st;
	BIO *bio = open_pem(file, err);

	if (bio == NULL)
		return NULL;
	BIO_get_fp(bio, &stream);
	if (fstat(fileno(stream), &st) == 0 && S_ISREG(st.st_mode) &&
		(st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		err_set(err, STATUS_USAGE,
			"%s: others may read this key (mode %04o); run: chmod 600 %s", file,
			(unsigned)(st.st_mode & 07777), file);
		goto out;
	}
	key = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &asked);
	if (key == NULL && asked)
		err_set(err, STATUS_USAGE,
			"%s: this key has a passphrase; remove it: "
			"openssl pkey -in %s -out NEW.pem",
			file, file);
	else if (key == NULL)
		err_set(err, STATUS_USAGE, "%s: no private key in PEM form in this file", file);
out:
	BIO_free(bio);
	return key;
}

/* Reads all certificates of a file. NULL with `err`. */
static STACK_OF(X509) * read_chain(const char *file, struct err *err)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	BIO *bio = chain ? open_pem(file, err) : NULL;
	X509 *cert;

	if (chain == NULL)
		goto no_memory;
	if (bio == NULL)
		goto fail;
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(chain, cert) <= 0) {
			X509_free(cert);
			goto no_memory;
		}
	}
	if (sk_X509_num(chain) == 0) {
		err_set(err, STATUS_USAGE, "%s: no certificate in PEM form in this file", file);
		goto fail;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		err_set(err, STATUS_USAGE, "%s: a certificate in this file is damaged: %s", file,
			openssl_reason());
		goto fail;
	}
	BIO_free(bio);
	return chain;

no_memory:
	err_set(err, STATUS_FAILED, "out of memory");
fail:
	BIO_free(bio);
	sk_X509_pop_free(chain, X509_free);
	return NULL;
}

static bool check_key(EVP_PKEY *key, const char *file, struct err *err)
{
	if (key == NULL) {
		err_set(err, STATUS_USAGE, "%s: a public key of a kind that OpenSSL does not know",
			file);
		return false;
	}
	if (EVP_PKEY_get_security_bits(key) < SECURITY_BITS) {
		err_set(err, STATUS_USAGE,
			"%s: %d-bit %s key, refused by TLS today; use %d bits, or "
			"tls.legacy=yes (pmu-tls: --legacy)",
			file, EVP_PKEY_get_bits(key), EVP_PKEY_get0_type_name(key),
			EVP_PKEY_is_a(key, "EC") ? 256 : 2048);
		return false;
	}
	return true;
}

static bool check_signature(X509 *cert, const char *file, struct err *err)
{
	int digest = NID_undef;

	X509_get_signature_info(cert, &digest, NULL, NULL, NULL);
	if (digest == NID_sha1 || digest == NID_md5) {
		err_set(err, STATUS_USAGE,
			"%s: signed with %s, refused by TLS today; have it signed with SHA-256, or "
			"tls.legacy=yes (pmu-tls: --legacy)",
			file, digest == NID_sha1 ? "SHA-1" : "MD5");
		return false;
	}
	return true;
}

static bool check_dates(X509 *cert, const char *file, struct err *err)
{
	char date[TLS_DATE_MAX];

	if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0) {
		tls_reason_date(date, X509_get0_notAfter(cert));
		err_set(err, STATUS_USAGE, "%s: expired on %s; have a new one signed", file, date);
		return false;
	}
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0) {
		tls_reason_date(date, X509_get0_notBefore(cert));
		err_set(err, STATUS_USAGE, "%s: not valid before %s; look at this machine's clock",
			file, date);
		return false;
	}
	return true;
}

static bool check_chain(STACK_OF(X509) * chain, const char *file, bool legacy, struct err *err)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *cert = sk_X509_value(chain, i);

		/* A root signs itself. That signature protects nothing, so its hash does not
		   matter. */
		bool root = i > 0 && X509_self_signed(cert, 0) == 1;

		if (!check_dates(cert, file, err))
			return false;
		if (!legacy && (!check_key(X509_get0_pubkey(cert), file, err) ||
				       (!root && !check_signature(cert, file, err))))
			return false;
	}
	return true;
}

static bool use_chain(SSL_CTX *ssl, STACK_OF(X509) * chain, EVP_PKEY *key)
{
	if (SSL_CTX_use_certificate(ssl, sk_X509_value(chain, 0)) != 1 ||
		SSL_CTX_use_PrivateKey(ssl, key) != 1)
		return false;
	for (int i = 1; i < sk_X509_num(chain); i++)
		if (SSL_CTX_add1_chain_cert(ssl, sk_X509_value(chain, i)) != 1)
			return false;
	return true;
}

/* Tickets allow to resume sessions without a store that grows (RFC 5077, RFC 8446 4.6.1). One is
   enough for clients that have one connection at a time. OpenSSL refuses to resume without a
   session id context. */
static void allow_resumption(SSL_CTX *ssl)
{
	static const unsigned char id[] = "pmulab";

	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ssl, 1);
	SSL_CTX_set_session_id_context(ssl, id, sizeof id - 1);
}

struct tls_context *tls_context_server_pair(struct x509_st *cert, struct evp_pkey_st *key,
	bool legacy, struct err *err)
{
	struct tls_context *context = context_create(TLS_server_method(), legacy, err);

	if (context == NULL)
		return NULL;
	if (SSL_CTX_use_certificate(context->ssl, cert) != 1 ||
		SSL_CTX_use_PrivateKey(context->ssl, key) != 1) {
		err_set(err, STATUS_FAILED, "OpenSSL refuses the lab's own certificate: %s",
			openssl_reason());
		tls_context_destroy(context);
		context = NULL;
	} else {
		allow_resumption(context->ssl);
	}
	ERR_clear_error();
	return context;
}

struct tls_context *tls_context_server(
	const char *cert_file, const char *key_file, bool legacy, struct err *err)
{
	struct tls_context *context = context_create(TLS_server_method(), legacy, err);
	STACK_OF(X509) *chain = NULL;
	EVP_PKEY *key = NULL;

	if (context == NULL)
		return NULL;
	chain = read_chain(cert_file, err);
	if (chain == NULL)
		goto fail;
	key = read_key(key_file, err);
	if (key == NULL)
		goto fail;
	if (X509_check_private_key(sk_X509_value(chain, 0), key) != 1) {
		err_set(err, STATUS_USAGE, "%s: not the key of the certificate in %s", key_file,
			cert_file);
		goto fail;
	}
	if (!legacy && !check_key(key, key_file, err))
		goto fail;
	if (!check_chain(chain, cert_file, legacy, err))
		goto fail;
	if (!use_chain(context->ssl, chain, key)) {
		err_set(err, STATUS_USAGE, "%s: OpenSSL refuses it: %s", cert_file,
			openssl_reason());
		goto fail;
	}
	allow_resumption(context->ssl);
	EVP_PKEY_free(key);
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return context;

fail:
	EVP_PKEY_free(key);
	sk_X509_pop_free(chain, X509_free);
	tls_context_destroy(context);
	ERR_clear_error();
	return NULL;
}

struct tls_context *tls_context_client(const char *ca_file, bool legacy, struct err *err)
{
	struct tls_context *context = context_create(TLS_client_method(), legacy, err);
	STACK_OF(X509) *chain = NULL;

	if (context == NULL)
		return NULL;
	if (ca_file == NULL) {
		SSL_CTX_set_default_verify_paths(context->ssl);
		return context;
	}
	chain = read_chain(ca_file, err);
	if (chain == NULL)
		goto fail;
	for (int i = 0; i < sk_X509_num(chain); i++)
		X509_STORE_add_cert(SSL_CTX_get_cert_store(context->ssl), sk_X509_value(chain, i));
	/* The file may also name a certificate that is no CA, such as a self-signed server's. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context->ssl), X509_V_FLAG_PARTIAL_CHAIN);
	snprintf(context->trust, sizeof context->trust, "%s", ca_file);
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return context;

fail:
	tls_context_destroy(context);
	ERR_clear_error();
	return NULL;
}

void tls_context_destroy(struct tls_context *context)
{
	if (context == NULL)
		return;
	SSL_CTX_free(context->ssl);
	free(context);
}
