#include "servers/commands/ctl/ask.h"

#include <errno.h>
#include <llhttp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cli/cli.h"
#include "common/clock.h"
#include "common/net.h"
#include "servers/control/place.h"

enum { PIECE = 16384, HEAD_MAX = 4096, HEADS_MAX = 4 * 65536 };

/* How long a lab may take for the connection. */
static const double CONNECT_SECONDS = 10;

/* ---- where ---- */

struct target {
	char host[128]; /* "" for the Unix socket */
	long port;
	char authority[160]; /* for the Host header */
	char key[128];
	char path[PLACE_SIZE];
};

/* "http://[::1]:8080/?key=..." */
static bool read_url(struct target *target, const char *url, struct err *err)
{
	static const char scheme[] = "http://";
	const char *rest = url + strlen(scheme);
	if (strncasecmp(url, scheme, strlen(scheme)) != 0)
		goto bad;
	size_t len = strcspn(rest, "/?#");
	snprintf(target->authority, sizeof target->authority, "%.*s", (int)len, rest);
	const char *key = strstr(rest + len, "?key=");
	if (key)
		snprintf(target->key, sizeof target->key, "%.*s", (int)strcspn(key + 5, "&#"),
			key + 5);
	char *bracket = strchr(target->authority, ']'), *colon = strrchr(target->authority, ':');
	target->port = 80;
	if (colon && (!bracket || colon > bracket) &&
		!cli_integer("--url", colon + 1, 1, UINT16_MAX, &target->port, err))
		return false;
	bool in_brackets = bracket && target->authority[0] == '[';
	size_t host = in_brackets ? (size_t)(bracket - target->authority) - 1
				  : strcspn(target->authority, ":");
	snprintf(target->host, sizeof target->host, "%.*s", (int)host,
		target->authority + in_brackets);
	if (len < sizeof target->authority && host < sizeof target->host && *target->host &&
		(in_brackets || !bracket) && strcspn(target->authority, "\r\n @") == len &&
		strcspn(target->key, "\r\n ") == strlen(target->key))
		return true;
bad:
	err_set(err, STATUS_USAGE,
		"--url: \"%s\" is no address of a lab; give the one that --page has "
		"printed, such as "
		"http://127.0.0.1:8080/?key=...",
		url);
	return false;
}

static bool find(const struct ctl_lab *lab, struct target *target, struct err *err)
{
	*target = (struct target){ .authority = "localhost" };
	if (lab->url)
		return read_url(target, lab->url, err);
	if (!lab->socket)
		return place_default(target->path, err);
	if (snprintf(target->path, sizeof target->path, "%s", lab->socket) < PLACE_SIZE)
		return true;
	err_set(err, STATUS_USAGE, "--control: a socket's path has at most %d bytes",
		PLACE_SIZE - 1);
	return false;
}

/* The default place may be in /tmp, which is everybody's: only a lab of one's own, or root's, is
   asked there. */
static bool is_trusted(int fd, const char *path, struct err *err)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
		(peer.uid == geteuid() || peer.uid == 0))
		return true;
	err_set(err, STATUS_FAILED,
		"%s is somebody else's; a lab that you trust is given with --control", path);
	return false;
}

static int connect_unix(const char *path, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, path);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	int error = errno;
	err_set(err, STATUS_FAILED, "%s: %s", path, strerror(error));
	if (error == ENOENT || error == ECONNREFUSED)
		err_append(err,
			"; is there a lab with --page or --control? Another one's socket is "
			"given with --control, "
			"its address with --url");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- one answer ---- */

struct reading {
	const struct ctl_request *request;
	struct ctl_answer *answer;
	bool done, stopped;
};

static int on_body(llhttp_t *parser, const char *data, size_t len)
{
	struct reading *reading = parser->data;
	struct ctl_answer *answer = reading->answer;
	answer->status = parser->status_code;
	if (parser->status_code / 100 == 2 && reading->request->on_body) {
		reading->stopped = !reading->request->on_body(reading->request->context, data, len);
		return reading->stopped ? HPE_PAUSED : 0;
	}
	size_t room = sizeof answer->refusal - 1 - answer->refusal_len;
	len = len < room ? len : room;
	memcpy(answer->refusal + answer->refusal_len, data, len);
	answer->refusal_len += len;
	answer->refusal[answer->refusal_len] = '\0';
	return 0;
}

