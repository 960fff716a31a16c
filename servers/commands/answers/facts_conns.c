/*
 * Reads the events about connections. The journal does not say which packets carried the messages.
 * They are concluded from the kernel's count of segments after each message, which works as long as
 * the packets are shorter than a full segment.
 */
#include "servers/commands/answers/facts.h"

#include <stdlib.h>
#include <string.h>

#include "common/wire.h"
#include "servers/commands/ndjson.h"

enum { UPGRADE_SEGMENTS = 1 }; /* the server's answer to a WebSocket handshake */

/* An event about a connection, in this line of the journal. */
struct reading {
	const struct facts *facts;
	const json_t *event;
	uint64_t line;
};

static bool is(const struct reading *reading, const char *field, const char *text)
{
	return strcmp(ndjson_text(reading->event, field), text) == 0;
}

static uint64_t count_of(const struct reading *reading, const char *field)
{
	return ndjson_count(reading->event, field);
}

static int compare_conns(const struct facts_conn *conn, unsigned run, uint64_t id)
{
	if (conn->run != run)
		return conn->run < run ? -1 : 1;
	return (conn->id > id) - (conn->id < id);
}

/* Finds or adds the event's connection. NULL: the event is about no connection of echo, pmu or
   pmu-ws, or (`*failed`) out of memory. */
static struct facts_conn *find_conn(struct facts *facts, const json_t *event, bool *failed)
{
	static const char *const
		endpoints[] = { [FACTS_ECHO] = "echo", [FACTS_PMU] = "pmu", [FACTS_WS] = "pmu-ws" };
	uint64_t id = ndjson_count(event, "conn");
	size_t endpoint = 0;
	while (endpoint < 3 && strcmp(ndjson_text(event, "endpoint"), endpoints[endpoint]) != 0)
		endpoint++;
	if (id == 0 || endpoint == 3)
		return NULL;
	size_t low = 0, high = facts->conn_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_conns(&facts->conns[middle], facts->runs, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < facts->conn_count && compare_conns(&facts->conns[low], facts->runs, id) == 0)
		return &facts->conns[low];
	if (facts->conn_count == facts->conn_size) {
		size_t size = facts->conn_size > 0 ? 2 * facts->conn_size : 16;
		struct facts_conn *conns = realloc(facts->conns, size * sizeof *conns);
		if (!conns) {
			*failed = true;
			return NULL;
		}
		facts->conns = conns;
		facts->conn_size = size;
	}
	struct facts_conn *conn = &facts->conns[low];
	memmove(conn + 1, conn, (facts->conn_count++ - low) * sizeof *conn);
	*conn = (struct facts_conn){ .run = facts->runs,
		.id = id,
		.endpoint = (enum facts_endpoint)endpoint,
		.segments = endpoint == FACTS_WS ? UPGRADE_SEGMENTS : 0 };
	return conn;
}

static bool add_size(struct facts_sizes *sizes, uint64_t bytes)
{
	if (sizes->count == FACTS_SIZES)
		return true;
	if (sizes->count == sizes->size) {
		size_t size = sizes->size > 0 ? 2 * sizes->size : 8;
		uint32_t *items = realloc(sizes->items, size * sizeof *items);
		if (!items)
			return false;
		sizes->items = items;
		sizes->size = size;
	}
	sizes->items[sizes->count++] = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
	return true;
}

static bool read_open(const struct reading *reading, struct facts_conn *conn)
{
	conn->open_line = reading->line;
	conn->ends_known = capture_parse_end(&conn->lab, ndjson_text(reading->event, "local")) &&
			   capture_parse_end(&conn->peer, ndjson_text(reading->event, "peer"));
	return true;
}

static bool read_command(const struct reading *reading, struct facts_conn *conn)
{
	const char *text = ndjson_text(reading->event, "text");
	struct wire_command command = { 0 };
	conn->command_line = reading->line;
	wire_parse_command(text, strlen(text), &command);
	if (is(reading, "kind", "short")) {
		conn->kind = FACTS_SHORT;
		conn->d = command.interval;
	} else {
		conn->kind = is(reading, "kind", "flood") ? FACTS_FLOOD : FACTS_BAD;
	}
	return true;
}

