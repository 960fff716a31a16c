/*
 * The PMU of part 3. RESET:n advances its clock by X, 0 <= X <= n, and the reply is OFFSET=X. To
 * any other datagram the reply is "Wrong command.". The clock advances whether or not the reply
 * arrives. That is what students are to learn: a request that is repeated because its reply was
 * lost moves the clock twice.
 */
#include "servers/datagram/responder.h"

#include <string.h>

#include "common/wire.h"
#include "servers/impair/fate.h"

/* The number of senders whose resets are counted, and of places to look for one of them. A new
   sender replaces the one that has been silent longest. */
enum { PEERS = 1024, PROBES = 8 };

struct peer {
	uint64_t key; /* hash of its address; 0: free */
	uint64_t resets;
	uint64_t last; /* the number of its last reset, counted over all peers */
};

struct responder_reset {
	const struct responder_host *host;
	struct responder_log log;
	uint64_t clock;  /* seconds by which the PMU's clock is ahead */
	uint64_t resets;
	struct peer peers[PEERS];
};

static void reset_init(void *self, const struct responder_host *host,
	const struct responder_log *log)
{
	struct responder_reset *reset = self;
	reset->host = host;
	reset->log = *log;
}

/* Counts one more reset of the sender, and returns how many that makes. */
static uint64_t count_peer(struct responder_reset *reset, const struct datagram *datagram)
{
	uint64_t key = fate_hash(datagram->sender, datagram->sender_len) | 1;
	struct peer *oldest = NULL;
	for (uint64_t i = 0; i < PROBES; i++) {
		struct peer *peer = &reset->peers[(key / 2 + i) % PEERS];
		if (peer->key == key) {
			peer->last = reset->resets;
			return ++peer->resets;
		}
		if (!oldest || peer->last < oldest->last)
			oldest = peer;
	}
	*oldest = (struct peer){ .key = key, .resets = 1, .last = reset->resets };
	return 1;
}

/* The reply to anything but RESET:n. A datagram with this same reply gets none: otherwise a spoofed
   sender could make two servers, or one with itself, exchange datagrams for ever. */
static size_t wrong(struct responder_reset *reset, const struct datagram *datagram,
	char reply[RESPONDER_REPLY_MAX])
{
	static const size_t len = sizeof WIRE_WRONG_COMMAND - 1;
	bool echo = datagram->len == len && memcmp(datagram->data, WIRE_WRONG_COMMAND, len) == 0;
	const struct field fields[] = {
		F_TEXT("fault", "peer"),
		F_TEXT("what",
			echo ? "a server's words, which no server answers" : "this is no RESET:n"),
		F_BYTES("bytes", datagram->data, datagram->len),
	};
	reset->log.emit(reset->log.driver, EVENT_ERROR, fields, sizeof fields / sizeof fields[0]);
	if (echo)
		return 0;
	memcpy(reply, WIRE_WRONG_COMMAND, len);
	return len;
}

static size_t reset_receive(void *self, const struct datagram *datagram,
	char reply[RESPONDER_REPLY_MAX])
{
	struct responder_reset *reset = self;
	const struct config *config = reset->host->config;
	enum endpoint_id endpoint = reset->host->endpoint;
	int64_t only = config_integer(config, KEY_RESET_ONLY, endpoint);
	long n;
	if (!wire_parse_reset(datagram->data, datagram->len, &n) ||
		(only != CONFIG_NONE && n != only))
		return wrong(reset, datagram, reply);

	struct fate_stream stream = fate_stream(reset->host->seed, endpoint_table[endpoint].name,
		datagram->family, FATE_REQUEST);
	uint64_t x = fate_below(&stream, datagram->n, FATE_OFFSET, (uint64_t)n + 1);
	uint64_t before = reset->clock;
	reset->clock += x;
	reset->resets++;
	const struct field fields[] = {
		F_INTEGER("family", datagram->family),
		F_INTEGER("n", datagram->n),
		F_INTEGER("asked", n),
		F_INTEGER("offset", x),
		F_INTEGER("clock_before", before),
		F_INTEGER("clock_after", reset->clock),
		F_INTEGER("resets", count_peer(reset, datagram)),
	};
	reset->log.emit(reset->log.driver, EVENT_RESET, fields, sizeof fields / sizeof fields[0]);

	char text[WIRE_OFFSET_TEXT_MAX];
	bool colon = config_integer(config, KEY_RESET_SEPARATOR, endpoint) == RESET_COLON;
	size_t len = wire_format_offset(text, colon ? ':' : '=', (long)x);
	memcpy(reply, text, len);
	return len;
}

const struct responder_ops responder_reset = {
	.name = "reset",
	.size = sizeof(struct responder_reset),
	.init = reset_init,
	.shown = WIRE_COMMAND_MAX,
	.receive = reset_receive,
};
