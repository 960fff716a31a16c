/*
 * For tests of the emulator as a library: a lab on free loopback ports, with a loop of its own;
 * peers in the same loop; and the journal. Nothing blocks: lab_until runs the loop until a
 * condition holds.
 */
#ifndef TESTS_UNIT_EMULATOR_DRIVER_H
#define TESTS_UNIT_EMULATOR_DRIVER_H

#include <check.h>
#include <errno.h>
#include <ev.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net.h"
#include "servers/config/about.h"
#include "servers/emulator.h"
#include "servers/events/ring.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DEADLINE_SECONDS 20.0

struct lab {
	struct ev_loop *loop;
	struct config *config;
	struct emulator *emulator;
	struct ring *ring;
	struct ev_timer deadline;
	struct address addresses[2];
};

static inline void lab_on_deadline(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	ck_abort_msg("what is waited for did not come");
}

/* Starts a lab. `endpoints` ends with ENDPOINT_NONE, `sets` ("pmu.rtt=0") with NULL; `sets` may be
   NULL. It listens on IPv4, and on IPv6 too when `both`. lab_finish ends it. */
static inline void lab_start(struct lab *lab, const enum endpoint_id *endpoints, bool both,
	const char *const *sets)
{
	struct err err = { 0 };
	*lab = (struct lab){ .loop = ev_loop_new(EVFLAG_AUTO), .config = config_create() };
	for (; sets && *sets; sets++)
		ck_assert_msg(config_assign(lab->config, *sets, "--set", &err), "%s", err.text);
	address_parse(&lab->addresses[0], "127.0.0.1", 0);
	address_parse(&lab->addresses[1], "::1", 0);
	const struct emulator_options options = {
		.config = lab->config,
		.seed = 4711,
		.addresses = lab->addresses,
		.address_count = both ? 2 : 1,
		.ephemeral = true,
		.isolated = true,
		.loop = lab->loop,
	};
	lab->emulator = emulator_create(&options, &err);
	ck_assert_msg(lab->emulator, "%s", err.text);
	for (; *endpoints != ENDPOINT_NONE; endpoints++)
		ck_assert_msg(emulator_add(lab->emulator, *endpoints, NULL, &err), "%s", err.text);
	ck_assert_msg(emulator_listen(lab->emulator, &err), "%s", err.text);
	lab->ring = ring_create(RING_BYTES);
	emulator_observe(lab->emulator, ring_observer(lab->ring));
	emulator_start(lab->emulator);
	ev_timer_init(&lab->deadline, lab_on_deadline, DEADLINE_SECONDS, 0);
	ev_timer_start(lab->loop, &lab->deadline);
}

static inline void lab_finish(struct lab *lab)
{
	emulator_destroy(lab->emulator);
	config_destroy(lab->config);
	ev_timer_stop(lab->loop, &lab->deadline);
	ev_loop_destroy(lab->loop);
}

/* Runs the loop until the condition holds. The test fails after DEADLINE_SECONDS since
   lab_start. */
#define lab_until(lab, condition)                                                                  \
	while (!(condition))                                                                       \
	ev_run((lab)->loop, EVRUN_ONCE)

/* ---- the journal ---- */

enum { LINE_TEXT = 1024 };

/* Counts the events of the type whose line has `part` and `other` in it (NULL: anything). Only
   events from number `from` on count. The line of the last one is copied to `text`, unless that is
   NULL. */
static inline unsigned lab_seen(const struct lab *lab, uint64_t from, enum event_type type,
	char text[LINE_TEXT], const char *part, const char *other)
{
	unsigned seen = 0;
	struct ring_line line;
	for (uint64_t seq = from > 0 ? from : 1; ring_line(lab->ring, seq, &line); seq++) {
		char copy[LINE_TEXT];
		if (line.type != type)
			continue;
		snprintf(copy, sizeof copy, "%.*s", (int)(line.len - 1), line.text);
		if ((part && !strstr(copy, part)) || (other && !strstr(copy, other)))
			continue;
		seen++;
		if (text)
			memcpy(text, copy, sizeof copy);
	}
	return seen;
}

