/* The values of the options, and where they come from if an option was not given. */
#include "clients/client_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

bool client_on_option(void *context, int id, const char *value, struct err *err)
{
	struct client_options *options = context;
	switch (id) {
	case CLIENT_IPV4:
		options->family = AF_INET;
		return true;
	case CLIENT_IPV6:
		options->family = AF_INET6;
		return true;
	case CLIENT_HOST:
		options->host = value;
		return true;
	case CLIENT_PORT:
		options->port_text = value;
		return true;
	case CLIENT_BIND:
		options->bind = value;
		return true;
	case CLIENT_CA:
		options->ca = value;
		return true;
	case CLIENT_GROUP:
		options->group = value;
		return true;
	case CLIENT_INTERFACE:
		options->interface = value;
		return true;
	case CLIENT_LEGACY:
		options->legacy = true;
		return true;
	case CLIENT_BUFFER:
		return cli_integer("--buffer", value, 1, CLIENT_BUFFER_MAX, &options->buffer, err);
	case CLIENT_TIMEOUT:
		return cli_seconds("--timeout", value, &options->timeout, err);
	case CLIENT_COUNT:
		return cli_integer("--count", value, 1, 1000000000, &options->count, err);
	case CLIENT_JSON:
		options->json = true;
		return true;
	}
	return false;
}

int client_parse(const struct cli *cli, int argc, char **argv, cli_on_option *on_option,
	void *context)
{
	struct err err;
	int operands;
	switch (cli_parse(cli, argc, argv, on_option, context, &operands, &err)) {
	case CLI_DONE:
		exit(STATUS_OK);
	case CLI_ERROR:
		exit(cli_fail(cli->program, &err));
	case CLI_RUN:
		break;
	}
	return operands;
}

bool client_no_operands(const struct cli *cli, int argc, char **argv, int operands, struct err *err)
{
	if (argc <= operands)
		return true;
	err_set(err, STATUS_USAGE, "\"%s\" is one word too many; see %s --help", argv[operands],
		cli->program);
	return false;
}

const char *client_environment(const char *variable)
{
	const char *value = getenv(variable);
	return value && *value ? value : NULL;
}

const char *client_host(const struct client_options *options)
{
	const char *host = options->host ? options->host : client_environment("PMULAB_HOST");
	return host ? host : "localhost";
}

bool client_find_port(struct client_options *options, const char *variable, uint16_t lab_port,
	long min, struct err *err)
{
	const char *name = "--port", *text = options->port_text;
	if (!text && variable) {
		name = variable;
		text = client_environment(variable);
	}
	long value = lab_port;
	if (text && !cli_integer(name, text, min, 65535, &value, err))
		return false;
	options->port = (uint16_t)value;
	return true;
}

bool client_find_ca(const struct client_options *options, char *file, size_t size, struct err *err)
{
	const char *given = options->ca ? options->ca : client_environment("PMULAB_CA_FILE");
	const char *state = client_environment("XDG_STATE_HOME"),
		   *home = client_environment("HOME");
	int len = -1;
	if (given)
		len = snprintf(file, size, "%s", given);
	else if (state && *state == '/') /* XDG Base Directory Specification: must be absolute */
		len = snprintf(file, size, "%s/pmulab/ca.pem", state);
	else if (home)
		len = snprintf(file, size, "%s/.local/state/pmulab/ca.pem", home);
	if (len >= 0 && (size_t)len < size)
		return true;
	err_set(err, STATUS_USAGE, "no CA to trust: there is no $HOME to look in; give --ca FILE");
	return false;
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
	if (strpbrk(at, "@#? \t\r\n")) /* user names, fragments and queries are of no use here */
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
	err_set(err, STATUS_USAGE, "\"%.300s\" is no WebSocket URL such as ws://localhost:5006/",
		text);
	return false;
}
