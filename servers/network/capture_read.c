/* Sequence numbers have 32 bits and wrap around. Offsets have 64 bits and count from the first byte
   of their direction. */
#include "servers/network/capture_read.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/wire.h"

enum { BUCKETS = 1 << 14 };

/* ---- connections ---- */

bool capture_same_end(const struct capture_end *a, const struct capture_end *b)
{
	return a->family == b->family && a->port == b->port &&
	       memcmp(a->address, b->address, sizeof a->address) == 0;
}

/* FNV-1a; both directions of a connection have the same hash. A capture that is made to collide has
   one long chain, of at most CAPTURE_STREAMS_MAX streams. */
static uint32_t hash_end(const struct capture_end *end)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < sizeof end->address; i++)
		hash = (hash ^ end->address[i]) * 16777619u;
	return (hash ^ end->port) * 16777619u;
}

static size_t bucket_of(const struct capture_end *a, const struct capture_end *b)
{
	uint32_t hash = hash_end(a) + hash_end(b);
	return (hash ^ hash >> 16) % BUCKETS;
}

/* The index of the end that sends from `from` to `to`; -1: another connection. */
static int way_between(const struct capture_stream *stream, const struct capture_end *from,
	const struct capture_end *to)
{
	for (int i = 0; i < 2; i++)
		if (capture_same_end(&stream->ends[i], from) &&
			capture_same_end(&stream->ends[1 - i], to))
			return i;
	return -1;
}

/* The latest connection between the packet's two ends. */
static struct capture_stream *find_latest(const struct capture_streams *streams,
	const struct packet *packet)
{
	if (!streams->buckets)
		return NULL;
	for (uint32_t at = streams->buckets[bucket_of(&packet->from, &packet->to)]; at > 0;) {
		struct capture_stream *stream = &streams->streams[at - 1];
		if (way_between(stream, &packet->from, &packet->to) >= 0)
			return stream;
		at = stream->older;
	}
	return NULL;
}

/* Makes room for one more item of `item` bytes. */
static bool grow(void *items, size_t count, size_t *size, size_t item)
{
	if (count < *size)
		return true;
	size_t wanted = *size > 0 ? 2 * *size : 16;
	void *grown = realloc(*(void **)items, wanted * item);
	if (!grown)
		return false;
	*(void **)items = grown;
	*size = wanted;
	return true;
}

static struct capture_stream *add_stream(struct capture_streams *streams,
	const struct packet *packet)
{
	if (!streams->buckets)
		streams->buckets = calloc(BUCKETS, sizeof *streams->buckets);
	if (!streams->buckets ||
		!grow(&streams->streams, streams->count, &streams->size, sizeof *streams->streams))
		return NULL;
	uint32_t *bucket = &streams->buckets[bucket_of(&packet->from, &packet->to)];
	struct capture_stream *stream = &streams->streams[streams->count++];
	*stream = (struct capture_stream){ .ends = { packet->from, packet->to }, .older = *bucket };
	*bucket = (uint32_t)streams->count;
	return stream;
}

/* A SYN with a new sequence number begins another connection of the same two ends. */
static bool begins_anew(const struct capture_stream *stream, const struct packet *packet)
{
	const struct capture_way *way =
		&stream->ways[way_between(stream, &packet->from, &packet->to)];
	bool syn = (packet->flags & (FLAG_SYN | FLAG_ACK)) == FLAG_SYN;
	return syn && (way->isn_known ? way->isn != packet->sequence
				      : stream->ways[0].begun || stream->ways[1].begun);
}

/* ---- data ---- */

/* Removes from..to from the holes. True: some of it was missing until now. */
static bool fill_holes(struct capture_way *way, uint64_t from, uint64_t to)
{
	bool filled = false;
	for (size_t i = 0; i < way->hole_count;) {
		uint64_t low = way->holes[i].from, high = way->holes[i].to;
		if (from >= high || to <= low) {
			i++;
			continue;
		}
		filled = true;
		/* A hole that is filled in its middle would become two. Only the larger one is
		   kept, since that seldom happens. */
		if (from > low && (to >= high || from - low >= high - to))
			way->holes[i++].to = from;
		else if (to < high)
			way->holes[i++].from = to;
		else
			way->holes[i] = way->holes[--way->hole_count];
	}
	return filled;
}

