/* The guard of the control over TCP: keys, cookies, Host and Origin of a request, and the headers
   for browsers in every answer. */
#include "servers/control/guard.h"
#include "tests/unit/http/http_peer.h"

static struct guard guard;

static void on_request(void *context, struct http_request *request)
{
	if (guard_pass(&guard, request))
		http_respond(request, 200, "text/plain", http_request_path(request),
			strlen(http_request_path(request)), NULL);
}

static void start(void)
{
	struct err err;
	const struct http_options options = { .on_request = on_request, .headers = guard_headers };
	ck_assert(guard_init(&guard, &err));
	serve(&options);
}

/*
 * Says what is given, with @K for the key, @F for the folder, @P for the port, @W for a wrong key
 * of the same length and @S for all but the key's last digit; hears the whole answer.
 */
static void ask(int fd, const char *text)
{
	char request[2048], port[8], wrong[GUARD_KEY_SIZE], shorter[GUARD_KEY_SIZE];
	size_t n = 0;
	snprintf(port, sizeof port, "%u", address_port(&bound));
	strcpy(wrong, guard.key);
	wrong[GUARD_KEY_SIZE - 2] ^= 1;
	strcpy(shorter, guard.key);
	shorter[GUARD_KEY_SIZE - 2] = '\0';
	for (; *text; text++) {
		const char *put = text[0] != '@'   ? NULL
				  : text[1] == 'K' ? guard.key
				  : text[1] == 'P' ? port
				  : text[1] == 'F' ? guard.folder
				  : text[1] == 'W' ? wrong
						   : shorter;
		if (put) {
			n += (size_t)sprintf(request + n, "%s", put);
			text++;
		} else {
			request[n++] = *text;
		}
	}
	memcpy(request + n, "Connection: close\r\n\r\n", 22);
	say(fd, request);
	hear_all(fd);
	close(fd);
}

enum { LET_IN = 1 }; /* 200, the cookie, and a page that goes on by itself */

#define HOST "Host: 127.0.0.1:@P\r\n"
#define KEY "Authorization: Bearer @K\r\n"
#define GET(target) "GET " target " HTTP/1.1\r\n"

