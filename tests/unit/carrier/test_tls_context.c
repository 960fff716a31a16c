/* The TLS files of a server and of a client: the error for each kind of wrong file, and the files
   that are accepted. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "common/carrier/tls_context.h"
#include "tests/unit/carrier/tls_pair.h"

static char dir[] = "/tmp/pmulab-test-XXXXXX";
static struct tls_pair ca, good;

static const char *in_dir(const char *name)
{
	static char paths[4][PATH_MAX];
	static int which;

	which = (which + 1) % 4;
	snprintf(paths[which], sizeof paths[which], "%s/%s", dir, name);
	return paths[which];
}

static const char *write_text(const char *name, const char *text)
{
	const char *path = in_dir(name);
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fchmod(fileno(out), 0600);
	fclose(out);
	return path;
}

/* The line is "FILE: text", exactly or (`whole` false) from its start. */
static void refused(const char *cert, const char *key, bool legacy, const char *file,
	const char *text, bool whole)
{
	struct err err = { 0 };
	struct tls_context *context = tls_context_server(cert, key, legacy, &err);
	char expected[PATH_MAX + 256];

	ck_assert_ptr_null(context);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	int len = snprintf(expected, sizeof expected, "%s: %s", file, text);
	if (whole)
		ck_assert_str_eq(err.text, expected);
	else if (strncmp(err.text, expected, (size_t)len) != 0)
		ck_abort_msg("got      %s\nexpected %s", err.text, expected);
	ck_assert_ptr_null(strchr(err.text, '\n'));
}

static void accepted(const char *cert, const char *key, bool legacy)
{
	struct err err = { 0 };
	struct tls_context *context = tls_context_server(cert, key, legacy, &err);

	ck_assert_msg(context != NULL, "%s", err.text);
	tls_context_destroy(context);
}

START_TEST(test_good)
{
	struct err err = { 0 };
	struct tls_context *context =
		tls_context_server(good.cert_file, good.key_file, false, &err);

	ck_assert_msg(context != NULL, "%s", err.text);
	SSL_CTX *ssl = tls_context_ssl(context);
	ck_assert_int_eq(SSL_CTX_get_min_proto_version(ssl), TLS1_2_VERSION);
	ck_assert_int_ge(SSL_CTX_get_security_level(ssl), 2);
	ck_assert(SSL_CTX_get_options(ssl) & SSL_OP_NO_RENEGOTIATION);
	ck_assert(!(SSL_CTX_get_options(ssl) & SSL_OP_NO_TICKET));
	ck_assert(SSL_CTX_get_mode(ssl) & SSL_MODE_RELEASE_BUFFERS);
	ck_assert_int_eq(SSL_CTX_get_session_cache_mode(ssl), SSL_SESS_CACHE_OFF);
	tls_context_destroy(context);
	tls_context_destroy(NULL);
}
END_TEST

START_TEST(test_files)
{
	const char *missing = in_dir("missing.pem"),
		   *text = write_text("text.pem", "To be, or not to be\n");

	refused(missing, good.key_file, false, missing, "cannot be read: No such file or directory",
		true);
	refused(good.cert_file, missing, false, missing,
		"cannot be read: No such file or directory", true);
	refused(text, good.key_file, false, text, "no certificate in PEM form in this file", true);
	refused(good.cert_file, text, false, text, "no private key in PEM form in this file", true);
	refused(good.key_file, good.key_file, false, good.key_file,
		"no certificate in PEM form in this file", true);
	refused(dir, good.key_file, false, dir, "no certificate in PEM form in this file", true);
	unlink(text);
}
END_TEST

START_TEST(test_rights)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0644, 0610 };
	char text[PATH_MAX + 80];

	chmod(good.key_file, modes[_i]);
	snprintf(text, sizeof text, "others may read this key (mode %04o); run: chmod 600 %s",
		(unsigned)modes[_i], good.key_file);
	refused(good.cert_file, good.key_file, true, good.key_file, text, true);
	chmod(good.key_file, 0400);
	accepted(good.cert_file, good.key_file, false);
	chmod(good.key_file, 0600);
}
END_TEST

START_TEST(test_other_key)
{
	const struct tls_wish wish = { "another", "DNS:localhost", NULL };
	struct tls_pair another = pair_make(dir, &wish, &ca);
	char text[PATH_MAX + 80];

	snprintf(text, sizeof text, "not the key of the certificate in %s", good.cert_file);
	refused(good.cert_file, another.key_file, false, another.key_file, text, true);
	pair_free(&another);
}
END_TEST

/* Nobody is asked for a passphrase at the terminal. */
START_TEST(test_passphrase)
{
	const char *path = in_dir("locked.pem");
	char text[2 * PATH_MAX];
	FILE *out = fopen(path, "w");

	fchmod(fileno(out), 0600);
	PEM_write_PrivateKey(out, good.key, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6,
		NULL, NULL);
	fclose(out);
	snprintf(text, sizeof text,
		"this key has a passphrase; remove it: openssl pkey -in %s -out NEW.pem", path);
	refused(good.cert_file, path, false, path, text, true);
	unlink(path);
}
END_TEST