static void add_hole(struct capture_way *way, uint64_t from, uint64_t to)
{
	if (way->hole_count == CAPTURE_HOLES)
		memmove(&way->holes[0], &way->holes[1], --way->hole_count * sizeof way->holes[0]);
	way->holes[way->hole_count].from = from;
	way->holes[way->hole_count++].to = to;
}

static bool keep_head(struct capture_way *way, uint64_t offset, const struct bytes *payload)
{
	if (offset != way->head_len || offset >= CAPTURE_HEAD || payload->captured == 0)
		return true;
	size_t room = CAPTURE_HEAD - way->head_len;
	size_t len = payload->captured < room ? payload->captured : room;
	if (!way->head && !(way->head = malloc(CAPTURE_HEAD)))
		return false;
	memcpy(way->head + way->head_len, payload->data, len);
	/* Where a packet is cut in the file, head_len stays behind, and no later packet has that
	   offset. So the head ends there. */
	way->head_len += len;
	return true;
}

/* Adds a packet's data. `offset` < 0: it begins before the first byte of the capture. */
static bool add_data(struct capture_streams *streams, struct capture_way *way, int64_t offset,
	const struct packet *packet)
{
	int64_t end = offset + (int64_t)packet->payload.length;
	uint64_t from = offset > 0 ? (uint64_t)offset : 0, to = end > 0 ? (uint64_t)end : 0;
	bool more = to > way->next, filled = fill_holes(way, from, to);
	if (!more && !filled) {
		way->again++;
		return true;
	}
	if (from > way->next)
		add_hole(way, way->next, from);
	if (more)
		way->next = to;
	if (streams->packets == CAPTURE_PACKETS_MAX) {
		streams->left_out++;
		return true;
	}
	if (!keep_head(way, from, &packet->payload) ||
		!grow(&way->packets, way->count, &way->size, sizeof *way->packets))
		return false;
	way->packets[way->count++] = (struct capture_packet){
		.frame = streams->frames, .offset = from, .len = (uint32_t)packet->payload.length };
	streams->packets++;
	return true;
}

static bool add_packet(struct capture_streams *streams, const struct packet *packet)
{
	struct capture_stream *stream = find_latest(streams, packet);
	if (!stream || begins_anew(stream, packet)) {
		if (streams->count == CAPTURE_STREAMS_MAX) {
			streams->left_out += packet->payload.length > 0;
			return true;
		}
		stream = add_stream(streams, packet);
		if (!stream)
			return false;
	}
	struct capture_way *way = &stream->ways[way_between(stream, &packet->from, &packet->to)];
	bool syn = packet->flags & FLAG_SYN;
	uint32_t first = packet->sequence + syn; /* a SYN takes one sequence number */
	/* the data of a RST is a diagnostic text: RFC 9293, section 3.10.7.3 */
	if (packet->flags & FLAG_RST)
		return true;
	if (!way->begun) {
		way->begun = true;
		way->isn_known = syn;
		way->isn = packet->sequence;
		way->start = first;
	}
	if (packet->payload.length == 0)
		return true;
	/* The 64-bit offset is the nearest one to `next` that has these 32 bits. */
	int32_t ahead = (int32_t)(first - (way->start + (uint32_t)way->next));
	return add_data(streams, way, (int64_t)way->next + ahead, packet);
}

bool capture_read_frame(struct capture_streams *streams, int type, const uint8_t *data,
	size_t captured, size_t length)
{
	struct packet packet = { 0 };
	streams->frames++;
	switch (packet_read(type, (struct bytes){ data, captured, length }, &packet)) {
	case PACKET_TCP:
		return add_packet(streams, &packet);
	case PACKET_MALFORMED:
		streams->malformed++;
		break;
	case PACKET_FRAGMENT:
		streams->fragments++;
		break;
	case PACKET_OTHER:
		break;
	}
	return true;
}

/* ---- files ---- */

