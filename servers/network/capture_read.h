/*
 * TCP connections in a file of packets (pcap or pcapng, libpcap), counted as Wireshark does with
 * `tcp.len > 0 && !tcp.analysis.retransmission`: for each connection and direction the packets that
 * carry data.
 */
#ifndef SERVERS_NETWORK_CAPTURE_READ_H
#define SERVERS_NETWORK_CAPTURE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "servers/network/packet.h"

enum {
	/* connections that are followed; packets of later ones are only counted */
	CAPTURE_STREAMS_MAX = 16384,
	CAPTURE_PACKETS_MAX = 1 << 20, /* packets with data that are kept, of all connections */
	CAPTURE_HEAD = 1024,           /* bytes from the start of each direction that are kept */
	/* gaps that a late packet may fill, in a direction; of more, the oldest go */
	CAPTURE_HOLES = 8,
	CAPTURE_TROUBLE = 160,
};

struct capture_packet {
	uint64_t frame;  /* counts from 1, as Wireshark's first column */
	uint64_t offset; /* of its first byte in what this end sends */
	uint32_t len;    /* bytes of data */
};

/* What one end has sent. */
struct capture_way {
	/* with data that was not seen before, in the order of the file */
	struct capture_packet *packets;
	size_t count, size;
	/* packets with data all of which was seen before: retransmissions, keep-alives */
	uint64_t again;
	char *head;     /* the first bytes, as far as their packets are whole in the file */
	size_t head_len;
	bool begun, isn_known; /* a packet of it was seen; its SYN was seen */
	uint32_t isn, start;   /* sequence numbers: of its SYN; of its first byte */
	uint64_t next;         /* offset behind the furthest byte so far */
	struct { uint64_t from, to; } holes[CAPTURE_HOLES];
	size_t hole_count;
};

struct capture_stream {
	struct capture_end ends[2];
	struct capture_way ways[2]; /* ways[i] is what ends[i] has sent */
	uint32_t older;             /* index + 1 of the one before in the same bucket; 0: none */
};

/* All zero at the start. */
struct capture_streams {
	struct capture_stream *streams; /* in the order of their first packets */
	size_t count, size;
	uint32_t *buckets;
	size_t packets;      /* kept, of all streams */
	uint64_t frames;     /* read */
	uint64_t malformed;  /* IP or TCP headers that are cut or contradict themselves */
	uint64_t fragments;  /* of IP: they are not put together */
	uint64_t left_out;   /* packets with data beyond the limits above */
	char trouble[CAPTURE_TROUBLE]; /* why the file was not read to its end; "": it was */
};

/*
 * Reads the file to its end, or to where it is cut: then `trouble` says so, and what came before
 * counts. False with `err` (STATUS_USAGE): it cannot be opened, is no capture, or is of a kind of
 * link that is not known here; STATUS_FAILED: memory. capture_streams_finish is due in either case.
 */
bool capture_read(struct capture_streams *streams, const char *path, struct err *err);

/* The same for one frame of a kind of link (libpcap's DLT_): `captured` bytes of it are in `data`,
   `length` were on the wire. False: out of memory. */
bool capture_read_frame(struct capture_streams *streams, int link, const uint8_t *data,
	size_t captured, size_t length);

/* From "127.0.0.1:5003" or "[::1]:5003"; false: `text` is neither. */
bool capture_parse_end(struct capture_end *end, const char *text);

bool capture_same_end(const struct capture_end *a, const struct capture_end *b);

/*
 * What went from `from` to `to` in the `nth` connection between the two (0 is the first; ports are
 * used again). NULL: there is none.
 */
const struct capture_way *capture_find(const struct capture_streams *streams,
	const struct capture_end *from, const struct capture_end *to, size_t nth);

void capture_streams_finish(struct capture_streams *streams);

#endif
