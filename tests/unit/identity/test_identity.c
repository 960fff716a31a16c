/* The lab's own certificates: making, finding and renewing them, directories that cannot be
   written, and certificates for a single run. */
#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/carrier/tls_context.h"
#include "servers/identity/identity.h"
#include "servers/identity/issue.h"

enum { DAY = 24 * 60 * 60, SOMEBODY = 12345 };

static char base[] = "/tmp/pmulab-test-XXXXXX";
static char home[PATH_MAX], dir[PATH_MAX];
static struct tls_identity identity;
static struct err err;

static bool open_at(const char *where, long days)
{
	err.text[0] = '\0';
	return tls_identity_open_at(&identity, where, time(NULL) + days * DAY, &err);
}

static char *slurp(const char *path)
{
	static char text[2][8192];
	static int which;
	char *to = text[which ^= 1];
	FILE *in = fopen(path, "r");

	ck_assert_msg(in != NULL, "%s", path);
	to[fread(to, 1, sizeof text[0] - 1, in)] = '\0';
	fclose(in);
	return to;
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	ck_assert_msg(stat(path, &st) == 0, "%s", path);
	return st.st_mode & 07777;
}

static X509 *cert_of(const char *path)
{
	FILE *in = fopen(path, "r");
	X509 *cert = in ? PEM_read_X509(in, NULL, NULL, NULL) : NULL;

	ck_assert_ptr_nonnull(cert);
	fclose(in);
	return cert;
}

