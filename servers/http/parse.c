/*
 * Reads a request. llhttp parses it. What llhttp accepts and the RFCs do not, or what two parsers
 * may read differently, is refused here, against request smuggling. Every refusal ends the
 * connection.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "servers/http/http_private.h"

/* Headers that may occur only once: otherwise two programs might use different ones. */
static const char *const once[] = { "Host", "Origin", "Authorization", "Cookie", "Content-Type",
	"Content-Length", "Transfer-Encoding", "Expect" };

/* The most bytes that are no body: the head, and the framing of chunks. */
enum { FRAMING_MAX = 2 * HTTP_HEAD_MAX };

#define SERVED "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS are"
#define LENGTH(array) (sizeof(array) / sizeof *(array))

static int refuse(struct http_request *r, unsigned status, const char *error, const char *hint)
{
	if (!r->status) {
		r->status = status;
		r->error = error;
		r->hint = hint;
	}
	return -1; /* tells llhttp to stop */
}

static int refuse_body(struct http_request *r)
{
	return refuse(r, 413, "the body is longer than 65536 bytes",
		"send less, or in several requests");
}

/* ---- keeping what llhttp finds ---- */

static int keep(struct http_request *r, const char *at, size_t len)
{
	if (r->sent_len + len >= sizeof r->sent)
		return refuse(r, 431, "the request's head is too long", "");
	memcpy(r->sent + r->sent_len, at, len);
	r->sent_len += len;
	r->sent[r->sent_len] = '\0';
	return 0;
}

/* Ends the text that began at `start`, and returns it. */
static const char *keep_end(struct http_request *r, const char **start)
{
	const char *text = *start;
	*start = NULL;
	r->sent[r->sent_len++] = '\0';
	return text;
}

static int on_part(llhttp_t *parser, const char **start, const char *at, size_t len)
{
	struct http_request *r = parser->data;
	if (r->head_done) /* trailers (RFC 9112, section 7.1.2) are ignored */
		return 0;
	if (!*start)
		*start = r->sent + r->sent_len;
	return keep(r, at, len);
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
	return on_part(parser, &((struct http_request *)parser->data)->raw_target, at, len);
}

static int on_url_complete(llhttp_t *parser)
{
	struct http_request *r = parser->data;
	return keep(r, "", 1);
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
	return on_part(parser, &((struct http_request *)parser->data)->name, at, len);
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
	struct http_request *r = parser->data;
	if (!r->head_done && !r->value && keep(r, "", 1) != 0) /* ends the name */
		return -1;
	return on_part(parser, &r->value, at, len);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t'; /* RFC 9110, section 5.6.3 */
}

static int on_header_value_complete(llhttp_t *parser)
{
	struct http_request *r = parser->data;
	if (r->head_done)
		return 0;
	if (!r->name)
		return refuse(r, 400, "a header has no name", "");
	if (!r->value && on_header_value(parser, "", 0) != 0)
		return -1;
	while (r->sent + r->sent_len > r->value && is_blank(r->sent[r->sent_len - 1]))
		r->sent_len--;
	if (r->header_count == HTTP_HEADERS_MAX || r->sent_len + 1 >= sizeof r->sent)
		return refuse(r, 431, "the request has more headers than 100", "");
	struct http_pair *header = &r->headers[r->header_count++];
	header->name = r->name;
	header->value = keep_end(r, &r->value);
	r->name = NULL;
	return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len);
static int on_chunk_header(llhttp_t *parser);
static int on_headers_complete(llhttp_t *parser);
static int on_message_complete(llhttp_t *parser);

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_url_complete = on_url_complete,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_header_value_complete = on_header_value_complete,
	.on_headers_complete = on_headers_complete,
	.on_chunk_header = on_chunk_header,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* ---- judging the head ---- */

/* RFC 9110, section 5.6.2; llhttp also accepts a blank. */
static bool is_token(const char *text)
{
	static const char sign[] =
		"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	return *text && text[strspn(text, sign)] == '\0';
}

