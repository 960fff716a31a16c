/*
 * TCP connections in a capture file (pcap or pcapng, read by libpcap). For each connection and
 * direction it lists the packets that carry new data, as Wireshark does with the filter
 *
 *   tcp.len > 0 && !tcp.analysis.retransmission
 */
#ifndef SERVERS_NETWORK_CAPTURE_READ_H
#define SERVERS_NETWORK_CAPTURE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "servers/network/packet.h"

enum {
	/* connections that are kept; packets of later ones are only counted */
	CAPTURE_STREAMS_MAX = 16384,
	CAPTURE_PACKETS_MAX = 1 << 20, /* packets with data that are kept, over all connections */
	CAPTURE_HEAD = 1024,           /* bytes that are kept from the start of each direction */
	/* gaps that are remembered in a direction, because a late packet may fill them; when there
	   are more, the oldest are forgotten */
	CAPTURE_HOLES = 8,
	CAPTURE_TROUBLE = 160,
};

struct capture_packet {
	/* the frame's number in the file, from 1, as in Wireshark's first column */
	uint64_t frame;
	uint64_t offset; /* of its first byte, from the first byte that this end has sent */
	uint32_t len;    /* bytes of data */
};

/* One direction of a connection: what one end has sent. */
struct capture_way {
	/* the packets with new data, in the order of the file */
	struct capture_packet *packets;
	size_t count, size;
	/* packets without new data: retransmissions, keep-alives */
	uint64_t again;
	char *head;     /* the first bytes, as far as the file has them whole and in order */
	size_t head_len;
	bool begun, isn_known; /* a packet was seen; the SYN was seen */
	uint32_t isn, start;   /* sequence numbers: of the SYN, of the first byte */
	uint64_t next;         /* the offset behind the furthest byte so far */
	struct { uint64_t from, to; } holes[CAPTURE_HOLES];
	size_t hole_count;
};

struct capture_stream {
	struct capture_end ends[2];
	struct capture_way ways[2]; /* ways[i] is what ends[i] has sent */
	/* index + 1 of the previous stream in the same bucket; 0: none */
	uint32_t older;
};

/* The connections of a file. All zero at the start. */
struct capture_streams {
	struct capture_stream *streams; /* in the order of their first packets */
	size_t count, size;
	uint32_t *buckets;
	size_t packets;      /* kept, over all streams */
	uint64_t frames;     /* frames read */
	uint64_t malformed;  /* packets whose IP or TCP header is cut or contradicts itself */
	uint64_t fragments;  /* IP fragments, which are not reassembled */
	uint64_t left_out;   /* packets with data beyond the limits above */
	char trouble[CAPTURE_TROUBLE]; /* why the file could not be read to its end; "": it was */
};

/*
 * Reads a file to its end. When the file is cut, `trouble` says so, the packets before the cut
 * count, and the result is true. False with `err`: the file cannot be opened, is no capture, or its
 * kind of link is not supported (STATUS_USAGE); out of memory (STATUS_FAILED). Call
 * capture_streams_finish in either case.
 */
bool capture_read(struct capture_streams *streams, const char *path, struct err *err);

/* Takes one frame of a kind of link (libpcap's DLT_). `captured` bytes of it are in `data`; on the
   wire it had `length` bytes. False: out of memory. */
bool capture_read_frame(struct capture_streams *streams, int link, const uint8_t *data,
	size_t captured, size_t length);

/* Reads an end from "127.0.0.1:5003" or "[::1]:5003"; a zone ("%eth0") is ignored. False: `text` is
   neither. */
bool capture_parse_end(struct capture_end *end, const char *text);

/* Whether two ends have the same address and port. */
bool capture_same_end(const struct capture_end *a, const struct capture_end *b);

/* The data from `from` to `to` in the `nth` connection between these two ends. 0 is the first;
   there may be several, since ports are reused. It belongs to `streams`. NULL: there is no such
   connection. */
const struct capture_way *capture_find(const struct capture_streams *streams,
	const struct capture_end *from, const struct capture_end *to, size_t nth);

/* Frees the contents and sets all to zero. */
void capture_streams_finish(struct capture_streams *streams);

#endif
