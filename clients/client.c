/*
 * What the clients share. Where the lab is: the options say it first, then the environment, whose variables
 * stand in the file that `pmulab serve --ports-file` writes.
 */
#include "clients/client.h"

#include <stdio.h>
#include <stdlib.h>
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

void client_peer(int fd, char text[ADDRESS_TEXT])
{
	struct address peer = { .len = sizeof peer.ss };
	getpeername(fd, (struct sockaddr *)&peer.ss, &peer.len);
	address_format(&peer, text);
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