static const char *in_dir(const char *name)
{
	static char path[PATH_MAX + 64];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

START_TEST(test_made)
{
	static const char *const names[] = { "localhost", "tcpip.epfl.ch", "lab3.iew.epfl.ch",
		"lab3.iw.epfl.ch" };
	struct tls_context *context;

	setenv("XDG_STATE_HOME", home, 1);
	ck_assert_msg(tls_identity_open(&identity, "", &err), "%s", err.text);
	ck_assert_str_eq(identity.ca_file, in_dir("ca.pem"));
	ck_assert_uint_eq(mode_of(dir), 0700);
	ck_assert_uint_eq(mode_of(home), 0700);
	ck_assert_uint_eq(mode_of(identity.key_file), 0600);
	ck_assert_int_ne(access(in_dir("ca_key.pem"), F_OK), 0);
	ck_assert_uint_eq(mode_of(identity.cert_file), 0644);
	ck_assert(!identity.anew);

	X509 *cert = cert_of(identity.cert_file), *ca = cert_of(identity.ca_file);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		ck_assert_int_eq(X509_check_host(cert, names[i], 0, 0, NULL), 1);
	ck_assert_int_eq(X509_check_host(cert, "epfl.ch", 0, 0, NULL), 0);
	ck_assert_int_eq(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
	ck_assert_int_eq(X509_check_ip_asc(cert, "::1", 0), 1);

	/* The whole chain, as strictly as OpenSSL can. */
	X509_STORE *store = X509_STORE_new();
	X509_STORE_add_cert(store, ca);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_STORE_CTX_init(ctx, store, cert, NULL);
	X509_STORE_CTX_set_default(ctx, "ssl_server");
	X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_X509_STRICT);
	ck_assert_msg(X509_verify_cert(ctx) == 1, "%s",
		X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_free(cert);
	X509_free(ca);

	context = tls_context_server(identity.cert_file, identity.key_file, false, &err);
	ck_assert_msg(context != NULL, "%s", err.text);
	tls_context_destroy(context);
}
END_TEST

START_TEST(test_default_without_xdg)
{
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", home, 1);
	mkdir(home, 0755);
	ck_assert(open_at("", 0));
	snprintf(dir, sizeof dir, "%s/.local/state/pmulab", home);
	ck_assert_str_eq(identity.ca_file, in_dir("ca.pem"));
}
END_TEST

START_TEST(test_found_again)
{
	struct stat before, after;

	ck_assert(open_at(dir, 0));
	ck_assert_int_eq(stat(identity.cert_file, &before), 0);
	ck_assert(open_at(dir, 300));
	ck_assert_int_eq(stat(identity.cert_file, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	ck_assert_int_ne(access(in_dir("new"), F_OK), 0);
}
END_TEST

/* All start at once, held back by a lock that is theirs to get; each must end with the same
   files. */
START_TEST(test_together)
{
	enum { PROCESSES = 6 };
	int go[2], out[2];
	char seen[PROCESSES][1024];

	ck_assert_int_eq(pipe(go), 0);
	ck_assert_int_eq(pipe(out), 0);
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() == 0) {
			char byte, line[1024] = "";
			close(go[1]);
			if (read(go[0], &byte, 1) == 0 && open_at(dir, 0)) {
				struct tls_context *context = tls_context_server(identity.cert_file,
					identity.key_file, false, &err);
				snprintf(line, sizeof line, "%s%s", context ? "" : err.text,
					slurp(identity.cert_file) + 400);
			}
			_exit(write(out[1], line, sizeof line) != sizeof line);
		}
	}
	close(go[1]);
	close(go[0]);
	for (int i = 0; i < PROCESSES; i++)
		ck_assert_int_eq(read(out[0], seen[i], sizeof seen[i]), sizeof seen[i]);
	for (int i = 0; i < PROCESSES; i++) {
		int status;

		ck_assert_int_gt(wait(&status), 0);
		ck_assert_str_eq(seen[i], seen[0]);
	}
	ck_assert_uint_gt(strlen(seen[0]), 100);
	close(out[0]);
	close(out[1]);
}
END_TEST

/* 819 days on, six are left. The CA goes with what it has signed: its key is no more. */
START_TEST(test_renewed)
{
	char ca[8192], cert[8192];

	ck_assert(open_at(dir, 0));
	strcpy(ca, slurp(identity.ca_file));
	strcpy(cert, slurp(identity.cert_file));
	ck_assert(open_at(dir, 817));
	ck_assert(!identity.anew);
	ck_assert_str_eq(slurp(identity.cert_file), cert);
	ck_assert(open_at(dir, 819));
	ck_assert(identity.anew);
	ck_assert_str_ne(slurp(identity.cert_file), cert);
	ck_assert_str_ne(slurp(identity.ca_file), ca);
	X509 *a = cert_of(identity.ca_file), *b = cert_of(identity.cert_file);
	ck_assert_int_eq(ASN1_TIME_compare(X509_get0_notAfter(a), X509_get0_notAfter(b)), 0);
	X509_free(a);
	X509_free(b);
	strcpy(cert, slurp(identity.cert_file));
	ck_assert(open_at(dir, 819));
	ck_assert(!identity.anew);

	/* A clock that is late replaces nothing. */
	ck_assert(!open_at(dir, 0));
	ck_assert_ptr_nonnull(strstr(err.text, "clock"));
	ck_assert(open_at(dir, 820));
	ck_assert_str_eq(slurp(identity.cert_file), cert);
}
END_TEST

/* What earlier versions have made: a CA with its key beside it, or with name constraints. */
START_TEST(test_old_ones)
{
	struct tls_pair ca = { 0 };
	char cert[8192];

	ck_assert(open_at(dir, 0));
	strcpy(cert, slurp(identity.cert_file));
	if (_i == 0) {
		ck_assert_int_eq(link(identity.key_file, in_dir("ca_key.pem")), 0);
	} else {
		ck_assert(tls_issue_ca(&ca, time(NULL)));
		X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_name_constraints,
			"critical,permitted;DNS:localhost");
		ck_assert_int_eq(X509_add_ext(ca.cert, names, -1), 1);
		ck_assert_int_gt(X509_sign(ca.cert, ca.key, EVP_sha256()), 0);
		ck_assert(!tls_issue_good_ca(ca.cert, time(NULL)));
		X509_EXTENSION_free(names);
		FILE *out = fopen(identity.ca_file, "w");
		ck_assert_int_eq(PEM_write_X509(out, ca.cert), 1);
		fclose(out);
		tls_pair_finish(&ca);
	}
	ck_assert(open_at(dir, 0));
	ck_assert(identity.anew);
	ck_assert_str_ne(slurp(identity.cert_file), cert);
	ck_assert_int_ne(access(in_dir("ca_key.pem"), F_OK), 0);
}
END_TEST

static void spoil_key_rights(void)
{
	chmod(identity.key_file, 0640);
}

static void spoil_key(void)
{
	ck_assert_int_eq(truncate(identity.key_file, 40), 0);
}

static void spoil_cert(void)
{
	unlink(identity.cert_file);
}

static void spoil_match(void)
{
	char other[PATH_MAX], kept[PATH_MAX];

	snprintf(kept, sizeof kept, "%s", identity.key_file);
	snprintf(other, sizeof other, "%s/other", home);
	ck_assert(open_at(other, 0));
	ck_assert_int_eq(rename(identity.key_file, kept), 0);
}

/* Another CA of the same name. */
static void spoil_ca(void)
{
	char other[PATH_MAX];

	snprintf(other, sizeof other, "%s/other", home);
	ck_assert(open_at(other, 0));
	ck_assert_int_eq(rename(identity.ca_file, in_dir("ca.pem")), 0);
}

static void give_away(const char *path)
{
	ck_assert_int_eq(chown(path, SOMEBODY, (gid_t)-1), 0);
}

static void spoil_owner_of_key(void)
{
	give_away(identity.key_file);
}

static void spoil_owner_of_cert(void)
{
	give_away(identity.cert_file);
}

static void spoil_owner_of_ca(void)
{
	give_away(identity.ca_file);
}

static void (*const spoils[])(void) = {
	spoil_key_rights,
	spoil_key,
	spoil_cert,
	spoil_match,
	spoil_ca,
	/* only root can: ROOT_SPOILS */
	spoil_owner_of_key,
	spoil_owner_of_cert,
	spoil_owner_of_ca,
};
enum { SPOILS = sizeof spoils / sizeof spoils[0], ROOT_SPOILS = 3 };

START_TEST(test_mended)
{
	char cert[8192];

	ck_assert(open_at(dir, 0));
	strcpy(cert, slurp(identity.cert_file));
	spoils[_i]();
	ck_assert(open_at(dir, 0));
	ck_assert_str_ne(slurp(identity.cert_file), cert);
	ck_assert_uint_eq(mode_of(identity.key_file), 0600);
	struct tls_context *context =
		tls_context_server(identity.cert_file, identity.key_file, false, &err);
	ck_assert_msg(context != NULL, "%s", err.text);
	tls_context_destroy(context);
	strcpy(cert, slurp(identity.cert_file));
	ck_assert(open_at(dir, 0));
	ck_assert_str_eq(slurp(identity.cert_file), cert);
}
END_TEST

/* A file where a directory should be: nobody can write there, root included. */
START_TEST(test_nowhere_to_write)
{
	char place[PATH_MAX], file[PATH_MAX], expected[2 * PATH_MAX];

	snprintf(file, sizeof file, "%s/file", base);
	fclose(fopen(file, "w"));
	snprintf(place, sizeof place, "%s/file/state", base);
	ck_assert(!open_at(place, 0));
	ck_assert_int_eq(err.status, STATUS_USAGE);
	snprintf(expected, sizeof expected, "%s/file/state: cannot be made: Not a directory", base);
	ck_assert_str_eq(err.text, expected);
}
END_TEST

static const struct {
	const char *home, *expected;
} homes[] = {
	{ NULL, "no home directory is known" },
	{ "", "no home directory is known" },
	{ "relative", "no home directory is known" },
	{ "%s/none", "HOME is %s/none, which is no directory" },
	{ "%s/file", "HOME is %s/file, which is no directory" },
};

/* Only below a home are folders made. */
START_TEST(test_no_home)
{
	char home_text[PATH_MAX], file[PATH_MAX], expected[PATH_MAX + 64];

	snprintf(file, sizeof file, "%s/file", base);
	fclose(fopen(file, "w"));
	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	if (homes[_i].home) {
		const char *at = strstr(homes[_i].home, "%s");
		snprintf(home_text, sizeof home_text, "%s%s", at ? base : "",
			at ? at + 2 : homes[_i].home);
		setenv("HOME", home_text, 1);
	}
	const char *at = strstr(homes[_i].expected, "%s");
	int len = at ? (int)(at - homes[_i].expected) : 0;
	snprintf(expected, sizeof expected, "%.*s%s%s", len, homes[_i].expected, at ? base : "",
		at ? at + 2 : homes[_i].expected);
	ck_assert(!open_at("", 0));
	ck_assert_str_eq(err.text, expected);
	snprintf(file, sizeof file, "%s/none", base);
	ck_assert_int_ne(access(file, F_OK), 0);
}
END_TEST

/* What takes the place of files: good, and another one each time. */
START_TEST(test_issued_for_a_run)
{
	struct tls_pair own, other;
	char *ca, *other_ca;

	ck_assert(tls_issue_run(&own, &ca, time(NULL)));
	ck_assert(tls_issue_run(&other, &other_ca, time(NULL)));
	BIO *bio = BIO_new_mem_buf(ca, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ck_assert(tls_issue_good_ca(cert, time(NULL)));
	ck_assert(tls_issue_good_server(&own, cert, time(NULL)));
	ck_assert(!tls_issue_good_server(&other, cert, time(NULL)));
	ck_assert_ptr_null(strstr(ca, "PRIVATE"));

	struct tls_context *context = tls_context_server_pair(own.cert, own.key, false, &err);
	ck_assert_msg(context != NULL, "%s", err.text);
	tls_context_destroy(context);
	ck_assert_ptr_null(tls_context_server_pair(own.cert, other.key, false, &err));
	ck_assert_int_eq(err.status, STATUS_FAILED);
	X509_free(cert);
	tls_pair_finish(&own);
	tls_pair_finish(&other);
	free(ca);
	free(other_ca);
}
END_TEST

/* Read-only is enough when the files are good (not for root, whom rights do not stop). */
START_TEST(test_read_only)
{
	ck_assert(open_at(dir, 0));
	unlink(in_dir("lock"));
	chmod(dir, 0500);
	ck_assert(open_at(dir, 0));
	ck_assert_int_ne(access(in_dir("lock"), F_OK), 0);
	chmod(dir, 0700);
}
END_TEST

START_TEST(test_rights_of_directory)
{
	setenv("XDG_STATE_HOME", home, 1);
	mkdir(home, 0700);
	mkdir(dir, 0777);
	chmod(dir, 0777);
	/* named by the user: left as it is, and not used where others may write */
	ck_assert(!open_at(dir, 0));
	ck_assert_uint_eq(mode_of(dir), 0777);
	ck_assert_ptr_nonnull(strstr(err.text,
		"others may write there (mode 0777; chmod 700 helps)"));
	chmod(dir, 0755);
	ck_assert(open_at(dir, 0));
	ck_assert_uint_eq(mode_of(dir), 0755);
	/* the default one is ours */
	ck_assert(open_at("", 0));
	ck_assert_uint_eq(mode_of(dir), 0700);
}
END_TEST

/* Only root can give a directory away. */
START_TEST(test_directory_of_somebody_else)
{
	setenv("XDG_STATE_HOME", home, 1);
	ck_assert(open_at(dir, 0));
	give_away(dir);
	ck_assert(!open_at(dir, 0));
	ck_assert_ptr_nonnull(strstr(err.text, "belongs to somebody else (user 12345)"));
	ck_assert(!open_at("", 0));
	ck_assert_ptr_nonnull(strstr(err.text, "belongs to somebody else"));
}
END_TEST

/* Symbolic links are followed for the directory; the answer names the real place. */
START_TEST(test_relative)
{
	char here[PATH_MAX];

	ck_assert_ptr_nonnull(getcwd(here, sizeof here));
	ck_assert_int_eq(chdir(base), 0);
	ck_assert(open_at("home/pmulab//", 0));
	ck_assert_str_eq(identity.ca_file, in_dir("ca.pem"));
	ck_assert_int_eq(chdir(here), 0);
}
END_TEST

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void setup(void)
{
	strcpy(base, "/tmp/pmulab-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	snprintf(home, sizeof home, "%s/home", base);
	snprintf(dir, sizeof dir, "%s/home/pmulab", base);
}

static void teardown(void)
{
	nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	Suite *suite = suite_create("identity");
	TCase *tcase = tcase_create("all");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_made);
	tcase_add_test(tcase, test_default_without_xdg);
	tcase_add_test(tcase, test_found_again);
	tcase_add_test(tcase, test_together);
	tcase_add_test(tcase, test_renewed);
	tcase_add_loop_test(tcase, test_old_ones, 0, 2);
	tcase_add_loop_test(tcase, test_mended, 0, geteuid() == 0 ? SPOILS : SPOILS - ROOT_SPOILS);
	tcase_add_test(tcase, test_nowhere_to_write);
	tcase_add_loop_test(tcase, test_no_home, 0, sizeof homes / sizeof homes[0]);
	tcase_add_test(tcase, test_issued_for_a_run);
	tcase_add_test(tcase, test_read_only);
	tcase_add_test(tcase, test_rights_of_directory);
	if (geteuid() == 0)
		tcase_add_test(tcase, test_directory_of_somebody_else);
	tcase_add_test(tcase, test_relative);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