static const struct {
	const char *request;
	unsigned status;
} rules[] = {
	{ GET("/") HOST, 401 },
	{ GET("/") HOST KEY, 200 },
	{ "POST / HTTP/1.1\r\n" HOST KEY, 200 },
	{ "OPTIONS / HTTP/1.1\r\n" HOST, 401 },
	{ GET("/") HOST "Authorization: bearer @K\r\n", 200 },
	{ GET("/") HOST "Authorization: Bearer @W\r\n", 401 },
	{ GET("/") HOST "Authorization: Bearer @S\r\n", 401 },
	{ GET("/") HOST "Authorization: Bearer @K0\r\n", 401 },
	{ GET("/") HOST "Authorization: Bearer \r\n", 401 },
	{ GET("/") HOST "Authorization: Basic @K\r\n", 401 },
	{ GET("@F/") HOST "Cookie: pmulab_@P=@K\r\n", 200 },
	{ GET("@F/") HOST "Cookie: a=b; pmulab_@P=@K; c=d\r\n", 200 },
	{ GET("@F/") HOST "Cookie: pmulab_@P=@W; pmulab_@P=@K\r\n", 200 },
	{ GET("@F/") HOST "Cookie: pmulab_@P=@W\r\n", 401 },
	{ GET("@F/") HOST "Cookie: pmulab_@P=@S\r\n", 401 },
	{ GET("@F/") HOST "Cookie: pmulab_@P=\r\n", 401 },
	{ GET("@F/") HOST "Cookie: pmulab_@P\r\n", 401 },
	{ GET("@F/") HOST "Cookie: xpmulab_@P=@K\r\n", 401 },
	{ GET("@F/") HOST "Cookie: pmulab_1=@K\r\n", 401 },
	{ GET("/") HOST "Cookie: pmulab_@P=@K\r\n", 401 },
	{ GET("@F") HOST "Cookie: pmulab_@P=@K\r\n", 401 },
	{ GET("@F0/") HOST "Cookie: pmulab_@P=@K\r\n", 401 },
	{ GET("/x@F/") HOST "Cookie: pmulab_@P=@K\r\n", 401 },
	{ GET("@F/") HOST KEY, 200 },
	{ GET("@F/") HOST, 401 },
	/* the key in the address */
	{ GET("/?key=@K") HOST, 303 },
	{ GET("/?key=@W") HOST, 401 },
	{ GET("/?key=@W") HOST KEY, 401 },
	{ GET("/?key=") HOST, 401 },
	{ "POST /?key=@K HTTP/1.1\r\n" HOST, 401 },
	{ GET("/?key=@K") "Host: evil.example:@P\r\n", 403 },
	{ GET("/?key=@K") HOST "Origin: http://evil.example\r\n", 403 },
	{ GET("/?key=@K") HOST "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n",
		LET_IN },
	{ GET("/?key=@K") HOST "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", 403 },
	/* Host */
	{ GET("/") "Host: localhost:@P\r\n" KEY, 200 },
	{ GET("/") "Host: LOCALHOST:@P\r\n" KEY, 200 },
	{ GET("/") "Host: localhost\r\n" KEY, 403 },
	{ GET("/") "Host: 127.0.0.1\r\n" KEY, 403 },
	{ GET("/") "Host: 127.0.0.1:1\r\n" KEY, 403 },
	{ GET("/") "Host: 127.0.0.2:@P\r\n" KEY, 403 },
	{ GET("/") "Host: evil.example:@P\r\n" KEY, 403 },
	{ GET("/") "Host: localhost.evil.example:@P\r\n" KEY, 403 },
	{ GET("/") "Host:\r\n" KEY, 403 },
	{ "GET / HTTP/1.0\r\n" KEY, 403 },
	/* Origin */
	{ "POST / HTTP/1.1\r\n" HOST KEY "Origin: http://127.0.0.1:@P\r\n", 200 },
	{ "POST / HTTP/1.1\r\nHost: localhost:@P\r\n" KEY "Origin: http://localhost:@P\r\n", 200 },
	{ "POST / HTTP/1.1\r\n" HOST KEY "Origin: http://localhost:@P\r\n", 403 },
	{ "POST / HTTP/1.1\r\n" HOST KEY "Origin: https://127.0.0.1:@P\r\n", 403 },
	{ "POST / HTTP/1.1\r\n" HOST KEY "Origin: http://127.0.0.1:1\r\n", 403 },
	{ "POST / HTTP/1.1\r\n" HOST KEY "Origin: http://127.0.0.1:@P.evil.example\r\n", 403 },
	{ GET("/") HOST KEY "Origin: null\r\n", 403 },
	{ GET("/") HOST KEY "Origin:\r\n", 403 },
	/* what browsers say of who asks */
	{ GET("/") HOST KEY "Sec-Fetch-Site: same-origin\r\n", 200 },
	{ GET("/") HOST KEY "Sec-Fetch-Site: none\r\n", 200 },
	{ GET("/") HOST KEY "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors\r\n", 403 },
	{ GET("/") HOST KEY "Sec-Fetch-Site: cross-site\r\n", 403 },
	{ GET("/") HOST KEY "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: navigate\r\n", 200 },
	{ "POST / HTTP/1.1\r\n" HOST KEY
	  "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n",
		403 },
};

