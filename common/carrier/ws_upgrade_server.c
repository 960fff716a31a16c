/*
 * The server's side of the upgrade (RFC 6455 4.2). A request that is not good gets an HTTP response
 * that says in words what is wrong. The server never chooses an extension or a subprotocol.
 */
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/carrier/ws_upgrade.h"
#include "common/carrier/ws_upgrade_private.h"

/* RFC 9110 7.8: a sender of Upgrade must name it in Connection too. */
#define UPGRADE_HEADERS "Connection: close, Upgrade\r\nUpgrade: websocket\r\n"
#define CLOSE_HEADER "Connection: close\r\n"

__attribute__((format(printf, 5, 6))) static enum ws_verdict refuse(struct ws_upgrade *u,
	unsigned status, const char *reason, const char *headers, const char *format, ...)
{
	char *body;
	va_list args;
	va_start(args, format);
	int len = vasprintf(&body, format, args);
	va_end(args);
	if (len < 0) {
		err_set(&u->err, STATUS_FAILED, "out of memory");
		return WS_UPGRADE_REFUSED;
	}
	bool head = llhttp_get_method(&u->parser) == HTTP_HEAD && !u->error;
	if (ws_upgrade_print(u,
		    "HTTP/1.1 %u %s\r\n%s"
		    "Content-Type: text/plain; charset=utf-8\r\n"
		    "Content-Length: %d\r\n\r\n%s",
		    status, reason, headers, len, head ? "" : body))
		err_set(&u->err, STATUS_PROTOCOL, "WebSocket upgrade refused with %u %s: %.*s",
			status, reason, (int)strcspn(body, "\n"), body);
	free(body);
	return WS_UPGRADE_REFUSED;
}

/* Refuses bytes that are no HTTP head. */
static enum ws_verdict refuse_garbage(struct ws_upgrade *u)
{
	char shown[WIRE_ESCAPED_MAX];
	if (u->error == HPE_INVALID_VERSION || u->error == HPE_PAUSED_H2_UPGRADE)
		return refuse(u, 505, "HTTP Version Not Supported", CLOSE_HEADER,
			"A WebSocket upgrade is HTTP/1.1 here.\n");
	if (u->first[0] == 0x16) /* a handshake record of TLS (RFC 8446 5.1) */
		return refuse(u, 400, "Bad Request", CLOSE_HEADER,
			"This port does not speak TLS; use ws://.\n");
	wire_escape(shown, u->first, strlen(u->first));
	return refuse(u, 400, "Bad Request", CLOSE_HEADER,
		"Expected a WebSocket upgrade (HTTP/1.1), got \"%s\": %s.\n", shown,
		llhttp_get_error_reason(&u->parser));
}

/* A registered name or an address, with a port or without (RFC 3986 3.2.2). It may be empty (RFC
   9110 7.2). */
static bool host_is_sane(const char *host)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:[]%!$&'()*+,;=";
	return host[strspn(host, good)] == '\0';
}

/* Whether the target's path is "/". The target is a path or a whole URL (RFC 6455 4.1), perhaps
   with a query. */
static bool path_is_root(const char *target)
{
	const char *authority = strstr(target, "://");
	if (*target != '/' && authority) {
		target = authority + 3;
		target += strcspn(target, "/?");
		if (*target == '\0' || *target == '?')
			return true;
	}
	return *target == '/' && (target[1] == '\0' || target[1] == '?');
}

/* Whether the key is 16 bytes in base64 (RFC 6455 4.2.1). */
static bool key_is_good(const char *key)
{
	unsigned char decoded[WS_KEY_SIZE];
	const char *padding = strchr(key, '=');
	return strlen(key) == WS_KEY_SIZE - 1 && padding == key + WS_KEY_SIZE - 3 &&
		strcmp(padding, "==") == 0 &&
		EVP_DecodeBlock(decoded, (const unsigned char *)key, WS_KEY_SIZE - 1) == 18;
}

static enum ws_verdict refuse_plain_get(struct ws_upgrade *u)
{
	const char *scheme = u->secure ? "wss" : "ws";
	const char *host = *u->host ? u->host : "HOST:PORT";
	return refuse(u, 426, "Upgrade Required", UPGRADE_HEADERS "Sec-WebSocket-Version: 13\r\n",
		"This is a WebSocket server, not a web page: "
		"connect to %s://%s/ and send CMD_short:1\n"
		"Python:  import websocket; ws = websocket.create_connection(\"%s://%s/\"); "
		"ws.send(\"CMD_short:1\"); print(ws.recv().decode())\n"
		"Shell:   pdc-ws %s://%s/ CMD_short:1\n",
		scheme, host, scheme, host, scheme, host);
}