unsigned facts_frame_header(uint64_t bytes)
{
	return bytes < 126 ? 2 : bytes < 65536 ? 4 : 10;
}

/* `delta` segments have left since the message before. When all data are shorter than a full
   segment, the contents of the segments follow: first all pending bytes, then this message. */
static bool guess_packets(struct facts_conn *conn, uint64_t delta, uint64_t bytes, uint64_t mss)
{
	bool fits = bytes < mss && conn->pending < mss;
	if (delta == 0 && conn->pending + bytes < mss) {
		conn->pending += bytes;
		return true;
	}
	if (fits && conn->pending == 0 && delta == 1)
		return add_size(&conn->packets, bytes);
	if (fits && conn->pending > 0 && delta == 2) {
		uint64_t waited = conn->pending;
		conn->pending = 0;
		return add_size(&conn->packets, waited) && add_size(&conn->packets, bytes);
	}
	conn->guess_broken = true;
	return true;
}

/* TCP timestamps (RFC 7323) take 12 bytes of a segment. */
static uint64_t least_segment(const struct facts *facts)
{
	return facts->mss > 12 ? facts->mss - 12 : 1;
}

static bool read_send(const struct reading *reading, struct facts_conn *conn)
{
	uint64_t bytes = count_of(reading, "bytes"), segments = count_of(reading, "segments");
	uint64_t wire = bytes + (conn->endpoint == FACTS_WS ? facts_frame_header(bytes) : 0);
	if (conn->first_send_line == 0)
		conn->first_send_line = reading->line;
	conn->last_send_line = reading->line;
	conn->messages++;
	conn->bytes += bytes;
	conn->wire += wire;
	conn->counted = json_object_get(reading->event, "segments");
	bool done = add_size(&conn->sizes, bytes);
	if (!conn->guess_broken && conn->counted && segments >= conn->segments)
		done = done && guess_packets(conn, segments - conn->segments, wire,
				       least_segment(reading->facts));
	else
		conn->guess_broken = true;
	conn->segments = segments;
	return done;
}

static bool read_close(const struct reading *reading, struct facts_conn *conn)
{
	uint64_t messages = count_of(reading, "messages"), told = conn->messages;
	conn->close_line = reading->line;
	conn->done = is(reading, "why", "done");
	conn->segments_out = count_of(reading, "segments_out");
	conn->segments_again = count_of(reading, "segments_again");
	if (messages <= told)
		return true;
	conn->messages = messages;
	conn->guess_broken = true;
	/* The messages without a `send` event are those of CMD_short, all short: a flood is one
	   message. */
	if (conn->endpoint == FACTS_WS && count_of(reading, "bytes_out") > conn->bytes)
		conn->wire += count_of(reading, "bytes_out") - conn->bytes +
			      (messages - told) * facts_frame_header(0);
	if (count_of(reading, "bytes_out") > conn->bytes)
		conn->bytes = count_of(reading, "bytes_out");
	return true;
}

static const struct {
	const char *event;
	bool (*read)(const struct reading *reading, struct facts_conn *conn);
} readers[] = {
	{ "open", read_open },
	{ "command", read_command },
	{ "send", read_send },
	{ "close", read_close },
};

bool facts_read_conn(struct facts *facts, const json_t *event, uint64_t line)
{
	bool failed = false;
	struct facts_conn *conn = find_conn(facts, event, &failed);
	struct reading reading = { facts, event, line };
	for (size_t i = 0; conn && i < sizeof readers / sizeof readers[0]; i++)
		if (is(&reading, "event", readers[i].event))
			return readers[i].read(&reading, conn);
	return !failed;
}

void facts_finish_conns(struct facts *facts)
{
	for (size_t i = 0; i < facts->conn_count; i++) {
		free(facts->conns[i].sizes.items);
		free(facts->conns[i].packets.items);
	}
	free(facts->conns);
}
