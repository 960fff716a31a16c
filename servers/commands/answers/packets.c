/*
 * The journal has the kernel's count of segments after each message and at the end; a capture has
 * each packet. On WebSocket the first packet is the handshake's, and the last one may have nothing
 * but the Close frame. These two do not count. In a capture the position of the bytes shows which
 * packets they are, else arithmetic does.
 */
#include "servers/commands/answers/packets.h"

#include <stdlib.h>
#include <string.h>

/* The connection's place, from 0, among those between the same two ends (a port may be reused). */
static size_t nth_of(const struct facts *facts, const struct facts_conn *conn)
{
	size_t nth = 0;
	for (const struct facts_conn *other = facts->conns; other < conn; other++)
		nth += other->ends_known && capture_same_end(&other->lab, &conn->lab) &&
		       capture_same_end(&other->peer, &conn->peer);
	return nth;
}

static bool copy_sizes(struct facts_sizes *to, const uint32_t *items, size_t count)
{
	to->items = malloc((count > 0 ? count : 1) * sizeof *items);
	if (!to->items)
		return false;
	memcpy(to->items, items, count * sizeof *items);
	to->count = to->size = count;
	return true;
}

/* ---- the capture ---- */

/* Finds the range of the messages in the bytes that the lab sent. On WebSocket it begins behind the
   answer to the handshake. False: the capture does not have the end of that answer. */
static bool find_messages(const struct facts_conn *conn, const struct capture_way *way,
	uint64_t *from, uint64_t *to)
{
	*from = 0;
	*to = UINT64_MAX;
	if (conn->endpoint != FACTS_WS)
		return true;
	const char *end = way->head ? memmem(way->head, way->head_len, "\r\n\r\n", 4) : NULL;
	if (!end)
		return false;
	*from = (uint64_t)(end + 4 - way->head);
	*to = *from + conn->wire;
	return true;
}

static bool count_captured(struct packets *packets, const struct facts_conn *conn,
	const struct capture_way *way)
{
	uint64_t from, to;
	if (way->count == 0 || !find_messages(conn, way, &from, &to))
		return true;
	uint32_t *sizes = malloc(way->count * sizeof *sizes);
	if (!sizes)
		return false;
	packets->known = packets->captured = true;
	packets->count = 0;
	packets->or_one_more = false;
	packets->again = way->again;
	for (size_t i = 0; i < way->count; i++) {
		const struct capture_packet *packet = &way->packets[i];
		if (packet->offset >= to || packet->offset + packet->len <= from)
			continue;
		if (packets->count == 0)
			packets->first_frame = packet->frame;
		packets->last_frame = packet->frame;
		sizes[packets->count++] = packet->len;
	}
	free(packets->sizes.items);
	packets->sizes =
		(struct facts_sizes){ .items = sizes, .count = packets->count, .size = way->count };
	return true;
}

/* ---- the kernel's count ---- */

static uint64_t divide_up(uint64_t bytes, uint64_t by)
{
	return (bytes + by - 1) / by;
}

/* The Close frame may have left in the last message's packet or in one of its own. */
static void count_websocket(struct packets *packets, const struct facts *facts,
	const struct facts_conn *conn)
{
	/* segments that left after the last message was handed over */
	uint64_t behind = conn->segments_out - conn->segments;
	/* all segments but the handshake's */
	uint64_t most = conn->segments_out > 1 ? conn->segments_out - 1 : 0;
	if (!conn->guess_broken) {
		packets->count = conn->packets.count + (conn->pending > 0);
		if (conn->pending > 0 && behind == 0) /* a contradiction */
			packets->known = false;
		return;
	}
	/* With TCP timestamps a segment carries 12 bytes less. The number is certain only when it
	   is the same with and without them. */
	uint64_t mss = facts->mss > 12 ? facts->mss : 13;
	uint64_t least = divide_up(conn->wire, mss), full = divide_up(conn->wire, mss - 12);
	packets->count = most;
	if (least == full && (full == most || full + 1 == most)) {
		packets->count = full;
	} else if (most > 0) {
		packets->count = most - 1;
		packets->or_one_more = true;
	}
}

static bool count_plain(struct packets *packets, const struct facts *facts,
	const struct facts_conn *conn)
{
	uint64_t behind = conn->segments_out - conn->segments;
	packets->count = conn->segments_out;
	if (conn->guess_broken || behind != (conn->pending > 0))
		return true; /* the number is known, the sizes are not */
	if (!copy_sizes(&packets->sizes, conn->packets.items, conn->packets.count))
		return false;
	if (conn->pending == 0)
		return true;
	uint32_t *items = realloc(packets->sizes.items, (packets->sizes.count + 1) * sizeof *items);
	if (!items)
		return false;
	packets->sizes.items = items;
	items[packets->sizes.count++] = (uint32_t)conn->pending;
	return true;
}

static bool count_segments(struct packets *packets, const struct facts *facts,
	const struct facts_conn *conn)
{
	if (conn->close_line == 0 || !conn->counted || conn->segments_out < conn->segments)
		return true;
	packets->known = true;
	packets->again = conn->segments_again;
	if (conn->endpoint != FACTS_WS)
		return count_plain(packets, facts, conn);
	count_websocket(packets, facts, conn);
	return true;
}

bool packets_of(struct packets *packets, const struct facts *facts, const struct facts_conn *conn,
	const struct capture_streams *capture)
{
	*packets = (struct packets){ 0 };
	if (!count_segments(packets, facts, conn)) {
		free(packets->sizes.items);
		packets->sizes.items = NULL;
		return false;
	}
	if (!capture || !conn->ends_known)
		return true;
	const struct capture_way *way =
		capture_find(capture, &conn->lab, &conn->peer, nth_of(facts, conn));
	if (!way)
		return true;
	packets->compared = packets->known;
	packets->in_capture = way->count;
	packets->in_events = conn->segments_out;
	return count_captured(packets, conn, way);
}
