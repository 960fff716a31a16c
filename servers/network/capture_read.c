/*
 * Frame, IP, TCP, connection: each step checks that the header it reads is there, so a capture may say what it wants.
 * Sequence numbers are 32 bits and turn over; an offset is 64 bits and counts from the first byte of its direction.
 */
#include "servers/network/capture_read.h"

#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"

enum {
	BUCKETS = 1 << 14,
	ETHERTYPE_V4 = 0x0800, ETHERTYPE_V6 = 0x86dd,
	IPV4_HEADER = 20, IPV6_HEADER = 40, TCP_HEADER = 20,
	PROTOCOL_HOP_BY_HOP = 0, PROTOCOL_TCP = 6, PROTOCOL_FRAGMENT = 44,
	FLAG_FIN = 1, FLAG_SYN = 2, FLAG_RST = 4, FLAG_ACK = 16,
};

/* A part of a frame: what is in the file of it, and how long it was. */
struct bytes {
	const uint8_t *data;
	size_t captured, length;
};

struct packet {
	struct capture_end from, to;
	uint32_t sequence;
	unsigned flags;
	struct bytes payload;
};

static unsigned get16(const uint8_t *data)
{
	return (unsigned)data[0] << 8 | data[1];
}

static uint32_t get32(const uint8_t *data)
{
	return (uint32_t)get16(data) << 16 | get16(data + 2);
}

/* Leaves out the first `count` bytes, all of which are in the file. */
static bool skip(struct bytes *bytes, size_t count)
{
	if (count > bytes->captured || count > bytes->length)
		return false;
	*bytes = (struct bytes){ bytes->data + count, bytes->captured - count, bytes->length - count };
	return true;
}

/* What lies behind `length` bytes is the link's padding. False: there is less. */
static bool cut(struct bytes *bytes, size_t length)
{
	if (length > bytes->length)
		return false;
	bytes->length = length;
	if (bytes->captured > length)
		bytes->captured = length;
	return true;
}

/* ---- links ---- */

/* Where a kind of link says what it carries: an EtherType, or nothing (the IP version tells). */
static const struct link {
	int type;
	size_t header;
	size_t ethertype; /* its place; NO_ETHERTYPE: none */
} links[] = {
#define NO_ETHERTYPE SIZE_MAX
	{ DLT_EN10MB, 14, 12 },
	{ DLT_LINUX_SLL, 16, 14 },
#ifdef DLT_LINUX_SLL2
	{ DLT_LINUX_SLL2, 20, 0 },
#endif
	{ DLT_RAW, 0, NO_ETHERTYPE },
	{ DLT_IPV4, 0, NO_ETHERTYPE },
	{ DLT_IPV6, 0, NO_ETHERTYPE },
	/* A PF_ number, whose value and byte order are those of the machine that wrote it. */
	{ DLT_NULL, 4, NO_ETHERTYPE },
	{ DLT_LOOP, 4, NO_ETHERTYPE },
};

static const struct link *find_link(int type)
{
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
		if (links[i].type == type)
			return &links[i];
	return NULL;
}

bool capture_knows_link(int type)
{
	return find_link(type);
}

enum verdict { PACKET_TCP, PACKET_OTHER, PACKET_MALFORMED, PACKET_FRAGMENT };

/* ---- IP and TCP ---- */

/* RFC 9293, section 3.1. */
static enum verdict read_tcp(struct bytes bytes, struct packet *packet)
{
	const uint8_t *tcp = bytes.data;
	if (bytes.captured < TCP_HEADER)
		return PACKET_MALFORMED;
	size_t header = (size_t)(tcp[12] >> 4) * 4;
	/* Its options may be cut off by a short snapshot: only how long they are matters. */
	if (header < TCP_HEADER || header > bytes.length)
		return PACKET_MALFORMED;
	packet->from.port = (uint16_t)get16(tcp);
	packet->to.port = (uint16_t)get16(tcp + 2);
	packet->sequence = get32(tcp + 4);
	packet->flags = tcp[13];
	packet->payload.length = bytes.length - header;
	packet->payload.captured = bytes.captured > header ? bytes.captured - header : 0;
	packet->payload.data = packet->payload.captured > 0 ? tcp + header : NULL;
	return PACKET_TCP;
}

