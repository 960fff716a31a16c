/*
 * Words for certificates and alerts. A certificate's text comes from the peer. So everything but
 * printable ASCII is replaced: a terminal must not obey it.
 */
#include "common/carrier/tls_reason.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

void tls_reason_date(char text[TLS_DATE_MAX], const ASN1_TIME *time)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(time, &tm) || strftime(text, TLS_DATE_MAX, "%Y-%m-%d", &tm) == 0)
		snprintf(text, TLS_DATE_MAX, "unknown");
}

static void append(char *text, size_t size, const char *data, size_t len)
{
	size_t at = strlen(text);

	for (size_t i = 0; i < len && at + 1 < size; i++)
		text[at++] = data[i] >= ' ' && data[i] <= '~' ? data[i] : '?';
	text[at] = '\0';
}

static void append_address(char *text, size_t size, const ASN1_OCTET_STRING *ip)
{
	char name[INET6_ADDRSTRLEN] = "?";

	if (ASN1_STRING_length(ip) == 4)
		inet_ntop(AF_INET, ASN1_STRING_get0_data(ip), name, sizeof name);
	else if (ASN1_STRING_length(ip) == 16)
		inet_ntop(AF_INET6, ASN1_STRING_get0_data(ip), name, sizeof name);
	append(text, size, name, strlen(name));
}

static void common_name(char *text, size_t size, const X509_NAME *name)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *utf8 = NULL;
	int len = -1;

	text[0] = '\0';
	if (at >= 0)
		len = ASN1_STRING_to_UTF8(&utf8,
			X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (len >= 0)
		append(text, size, (const char *)utf8, (size_t)len);
	else
		append(text, size, "(no name)", 9);
	OPENSSL_free(utf8);
}

/* The names that a host name is compared with: subjectAltName if there is one, else the common name
   (RFC 6125 6.4.4). */
static void host_names(char *text, size_t size, X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	text[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS && name->type != GEN_IPADD)
			continue;
		if (text[0] != '\0')
			append(text, size, ", ", 2);
		if (name->type == GEN_IPADD)
			append_address(text, size, name->d.iPAddress);
		else
			append(text, size, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
				(size_t)ASN1_STRING_length(name->d.dNSName));
	}
	GENERAL_NAMES_free(names);
	if (text[0] == '\0')
		common_name(text, size, X509_get_subject_name(cert));
}

void tls_reason_certificate(char *text, size_t size, X509_STORE_CTX *ctx, const char *host,
	const char *trust)
{
	int code = X509_STORE_CTX_get_error(ctx);
	X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
	char who[300], names[200], date[TLS_DATE_MAX];

	if (cert == NULL) {
		snprintf(text, size, "the certificate of %s was refused: %s", host,
			X509_verify_cert_error_string(code));
		return;
	}
	if (X509_STORE_CTX_get_error_depth(ctx) == 0) {
		snprintf(who, sizeof who, "the certificate of %s", host);
	} else {
		common_name(names, sizeof names, X509_get_subject_name(cert));
		snprintf(who, sizeof who, "the CA certificate \"%s\"", names);
	}
	if (trust[0] == '\0')
		trust = "any CA this system trusts";

	switch (code) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		tls_reason_date(date, X509_get0_notAfter(cert));
		snprintf(text, size, "%s expired on %s", who, date);
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		tls_reason_date(date, X509_get0_notBefore(cert));
		snprintf(text, size, "%s is not valid before %s", who, date);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		host_names(names, sizeof names, cert);
		snprintf(text, size, "%s is issued for %s and not for %s", who, names, host);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		snprintf(text, size, "%s is self-signed, not signed by %s", who, trust);
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		common_name(names, sizeof names, X509_get_issuer_name(cert));
		snprintf(text, size, "%s is not signed by %s (its issuer calls itself \"%s\")", who,
			trust, names);
		break;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
		snprintf(text, size, "%s has a key of %d bits, too small for TLS today", who,
			EVP_PKEY_get_bits(X509_get0_pubkey(cert)));
		break;
	case X509_V_ERR_CA_MD_TOO_WEAK:
		snprintf(text, size, "%s is signed with %s, too weak for TLS today", who,
			OBJ_nid2ln(X509_get_signature_nid(cert)));
		break;
	case X509_V_ERR_INVALID_PURPOSE:
		snprintf(text, size, "%s is not made for servers (extended key usage)", who);
		break;
	case X509_V_ERR_INVALID_CA:
		snprintf(text, size, "%s may not sign others (basic constraints)", who);
		break;
	default:
		snprintf(text, size, "%s was refused: %s", who,
			X509_verify_cert_error_string(code));
		break;
	}
}

