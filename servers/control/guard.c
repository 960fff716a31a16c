/* Checks requests: RFC 6265 (cookies), RFC 6454 (Origin), RFC 6750 (Bearer), and Sec-Fetch-* of the
   Fetch Metadata specification. */
#include "servers/control/guard.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum {
	KEY_LEN = GUARD_KEY_SIZE - 1,
	COOKIE_SIZE = GUARD_KEY_SIZE + GUARD_FOLDER_SIZE + 80,
};

#define SHOWN                                                                                      \
	"open the address that pmulab has printed (with ?key=), "                                  \
	"or send \"Authorization: Bearer KEY\""

const struct http_header guard_headers[] = {
	{ "Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; "
		"img-src 'self' data:; connect-src 'self'; "
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cache-Control", "no-store" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ NULL, NULL },
};

static void write_hex(char *text, const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

bool guard_init(struct guard *guard, struct err *err)
{
	enum { KEY_BYTES = KEY_LEN / 2, FOLDER_BYTES = (GUARD_FOLDER_SIZE - 2) / 2 };
	unsigned char bytes[KEY_BYTES + FOLDER_BYTES];
	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
		err_set(err, STATUS_FAILED, "no random key for the page: %s", strerror(errno));
		return false;
	}
	write_hex(guard->key, bytes, KEY_BYTES);
	guard->folder[0] = '/';
	write_hex(guard->folder + 1, bytes + KEY_BYTES, FOLDER_BYTES);
	return true;
}

void guard_url(const struct guard *guard, const struct address *bound, char url[GUARD_URL_SIZE])
{
	static const struct in6_addr any6 = IN6ADDR_ANY_INIT;
	char text[ADDRESS_TEXT];
	struct address reached = *bound;
	struct sockaddr_in *in = (struct sockaddr_in *)&reached.ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&reached.ss;
	if (reached.ss.ss_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_ANY))
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (reached.ss.ss_family == AF_INET6 &&
		 memcmp(&in6->sin6_addr, &any6, sizeof any6) == 0)
		in6->sin6_addr = in6addr_loopback;
	address_format(&reached, text);
	snprintf(url, GUARD_URL_SIZE, "http://%s/?key=%s", text, guard->key);
}

/* Compares in a time that does not depend on how many bytes are right. */
static bool key_fits(const struct guard *guard, const char *text, size_t len)
{
	return len == KEY_LEN && CRYPTO_memcmp(text, guard->key, KEY_LEN) == 0;
}

/* Browsers leave out a scheme's default port. */
static bool names_us(const char *host, const char *name, unsigned port)
{
	char full[ADDRESS_TEXT];
	snprintf(full, sizeof full, "%s:%u", name, port);
	return strcasecmp(host, full) == 0 || (port == 80 && strcasecmp(host, name) == 0);
}

/* Against DNS rebinding: another site's name that leads here stands in Host. */
static bool host_is_ours(const struct http_request *request, unsigned port)
{
	char name[ADDRESS_TEXT];
	const char *host = http_request_header(request, "Host");
	address_format(http_request_local(request), name);
	*strrchr(name, ':') = '\0';
	return host && (names_us(host, name, port) || names_us(host, "localhost", port));
}

/* What the browser says; other programs do not send this header. */
static bool is_from_elsewhere(const struct http_request *request)
{
	const char *site = http_request_header(request, "Sec-Fetch-Site");
	return site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
}

/* Another port of this machine is another origin, but the same site for SameSite cookies; it may
   have students' pages. So the origin is checked. */
static bool site_is_ours(const struct http_request *request)
{
	const char *origin = http_request_header(request, "Origin");
	const char *mode = http_request_header(request, "Sec-Fetch-Mode");
	const char *method = http_request_method(request);
	if (origin && (strncasecmp(origin, "http://", 7) != 0 ||
		strcasecmp(origin + 7, http_request_header(request, "Host")) != 0))
		return false;
	if (!is_from_elsewhere(request))
		return true;
	/* a link that was clicked */
	return mode && strcmp(mode, "navigate") == 0 && strcmp(method, "GET") == 0;
}

/* RFC 6265, section 5.4: "a=1; b=2". Another port of this machine may have set a cookie of the same
   name, so any of them may match. */
static bool cookie_fits(const struct guard *guard, const struct http_request *request,
	unsigned port)
{
	char name[32];
	size_t name_len = (size_t)snprintf(name, sizeof name, "pmulab_%u=", port);
	const char *cookie = http_request_header(request, "Cookie");
	while (cookie && *cookie) {
		cookie += strspn(cookie, "; ");
		size_t len = strcspn(cookie, "; ");
		if (strncmp(cookie, name, name_len) == 0 &&
			key_fits(guard, cookie + name_len, len - name_len))
			return true;
		cookie += len;
	}
	return false;
}

