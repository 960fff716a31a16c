/*
 * The client's side of the upgrade (RFC 6455 4.1). The request offers no extension and no
 * subprotocol. So a response that chooses one is refused, as is a wrong Sec-WebSocket-Accept.
 */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/carrier/ws_upgrade.h"
#include "common/carrier/ws_upgrade_private.h"

__attribute__((format(printf, 3, 4))) static enum ws_verdict refuse(
	struct ws_upgrade *u, enum status status, const char *format, ...)
{
	char text[sizeof u->err.text];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	err_set(&u->err, status, "%s", text);
	return u->verdict = WS_UPGRADE_REFUSED;
}

static enum ws_verdict judge_response(struct ws_upgrade *u)
{
	char shown[WIRE_ESCAPED_MAX];
	if (u->too_large || u->value_cut)
		return refuse(u, STATUS_PROTOCOL,
			"the server's answer has a head of more than %d bytes", WS_HEAD_MAX);
	if (u->error) {
		wire_escape(shown, u->first, strlen(u->first));
		return refuse(u, STATUS_PROTOCOL,
			"the server does not speak HTTP; it answered \"%s\"", shown);
	}
	if (u->flaw)
		return refuse(u, STATUS_PROTOCOL, "the server's answer is not good HTTP: %s",
			u->flaw);
	wire_escape(shown, u->start.bytes, u->start.len);
	if (u->parser.status_code != HTTP_STATUS_SWITCHING_PROTOCOLS)
		return refuse(u, STATUS_FAILED,
			"the server refused the WebSocket: \"HTTP/%u.%u %u %s\"",
			u->parser.http_major, u->parser.http_minor, u->parser.status_code, shown);
	const char *wrong = NULL;
	if (u->parser.http_major != 1 || u->parser.http_minor < 1)
		wrong = "it is not HTTP/1.1";
	else if (u->seen[HEADER_UPGRADE] != 1 || !u->upgrade_alone)
		wrong = "\"Upgrade: websocket\" is missing";
	else if (!u->connection_listed)
		wrong = "\"Connection: Upgrade\" is missing";
	else if (u->seen[HEADER_ACCEPT] != 1 || strcmp(u->accept, u->wanted) != 0)
		wrong = "Sec-WebSocket-Accept is not the answer to our key";
	else if (u->seen[HEADER_EXTENSIONS])
		wrong = "it chose an extension that was not offered";
	else if (u->seen[HEADER_PROTOCOL])
		wrong = "it chose a subprotocol that was not offered";
	if (wrong)
		return refuse(u, STATUS_PROTOCOL,
			"the server's answer \"HTTP/1.1 101 %s\" is wrong: %s", shown, wrong);
	return WS_UPGRADE_ACCEPTED;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

struct ws_upgrade *ws_upgrade_create_client(const char *host, const char *path)
{
	unsigned char nonce[16];
	char key[WS_KEY_SIZE];
	struct ws_upgrade *u = ws_upgrade_create(HTTP_RESPONSE, judge_response);
	if (!u)
		return NULL;
	/* A blank or a line end would change the request. */
	if (*host == '\0' || !is_printable(host)) {
		refuse(u, STATUS_USAGE, "a host name is printable ASCII, without blanks");
		return u;
	}
	if (*path != '/' || !is_printable(path) || strchr(path, '#')) {
		refuse(u, STATUS_USAGE,
			"a path starts with / and is printable ASCII, without blanks and #");
		return u;
	}
	if (RAND_bytes(nonce, sizeof nonce) != 1) {
		refuse(u, STATUS_FAILED, "no random numbers");
		return u;
	}
	EVP_EncodeBlock((unsigned char *)key, nonce, sizeof nonce);
	if (!ws_upgrade_accept_value(key, u->wanted)) {
		refuse(u, STATUS_FAILED, "SHA-1 is not available");
		return u;
	}
	if (!ws_upgrade_print(u,
		    "GET %s HTTP/1.1\r\n"
		    "Host: %s\r\n"
		    "Upgrade: websocket\r\n"
		    "Connection: Upgrade\r\n"
		    "Sec-WebSocket-Key: %s\r\n"
		    "Sec-WebSocket-Version: 13\r\n\r\n",
		    path, host, key)) {
		ws_upgrade_destroy(u);
		return NULL;
	}
	return u;
}
