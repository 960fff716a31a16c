/*
 * Part 4 of the lab: sends to a multicast group. Each line of stdin is a datagram of its own, with
 * the sender's ID before the text. A sender need not join the group. The interface and the TTL
 * (Q20) decide how far a datagram goes. The default TTL is 0: not off this machine. In the lab's
 * own network it is 1.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/client.h"
#include "clients/client_options.h"
#include "clients/client_udp.h"
#include "common/cli/cli.h"
#include "common/err.h"
#include "common/json.h"
#include "common/net.h"
#include "common/wire.h"

enum { OPTION_ID = CLIENT_FIRST, OPTION_TTL };

static const struct cli_option rows[] = {
	{ OPTION_ID, 0, "id", "ID",
		"your CAMIPRO number: the six bytes that each datagram begins with" },
	CLIENT_ROWS_GROUP,
	{ OPTION_TTL, 0, "ttl", "N",
		"0: not off this machine (else), 1: this network (in pmulab run), "
		"more: so many networks" },
	CLIENT_ROW_TIMEOUT("give up when a datagram cannot leave for so long; 0: never (0)"),
	CLIENT_ROW_JSON,
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "tv-send",
	.summary = "say something in a multicast group",
	.usage = "--id ID [options]",
	.about =
		"Sends the lines of stdin to a multicast group, a datagram a line. "
		"A longer one than fits into\n"
		"a packet becomes several, cut between characters.",
	.options = rows,
	.count = sizeof rows / sizeof rows[0],
	.examples =
		"echo 'What a piece of work is a man' | tv-send --id 123456\n"
		"tv-send --id 123456 --iface 192.168.1.7 --ttl 1     "
		"in a network that has a station",
	.exit_status = "0 all is sent, 1 failed, 2 wrong usage.",
	.see_also = "pmulab tv-recv udp-send",
};

struct settings {
	struct client_options options;
	const char *id;
	long ttl; /* -1: not given */
};

struct numbers {
	long datagrams, characters, bytes; /* characters and bytes: without the ID */
};

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	struct settings *settings = context;
	switch (id) {
	case OPTION_ID:
		settings->id = value;
		return true;
	case OPTION_TTL:
		return cli_integer("--ttl", value, 0, 255, &settings->ttl, err);
	}
	return client_on_option(&settings->options, id, value, err);
}

static bool check_id(const char *id, struct err *err)
{
	size_t len = id ? strlen(id) : 0;
	if (!id)
		err_set(err, STATUS_USAGE,
			"--id is needed: your CAMIPRO number, six digits such as 123456");
	else if (len != WIRE_ID_BYTES)
		err_set(err, STATUS_USAGE,
			"--id: \"%.40s\" has %zu byte%s; "
			"a CAMIPRO number has %d, all digits, such as 123456",
			id, len, client_plural((long)len), WIRE_ID_BYTES);
	return len == WIRE_ID_BYTES;
}

/* Only a warning for an ID that is no number: the station accepts any six bytes. */
static void warn_of_id(const char *id)
{
	if (strspn(id, "0123456789") == WIRE_ID_BYTES)
		return;
	char seen[WIRE_ESCAPED_MAX];
	wire_escape(seen, id, strlen(id));
	fprintf(stderr,
		"%s: --id: \"%s\": a CAMIPRO number is %d digits, such as 123456; sent as it is\n",
		cli.program, seen, WIRE_ID_BYTES);
}

/* Opens a socket that sends by the group's interface, with `ttl`. -1 with `err`. */
static int open_socket(const struct client_group *group, long ttl, struct err *err)
{
	const int hops = (int)ttl;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const char *what = fd < 0 ? "socket" : NULL;
	if (!what && setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof hops) != 0)
		what = "IP_MULTICAST_TTL";
	if (!what && setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &group->interface,
			     sizeof group->interface) != 0)
		what = "IP_MULTICAST_IF";
	if (!what)
		return fd;
	err_set(err, STATUS_FAILED, "%s: %s", what, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Sends a line as one datagram, or as several if it is too long. An empty line gives a datagram
   with only the ID. */
static bool send_line(const struct client_group *group, int fd, const char *id, const char *line,
	size_t len, struct numbers *numbers, struct err *err)
{
	const struct sockaddr *to = (const struct sockaddr *)&group->address.ss;
	char datagram[CLIENT_PACKET_MAX];
	memcpy(datagram, id, WIRE_ID_BYTES);
	do {
		size_t piece = client_cut(line, len, sizeof datagram - WIRE_ID_BYTES);
		memcpy(datagram + WIRE_ID_BYTES, line, piece);
		if (sendto(fd, datagram, WIRE_ID_BYTES + piece, 0, to, group->address.len) < 0) {
			bool silent;
			err_set(err, STATUS_FAILED, "sendto: %s", client_socket_error(&silent));
			return false;
		}
		numbers->datagrams++;
		numbers->bytes += (long)piece;
		numbers->characters += (long)client_characters(line, piece);
		line += piece;
		len -= piece;
	} while (len > 0);
	return true;
}

static bool send_stdin(const struct client_group *group, int fd, const char *id,
	struct numbers *numbers, struct err *err)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	bool done = true;
	while (done && (len = getline(&line, &size, stdin)) >= 0) {
		if (len > 0 && line[len - 1] == '\n')
			len--;
		done = send_line(group, fd, id, line, (size_t)len, numbers, err);
	}
	if (done && ferror(stdin)) {
		err_set(err, STATUS_FAILED, "stdin: %s", strerror(errno));
		done = false;
	}
	free(line);
	return done;
}

static void report_json(const struct numbers *numbers, const char *to, struct err *err)
{
	char text[1024];
	struct json json;
	json_begin(&json, text, sizeof text);
	json_put_string(&json, "to", to);
	json_put_integer(&json, "datagrams", numbers->datagrams);
	json_put_integer(&json, "characters", numbers->characters);
	json_put_integer(&json, "bytes", numbers->bytes);
	client_print_json(&json, err);
}

int main(int argc, char **argv)
{
	struct settings settings = { .ttl = -1 };
	struct client_group group;
	struct numbers numbers = { 0 };
	struct err err = { 0 };
	int operands = client_parse(&cli, argc, argv, on_option, &settings);
	if (!client_no_operands(&cli, argc, argv, operands, &err) || !check_id(settings.id, &err) ||
		!client_find_group(&group, cli.program, &settings.options, &err))
		return cli_fail(cli.program, &err);
	warn_of_id(settings.id);
	if (settings.ttl > 0)
		fprintf(stderr, "%s: --ttl %ld: what you send may leave this machine\n",
			cli.program, settings.ttl);

	int fd = open_socket(&group, settings.ttl < 0 ? group.ttl : settings.ttl, &err);
	if (fd < 0)
		return cli_fail(cli.program, &err);
	net_set_timeout(fd, settings.options.timeout);
	char to[ADDRESS_TEXT];
	address_format(&group.address, to);
	send_stdin(&group, fd, settings.id, &numbers, &err);
	close(fd);
	if (settings.options.json)
		report_json(&numbers, to, &err);
	else
		fprintf(stderr, "%ld datagram%s with %ld character%s to %s\n", numbers.datagrams,
			client_plural(numbers.datagrams), numbers.characters,
			client_plural(numbers.characters), to);
	return err.text[0] ? cli_fail(cli.program, &err) : STATUS_OK;
}