/* The value of a key, with its origin. */
static inline struct config_about lab_key(const struct lab *lab, const char *key)
{
	struct config_about about;
	ck_assert_msg(config_about(emulator_config(lab->emulator), key, &about, NULL),
		"there is no %s", key);
	return about;
}

/* ---- changes ---- */

/* The refusals of a change, for lab_on_refused. */
struct refused {
	unsigned count;
	size_t i[8];
	enum emulator_refusal refusal[8];
	char text[8][512];
};

static inline void lab_on_refused(void *context, size_t i, enum emulator_refusal refusal,
	const struct err *err)
{
	struct refused *refused = context;
	ck_assert_uint_lt(refused->count, COUNT(refused->i));
	refused->i[refused->count] = i;
	refused->refusal[refused->count] = refusal;
	snprintf(refused->text[refused->count++], sizeof refused->text[0], "%s", err->text);
}

/* Sets a key while the lab runs (NULL: takes the change back). Fails when that is refused. */
static inline void lab_set(struct lab *lab, const char *key, const char *value)
{
	struct refused refused = { 0 };
	const struct emulator_change change = { key, value };
	bool done = emulator_change(lab->emulator, &change, 1, "test", lab_on_refused, &refused);
	ck_assert_msg(done, "%s=%s: %s", key, value ? value : "(unset)", refused.text[0]);
}

/* ---- peers ---- */

struct peer {
	struct lab *lab;
	int fd;
	struct ev_io io;
	char text[8192]; /* the bytes that have come, with a NUL */
	size_t len;
	bool eof;
	int error; /* of recv; 0: none */
};

static inline void peer_on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct peer *peer = io->data;
	ssize_t n = recv(peer->fd, peer->text + peer->len, sizeof peer->text - 1 - peer->len,
		MSG_DONTWAIT);
	if (n > 0)
		peer->len += (size_t)n;
	else if (n == 0)
		peer->eof = true;
	else if (errno != EAGAIN)
		peer->error = errno;
	if (peer->eof || peer->error)
		ev_io_stop(loop, io);
}

/* Connects to the endpoint. On loopback that succeeds at once, also when the endpoint accepts
   nothing. `type`: SOCK_STREAM or SOCK_DGRAM. */
static inline void peer_open(struct peer *peer, struct lab *lab, enum endpoint_id endpoint,
	int type, const char *host)
{
	struct address address;
	*peer = (struct peer){ .lab = lab };
	address_parse(&address, host, emulator_port(lab->emulator, endpoint));
	peer->fd = socket(address.ss.ss_family, type | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(peer->fd, 0);
	ck_assert_int_eq(connect(peer->fd, (struct sockaddr *)&address.ss, address.len), 0);
	ev_io_init(&peer->io, peer_on_readable, peer->fd, EV_READ);
	peer->io.data = peer;
	ev_io_start(lab->loop, &peer->io);
}

static inline void peer_say(struct peer *peer, const char *text)
{
	ck_assert_int_eq(send(peer->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static inline void peer_close(struct peer *peer)
{
	ev_io_stop(peer->lab->loop, &peer->io);
	close(peer->fd);
}

/* Writes the peer's own address as events have it: "127.0.0.1:40112". */
static inline void peer_name(const struct peer *peer, char text[ADDRESS_TEXT])
{
	struct address address;
	ck_assert(net_local_address(peer->fd, &address));
	address_format(&address, text);
}

/* Sends a command to the PMU over a new connection and reads until the PMU closes it. Returns how
   many messages "This is PMU data i" came. */
static inline unsigned peer_messages(struct lab *lab, const char *command)
{
	struct peer peer;
	unsigned messages = 0;
	peer_open(&peer, lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	peer_say(&peer, command);
	lab_until(lab, peer.eof);
	for (const char *at = peer.text; (at = strstr(at, "This is")); at++)
		messages++;
	peer_close(&peer);
	return messages;
}

#endif