static bool read_frames(struct capture_streams *streams, pcap_t *pcap, struct err *err)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	int got;
	while ((got = pcap_next_ex(pcap, &header, &data)) == 1) {
		if (!capture_read_frame(streams, pcap_datalink(pcap), data, header->caplen,
			    header->len)) {
			err_set(err, STATUS_FAILED, "out of memory");
			return false;
		}
	}
	if (got == PCAP_ERROR) {
		char why[WIRE_ESCAPED_MAX];
		wire_escape(why, pcap_geterr(pcap), strlen(pcap_geterr(pcap)));
		snprintf(streams->trouble, sizeof streams->trouble, "cut behind frame %llu: %s",
			(unsigned long long)streams->frames, why);
	}
	return true;
}

/* What to do with a file that is compressed, which its first bytes tell (RFC 1952 section 2.3.1;
   RFC 8878 section 3.1.1; the .xz file format, section 2.1.1.1). "": it is not. */
static const char *unpack_advice(const char *path)
{
	static const struct {
		const char *magic, *advice;
	} kinds[] = {
		{ "\x1f\x8b", "; it is compressed: gunzip it first" },
		{ "\x28\xb5\x2f\xfd", "; it is compressed: unzstd it first" },
		{ "\xfd\x37zXZ", "; it is compressed: unxz it first" },
	};
	char first[8] = "";
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, first, sizeof first - 1) : -1;
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; got > 0 && i < sizeof kinds / sizeof kinds[0]; i++)
		if (strncmp(first, kinds[i].magic, strlen(kinds[i].magic)) == 0)
			return kinds[i].advice;
	return "";
}

bool capture_read(struct capture_streams *streams, const char *path, struct err *err)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_open_offline(path, reason);
	if (!pcap) {
		/* libpcap's message sometimes begins with the path. */
		size_t len = strlen(path);
		bool named = strncmp(reason, path, len) == 0 && strncmp(reason + len, ": ", 2) == 0;
		err_set(err, STATUS_USAGE, "%s: %s%s", path, reason + (named ? len + 2 : 0),
			unpack_advice(path));
		return false;
	}
	bool done = packet_knows_link(pcap_datalink(pcap));
	if (done) {
		done = read_frames(streams, pcap, err);
	} else {
		const char *name = pcap_datalink_val_to_name(pcap_datalink(pcap));
		err_set(err, STATUS_USAGE,
			"%s: frames of the kind %s are not understood; "
			"capture on Ethernet, lo or any",
			path, name ? name : "(unknown)");
	}
	pcap_close(pcap);
	return done;
}

/* ---- asking ---- */

bool capture_parse_end(struct capture_end *end, const char *text)
{
	char address[INET6_ADDRSTRLEN];
	bool brackets = *text == '[';
	const char *start = text + brackets, *colon = strrchr(text, ':');
	/* a zone means something only on its machine */
	const char *stop = brackets ? strpbrk(start, "%]") : colon;
	if (!colon || !stop || stop > colon || (size_t)(stop - start) >= sizeof address)
		return false;
	memcpy(address, start, (size_t)(stop - start));
	address[stop - start] = '\0';
	char *rest;
	unsigned long port = strtoul(colon + 1, &rest, 10);
	if (rest == colon + 1 || *rest || port > UINT16_MAX)
		return false;
	*end = (struct capture_end){ .family = brackets ? AF_INET6 : AF_INET,
		.port = (uint16_t)port };
	return inet_pton(end->family, address, end->address) == 1;
}

const struct capture_way *capture_find(const struct capture_streams *streams,
	const struct capture_end *from, const struct capture_end *to, size_t nth)
{
	/* A chain lists the latest connection first, but `nth` counts from the earliest. So count
	   them first. */
	size_t count = 0;
	for (int pass = 0; pass < 2 && streams->buckets; pass++) {
		for (uint32_t at = streams->buckets[bucket_of(from, to)]; at > 0;) {
			const struct capture_stream *stream = &streams->streams[at - 1];
			int way = way_between(stream, from, to);
			if (way >= 0 && pass == 0)
				count++;
			else if (way >= 0 && --count == nth)
				return &stream->ways[way];
			at = stream->older;
		}
		if (count <= nth)
			return NULL;
	}
	return NULL;
}

void capture_streams_finish(struct capture_streams *streams)
{
	for (size_t i = 0; i < streams->count; i++) {
		for (int way = 0; way < 2; way++) {
			free(streams->streams[i].ways[way].packets);
			free(streams->streams[i].ways[way].head);
		}
	}
	free(streams->streams);
	free(streams->buckets);
	*streams = (struct capture_streams){ 0 };
}
