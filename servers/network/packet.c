/* Reads frame, IP and TCP. Each step checks that the header it reads is there, so the capture's
   content need not be trusted. */
#include "servers/network/packet.h"

#include <pcap/pcap.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ETHERTYPE_V4 = 0x0800, ETHERTYPE_V6 = 0x86dd,
	IPV4_HEADER = 20, IPV6_HEADER = 40, TCP_HEADER = 20,
	PROTOCOL_HOP_BY_HOP = 0, PROTOCOL_TCP = 6, PROTOCOL_FRAGMENT = 44,
};

static unsigned get16(const uint8_t *data)
{
	return (unsigned)data[0] << 8 | data[1];
}

static uint32_t get32(const uint8_t *data)
{
	return (uint32_t)get16(data) << 16 | get16(data + 2);
}

/* Leaves out the first `count` bytes. False: the file does not have all of them. */
static bool skip(struct bytes *bytes, size_t count)
{
	if (count > bytes->captured || count > bytes->length)
		return false;
	*bytes = (struct bytes){ bytes->data + count,
		bytes->captured - count,
		bytes->length - count };
	return true;
}

/* Cuts to `length` bytes; bytes behind them are the link's padding. False: there are fewer
   bytes. */
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

/* Where each kind of link says what it carries: in an EtherType, or nowhere (the IP version
   tells). */
static const struct link {
	int type;
	size_t header;
	size_t ethertype; /* its offset; NO_ETHERTYPE: none */
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
	/* A PF_ number, whose value and byte order depend on the machine that wrote it. */
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

bool packet_knows_link(int type)
{
	return find_link(type);
}

/* ---- IP and TCP ---- */

/* RFC 9293, section 3.1. */
static enum packet_verdict read_tcp(struct bytes bytes, struct packet *packet)
{
	const uint8_t *tcp = bytes.data;
	if (bytes.captured < TCP_HEADER)
		return PACKET_MALFORMED;
	size_t header = (size_t)(tcp[12] >> 4) * 4;
	/* A short snapshot length may cut the options; only their length matters. */
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
static enum packet_verdict read_ipv4(struct bytes bytes, struct packet *packet)
{
	const uint8_t *ip = bytes.data;
	if (bytes.captured < IPV4_HEADER)
		return PACKET_MALFORMED;
	size_t header = (size_t)(ip[0] & 15) * 4;
	size_t total = get16(ip + 2);
	/* 0: the network card was to fill it in and to segment the packet. Then it is as long as
	   the frame, as in Wireshark. */
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

/* RFC 8200, sections 3 and 4.3. Only a hop-by-hop header is skipped; no other extension header
   is. */
static enum packet_verdict read_ipv6(struct bytes bytes, struct packet *packet)
{
	const uint8_t *ip = bytes.data;
	if (bytes.captured < IPV6_HEADER)
		return PACKET_MALFORMED;
	unsigned next = ip[6];
	size_t payload = get16(ip + 4);
	set_ends(packet, AF_INET6, ip + 8, ip + 24);
	/* 0: a jumbogram, RFC 2675 */
	if (!skip(&bytes, IPV6_HEADER) || (payload > 0 && !cut(&bytes, payload)))
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

enum packet_verdict packet_read(int type, struct bytes bytes, struct packet *packet)
{
	const struct link *link = find_link(type);
	if (!link)
		return PACKET_OTHER;
	if (bytes.captured > bytes.length)
		bytes.captured = bytes.length;
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
