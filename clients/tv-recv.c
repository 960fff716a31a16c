/*
 * Part 4 of the lab: receives the datagrams of a multicast group. This takes two calls. bind(2)
 * chooses the port (and here the group). IP_ADD_MEMBERSHIP makes the kernel take the group's
 * packets from the interface. With SO_REUSEADDR several receivers on one machine can use the port
 * (Q19).
 */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/client.h"
#include "clients/client_options.h"
#include "clients/client_udp.h"
#include "common/cli/cli.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/net.h"
#include "common/wire.h"

enum { OPTION_SECONDS = CLIENT_FIRST, OPTION_VERBOSE };

static const struct cli_option rows[] = {
	CLIENT_ROWS_GROUP,
	CLIENT_ROW_COUNT("stop after N datagrams"),
	{ OPTION_SECONDS, 0, "seconds", "SECONDS", "stop after that time" },
	CLIENT_ROW_TIMEOUT("give up after so much silence; 0: never (0)"),
	{ OPTION_VERBOSE, 'v', "verbose", NULL, "print the ID and the sender before each text" },
	CLIENT_ROW_JSON,
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "tv-recv",
	.summary = "print what is said in a multicast group",
	.usage = "[options]",
	.about =
		"Joins a multicast group and prints what is said there, a line a datagram, "
		"without the ID\n"
		"that each one begins with. What is not printable is escaped.",
	.options = rows,
	.count = sizeof rows / sizeof rows[0],
	.examples = "tv-recv\n"
		    "tv-recv -v --count 10\n"
		    "tv-recv --iface 192.168.1.7 --seconds 60    in a network that has a station",
	.exit_status =
		"0 stopped as asked, 1 failed, silence for too long, "
		"or fewer than N datagrams came in\n"
		"time, 2 wrong usage, 3 the address cannot be bound.",
	.see_also = "pmulab tv-send udp-recv",
};

struct settings {
	struct client_options options;
	double seconds; /* 0: no limit */
	bool verbose;
};

struct numbers {
	long datagrams, bytes, short_ones; /* short_ones: too short for an ID, in neither sum */
	double seconds;
};

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	struct settings *settings = context;
	switch (id) {
	case OPTION_SECONDS:
		return cli_seconds("--seconds", value, &settings->seconds, err);
	case OPTION_VERBOSE:
		settings->verbose = true;
		return true;
	}
	return client_on_option(&settings->options, id, value, err);
}

/* Opens a socket that has joined the group. -1 with `err`. */
static int join(const struct client_group *group, struct err *err)
{
	const int on = 1, off = 0;
	const char *what = "socket";
	enum status status = STATUS_FAILED;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		goto fail;
	what = "SO_REUSEADDR";
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
		goto fail;
	/* not the groups that other programs on this machine have joined (ip(7)) */
	what = "IP_MULTICAST_ALL";
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off) != 0)
		goto fail;
	what = "bind"; /* to the group: other datagrams for this port do not come */
	if (bind(fd, (const struct sockaddr *)&group->address.ss, group->address.len) != 0) {
		status = STATUS_BIND;
		goto fail;
	}
	what = "IP_ADD_MEMBERSHIP";
	const struct ip_mreq membership = {
		.imr_multiaddr = ((const struct sockaddr_in *)&group->address.ss)->sin_addr,
		.imr_interface = group->interface,
	};
	if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) != 0)
		goto fail;
	return fd;

fail:
	err_set(err, status, "%s: %s", what, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Prints "Text", or with -v "123456 127.0.0.1:40112 Text". A datagram with only an ID gives an
   empty line. */
static void show(const struct settings *settings, const struct address *from, const char *data,
	size_t len)
{
	if (settings->options.json)
		return;
	if (settings->verbose) {
		char name[ADDRESS_TEXT];
		address_format(from, name);
		client_print_text(data, WIRE_ID_BYTES);
		printf(" %s ", name);
	}
	data += WIRE_ID_BYTES;
	len -= WIRE_ID_BYTES;
	if (len > 0 && data[len - 1] == '\n') /* the printed line gets one of its own */
		len--;
	client_print_text(data, len);
	putchar('\n');
}

static bool receive(const struct settings *settings, int fd, struct numbers *numbers,
	struct err *err)
{
	static char data[CLIENT_DATAGRAM_MAX];
	long count = settings->options.count;
	const double timeout = settings->options.timeout, now = clock_now();
	const double end = settings->seconds > 0 ? now + settings->seconds : INFINITY;
	double silence_end = timeout > 0 ? now + timeout : INFINITY;
	while (count == 0 || numbers->datagrams < count) {
		if (!client_wait(fd, POLLIN, fmin(end, silence_end))) {
			if (silence_end < end) {
				err_set(err, STATUS_FAILED, "nothing came for %g s", timeout);
				return false;
			}
			if (count > 0)
				err_set(err, STATUS_FAILED,
					"only %ld of %ld datagrams came within %g s",
					numbers->datagrams, count, settings->seconds);
			return count == 0;
		}
		struct address from = { .len = sizeof from.ss };
		ssize_t len =
			recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from.ss, &from.len);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0) {
			err_set(err, STATUS_FAILED, "recvfrom: %s", strerror(errno));
			return false;
		}
		silence_end = timeout > 0 ? clock_now() + timeout : INFINITY;
		if (len < WIRE_ID_BYTES) {
			numbers->short_ones++;
			continue;
		}
		numbers->datagrams++;
		numbers->bytes += len;
		show(settings, &from, data, (size_t)len);
		if (!client_flush(err))
			return false;
	}
	return true;
}

static void report(const struct numbers *numbers)
{
	fprintf(stderr, "%ld datagram%s, %ld byte%s in %.1f s", numbers->datagrams,
		client_plural(numbers->datagrams), numbers->bytes, client_plural(numbers->bytes),
		numbers->seconds);
	if (numbers->short_ones > 0)
		fprintf(stderr, "; %ld more without an ID of %d bytes", numbers->short_ones,
			WIRE_ID_BYTES);
	fputc('\n', stderr);
}

static void report_json(const struct numbers *numbers, struct err *err)
{
	char text[1024];
	struct json json;
	json_begin(&json, text, sizeof text);
	json_put_integer(&json, "datagrams", numbers->datagrams);
	json_put_integer(&json, "bytes", numbers->bytes);
	json_put_integer(&json, "without_id", numbers->short_ones);
	json_put_real(&json, "seconds", numbers->seconds);
	client_print_json(&json, err);
}

int main(int argc, char **argv)
{
	struct settings settings = { 0 };
	struct client_group group;
	struct numbers numbers = { 0 };
	struct err err = { 0 };
	int operands = client_parse(&cli, argc, argv, on_option, &settings);
	if (!client_no_operands(&cli, argc, argv, operands, &err) ||
		!client_find_group(&group, cli.program, &settings.options, &err))
		return cli_fail(cli.program, &err);

	signal(SIGPIPE, SIG_IGN); /* writing to a closed stdout fails with EPIPE */
	int fd = join(&group, &err);
	char name[ADDRESS_TEXT];
	address_format(&group.address, name);
	if (fd < 0) {
		err_prefix(&err, "%s", name);
		return cli_fail(cli.program, &err);
	}
	fprintf(stderr, "listening to %s\n", name);
	double start = clock_now();
	receive(&settings, fd, &numbers, &err);
	numbers.seconds = clock_now() - start;
	close(fd);
	if (settings.options.json)
		report_json(&numbers, &err);
	else
		report(&numbers);
	return err.text[0] ? cli_fail(cli.program, &err) : STATUS_OK;
}