static void set_ends(struct packet *packet, int family, const uint8_t *from, const uint8_t *to)
{
	size_t size = family == AF_INET ? 4 : 16;
	packet->from = packet->to = (struct capture_end){ .family = family };
	memcpy(packet->from.address, from, size);
	memcpy(packet->to.address, to, size);
}

/* RFC 791, section 3.1. */
static enum verdict read_ipv4(struct bytes bytes, struct packet *packet)
{
	const uint8_t *ip = bytes.data;
	if (bytes.captured < IPV4_HEADER)
		return PACKET_MALFORMED;
	size_t header = (size_t)(ip[0] & 15) * 4;
	size_t total = get16(ip + 2);
	/* 0: the network card was to fill it in, and to cut the rest. As long as the frame, as Wireshark takes it. */
	if (total == 0)
		total = bytes.length;
	if (header < IPV4_HEADER || total < header || !cut(&bytes, total))
		return PACKET_MALFORMED;
	if (ip[9] != PROTOCOL_TCP)
		return PACKET_OTHER;
	if (get16(ip + 6) & 0x3fff) /* more fragments, or an offset */
		return PACKET_FRAGMENT;
	set_ends(packet, AF_INET, ip + 12, ip + 16);
	return skip(&bytes, header) ? read_tcp(bytes, packet) : PACKET_MALFORMED;
}

/* RFC 8200, sections 3 and 4.3. No other extension header is looked through. */
static enum verdict read_ipv6(struct bytes bytes, struct packet *packet)
{
	const uint8_t *ip = bytes.data;
	if (bytes.captured < IPV6_HEADER)
		return PACKET_MALFORMED;
	unsigned next = ip[6];
	size_t payload = get16(ip + 4);
	set_ends(packet, AF_INET6, ip + 8, ip + 24);
	if (!skip(&bytes, IPV6_HEADER) || (payload > 0 && !cut(&bytes, payload))) /* 0: a jumbogram, RFC 2675 */
		return PACKET_MALFORMED;
	if (next == PROTOCOL_HOP_BY_HOP) {
		if (bytes.captured < 8)
			return PACKET_MALFORMED;
		next = bytes.data[0];
		if (!skip(&bytes, 8 + (size_t)bytes.data[1] * 8))
			return PACKET_MALFORMED;
	}
	if (next == PROTOCOL_FRAGMENT)
		return PACKET_FRAGMENT;
	return next == PROTOCOL_TCP ? read_tcp(bytes, packet) : PACKET_OTHER;
}

static enum verdict read_frame(const struct link *link, struct bytes bytes, struct packet *packet)
{
	unsigned ethertype = 0;
	if (link->ethertype != NO_ETHERTYPE) {
		if (bytes.captured < link->header)
			return PACKET_MALFORMED;
		ethertype = get16(bytes.data + link->ethertype);
		if (ethertype != ETHERTYPE_V4 && ethertype != ETHERTYPE_V6)
			return PACKET_OTHER;
	}
	if (!skip(&bytes, link->header) || bytes.captured == 0)
		return PACKET_MALFORMED;
	unsigned version = bytes.data[0] >> 4;
	if (version == 4 && ethertype != ETHERTYPE_V6)
		return read_ipv4(bytes, packet);
	if (version == 6 && ethertype != ETHERTYPE_V4)
		return read_ipv6(bytes, packet);
	return link->ethertype == NO_ETHERTYPE ? PACKET_OTHER : PACKET_MALFORMED;
}

/* ---- connections ---- */

bool capture_same_end(const struct capture_end *a, const struct capture_end *b)
{
	return a->family == b->family && a->port == b->port && memcmp(a->address, b->address, sizeof a->address) == 0;
}

/* FNV-1a; both directions have the same. A capture that is made for it has one long chain, of CAPTURE_STREAMS_MAX at
   most. */
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

/* Which of its ends has sent from `from` to `to`; -1: it is another connection. */
static int way_between(const struct capture_stream *stream, const struct capture_end *from,
	const struct capture_end *to)
{
	for (int i = 0; i < 2; i++)
		if (capture_same_end(&stream->ends[i], from) && capture_same_end(&stream->ends[1 - i], to))
			return i;
	return -1;
}

/* The latest one between the two ends. */
static struct capture_stream *find_latest(const struct capture_streams *streams, const struct packet *packet)
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

/* Room for one more of `item` bytes. */
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