/* The kind of our certificate's key, as ciphers of TLS 1.2 have it. */
static int own_auth(SSL *ssl)
{
	X509 *cert = SSL_get_certificate(ssl);
	EVP_PKEY *key = cert ? X509_get0_pubkey(cert) : NULL;

	return key && EVP_PKEY_is_a(key, "EC") ? NID_auth_ecdsa : NID_auth_rsa;
}

/* Which ciphers the client has offered: any with a key exchange that is safe, and any for our
   key. */
static void look_at_ciphers(SSL *ssl, bool *safe, bool *fitting)
{
	STACK_OF(SSL_CIPHER) *offered = SSL_get_client_ciphers(ssl);
	int auth = own_auth(ssl);

	*safe = *fitting = false;
	for (int i = 0; i < sk_SSL_CIPHER_num(offered); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(offered, i);
		int exchange = SSL_CIPHER_get_kx_nid(cipher), its = SSL_CIPHER_get_auth_nid(cipher);

		*safe |= exchange == NID_kx_ecdhe;
		*fitting |= exchange == NID_kx_ecdhe && its == auth;
	}
}

static const char no_group[] = "no common group (elliptic curve), such as X25519 or P-256";
static const char no_signature_ec[] =
	"no common signature algorithm: our certificate has an EC key, which needs ECDSA";
static const char no_signature_rsa[] =
	"no common signature algorithm: our certificate has an RSA key";

const char *tls_reason_disagreement(SSL *ssl, int reason)
{
	bool ec = own_auth(ssl) == NID_auth_ecdsa, safe, fitting;
	const char *no_signature = ec ? no_signature_ec : no_signature_rsa;

	switch (reason) {
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
		return no_signature;
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_NO_SUITABLE_GROUPS:
	case SSL_R_NO_SHARED_GROUPS:
		return no_group;
	case SSL_R_NO_SHARED_CIPHER:
		break;
	default:
		return NULL;
	}
	if (SSL_version(ssl) >= TLS1_3_VERSION)
		return "no cipher of TLS 1.3 that is spoken here";
	look_at_ciphers(ssl, &safe, &fitting);
	if (!safe)
		return "no cipher that is safe today";
	if (!fitting)
		return ec ? "only ciphers for RSA keys, and our certificate has an EC key"
			  : "only ciphers for EC keys, and our certificate has an RSA key";
	if (SSL_get_shared_group(ssl, -1) <= 0)
		return no_group;
	if (SSL_get_shared_sigalgs(ssl, 0, NULL, NULL, NULL, NULL, NULL) <= 0)
		return no_signature;
	return "no cipher that is spoken here";
}

void tls_reason_alert(char *text, size_t size, int alert)
{
	const char *meaning;

	switch (alert) {
	case SSL_AD_UNKNOWN_CA:
		meaning = ": it does not trust the CA that signed our certificate";
		break;
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_CERTIFICATE_UNKNOWN:
		meaning = ": it does not accept our certificate";
		break;
	case SSL_AD_CERTIFICATE_EXPIRED:
		meaning = ": it finds our certificate expired or not yet valid";
		break;
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
		meaning =
			": it does not take a certificate like ours (a short key, an odd purpose)";
		break;
	case SSL_AD_DECRYPT_ERROR:
		meaning = ": it cannot verify our signature (rustls: a key that is too short)";
		break;
	case SSL_AD_INSUFFICIENT_SECURITY:
		meaning = ": our key or ciphers are too weak for it";
		break;
	case SSL_AD_PROTOCOL_VERSION:
		meaning = ": no common version; here TLS 1.2 and 1.3 are spoken";
		break;
	case SSL_AD_HANDSHAKE_FAILURE:
		meaning = ": no common cipher or signature, or our certificate is for another host";
		break;
	case SSL_AD_INTERNAL_ERROR:
		meaning =
			": it failed by itself (Perl, stunnel: our certificate is for another "
			"host)";
		break;
	case SSL_AD_MISSING_EXTENSION:
		meaning = ": it was not sent an extension of TLS that it needs";
		break;
	case SSL_AD_CERTIFICATE_REQUIRED:
		meaning = ": it wants a certificate of ours";
		break;
	case SSL_AD_UNRECOGNIZED_NAME:
		meaning = ": it knows no host of the name that was asked for";
		break;
	default:
		meaning = "";
		break;
	}
	snprintf(text, size, "the peer sent the TLS alert \"%s\" (%d)%s",
		SSL_alert_desc_string_long(alert), alert, meaning);
}