static bool bearer_fits(const struct guard *guard, const struct http_request *request)
{
	static const char scheme[] = "Bearer ";
	const char *given = http_request_header(request, "Authorization");
	if (!given || strncasecmp(given, scheme, sizeof scheme - 1) != 0)
		return false;
	given += sizeof scheme - 1;
	return key_fits(guard, given, strlen(given));
}

/* Whether the target lies in the folder. */
static bool is_inside(const struct guard *guard, const char *target)
{
	size_t len = GUARD_FOLDER_SIZE - 1;
	return strncmp(target, guard->folder, len) == 0 && target[len] == '/';
}

/* The target as it was sent, without the parameters "key". */
static void leave_key_out(const char *target, char out[HTTP_HEAD_MAX])
{
	size_t len = strcspn(target, "?");
	const char *parameter = target + len;
	char sign = '?';
	memcpy(out, target, len);
	while (*parameter) {
		size_t part = strcspn(++parameter, "&");
		if (part > 0 && !(strncmp(parameter, "key", 3) == 0 &&
					(part == 3 || parameter[3] == '='))) {
			out[len++] = sign;
			memcpy(out + len, parameter, part);
			len += part;
			sign = '&';
		}
		parameter += part;
	}
	out[len] = '\0';
	/* the parameter's name was percent-encoded: leave out the whole query */
	if (strcmp(out, target) == 0)
		out[strcspn(out, "?")] = '\0';
}

static bool refuse(struct http_request *request, unsigned status, const char *error,
	const char *hint)
{
	static const struct http_header challenge[] = { { "WWW-Authenticate", "Bearer" },
		{ NULL, NULL } };
	http_refuse(request, status, status == 401 ? challenge : NULL, error, hint);
	return false;
}

/* After a click on another site, a browser follows a redirection without the cookie
   (SameSite=Strict). It does send the cookie when a page of ours goes on by itself. */
#define GO_ON                                                                                      \
	"<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>pmulab</title>\n"       \
	"<meta http-equiv=\"refresh\" content=\"0;url=%s/\">\n<a href=\"%s/\">pmulab</a>\n"

static bool let_in(const struct guard *guard, struct http_request *request, unsigned port)
{
	char cookie[COOKIE_SIZE], location[GUARD_FOLDER_SIZE + HTTP_HEAD_MAX],
		page[sizeof GO_ON + 2 * GUARD_FOLDER_SIZE];
	const char *target = http_request_target(request);
	snprintf(cookie, sizeof cookie, "pmulab_%u=%s; HttpOnly; SameSite=Strict; Path=%s/", port,
		guard->key, guard->folder);
	strcpy(location, is_inside(guard, target) ? "" : guard->folder);
	leave_key_out(target, location + strlen(location));
	const struct http_header headers[] = { { "Set-Cookie", cookie }, { "Location", location },
		{ NULL, NULL } };
	if (is_from_elsewhere(request)) {
		const struct http_header cookie_alone[] = { headers[0], { NULL, NULL } };
		int len = snprintf(page, sizeof page, GO_ON, guard->folder, guard->folder);
		http_respond(request, 200, "text/html; charset=utf-8", page, (size_t)len,
			cookie_alone);
	} else {
		http_respond(request, 303, NULL, NULL, 0, headers);
	}
	return false;
}

bool guard_pass(const struct guard *guard, struct http_request *request)
{
	if (http_request_is_unix(request))
		return true;
	unsigned port = address_port(http_request_local(request));
	char hint[ADDRESS_TEXT + 64], local[ADDRESS_TEXT];
	address_format(http_request_local(request), local);
	snprintf(hint, sizeof hint, "use http://%s/ or http://localhost:%u/", local, port);
	if (!host_is_ours(request, port))
		return refuse(request, 403, "Host names another server", hint);
	if (!site_is_ours(request))
		return refuse(request, 403, "a page of another site asks", hint);
	const char *key = http_request_parameter(request, "key");
	if (key && strcmp(http_request_method(request), "GET") == 0)
		return key_fits(guard, key, strlen(key))
			       ? let_in(guard, request, port)
			       : refuse(request, 401, "the key is wrong", SHOWN);
	bool inside = is_inside(guard, http_request_path(request));
	if (!(inside && cookie_fits(guard, request, port)) && !bearer_fits(guard, request))
		return refuse(request, 401, "the key is missing, or is wrong", SHOWN);
	if (inside)
		http_request_skip(request, GUARD_FOLDER_SIZE - 1);
	return true;
}