static bool is_visible(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			return false;
	return true;
}

static bool host_is_sane(const char *host)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:[]%";
	return host[strspn(host, good)] == '\0';
}

static int judge_headers(struct http_request *r)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (!is_token(r->headers[i].name) || !is_visible(r->headers[i].value))
			return refuse(r, 400,
				"a header's name or value has a sign in it that cannot be there",
				"");
	for (size_t i = 0; i < LENGTH(once); i++) {
		unsigned seen = 0;
		for (size_t k = 0; k < r->header_count; k++)
			seen += strcasecmp(r->headers[k].name, once[i]) == 0;
		if (seen > 1)
			return refuse(r, 400, "a header that may stand once stands there twice",
				once[i]);
	}
	const char *host = http_request_header(r, "Host");
	if ((!host && r->parser.http_minor > 0) || (host && !host_is_sane(host)))
		return refuse(r, 400, "a request has exactly one valid Host header", "");
	return 0;
}

/* RFC 9112, sections 6.1 to 6.3: the body's length must be unambiguous. */
static int judge_length(struct http_request *r)
{
	const char *length = http_request_header(r, "Content-Length");
	const char *coding = http_request_header(r, "Transfer-Encoding");
	if (length && coding)
		return refuse(r, 400, "a request has Content-Length or Transfer-Encoding, not both",
			"");
	if (coding && r->parser.http_minor == 0)
		return refuse(r, 400, "HTTP/1.0 has no Transfer-Encoding", "");
	if (coding && strcasecmp(coding, "chunked") != 0)
		return refuse(r, 501, "the only Transfer-Encoding here is chunked", "");
	if (length && (!*length || length[strspn(length, "0123456789")]))
		return refuse(r, 400, "Content-Length is no number", "");
	return length && r->parser.content_length > HTTP_BODY_MAX ? refuse_body(r) : 0;
}

static int on_headers_complete(llhttp_t *parser)
{
	struct http_request *r = parser->data;
	r->head_done = true;
	if (parser->http_major != 1 || parser->http_minor > 1)
		return refuse(r, 505, "this is HTTP/1.1", "");
	if (!http_request_method(r))
		return refuse(r, 501, "a method that is not served here", SERVED);
	if (judge_headers(r) != 0 || judge_length(r) != 0)
		return -1;
	if (!r->raw_target || !http_target_read(&r->target, r->raw_target))
		return refuse(r, 400, r->target.error, r->target.hint);
	const char *expect = http_request_header(r, "Expect");
	if (expect && strcasecmp(expect, "100-continue") != 0)
		return refuse(r, 417, "the only Expect here is 100-continue", "");
	r->expects = expect && parser->http_minor > 0 &&
		     ((parser->flags & F_CHUNKED) || parser->content_length > 0);
	return 0;
}

/* ---- the body ---- */

/*
 * llhttp 8 accepts a line that ends in a bare LF or CR, a continued header line, and any two bytes
 * behind a chunk's data (newer versions do not). RFC 9112, sections 2.2, 5.2 and 7.1, refuses them
 * or allows to.
 */
static void scan_framing(struct http_request *r, const char *end)
{
	for (const char *c = r->scanned; c < end; c++) {
		if ((*c == '\n') != (r->before == '\r'))
			r->flaw = "a line ends in CR LF, and in nothing else";
		if (r->before == '\n' && (*c == ' ' || *c == '\t'))
			r->flaw = "a header is one line (no folding)";
		if (r->after_data && *c != '\r')
			r->flaw = "a chunk is longer than it says";
		r->after_data = false;
		r->before = *c;
		r->framing_len++;
	}
	r->scanned = end;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
	struct http_request *r = parser->data;
	scan_framing(r, at);
	r->scanned = at + len;
	r->before = 0;
	r->after_data = true;
	r->expects = false; /* the peer did not wait */
	if (r->body_len + len > HTTP_BODY_MAX)
		return refuse_body(r);
	if (r->body_len + len + 1 > r->body_size) {
		size_t size = 2 * (r->body_len + len + 1);
		/* content_length is what is still to come */
		if (!(parser->flags & F_CHUNKED) && parser->content_length <= HTTP_BODY_MAX)
			size = r->body_len + len + (size_t)parser->content_length + 1;
		char *body = realloc(r->body, size);
		if (!body)
			return refuse(r, 503, "out of memory", "");
		r->body = body;
		r->body_size = size;
	}
	memcpy(r->body + r->body_len, at, len);
	r->body_len += len;
	r->body[r->body_len] = '\0';
	return 0;
}

