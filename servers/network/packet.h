/* Reads the TCP packet in a captured frame. */
#ifndef SERVERS_NETWORK_PACKET_H
#define SERVERS_NETWORK_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* TCP flags (RFC 9293, section 3.1). */
enum { FLAG_FIN = 1, FLAG_SYN = 2, FLAG_RST = 4, FLAG_ACK = 16 };

struct capture_end {
	int family; /* AF_INET, AF_INET6 */
	uint8_t address[16];
	uint16_t port;
};

/* A part of a frame: `captured` bytes of it are in the file, at `data`; on the wire it had `length`
   bytes. */
struct bytes {
	const uint8_t *data;
	size_t captured, length;
};

struct packet {
	struct capture_end from, to;
	uint32_t sequence;
	unsigned flags; /* FLAG_ values, or-ed */
	struct bytes payload; /* data is NULL: no byte of it is in the file */
};

enum packet_verdict {
	PACKET_TCP,
	PACKET_OTHER,     /* not TCP over IP, or a kind of link that is not supported */
	PACKET_MALFORMED, /* a header is cut or contradicts itself */
	PACKET_FRAGMENT,  /* an IP fragment; fragments are not reassembled */
};

/* Whether frames of this kind of link (libpcap's DLT_) are supported. */
bool packet_knows_link(int link);

/* Reads a frame of a kind of link. Fills `packet` for PACKET_TCP; its payload points into the
   frame. */
enum packet_verdict packet_read(int link, struct bytes frame, struct packet *packet);

#endif
