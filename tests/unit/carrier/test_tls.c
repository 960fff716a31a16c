/*
 * The TLS transport connected to itself and to plain OpenSSL, over socket pairs in one thread.
 * Nothing blocks; both sides take turns.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "common/carrier/tls_context.h"
#include "common/carrier/tls_reason.h"
#include "common/carrier/transport.h"
#include "tests/unit/carrier/tls_pair.h"

enum { TURNS = 200000 };

static char dir[] = "/tmp/pmulab-test-XXXXXX";
static struct tls_pair ca, good;
static struct tls_context *server_context, *client_context;

/* Client, its socket's other end, the server's socket's other end, server; or directly, with `step`
   0. */
struct duo {
	int client_fd, relay_a, relay_b, server_fd;
	size_t step; /* bytes the relay moves at a time */
	struct transport *client, *server;
};

static void socket_pair(int fds[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static void duo_open(struct duo *duo, struct tls_context *server, struct tls_context *client,
	const char *host, size_t step)
{
	int fds[2];

	*duo = (struct duo){ .relay_a = -1, .relay_b = -1, .step = step };
	socket_pair(fds);
	duo->client_fd = fds[0];
	duo->server_fd = fds[1];
	if (step) {
		duo->relay_a = fds[1];
		socket_pair(fds);
		duo->relay_b = fds[0];
		duo->server_fd = fds[1];
	}
	duo->server = transport_tls_create(server, duo->server_fd, NULL);
	duo->client = transport_tls_create(client, duo->client_fd, host);
	ck_assert_ptr_nonnull(duo->server);
	ck_assert_ptr_nonnull(duo->client);
}

static void duo_close(struct duo *duo)
{
	int fds[] = { duo->client_fd, duo->relay_a, duo->relay_b, duo->server_fd };

	duo->client->ops->destroy(duo->client);
	duo->server->ops->destroy(duo->server);
	for (size_t i = 0; i < 4; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void relay_one_way(int from, int to, size_t step)
{
	char bytes[4096];
	ssize_t got = recv(from, bytes, step < sizeof bytes ? step : sizeof bytes, 0);

	if (got > 0)
		ck_assert_int_eq(send(to, bytes, (size_t)got, MSG_NOSIGNAL), got);
}

static void relay(struct duo *duo)
{
	if (duo->step == 0)
		return;
	relay_one_way(duo->relay_a, duo->relay_b, duo->step);
	relay_one_way(duo->relay_b, duo->relay_a, duo->step);
}

static bool waits(enum io io)
{
	return io == IO_WANT_READ || io == IO_WANT_WRITE;
}

static void duo_handshake(struct duo *duo, enum io *server, enum io *client)
{
	*server = *client = IO_WANT_READ;
	for (int turn = 0; turn < TURNS && (waits(*server) || waits(*client)); turn++) {
		if (waits(*client))
			*client = duo->client->ops->handshake(duo->client);
		if (waits(*server))
			*server = duo->server->ops->handshake(duo->server);
		relay(duo);
		/* The side that has failed says no more; the other must not wait for it. */
		if (turn > 10000 && (!waits(*server) || !waits(*client)))
			break;
	}
}

static void duo_ready(struct duo *duo)
{
	enum io server, client;

	duo_handshake(duo, &server, &client);
	ck_assert_msg(server == IO_DONE, "server: %d %s", server, duo->server->err.text);
	ck_assert_msg(client == IO_DONE, "client: %d %s", client, duo->client->err.text);
}

/* Moves `len` bytes from one side to the other; both take turns. */
static void duo_move(struct duo *duo, struct transport *from, struct transport *to,
	const char *data, size_t len)
{
	char *seen = malloc(len + 1);
	size_t sent = 0, got = 0, part;
	bool last;

	for (int turn = 0; turn < TURNS && got < len; turn++) {
		if (sent < len) {
			enum io io = from->ops->send(from, data + sent, len - sent, &part);
			ck_assert_msg(io == IO_DONE || waits(io), "send: %d %s", io,
				from->err.text);
			ck_assert_uint_eq(io == IO_DONE, part > 0);
			sent += part;
		}
		relay(duo);
		enum io io = to->ops->recv(to, seen + got, len + 1 - got, &part, &last);
		ck_assert_msg(io == IO_DONE || waits(io), "recv: %d %s", io, to->err.text);
		ck_assert(!last);
		got += part;
	}
	ck_assert_uint_eq(got, len);
	ck_assert_mem_eq(seen, data, len);
	free(seen);
}

static enum io duo_recv(struct duo *duo, struct transport *t)
{
	enum io io = IO_WANT_READ;
	char byte;
	size_t len;
	bool last;

	for (int turn = 0; turn < 1000 && io == IO_WANT_READ; turn++) {
		relay(duo);
		io = t->ops->recv(t, &byte, 1, &len, &last);
	}
	return io;
}

static char *flood(size_t len)
{
	char *text = malloc(len);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + i % 23);
	return text;
}

static const size_t steps[] = { 0, 1, 2, 3, 5, 7, 64, 1448 };

START_TEST(test_exchange)
{
	struct duo duo;
	struct transport_about about;

	duo_open(&duo, server_context, client_context, "localhost", steps[_i]);
	duo.server->ops->describe(duo.server, &about);
	ck_assert_str_eq(about.tls_version, "");
	duo_ready(&duo);
	duo_move(&duo, duo.client, duo.server, "CMD_short:0", 11);
	duo_move(&duo, duo.server, duo.client, "This is PMU data 1", 18);
	duo.server->ops->describe(duo.server, &about);
	ck_assert_str_eq(about.tls_version, "TLSv1.3");
	ck_assert_str_eq(about.tls_cipher, "TLS_AES_256_GCM_SHA384");
	ck_assert_uint_eq(about.recv_calls, 1);
	ck_assert(!about.orderly);

	/* close_notify one way, then the other; data still travels after the first. */
	ck_assert_int_eq(duo.server->ops->finish(duo.server), IO_DONE);
	ck_assert_int_eq(duo.server->ops->finish(duo.server), IO_DONE);
	ck_assert_int_eq(duo_recv(&duo, duo.client), IO_EOF);
	ck_assert_int_eq(duo_recv(&duo, duo.client), IO_EOF);
	duo.client->ops->describe(duo.client, &about);
	ck_assert(about.orderly);
	duo_move(&duo, duo.client, duo.server, "more", 4);
	ck_assert_int_eq(duo.client->ops->finish(duo.client), IO_DONE);
	ck_assert_int_eq(duo_recv(&duo, duo.server), IO_EOF);
	duo_close(&duo);
}
END_TEST

START_TEST(test_flood_small_buffers)
{
	struct duo duo;
	int small = 4608;
	char *text = flood(57344);

	duo_open(&duo, server_context, client_context, "127.0.0.1", 0);
	ck_assert_int_eq(setsockopt(duo.server_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
	duo_ready(&duo);
	duo_move(&duo, duo.client, duo.server, "CMD_floodme", 11);
	duo_move(&duo, duo.server, duo.client, text, 57344);
	ck_assert_int_eq(duo.server->ops->flush(duo.server), IO_DONE);
	ck_assert_int_eq(duo.server->ops->finish(duo.server), IO_DONE);
	ck_assert_int_eq(duo_recv(&duo, duo.client), IO_EOF);
	duo_close(&duo);
	free(text);
}
END_TEST

START_TEST(test_eof_without_close_notify)
{
	struct duo duo;
	struct transport_about about;

	duo_open(&duo, server_context, client_context, "localhost", 0);
	duo_ready(&duo);
	duo_move(&duo, duo.client, duo.server, "x", 1);
	shutdown(duo.server_fd, SHUT_WR);
	ck_assert_int_eq(duo_recv(&duo, duo.client), IO_EOF);
	ck_assert_int_eq(duo_recv(&duo, duo.client), IO_EOF);
	duo.client->ops->describe(duo.client, &about);
	ck_assert(!about.orderly);
	duo_close(&duo);
}
END_TEST

/* A client that says shutdown(SHUT_WR) after its command still gets everything. */
START_TEST(test_half_close)
{
	struct duo duo;

	duo_open(&duo, server_context, client_context, "localhost", 0);
	duo_ready(&duo);
	duo_move(&duo, duo.client, duo.server, "CMD_short:0", 11);
	shutdown(duo.client_fd, SHUT_WR);
	ck_assert_int_eq(duo_recv(&duo, duo.server), IO_EOF);
	duo_move(&duo, duo.server, duo.client, "This is PMU data 1", 18);
	ck_assert_int_eq(duo.server->ops->finish(duo.server), IO_DONE);
	ck_assert_int_eq(duo_recv(&duo, duo.client), IO_EOF);
	duo_close(&duo);
}
END_TEST

/* On a pair of local sockets, closing with unread bytes is a reset (unix(7)). */
START_TEST(test_reset)
{
	struct duo duo;
	size_t taken;

	duo_open(&duo, server_context, client_context, "localhost", 0);
	duo_ready(&duo);
	ck_assert_int_eq(duo.server->ops->send(duo.server, "x", 1, &taken), IO_DONE);
	close(duo.client_fd);
	duo.client_fd = -1;
	ck_assert_int_eq(duo_recv(&duo, duo.server), IO_FAILED);
	ck_assert_str_eq(duo.server->err.text,
		"the TLS connection was lost: Connection reset by peer");
	ck_assert_int_eq(duo.server->ops->send(duo.server, "x", 1, &taken), IO_FAILED);
	ck_assert_int_eq(duo.server->ops->finish(duo.server), IO_DONE);
	duo_close(&duo);
}
END_TEST

START_TEST(test_eof_in_handshake)
{
	struct duo duo;

	duo_open(&duo, server_context, client_context, "localhost", 0);
	ck_assert_int_eq(duo.client->ops->handshake(duo.client), IO_WANT_READ);
	ck_assert_int_eq(duo.server->ops->handshake(duo.server), IO_WANT_READ);
	shutdown(duo.client_fd, SHUT_WR);
	ck_assert_int_eq(duo.server->ops->handshake(duo.server), IO_EOF);
	ck_assert_str_eq(duo.server->err.text,
		"the peer closed the connection in the TLS handshake, as some do that do not "
		"accept our certificate");
	ck_assert_int_eq(duo.server->ops->finish(duo.server), IO_DONE);
	duo_close(&duo);
}
END_TEST

/* On a blocking descriptor IO_WANT_READ is what SO_RCVTIMEO looks like. */
START_TEST(test_blocking_timeout)
{
	struct duo duo;
	const struct timeval soon = { .tv_usec = 10000 };

	duo_open(&duo, server_context, client_context, "localhost", 0);
	duo_ready(&duo);
	fcntl(duo.client_fd, F_SETFL, fcntl(duo.client_fd, F_GETFL) & ~O_NONBLOCK);
	setsockopt(duo.client_fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
	char byte;
	size_t len;
	bool last;
	ck_assert_int_eq(duo.client->ops->recv(duo.client, &byte, 1, &len, &last), IO_WANT_READ);
	duo_move(&duo, duo.server, duo.client, "x", 1);
	duo_close(&duo);
}
END_TEST

/* Two signals interrupt a blocking read; the second one brings what is read. */
static struct {
	int fd, signals;
	char bytes[256];
	ssize_t len;
} late;

static void on_alarm(int number)
{
	if (++late.signals == 2)
		late.len -= write(late.fd, late.bytes, (size_t)late.len);
}

START_TEST(test_interrupted)
{
	const struct timeval limit = { .tv_sec = 5 };
	const struct itimerval timer = { .it_interval.tv_usec = 5000, .it_value.tv_usec = 5000 },
			       none = { 0 };
	struct sigaction action = { .sa_handler = on_alarm };
	struct duo duo;
	size_t len;
	char byte = 0;
	bool last;

	duo_open(&duo, server_context, client_context, "localhost", 4096);
	duo_ready(&duo);
	ck_assert_int_eq(duo.server->ops->send(duo.server, "x", 1, &len), IO_DONE);
	late.fd = duo.relay_a;
	late.len = recv(duo.relay_b, late.bytes, sizeof late.bytes, 0);
	ck_assert_int_gt(late.len, 0);
	fcntl(duo.client_fd, F_SETFL, fcntl(duo.client_fd, F_GETFL) & ~O_NONBLOCK);
	setsockopt(duo.client_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	enum io io = duo.client->ops->recv(duo.client, &byte, 1, &len, &last);
	setitimer(ITIMER_REAL, &none, NULL);
	signal(SIGALRM, SIG_DFL);
	ck_assert_int_eq(io, IO_DONE);
	ck_assert_int_eq(byte, 'x');
	ck_assert_int_eq(late.len, 0);
	duo_close(&duo);
}
END_TEST

static const struct {
	const char *sent, *text;
} not_tls[] = {
	{ "CMD_short:0", "the peer does not speak TLS: it sent \"CMD_short:0\"" },
	{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"the peer does not speak TLS: it sent "
		"\"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n\"" },
	{ "ERROR expected CMD_short:<seconds> or CMD_floodme, got \"\\x16\"",
		"the peer does not speak TLS: it sent "
		"\"ERROR expected CMD_short:<seconds> or CMD_floodme, got \\\"\\\\x16\\\"\"" },
	{ "\xff\033[2J...", "the peer does not speak TLS: it sent \"\\xff\\x1b[2J...\"" },
};

START_TEST(test_peer_without_tls)
{
	struct duo duo;
	struct transport *sides[2];
	int others[2];

	for (int side = 0; side < 2; side++) {
		duo_open(&duo, server_context, client_context, "localhost", 0);
		sides[0] = duo.server;
		sides[1] = duo.client;
		others[0] = duo.client_fd;
		others[1] = duo.server_fd;
		ck_assert_int_eq(sides[side]->ops->handshake(sides[side]), IO_WANT_READ);
		ck_assert_int_gt(send(others[side], not_tls[_i].sent, strlen(not_tls[_i].sent), 0),
			0);
		ck_assert_int_eq(sides[side]->ops->handshake(sides[side]), IO_REFUSED);
		ck_assert_str_eq(sides[side]->err.text, not_tls[_i].text);
		ck_assert_int_eq(sides[side]->err.status, STATUS_PROTOCOL);
		ck_assert_int_eq(sides[side]->ops->flush(sides[side]), IO_DONE);
		ck_assert_int_eq(sides[side]->ops->finish(sides[side]), IO_DONE);
		duo_close(&duo);
	}
}
END_TEST

static SSL *bare_client(int fd, SSL_CTX *ctx)
{
	SSL *ssl = SSL_new(ctx);

	ck_assert_int_eq(SSL_set_fd(ssl, fd), 1);
	SSL_set_connect_state(ssl);
	return ssl;
}

static enum io bare_handshake(SSL *ssl, struct transport *server)
{
	enum io io = IO_WANT_READ;

	ERR_clear_error();
	for (int turn = 0; turn < 100 && (waits(io) || !SSL_is_init_finished(ssl)); turn++) {
		SSL_do_handshake(ssl);
		ERR_clear_error();
		if (waits(io))
			io = server->ops->handshake(server);
	}
	return io;
}

START_TEST(test_versions)
{
	static const struct {
		int version;
		const char *cipher; /* TLS 1.2 and before; NULL: the default ones */
		const char *name; /* NULL: refused */
		const char *text;
		const char *groups, *signatures, *suites; /* NULL: the default ones */
	} rows[] = {
		{ TLS1_3_VERSION, NULL, "TLSv1.3", "" },
		{ TLS1_2_VERSION, NULL, "TLSv1.2", "" },
		{ TLS1_1_VERSION, NULL, NULL,
			"the peer only speaks versions of TLS older than 1.2" },
		/* RSA key transport */
		{ TLS1_2_VERSION, "AES256-GCM-SHA384", NULL,
			"the peer offers no cipher that is safe today" },
		{ TLS1_2_VERSION, "DHE-RSA-AES256-GCM-SHA384", NULL,
			"the peer offers no cipher that is safe today" },
		{ TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384", NULL,
			"the peer offers only ciphers for RSA keys, and our certificate has an EC "
			"key" },
		{ TLS1_2_VERSION, NULL, NULL,
			"the peer offers no common group (elliptic curve), such as X25519 or P-256",
			.groups = "brainpoolP256r1" },
		{ TLS1_3_VERSION, NULL, NULL,
			"the peer offers no common signature algorithm: our certificate has an EC "
			"key, "
			"which needs ECDSA",
			.signatures = "rsa_pss_rsae_sha256" },
		{ TLS1_3_VERSION, NULL, NULL,
			"the peer offers no cipher of TLS 1.3 that is spoken here",
			.suites = "TLS_AES_128_CCM_8_SHA256" },
	};
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct transport_about about;
	int fds[2];

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, rows[_i].version);
	SSL_CTX_set_max_proto_version(ctx, rows[_i].version);
	if (rows[_i].cipher)
		ck_assert_int_eq(SSL_CTX_set_cipher_list(ctx, rows[_i].cipher), 1);
	if (rows[_i].groups)
		ck_assert_int_eq(SSL_CTX_set1_groups_list(ctx, rows[_i].groups), 1);
	if (rows[_i].signatures)
		ck_assert_int_eq(SSL_CTX_set1_sigalgs_list(ctx, rows[_i].signatures), 1);
	if (rows[_i].suites)
		ck_assert_int_eq(SSL_CTX_set_ciphersuites(ctx, rows[_i].suites), 1);
	socket_pair(fds);
	struct transport *server = transport_tls_create(server_context, fds[1], NULL);
	SSL *ssl = bare_client(fds[0], ctx);
	enum io io = bare_handshake(ssl, server);

	server->ops->describe(server, &about);
	if (rows[_i].name) {
		ck_assert_msg(io == IO_DONE, "%s", server->err.text);
		ck_assert_str_eq(about.tls_version, rows[_i].name);
	} else {
		ck_assert_int_eq(io, IO_REFUSED);
		ck_assert_str_eq(server->err.text, rows[_i].text);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	server->ops->destroy(server);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* What people may have done wrong, for the alerts that clients send. */
START_TEST(test_alerts_in_words)
{
	static const struct {
		int alert;
		const char *words;
	} rows[] = { { 40, "for another host" }, { 42, "does not accept" }, { 43, "short key" },
		{ 45, "expired" }, { 46, "does not accept" }, { 48, "does not trust the CA" },
		{ 51, "too short" }, { 70, "TLS 1.2 and 1.3" }, { 71, "too weak" },
		{ 80, "another host" }, { 109, "extension" }, { 112, "name" },
		{ 116, "wants a certificate" } };
	char text[200];

	tls_reason_alert(text, sizeof text, rows[_i].alert);
	ck_assert_msg(strstr(text, rows[_i].words) != NULL, "%d: %s", rows[_i].alert, text);
	ck_assert_uint_lt(strlen(text), sizeof text - 1);
}
END_TEST

/* The second connection comes back with the first one's ticket. */
START_TEST(test_resumption)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *session = NULL;
	char bytes[8];

	SSL_CTX_set_max_proto_version(ctx, versions[_i]);
	for (int round = 0; round < 2; round++) {
		int fds[2];

		socket_pair(fds);
		struct transport *server = transport_tls_create(server_context, fds[1], NULL);
		SSL *ssl = bare_client(fds[0], ctx);
		if (session)
			SSL_set_session(ssl, session);
		ck_assert_int_eq(bare_handshake(ssl, server), IO_DONE);
		ck_assert_int_eq(SSL_read(ssl, bytes, sizeof bytes), -1); /* takes the ticket */
		ck_assert_int_eq(SSL_session_reused(ssl), round);
		SSL_SESSION_free(session);
		session = SSL_get1_session(ssl);
		SSL_shutdown(ssl);
		SSL_free(ssl);
		server->ops->destroy(server);
		close(fds[0]);
		close(fds[1]);
	}
	SSL_SESSION_free(session);
	SSL_CTX_free(ctx);
}
END_TEST

/* TLS 1.2 could ask for a new handshake in a connection; we do not take part. */
START_TEST(test_no_renegotiation)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int fds[2];
	size_t taken;
	char byte;

	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	socket_pair(fds);
	struct transport *server = transport_tls_create(server_context, fds[1], NULL);
	SSL *ssl = bare_client(fds[0], ctx);
	ck_assert_int_eq(bare_handshake(ssl, server), IO_DONE);
	SSL_renegotiate(ssl);
	SSL_do_handshake(ssl);
	bool last;
	enum io io = server->ops->recv(server, &byte, 1, &taken, &last);
	ck_assert_msg(io == IO_WANT_READ || io == IO_REFUSED, "%d %s", io, server->err.text);
	ck_assert_int_le(SSL_do_handshake(ssl), 0);
	ck_assert_int_eq(SSL_num_renegotiations(ssl), 1);
	ck_assert_int_eq(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	server->ops->destroy(server);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* Key updates bring no data; one recv must come back although there are always more. */
START_TEST(test_key_updates_do_not_hold)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int fds[2], large = 1 << 20, unread = 0;
	size_t len;
	char byte;
	bool last;

	socket_pair(fds);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
	struct transport *server = transport_tls_create(server_context, fds[1], NULL);
	SSL *ssl = bare_client(fds[0], ctx);
	ck_assert_int_eq(bare_handshake(ssl, server), IO_DONE);
	for (int i = 0; i < 5000; i++) {
		SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
		if (SSL_do_handshake(ssl) != 1)
			break;
	}
	ck_assert_int_eq(server->ops->recv(server, &byte, 1, &len, &last), IO_WANT_READ);
	ck_assert_int_eq(ioctl(fds[1], FIONREAD, &unread), 0);
	ck_assert_int_gt(unread, 0);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	server->ops->destroy(server);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

struct refusal {
	struct tls_wish wish;
	const char *host;
	bool by_ca; /* signed by the CA; else by itself */
	bool other_trust; /* the client trusts another CA */
	const char *text; /* what the client says, from its start; NULL: it accepts */
	/* what follows behind the name of the CA's file; NULL: nothing, and no name */
	const char *rest;
};

static const struct refusal refusals[] = {
	{ { "x", "DNS:localhost,IP:127.0.0.1,IP:::1", NULL }, "localhost", true, false, NULL },
	{ { "x", "DNS:localhost,IP:127.0.0.1,IP:::1", NULL }, "::1", true, false, NULL },
	{ { "localhost", NULL, NULL }, "localhost", true, false, NULL },
	{ { "x", "DNS:tcpip.epfl.ch,DNS:a.b,IP:10.0.0.1,IP:fe80::1", NULL }, "localhost", true,
		false,
		"the certificate of localhost is issued for tcpip.epfl.ch, a.b, 10.0.0.1, fe80::1 "
		"and not for localhost" },
	{ { "127.0.0.1", "DNS:localhost", NULL }, "127.0.0.1", true, false,
		"the certificate of 127.0.0.1 is issued for localhost and not for 127.0.0.1" },
	{ { "\033[2Jevil", NULL, NULL }, "localhost", true, false,
		"the certificate of localhost is issued for ?[2Jevil and not for localhost" },
	{ { "x", "DNS:localhost", NULL, .from_days = -9, .days = -1 }, "localhost", true, false,
		"the certificate of localhost expired on 2" },
	{ { "x", "DNS:localhost", NULL, .from_days = 9, .days = 10 }, "localhost", true, false,
		"the certificate of localhost is not valid before 2" },
	{ { "x", "DNS:localhost", NULL }, "localhost", false, false,
		"the certificate of localhost is self-signed, not signed by ", "" },
	{ { "x", "DNS:localhost", NULL }, "localhost", true, true,
		"the certificate of localhost is not signed by ",
		" (its issuer calls itself \"Test CA\")" },
	{ { "x", "DNS:localhost", NULL, .rsa_bits = 1024 }, "localhost", true, false,
		"the certificate of localhost has a key of 1024 bits, too small for TLS today" },
};

/* The context is made with `legacy`, or without dates being looked at: what is tested is the
   client. */
static SSL_CTX *bare_server(const struct tls_pair *pair)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_set_security_level(ctx, 0);
	ck_assert_int_eq(SSL_CTX_use_certificate(ctx, pair->cert), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, pair->key), 1);
	return ctx;
}

START_TEST(test_client_refuses)
{
	const struct refusal *row = &refusals[_i];
	const struct tls_wish other_wish = { "other", NULL, "critical,CA:TRUE" };
	struct tls_pair other = pair_make(dir, &other_wish, NULL);
	struct tls_pair pair = pair_make(dir, &row->wish, row->by_ca ? &ca : NULL);
	const char *trust = row->other_trust ? other.cert_file : ca.cert_file;
	struct err err = { 0 };
	struct tls_context *context = tls_context_client(trust, false, &err);
	SSL_CTX *ctx = bare_server(&pair);
	char expected[512];
	enum io io = IO_WANT_READ;
	int fds[2];

	ck_assert_msg(context != NULL, "%s", err.text);
	socket_pair(fds);
	struct transport *client = transport_tls_create(context, fds[0], row->host);
	SSL *ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fds[1]);
	SSL_set_accept_state(ssl);
	for (int turn = 0; turn < 100 && waits(io); turn++) {
		io = client->ops->handshake(client);
		ERR_clear_error();
		SSL_do_handshake(ssl);
		ERR_clear_error();
	}
	if (row->text == NULL) {
		ck_assert_msg(io == IO_DONE, "%s", client->err.text);
	} else {
		ck_assert_int_eq(io, IO_REFUSED);
		int len = snprintf(expected, sizeof expected, "%s%s%s", row->text,
			row->rest ? trust : "", row->rest ? row->rest : "");
		if (strncmp(client->err.text, expected, (size_t)len) != 0)
			ck_abort_msg("got      %s\nexpected %s", client->err.text, expected);
		ck_assert_int_eq(client->err.status, STATUS_FAILED);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	client->ops->destroy(client);
	tls_context_destroy(context);
	close(fds[0]);
	close(fds[1]);
	pair_free(&pair);
	pair_free(&other);
}
END_TEST

/* The server hears from the client why it was left. */
START_TEST(test_alert)
{
	struct duo duo;
	enum io server, client;

	duo_open(&duo, server_context, client_context, "elsewhere.example", 0);
	duo_handshake(&duo, &server, &client);
	ck_assert_int_eq(client, IO_REFUSED);
	ck_assert_int_eq(server, IO_REFUSED);
	ck_assert_str_eq(duo.server->err.text,
		"the peer sent the TLS alert \"bad certificate\" (42): it does not accept our "
		"certificate");
	duo_close(&duo);
}
END_TEST

static void setup(void)
{
	const struct tls_wish ca_wish = { "Test CA", NULL, "critical,CA:TRUE", .days = 300 };
	const struct tls_wish good_wish = { "good", "DNS:localhost,IP:127.0.0.1", NULL };
	struct err err = { 0 };

	signal(SIGPIPE, SIG_IGN);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ca = pair_make(dir, &ca_wish, NULL);
	good = pair_make(dir, &good_wish, &ca);
	server_context = tls_context_server(good.cert_file, good.key_file, false, &err);
	ck_assert_msg(server_context != NULL, "%s", err.text);
	client_context = tls_context_client(ca.cert_file, false, &err);
	ck_assert_msg(client_context != NULL, "%s", err.text);
}

static void teardown(void)
{
	tls_context_destroy(server_context);
	tls_context_destroy(client_context);
	pair_free(&good);
	pair_free(&ca);
	rmdir(dir);
}

#define COUNT(rows) (int)(sizeof rows / sizeof rows[0])

int main(void)
{
	Suite *suite = suite_create("tls");
	TCase *tcase = tcase_create("all");

	tcase_add_unchecked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_exchange, 0, COUNT(steps));
	tcase_add_test(tcase, test_flood_small_buffers);
	tcase_add_test(tcase, test_eof_without_close_notify);
	tcase_add_test(tcase, test_half_close);
	tcase_add_test(tcase, test_reset);
	tcase_add_test(tcase, test_eof_in_handshake);
	tcase_add_test(tcase, test_blocking_timeout);
	tcase_add_test(tcase, test_interrupted);
	tcase_add_loop_test(tcase, test_peer_without_tls, 0, COUNT(not_tls));
	tcase_add_loop_test(tcase, test_versions, 0, 9);
	tcase_add_loop_test(tcase, test_alerts_in_words, 0, 13);
	tcase_add_loop_test(tcase, test_resumption, 0, 2);
	tcase_add_test(tcase, test_no_renegotiation);
	tcase_add_test(tcase, test_key_updates_do_not_hold);
	tcase_add_loop_test(tcase, test_client_refuses, 0, COUNT(refusals));
	tcase_add_test(tcase, test_alert);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
