/*
 * What the clients share. Where the lab is: the options say it first, then the environment, whose variables
 * stand in the file that `pmulab serve --ports-file` writes.
 */
#include "clients/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cli.h"

/* An empty variable counts as none, as is usual in shells. */
static const char *environment(const char *variable)
{
	const char *value = getenv(variable);
	return value && *value ? value : NULL;
}

const char *client_host(const char *option)
{
	const char *host = option ? option : environment("PMULAB_HOST");
	return host ? host : "localhost";
}

bool client_port(const char *option, const char *variable, uint16_t lab_port, uint16_t *port, struct err *err)
{
	const char *text = option ? option : environment(variable);
	long value = lab_port;
	if (text && !cli_integer(option ? "--port" : variable, text, 1, 65535, &value, err))
		return false;
	*port = (uint16_t)value;
	return true;
}

/* Copies `len` bytes; false when they do not fit. */
static bool copy_part(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

bool client_url_parse(struct client_url *url, const char *text, struct err *err)
{
	*url = (struct client_url){ .secure = strncmp(text, "wss://", 6) == 0, .path = "/" };
	if (!url->secure && strncmp(text, "ws://", 5) != 0)
		goto fail;
	const char *at = strstr(text, "://") + 3;
	if (strpbrk(at, "@#? \t\r\n")) /* user names, fragments and queries have no use here */
		goto fail;

	bool bracket = *at == '[';
	at += bracket;
	size_t len = strcspn(at, bracket ? "]" : ":/");
	if (len == 0 || !copy_part(url->host, sizeof url->host, at, len))
		goto fail;
	at += len;
	if (bracket && *at++ != ']')
		goto fail;
	if (*at == ':') {
		len = strcspn(++at, "/");
		if (len == 0 || !copy_part(url->port, sizeof url->port, at, len))
			goto fail;
		at += len;
	}
	if (*at == '\0' || (*at == '/' && copy_part(url->path, sizeof url->path, at, strlen(at))))
		return true;
fail:
	err_set(err, STATUS_USAGE, "\"%.300s\" is no WebSocket URL such as ws://localhost:5006/", text);
	return false;
}

void client_peer(int fd, char text[ADDRESS_TEXT])
{
	struct address peer = { .len = sizeof peer.ss };
	getpeername(fd, (struct sockaddr *)&peer.ss, &peer.len);
	address_format(&peer, text);
}

bool client_ca_file(const char *option, char *file, size_t size, struct err *err)
{
	const char *given = option ? option : environment("PMULAB_CA_FILE");
	const char *state = environment("XDG_STATE_HOME"), *home = environment("HOME");
	int len;
	if (given)
		len = snprintf(file, size, "%s", given);
	else if (state)
		len = snprintf(file, size, "%s/pmulab/ca.pem", state);
	else if (home)
		len = snprintf(file, size, "%s/.local/state/pmulab/ca.pem", home);
	else
		len = -1;
	if (len >= 0 && (size_t)len < size)
		return true;
	err_set(err, STATUS_USAGE, "no CA to trust: there is no $HOME to look in; give --ca FILE");
	return false;
}

static size_t minimum(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How a refusal begins. */
static const char error_word[] = "ERROR ";

bool client_refusal_take(struct client_refusal *refusal, const char *data, size_t len, size_t *held)
{
	*held = 0;
	if (refusal->excluded)
		return false;
	size_t before = refusal->len;
	refusal->len += minimum(len, sizeof refusal->text - 1 - before);
	memcpy(refusal->text + before, data, refusal->len - before);
	if (memcmp(refusal->text, error_word, minimum(refusal->len, sizeof error_word - 1)) == 0)
		return true;
	refusal->excluded = true;
	*held = before;
	return false;
}

bool client_refusal_end(struct client_refusal *refusal, size_t *held, struct err *err)
{
	*held = 0;
	if (refusal->excluded)
		return false;
	if (refusal->len < sizeof error_word - 1) {
		*held = refusal->len;
		return false;
	}
	refusal->text[refusal->len] = '\0';
	refusal->text[strcspn(refusal->text, "\r\n")] = '\0';
	for (char *c = refusal->text; *c; c++) /* a terminal must not obey what a peer sends */
		if (*c < ' ' || *c > '~')
			*c = '?';
	err_set(err, STATUS_FAILED, "%s", refusal->text);
	return true;
}

void client_print_piece(const char *label, const char *data, size_t len)
{
	printf("%s: ", label);
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)data[i];
		if (byte == '\n')
			fputs("\\n", stdout);
		else if (byte == '\\')
			fputs("\\\\", stdout);
		else if (byte >= ' ' && byte <= '~')
			putchar(byte);
		else
			printf("\\x%02x", byte);
	}
	putchar('\n');
}

const char *client_plural(long count)
{
	return count == 1 ? "" : "s";
}