static int on_chunk_header(llhttp_t *parser)
{
	struct http_request *r = parser->data;
	return parser->content_length > HTTP_BODY_MAX - r->body_len ? refuse_body(r) : 0;
}

static int on_message_complete(llhttp_t *parser)
{
	struct http_request *r = parser->data;
	r->whole = true;
	r->keep = llhttp_should_keep_alive(parser) && parser->http_minor > 0;
	return HPE_PAUSED; /* what follows is the next request */
}

/* ---- the whole ---- */

void http_request_begin(struct http_request *r)
{
	http_request_finish(r);
	llhttp_init(&r->parser, HTTP_REQUEST, &settings);
	r->parser.data = r;
	r->sent_len = r->header_count = r->body_len = r->body_size = r->head_len = r->framing_len =
		0;
	r->name = r->value = r->raw_target = r->flaw = r->error = r->hint = NULL;
	r->target.path = "";
	r->target.error = r->target.hint = "";
	r->target.count = 0;
	r->part[0] = r->before = r->first = '\0';
	r->after_data = r->head_done = r->whole = r->expects = r->keep = false;
	r->status = 0;
}

void http_request_finish(struct http_request *r)
{
	free(r->body);
	r->body = NULL;
}

/* Refuses bytes that llhttp does not accept, with a reason that people understand. */
static int refuse_garbage(struct http_request *r, enum llhttp_errno error)
{
	if (r->first == 0x16) /* RFC 8446, section 5.1: a handshake record */
		return refuse(r, 400, "this port does not speak TLS", "use http://, not https://");
	if (error == HPE_INVALID_VERSION || error == HPE_PAUSED_H2_UPGRADE)
		return refuse(r, 505, "this is HTTP/1.1", "");
	if (error == HPE_INVALID_METHOD && r->first >= 'A' && r->first <= 'Z')
		return refuse(r, 501, "a method that is not served here", SERVED);
	return refuse(r, 400, "this is no HTTP request", llhttp_get_error_reason(&r->parser));
}

enum http_verdict http_request_feed(struct http_request *r, const char *data, size_t len,
	size_t *used)
{
	size_t room = HTTP_HEAD_MAX - r->head_len;
	size_t offered = r->head_done || len < room ? len : room;
	bool heading = !r->head_done;
	if (r->head_len == 0 && len > 0)
		r->first = data[0];
	r->scanned = data;
	enum llhttp_errno error = llhttp_execute(&r->parser, data, offered);
	*used = error == HPE_OK ? offered : (size_t)(llhttp_get_error_pos(&r->parser) - data);
	/* The position of an error is that of the bad byte, which may be the line's end. */
	if (r->scanned < data + *used || (error != HPE_OK && !r->whole))
		scan_framing(r, data + *used + (error != HPE_OK && !r->whole && *used < offered));
	if (heading)
		r->head_len += *used;
	if (!r->status && r->flaw)
		refuse(r, 400, r->flaw, "");
	else if (!r->status && error != HPE_OK && !r->whole)
		refuse_garbage(r, error);
	else if (!r->status && !r->head_done && r->head_len == HTTP_HEAD_MAX)
		refuse(r, 431, "the request's head is longer than 8192 bytes", "");
	else if (!r->status && r->framing_len > FRAMING_MAX)
		refuse(r, 413, "the body comes in too many chunks", "use Content-Length");
	if (r->status)
		return HTTP_REFUSED;
	return r->whole ? HTTP_WHOLE : HTTP_MORE;
}
