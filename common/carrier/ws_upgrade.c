/*
 * Shared by both sides of the upgrade: feeding llhttp, the limit on the head, the checks that
 * llhttp lacks, and the headers that matter. ws_upgrade_server.c and ws_upgrade_client.c judge a
 * whole head.
 */
#include "common/carrier/ws_upgrade.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/carrier/ws_upgrade_private.h"

static const char *const header_names[HEADER_COUNT] = {
	[HEADER_OTHER] = "",
	[HEADER_HOST] = "Host",
	[HEADER_UPGRADE] = "Upgrade",
	[HEADER_CONNECTION] = "Connection",
	[HEADER_KEY] = "Sec-WebSocket-Key",
	[HEADER_VERSION] = "Sec-WebSocket-Version",
	[HEADER_ACCEPT] = "Sec-WebSocket-Accept",
	[HEADER_EXTENSIONS] = "Sec-WebSocket-Extensions",
	[HEADER_PROTOCOL] = "Sec-WebSocket-Protocol",
	[HEADER_CONTENT_LENGTH] = "Content-Length",
	[HEADER_TRANSFER_ENCODING] = "Transfer-Encoding",
};

/* ---- helpers ---- */

void text_add(struct text *text, const char *data, size_t len)
{
	size_t room = sizeof text->bytes - 1 - text->len;
	if (len > room) {
		text->cut = true;
		len = room;
	}
	memcpy(text->bytes + text->len, data, len);
	text->len += len;
	text->bytes[text->len] = '\0';
}

static void text_trim(struct text *text)
{
	while (text->len > 0 && strchr(" \t", text->bytes[text->len - 1]))
		text->bytes[--text->len] = '\0';
}

static void text_clear(struct text *text)
{
	text->len = 0;
	text->cut = false;
	text->bytes[0] = '\0';
}

/* Whether `token` is in the comma-separated `list` (RFC 9110 5.6.1). Upper and lower case are
   equal. */
static bool token_listed(const char *list, const char *token)
{
	size_t len = strlen(token);
	while (*list) {
		list += strspn(list, ", \t");
		size_t item = strcspn(list, ",");
		size_t trimmed = item;
		while (trimmed > 0 && strchr(" \t", list[trimmed - 1]))
			trimmed--;
		if (trimmed == len && strncasecmp(list, token, len) == 0)
			return true;
		list += item;
	}
	return false;
}

bool ws_upgrade_accept_value(const char *key, char accept[WS_ACCEPT_SIZE])
{
	/* RFC 6455 1.3 */
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[WS_KEY_SIZE + sizeof guid];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_len;
	int len = snprintf(text, sizeof text, "%s%s", key, guid);
	if (!EVP_Digest(text, (size_t)len, digest, &digest_len, EVP_sha1(), NULL))
		return false;
	EVP_EncodeBlock((unsigned char *)accept, digest, (int)digest_len);
	return true;
}

bool ws_upgrade_print(struct ws_upgrade *u, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vasprintf(&u->output, format, args);
	va_end(args);
	if (len < 0) {
		u->output = NULL;
		u->output_len = 0;
		err_set(&u->err, STATUS_FAILED, "out of memory");
		return false;
	}
	u->output_len = (size_t)len;
	return true;
}

/* ---- llhttp's callbacks ---- */

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
	struct ws_upgrade *u = parser->data;
	text_add(&u->start, at, len);
	return 0;
}

static int on_status(llhttp_t *parser, const char *at, size_t len)
{
	struct ws_upgrade *u = parser->data;
	text_add(&u->start, at, len);
	return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
	struct ws_upgrade *u = parser->data;
	text_add(&u->name, at, len);
	return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
	struct ws_upgrade *u = parser->data;
	text_add(&u->value, at, len);
	return 0;
}

static void keep(char *slot, size_t size, const struct text *value)
{
	/* A value that is too long is not valid, and neither is "". */
	snprintf(slot, size, "%s", value->len < size ? value->bytes : "");
}