/* RFC 9112 3.2; NULL: a good one. */
static const char *bad_host(const struct ws_upgrade *u, bool may_miss)
{
	if (u->seen[HEADER_HOST] > 1)
		return "Two Host headers";
	if (u->seen[HEADER_HOST] == 0)
		return may_miss ? NULL : "The Host header is missing";
	return host_is_sane(u->host) ? NULL : "The Host header names no host";
}

/* What neither RFC 6455 nor RFC 9110 forbids, and other servers accept: people are told of it. */
static void note_oddities(struct ws_upgrade *u, bool root)
{
	if (!root)
		snprintf(u->note, sizeof u->note, "path %.90s (the lab's address is /)", u->path);
	else if (u->seen[HEADER_CONTENT_LENGTH])
		snprintf(u->note, sizeof u->note, "Content-Length: 0 in the upgrade");
}

static enum ws_verdict judge_request(struct ws_upgrade *u)
{
	if (u->flaw)
		return refuse(u, 400, "Bad Request", CLOSE_HEADER, "HTTP/1.1: %s.\n", u->flaw);
	if (u->error)
		return refuse_garbage(u);
	if (u->nameless)
		return refuse(u, 400, "Bad Request", CLOSE_HEADER,
			"A header has no name, or a blank before its colon (RFC 9112 5.1).\n");
	if (u->too_large || u->value_cut) /* RFC 6585 5 */
		return refuse(u, 431, "Request Header Fields Too Large", CLOSE_HEADER,
			"The request's head is longer than the %d bytes it may have.\n",
			WS_HEAD_MAX);
	if (u->parser.http_major != 1)
		return refuse(u, 505, "HTTP Version Not Supported", CLOSE_HEADER,
			"A WebSocket upgrade is HTTP/1.1 here.\n");
	if (llhttp_get_method(&u->parser) != HTTP_GET)
		return refuse(u, 405, "Method Not Allowed", CLOSE_HEADER "Allow: GET\r\n",
			"A WebSocket starts with GET, not with %s.\n",
			llhttp_method_name((llhttp_method_t)llhttp_get_method(&u->parser)));
	/* HTTP/1.0 needs no Host, and its Upgrade is to be ignored (RFC 9110 7.8). */
	bool old = u->parser.http_minor == 0;
	const char *wrong_host = bad_host(u, old);
	if (wrong_host) {
		u->host[0] = '\0';
		return refuse(u, 400, "Bad Request", CLOSE_HEADER, "%s; RFC 9112 demands one.\n",
			wrong_host);
	}
	if (u->has_content || u->seen[HEADER_TRANSFER_ENCODING])
		return refuse(u, 400, "Bad Request", CLOSE_HEADER,
			"A request for a WebSocket has no body: no Content-Length but 0, no "
			"Transfer-Encoding.\n");
	if (old && u->upgrade_listed)
		return refuse(u, 426, "Upgrade Required",
			UPGRADE_HEADERS "Sec-WebSocket-Version: 13\r\n",
			"The upgrade came in HTTP/1.0; a WebSocket needs HTTP/1.1 "
			"(RFC 6455 4.1).\n");
	bool root = path_is_root(u->start.bytes);
	wire_escape(u->path, u->start.bytes, u->start.len);
	if (!u->upgrade_listed && !root)
		return refuse(u, 404, "Not Found", CLOSE_HEADER, "There is no page here: %s\n",
			u->path);
	if (!u->upgrade_listed)
		return refuse_plain_get(u);
	if (!u->connection_listed)
		return refuse(u, 400, "Bad Request", CLOSE_HEADER,
			"Connection: Upgrade is missing.\n");
	if (u->seen[HEADER_VERSION] != 1 || strcmp(u->version, "13") != 0) /* RFC 6455 4.4 */
		return refuse(u, 426, "Upgrade Required",
			UPGRADE_HEADERS "Sec-WebSocket-Version: 13\r\n",
			"Sec-WebSocket-Version must be there once and be 13.\n");
	if (u->seen[HEADER_KEY] != 1 || !key_is_good(u->key))
		return refuse(u, 400, "Bad Request", CLOSE_HEADER,
			"Sec-WebSocket-Key must be there once and be 16 bytes in base64.\n");
	char accept[WS_ACCEPT_SIZE];
	if (!ws_upgrade_accept_value(u->key, accept))
		return refuse(u, 500, "Internal Server Error", CLOSE_HEADER,
			"SHA-1 is not available here.\n");
	if (!ws_upgrade_print(u,
		    "HTTP/1.1 101 Switching Protocols\r\n"
		    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
		    "Sec-WebSocket-Accept: %s\r\n\r\n",
		    accept))
		return WS_UPGRADE_REFUSED;
	note_oddities(u, root);
	return WS_UPGRADE_ACCEPTED;
}

struct ws_upgrade *ws_upgrade_create_server(bool secure)
{
	struct ws_upgrade *u = ws_upgrade_create(HTTP_REQUEST, judge_request);
	if (u)
		u->secure = secure;
	return u;
}