START_TEST(test_dates)
{
	const struct tls_wish old = { "old", "DNS:localhost", NULL, .from_days = -30, .days = -2 };
	const struct tls_wish early = { "early", "DNS:localhost", NULL, .from_days = 2,
		.days = 30 };
	struct tls_pair pair = pair_make(dir, &old, &ca);
	char text[100], date[12];
	time_t then = time(NULL) - 2 * 24 * 60 * 60;
	struct tm tm;

	strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&then, &tm));
	snprintf(text, sizeof text, "expired on %s; have a new one signed", date);
	refused(pair.cert_file, pair.key_file, true, pair.cert_file, text, true);
	pair_free(&pair);
	pair = pair_make(dir, &early, &ca);
	refused(pair.cert_file, pair.key_file, true, pair.cert_file, "not valid before 2", false);
	pair_free(&pair);
}
END_TEST

static const struct {
	struct tls_wish wish;
	bool names_key; /* the line is about the key's file */
	const char *text; /* NULL: good without legacy too */
} strengths[] = {
	{ { "ec", "DNS:localhost", NULL }, false, NULL },
	{ { "rsa2048", "DNS:localhost", NULL, .rsa_bits = 2048 }, false, NULL },
	{ { "rsa1024", "DNS:localhost", NULL, .rsa_bits = 1024 }, true,
		"1024-bit RSA key, refused by TLS today; use 2048 bits, or tls.legacy=yes "
		"(pmu-tls: --legacy)" },
	{ { "sha1", "DNS:localhost", NULL, .use_sha1 = true }, false,
		"signed with SHA-1, refused by TLS today; have it signed with SHA-256, or "
		"tls.legacy=yes (pmu-tls: --legacy)" },
};

START_TEST(test_strength)
{
	struct tls_pair pair = pair_make(dir, &strengths[_i].wish, &ca);

	if (strengths[_i].text)
		refused(pair.cert_file, pair.key_file, false,
			strengths[_i].names_key ? pair.key_file : pair.cert_file,
			strengths[_i].text, true);
	else
		accepted(pair.cert_file, pair.key_file, false);
	accepted(pair.cert_file, pair.key_file, true);
	pair_free(&pair);
}
END_TEST

/* The CA may follow the certificate in its file; its own SHA-1 signature does not matter, its age
   does. */
START_TEST(test_chain)
{
	const struct tls_wish wishes[] = {
		{ "root1", NULL, "critical,CA:TRUE", .use_sha1 = true },
		{ "root2", NULL, "critical,CA:TRUE", .from_days = -9, .days = -1 },
	};
	for (int i = 0; i < 2; i++) {
		const struct tls_wish leaf = { "leaf", "DNS:localhost", NULL };
		struct tls_pair root = pair_make(dir, &wishes[i], NULL),
				pair = pair_make(dir, &leaf, &root);
		FILE *out = fopen(pair.cert_file, "a");

		PEM_write_X509(out, root.cert);
		fclose(out);
		if (i == 0)
			accepted(pair.cert_file, pair.key_file, false);
		else
			refused(pair.cert_file, pair.key_file, false, pair.cert_file,
				"expired on 2", false);
		out = fopen(pair.cert_file, "a");
		fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", out);
		fclose(out);
		refused(pair.cert_file, pair.key_file, true, pair.cert_file,
			"a certificate in this file is damaged", false);
		pair_free(&pair);
		pair_free(&root);
	}
}
END_TEST

START_TEST(test_client)
{
	const char *missing = in_dir("missing.pem"), *empty = write_text("empty.pem", "");
	struct err err = { 0 };
	struct tls_context *context = tls_context_client(ca.cert_file, false, &err);
	char expected[PATH_MAX + 80];

	ck_assert_msg(context != NULL, "%s", err.text);
	ck_assert_str_eq(tls_context_trust(context), ca.cert_file);
	tls_context_destroy(context);
	context = tls_context_client(NULL, false, &err);
	ck_assert_msg(context != NULL, "%s", err.text);
	ck_assert_str_eq(tls_context_trust(context), "");
	tls_context_destroy(context);
	ck_assert_ptr_null(tls_context_client(missing, false, &err));
	ck_assert_int_eq(err.status, STATUS_USAGE);
	snprintf(expected, sizeof expected, "%s: cannot be read: No such file or directory",
		missing);
	ck_assert_str_eq(err.text, expected);
	ck_assert_ptr_null(tls_context_client(empty, false, &err));
	snprintf(expected, sizeof expected, "%s: no certificate in PEM form in this file", empty);
	ck_assert_str_eq(err.text, expected);
	unlink(empty);
}
END_TEST

static void setup(void)
{
	const struct tls_wish ca_wish = { "Test CA", NULL, "critical,CA:TRUE", .days = 300 };
	const struct tls_wish good_wish = { "good", "DNS:localhost,IP:127.0.0.1", NULL };

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ca = pair_make(dir, &ca_wish, NULL);
	good = pair_make(dir, &good_wish, &ca);
}

static void teardown(void)
{
	pair_free(&good);
	pair_free(&ca);
	rmdir(dir);
}

int main(void)
{
	Suite *suite = suite_create("tls_context");
	TCase *tcase = tcase_create("all");

	tcase_add_unchecked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_good);
	tcase_add_test(tcase, test_files);
	tcase_add_loop_test(tcase, test_rights, 0, 5);
	tcase_add_test(tcase, test_other_key);
	tcase_add_test(tcase, test_passphrase);
	tcase_add_test(tcase, test_dates);
	tcase_add_loop_test(tcase, test_strength, 0, sizeof strengths / sizeof strengths[0]);
	tcase_add_test(tcase, test_chain);
	tcase_add_test(tcase, test_client);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