static int on_header_value_complete(llhttp_t *parser)
{
	struct ws_upgrade *u = parser->data;
	enum header header = HEADER_COUNT - 1;
	while (header != HEADER_OTHER && strcasecmp(header_names[header], u->name.bytes) != 0)
		header--;
	text_trim(&u->value);
	/* RFC 9112 5.1: a name, and no blank before the colon. llhttp 8 accepts both. */
	u->nameless |= u->name.len == 0 || strpbrk(u->name.bytes, " \t") != NULL;
	const char *value = u->value.bytes;
	u->seen[header]++;
	switch (header) {
	case HEADER_HOST:
		keep(u->host, sizeof u->host, &u->value);
		break;
	case HEADER_KEY:
		keep(u->key, sizeof u->key, &u->value);
		break;
	case HEADER_VERSION:
		keep(u->version, sizeof u->version, &u->value);
		break;
	case HEADER_ACCEPT:
		keep(u->accept, sizeof u->accept, &u->value);
		break;
	case HEADER_CONTENT_LENGTH:
		u->has_content |= *value == '\0' || value[strspn(value, "0")] != '\0';
		break;
	case HEADER_UPGRADE:
		u->upgrade_listed |= token_listed(value, "websocket");
		u->upgrade_alone = strcasecmp(value, "websocket") == 0;
		break;
	case HEADER_CONNECTION:
		u->connection_listed |= token_listed(value, "upgrade");
		break;
	default:
		break;
	}
	if (header != HEADER_OTHER && u->value.cut)
		u->value_cut = true;
	text_clear(&u->name);
	text_clear(&u->value);
	return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
	struct ws_upgrade *u = parser->data;
	u->complete = true;
	return HPE_PAUSED; /* what follows is not HTTP, or is a body, which is not read */
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_status = on_status,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_header_value_complete = on_header_value_complete,
	.on_headers_complete = on_headers_complete,
};

/* ---- feeding, and the verdict ---- */

struct ws_upgrade *ws_upgrade_create(llhttp_type_t type, ws_upgrade_judge *judge)
{
	struct ws_upgrade *u = calloc(1, sizeof *u);
	if (!u)
		return NULL;
	llhttp_init(&u->parser, type, &settings);
	u->parser.data = u;
	u->judge = judge;
	u->verdict = WS_UPGRADE_MORE;
	return u;
}

/*
 * llhttp 8 accepts a bare LF and a continued header line (newer versions do not). RFC 9112 2.2 and
 * 5.2 allow to refuse both. Two parsers may read such a head in two ways, so it is refused.
 */
static void scan_line_ends(struct ws_upgrade *u, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = data[i];
		if ((c == '\n') != (u->before == '\r') && !u->flaw)
			u->flaw = "a line ends in CR LF, and in nothing else";
		if (u->before == '\n' && (c == ' ' || c == '\t') && !u->flaw)
			u->flaw = "a header is one line (no folding)";
		u->before = c;
	}
}

enum ws_verdict ws_upgrade_feed(struct ws_upgrade *u, const void *data, size_t len, size_t *used)
{
	const char *bytes = data;
	size_t room = WS_HEAD_MAX - u->head_len;
	size_t offered = len < room ? len : room;
	*used = offered;
	if (u->verdict != WS_UPGRADE_MORE)
		return u->verdict;
	if (u->head_len < sizeof u->first - 1) {
		size_t n = sizeof u->first - 1 - u->head_len;
		memcpy(u->first + u->head_len, bytes, offered < n ? offered : n);
	}
	enum llhttp_errno error = llhttp_execute(&u->parser, bytes, offered);
	if (error != HPE_OK)
		*used = (size_t)(llhttp_get_error_pos(&u->parser) - bytes);
	/* llhttp stops before the byte with the error. It may be the line's end, so scan it too. */
	scan_line_ends(u, bytes, *used + (error != HPE_OK && !u->complete && *used < offered));
	u->head_len += *used;
	if (!u->complete && error == HPE_OK && !u->flaw) {
		if (len <= room)
			return WS_UPGRADE_MORE;
		u->too_large = true;
	}
	u->error = u->complete ? HPE_OK : error;
	u->verdict = u->judge(u);
	return u->verdict;
}

enum ws_verdict ws_upgrade_verdict(const struct ws_upgrade *u)
{
	return u->verdict;
}

const char *ws_upgrade_output(const struct ws_upgrade *u, size_t *len)
{
	*len = u->output_len;
	return u->output ? u->output : "";
}

const char *ws_upgrade_path(const struct ws_upgrade *u)
{
	return u->path;
}

const char *ws_upgrade_note(const struct ws_upgrade *u)
{
	return u->note;
}

const struct err *ws_upgrade_err(const struct ws_upgrade *u)
{
	return &u->err;
}

void ws_upgrade_destroy(struct ws_upgrade *u)
{
	if (!u)
		return;
	free(u->output);
	free(u);
}