static struct capture_stream *add_stream(struct capture_streams *streams, const struct packet *packet)
{
	if (!streams->buckets)
		streams->buckets = calloc(BUCKETS, sizeof *streams->buckets);
	if (!streams->buckets || !grow(&streams->streams, streams->count, &streams->size, sizeof *streams->streams))
		return NULL;
	uint32_t *bucket = &streams->buckets[bucket_of(&packet->from, &packet->to)];
	struct capture_stream *stream = &streams->streams[streams->count++];
	*stream = (struct capture_stream){ .ends = { packet->from, packet->to }, .older = *bucket };
	*bucket = (uint32_t)streams->count;
	return stream;
}

/* A SYN with a number of its own begins another connection of the same two ends. */
static bool begins_anew(const struct capture_stream *stream, const struct packet *packet)
{
	const struct capture_way *way = &stream->ways[way_between(stream, &packet->from, &packet->to)];
	bool syn = (packet->flags & (FLAG_SYN | FLAG_ACK)) == FLAG_SYN;
	return syn && (way->isn_known ? way->isn != packet->sequence : stream->ways[0].begun || stream->ways[1].begun);
}

/* ---- data ---- */

/* Fills what it can of the holes. True: some of from..to was missing until now. */
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
		/* Of the two ends that may be left the larger one stays: a hole is seldom filled from its middle. */
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
	/* The rest of a packet that is cut in the file is lost: what follows has another offset than head_len. */
	way->head_len += len;
	return true;
}

/* `offset` < 0: from before the first byte that the capture has. */
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
	uint32_t first = packet->sequence + syn; /* a SYN has a number of its own */
	if (packet->flags & FLAG_RST) /* whose data, if any, is an explanation: RFC 9293, section 3.10.7.3 */
		return true;
	if (!way->begun) {
		way->begun = true;
		way->isn_known = syn;
		way->isn = packet->sequence;
		way->start = first;
	}
	if (packet->payload.length == 0)
		return true;
	/* The nearest number to what is expected next that has these 32 bits. */
	int32_t ahead = (int32_t)(first - (way->start + (uint32_t)way->next));
	return add_data(streams, way, (int64_t)way->next + ahead, packet);
}

bool capture_read_frame(struct capture_streams *streams, int type, const uint8_t *data, size_t captured, size_t length)
{
	const struct link *link = find_link(type);
	struct packet packet = { 0 };
	streams->frames++;
	if (!link)
		return true;
	if (captured > length)
		captured = length;
	switch (read_frame(link, (struct bytes){ data, captured, length }, &packet)) {
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
		if (!capture_read_frame(streams, pcap_datalink(pcap), data, header->caplen, header->len)) {
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

bool capture_read(struct capture_streams *streams, const char *path, struct err *err)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_open_offline(path, reason);
	if (!pcap) {
		/* libpcap sometimes begins with the path. */
		size_t len = strlen(path);
		bool named = strncmp(reason, path, len) == 0 && strncmp(reason + len, ": ", 2) == 0;
		err_set(err, STATUS_USAGE, "%s: %s", path, reason + (named ? len + 2 : 0));
		return false;
	}
	bool done = capture_knows_link(pcap_datalink(pcap));
	if (done) {
		done = read_frames(streams, pcap, err);
	} else {
		const char *name = pcap_datalink_val_to_name(pcap_datalink(pcap));
		err_set(err, STATUS_USAGE,
			"%s: frames of the kind %s are not understood; capture on Ethernet, lo or any", path,
			name ? name : "(unknown)");
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
	const char *stop = brackets ? strpbrk(start, "%]") : colon; /* a zone is the machine's own */
	if (!colon || !stop || stop > colon || (size_t)(stop - start) >= sizeof address)
		return false;
	memcpy(address, start, (size_t)(stop - start));
	address[stop - start] = '\0';
	char *rest;
	unsigned long port = strtoul(colon + 1, &rest, 10);
	if (rest == colon + 1 || *rest || port > UINT16_MAX)
		return false;
	*end = (struct capture_end){ .family = brackets ? AF_INET6 : AF_INET, .port = (uint16_t)port };
	return inet_pton(end->family, address, end->address) == 1;
}

const struct capture_way *capture_find(const struct capture_streams *streams, const struct capture_end *from,
	const struct capture_end *to, size_t nth)
{
	/* A chain goes back in time, and `nth` counts from the start. */
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