static int on_complete(llhttp_t *parser)
{
	struct reading *reading = parser->data;
	/* RFC 9110 15.2: the answer comes behind it */
	reading->done = parser->status_code / 100 != 1;
	if (reading->done)
		reading->answer->status = parser->status_code;
	return 0;
}

static bool read_answer(int fd, struct reading *reading, struct err *err)
{
	char piece[PIECE];
	llhttp_settings_t settings;
	llhttp_t parser;
	llhttp_settings_init(&settings);
	settings.on_body = on_body;
	settings.on_message_complete = on_complete;
	llhttp_init(&parser, HTTP_RESPONSE, &settings);
	parser.data = reading;
	const double began = clock_now(), timeout = reading->request->timeout;
	size_t before = 0; /* bytes ahead of the body */
	while (!reading->done) {
		if (timeout > 0 && clock_now() - began > 2 * timeout) {
			err_set(err, STATUS_FAILED, "no answer in time");
			return false;
		}
		ssize_t n = recv(fd, piece, sizeof piece, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ECONNRESET)
			n = 0; /* closed before it had read what we said */
		if (n < 0) {
			err_set(err, STATUS_FAILED, errno == EAGAIN ? "no answer in time" : "%s",
				strerror(errno));
			return false;
		}
		llhttp_errno_t error =
			n > 0 ? llhttp_execute(&parser, piece, (size_t)n) : llhttp_finish(&parser);
		if (reading->stopped)
			return true;
		before += reading->answer->status ? 0 : (size_t)n;
		if (before > HEADS_MAX) {
			err_set(err, STATUS_FAILED, "what answers there does not speak HTTP");
			return false;
		}
		if (error != HPE_OK && !reading->done) {
			err_set(err, STATUS_FAILED,
				n > 0 ? "what answers there does not speak HTTP"
				      : "the lab has gone");
			return false;
		}
		if (n == 0 && !reading->done) {
			err_set(err, STATUS_FAILED,
				"the connection was closed without an answer; from inside of "
				"`pmulab run` "
				"the lab cannot be reached");
			return false;
		}
	}
	return true;
}

static bool send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* What cannot be sent any more may have been answered all the same: reading tells. */
static bool send_request(int fd, const struct target *target, const struct ctl_request *request,
	struct err *err)
{
	char head[HEAD_MAX];
	size_t body_len = request->body ? strlen(request->body) : 0;
	int len = snprintf(head, sizeof head,
		"%s %s HTTP/1.1\r\nHost: %s\r\nPmulab-Who: ctl\r\nConnection: close\r\n"
		"%s%s%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		request->method, request->target, target->authority,
		*target->key ? "Authorization: Bearer " : "", target->key,
		*target->key ? "\r\n" : "", body_len);
	if (len >= HEAD_MAX) {
		err_set(err, STATUS_USAGE, "that is too long for a request");
		return false;
	}
	if (send_all(fd, head, (size_t)len))
		send_all(fd, request->body ? request->body : "", body_len);
	return true;
}

bool ctl_ask(const struct ctl_lab *lab, const struct ctl_request *request,
	struct ctl_answer *answer, struct err *err)
{
	struct target target;
	struct reading reading = { .request = request, .answer = answer };
	answer->status = 0;
	answer->refusal_len = 0;
	answer->refusal[0] = '\0';
	if (!find(lab, &target, err))
		return false;
	int fd = *target.host ? net_connect(target.host, (uint16_t)target.port, AF_UNSPEC,
					CONNECT_SECONDS, err)
			      : connect_unix(target.path, err);
	if (fd < 0)
		return false;
	net_set_timeout(fd, request->timeout);
	bool done = (lab->url || lab->socket || is_trusted(fd, target.path, err)) &&
		send_request(fd, &target, request, err) && read_answer(fd, &reading, err);
	close(fd);
	return done;
}

bool ctl_encode(char *target, size_t size, const char *text)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t used = strlen(target);
	for (; *text; text++) {
		bool coded = !strchr(plain, *text);
		if (used + 4 > size)
			return false;
		used += (size_t)sprintf(target + used, coded ? "%%%02X" : "%c",
			(unsigned char)*text);
	}
	return true;
}