START_TEST(each_rule)
{
	ask(peer_tcp(), rules[_i].request);
	bool lets_in = rules[_i].status == LET_IN || rules[_i].status == 303;
	unsigned status = rules[_i].status == LET_IN ? 200 : rules[_i].status;
	ck_assert_msg(strtoul(heard + strlen("HTTP/1.1 "), NULL, 10) == status,
		"%u, not \"%s\", for\n%s", status, heard, rules[_i].request);
	ck_assert_int_eq(strstr(heard, "WWW-Authenticate: Bearer\r\n") != NULL,
		rules[_i].status == 401);
	ck_assert_int_eq(strstr(heard, "Set-Cookie") != NULL, lets_in);
	ck_assert_int_eq(strstr(heard, "http-equiv=\"refresh\"") != NULL,
		rules[_i].status == LET_IN);
	for (size_t i = 0; guard_headers[i].name; i++)
		ck_assert_ptr_nonnull(strstr(heard, guard_headers[i].name));
	if (lets_in)
		return;
	ck_assert_ptr_null(strstr(heard, guard.key)); /* nobody learns it who has not shown it */
	ck_assert_ptr_null(strstr(heard, guard.folder));
}
END_TEST

START_TEST(the_unix_socket_needs_no_key)
{
	ask(peer_unix(), GET("/") "Host: anything\r\n");
	ck_assert_ptr_nonnull(strstr(heard, "\r\n\r\n/"));
}
END_TEST

static const struct {
	const char *target, *location;
} redirects[] = {
	{ "/?key=@K", "/" },
	{ "/a/b?key=@K", "/a/b" },
	{ "/?a=1&key=@K&b=%0a2", NULL },
	{ "/?a=1&key=@K&b=%262", "/?a=1&b=%262" },
	{ "/?key=@K&keys=1", "/?keys=1" },
	{ "/?a&key=@K&key=x", "/?a" },
	{ "/?k%65y=@K&a=1", "/" },
	{ "@F/?key=@K", "/" },
	{ "//evil.example/?key=@K", NULL },
	{ "/\\evil.example/?key=@K", NULL },
};

START_TEST(the_key_leaves_the_address)
{
	char request[256], expected[300];
	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST, redirects[_i].target);
	ask(peer_tcp(), request);
	if (!redirects[_i].location) {
		ck_assert_ptr_null(strstr(heard, "Location"));
		return;
	}
	snprintf(expected, sizeof expected, "\r\nLocation: %s%s\r\n", guard.folder,
		redirects[_i].location);
	ck_assert_msg(strstr(heard, expected), "%s", heard);
	snprintf(expected, sizeof expected,
		"\r\nSet-Cookie: pmulab_%u=%s; HttpOnly; SameSite=Strict; Path=%s/\r\n",
		address_port(&bound), guard.key, guard.folder);
	ck_assert_msg(strstr(heard, expected), "%s", heard);
}
END_TEST

START_TEST(keys_are_128_bits_and_differ)
{
	struct guard other;
	struct err err;
	ck_assert(guard_init(&other, &err));
	ck_assert_uint_eq(strspn(guard.key, "0123456789abcdef"), 32);
	ck_assert_uint_eq(strlen(guard.key), 32);
	ck_assert_str_ne(guard.key, other.key);
	ck_assert_uint_eq(strlen(guard.folder), 17);
	ck_assert_str_ne(guard.folder, other.folder);
}
END_TEST

START_TEST(the_address_for_people)
{
	static const char *const addresses[][2] = { { "127.0.0.1", "127.0.0.1" },
		{ "0.0.0.0", "127.0.0.1" }, { "::", "[::1]" }, { "192.0.2.1", "192.0.2.1" } };
	char url[GUARD_URL_SIZE], expected[GUARD_URL_SIZE];
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		struct address address;
		ck_assert(address_parse(&address, addresses[i][0], 8080));
		guard_url(&guard, &address, url);
		snprintf(expected, sizeof expected, "http://%s:8080/?key=%s", addresses[i][1],
			guard.key);
		ck_assert_str_eq(url, expected);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guard");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, start, serve_end);
	tcase_add_loop_test(all, each_rule, 0, sizeof rules / sizeof *rules);
	tcase_add_loop_test(all, the_key_leaves_the_address, 0,
		sizeof redirects / sizeof *redirects);
	tcase_add_test(all, the_unix_socket_needs_no_key);
	tcase_add_test(all, keys_are_128_bits_and_differ);
	tcase_add_test(all, the_address_for_people);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
