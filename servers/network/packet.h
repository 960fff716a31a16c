/* A captured frame, and the TCP packet in it. */
#ifndef SERVERS_NETWORK_PACKET_H
#define SERVERS_NETWORK_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FLAG_FIN = 1, FLAG_SYN = 2, FLAG_RST = 4, FLAG_ACK = 16 };

struct capture_end {
	int family; /* AF_INET, AF_INET6 */
	uint8_t address[16];
	uint16_t port;
};

/* A part of a frame: what is in the file of it, and how long it was. */
struct bytes {
	const uint8_t *data;
	size_t captured, length;
};

struct packet {
	struct capture_end from, to;
	uint32_t sequence;
	unsigned flags; /* FLAG_FIN and the like */
	struct bytes payload; /* data is NULL where none of it is in the file */
};

enum packet_verdict {
	PACKET_TCP,
	PACKET_OTHER,     /* neither IP nor TCP, or a link that is not known here */
	PACKET_MALFORMED, /* a header is cut, or contradicts itself */
	PACKET_FRAGMENT,  /* of IP: they are not put together */
};

/* Whether frames of this kind of link (libpcap's DLT_) are understood. */
bool packet_knows_link(int link);

/* Fills `packet` for PACKET_TCP; its payload lies in the frame. */
enum packet_verdict packet_read(int link, struct bytes frame, struct packet *packet);

#endif
