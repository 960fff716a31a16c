/* Shared by the lab's clients: sockets, and what they print. */
#include "clients/client.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/carrier/tls_context.h"
#include "common/clock.h"

size_t client_send_all(int fd, const char *data, size_t len)
{
	size_t done = 0;
	while (done < len) {
		ssize_t sent = send(fd, data + done, len - done, 0);
		if (sent < 0 && errno == EINTR) /* stopped and continued (signal(7)) */
			continue;
		if (sent < 0)
			break;
		done += (size_t)sent;
	}
	return done;
}

const char *client_socket_error(bool *silent)
{
	*silent = errno == EAGAIN || errno == EWOULDBLOCK;
	return *silent ? "timed out" : strerror(errno);
}

bool client_wait(int fd, short events, double deadline)
{
	struct pollfd ready = { .fd = fd, .events = events };
	for (;;) {
		double left = deadline - clock_now();
		if (left <= 0)
			return false;
		/* Rounded up, or the loop would spin for the last millisecond. poll(2) takes an
		   int, hence the limit. */
		if (poll(&ready, 1, (int)ceil(fmin(left, 3600) * 1000)) > 0)
			return true;
	}
}

static void write_secret(void *receiver, const char *line)
{
	dprintf(*(const int *)receiver, "%s\n", line);
}

void client_tls_keys(const char *program, struct tls_context *context)
{
	static int fd; /* as long as the program */
	const char *file = getenv("SSLKEYLOGFILE");
	if (!file || !*file)
		return;
	fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		fprintf(stderr, "%s: SSLKEYLOGFILE: %s: %s\n", program, file, strerror(errno));
	else
		tls_context_tell_secrets(context, write_secret, &fd);
}

void client_end_tcp(int fd, double seconds)
{
	char rest[4096];
	double deadline = clock_now() + seconds;
	shutdown(fd, SHUT_WR);
	while (client_wait(fd, POLLIN, deadline) && recv(fd, rest, sizeof rest, 0) > 0)
		;
}

void client_peer(int fd, char text[ADDRESS_TEXT])
{
	struct address peer = { .len = sizeof peer.ss };
	getpeername(fd, (struct sockaddr *)&peer.ss, &peer.len);
	address_format(&peer, text);
}

int client_listen(const char *bind, uint16_t port, int backlog, struct err *err)
{
	struct address address;
	if (!address_parse(&address, bind, port)) {
		err_set(err, STATUS_USAGE, "--bind: \"%s\" is no IP address", bind);
		return -1;
	}
	const struct listen_options listen_options = { .backlog = backlog };
	int fd = net_listen(&address, &listen_options, err);
	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	char text[ADDRESS_TEXT];
	net_local_address(fd, &address);
	address_format(&address, text);
	fprintf(stderr, "listening on %s\n", text);
	return fd;
}

int client_accept(int listener, int flags, struct err *err)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, flags);
		if (fd >= 0)
			return fd;
		if (errno != EINTR && errno != ECONNABORTED)
			break;
	}
	err_set(err, STATUS_FAILED, "accept: %s", strerror(errno));
	return -1;
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

/* Whether a terminal obeys this byte. The bytes 0x80 to 0x9f are commands, alone or behind 0xc2
   (U+0080 to U+009F). Inside any other character they are a part of it. */
static bool is_obeyed(struct client_screen *screen, unsigned char byte)
{
	bool inside = !utf8_complete(&screen->utf8) && screen->before != 0xc2;
	bool valid = utf8_feed(&screen->utf8, &byte, 1);
	if (!valid) {
		screen->utf8 = (struct utf8){ 0 };
		if (!utf8_feed(&screen->utf8, &byte, 1)) /* it may begin the next character */
			screen->utf8 = (struct utf8){ 0 };
	}
	screen->before = byte;
	if (byte >= 0x80 && byte < 0xa0)
		return !inside || !valid;
	return (byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f;
}

void client_print_raw(struct client_screen *screen, const char *data, size_t len)
{
	if (!isatty(STDOUT_FILENO)) {
		fwrite(data, 1, len, stdout);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)data[i];
		if (is_obeyed(screen, byte))
			printf("\\x%02x", byte);
		else
			putchar(byte);
	}
}

bool client_flush(struct err *err)
{
	if (fflush(stdout) == 0)
		return true;
	if (errno != EPIPE)
		err_set(err, STATUS_FAILED, "stdout: %s", strerror(errno));
	return false;
}

void client_print_json(struct json *json, struct err *err)
{
	json_put_string(json, "error", err->text[0] ? err->text : NULL);
	if (json_end(json) > 0)
		puts(json->text);
	else
		err_set(err, STATUS_FAILED, "the numbers are too long to be printed");
	client_flush(err);
}

const char *client_plural(long count)
{
	return count == 1 ? "" : "s";
}
