/* Reading captures: each kind of link, IPv4 and IPv6, what counts as a retransmission, and corrupt
   files. */
#include <arpa/inet.h>
#include <check.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "servers/network/capture_read.h"

enum { SYN = 2, RST = 4, PUSH = 8, ACK = 16, FRAME_MAX = 512 };
enum { TO_LAB, TO_HOME };

static struct capture_streams streams;

static void setup(void)
{
	streams = (struct capture_streams){ 0 };
}

static void teardown(void)
{
	capture_streams_finish(&streams);
}

/* ---- frames ---- */

struct frame {
	uint8_t data[FRAME_MAX];
	size_t len;
};

static void put(struct frame *frame, const void *data, size_t len)
{
	ck_assert_uint_le(frame->len + len, sizeof frame->data);
	if (data)
		memcpy(frame->data + frame->len, data, len);
	else
		memset(frame->data + frame->len, 0, len);
	frame->len += len;
}

static void put8(struct frame *frame, unsigned value)
{
	put(frame, &(uint8_t){ (uint8_t)value }, 1);
}

static void put16(struct frame *frame, unsigned value)
{
	put(frame, &(uint16_t){ htons((uint16_t)value) }, 2);
}

static void put32(struct frame *frame, uint32_t value)
{
	put(frame, &(uint32_t){ htonl(value) }, 4);
}

static void put_link(struct frame *frame, int link, unsigned ethertype)
{
	switch (link) {
	case DLT_EN10MB:
		put(frame, NULL, 12);
		put16(frame, ethertype);
		break;
	case DLT_LINUX_SLL:
		put(frame, NULL, 14);
		put16(frame, ethertype);
		break;
	case DLT_LINUX_SLL2:
		put16(frame, ethertype);
		put(frame, NULL, 18);
		break;
	case DLT_NULL:
	case DLT_LOOP:
		put32(frame, ethertype == 0x0800 ? 2 : 24);
		break;
	}
}

static void put_address(struct frame *frame, int family, const char *text)
{
	uint8_t address[16];
	ck_assert_int_eq(inet_pton(family, text, address), 1);
	put(frame, address, family == AF_INET ? 4 : 16);
}

static void put_tcp(struct frame *frame, int way, unsigned flags, uint32_t sequence,
	const char *text)
{
	put16(frame, way == TO_HOME ? 5003 : 40000);
	put16(frame, way == TO_HOME ? 40000 : 5003);
	put32(frame, sequence);
	put32(frame, 0);
	put8(frame, 6 << 4); /* four bytes of options */
	put8(frame, flags);
	put(frame, NULL, 6 + 4);
	put(frame, text, strlen(text));
}

static struct frame make_v4(int link, int way, unsigned flags, uint32_t sequence, const char *text)
{
	struct frame frame = { .len = 0 };
	put_link(&frame, link, 0x0800);
	put8(&frame, 0x45);
	put8(&frame, 0);
	put16(&frame, 20 + 24 + (unsigned)strlen(text));
	put(&frame, NULL, 5);
	put8(&frame, 6);
	put16(&frame, 0);
	put_address(&frame, AF_INET, way == TO_HOME ? "192.0.2.1" : "192.0.2.2");
	put_address(&frame, AF_INET, way == TO_HOME ? "192.0.2.2" : "192.0.2.1");
	put_tcp(&frame, way, flags, sequence, text);
	return frame;
}

/* `hop`: bytes of a hop-by-hop header; 0: none. */
static struct frame make_v6(int link, unsigned hop, uint32_t sequence, const char *text)
{
	struct frame frame = { .len = 0 };
	put_link(&frame, link, 0x86dd);
	put32(&frame, 6u << 28);
	put16(&frame, hop + 24 + (unsigned)strlen(text));
	put8(&frame, hop ? 0 : 6);
	put8(&frame, 64);
	put_address(&frame, AF_INET6, "2001:db8::1");
	put_address(&frame, AF_INET6, "2001:db8::2");
	if (hop) {
		put8(&frame, 6);
		put8(&frame, hop / 8 - 1);
		put(&frame, NULL, hop - 2);
	}
	put_tcp(&frame, TO_HOME, PUSH | ACK, sequence, text);
	return frame;
}

static void feed(int link, const struct frame *frame)
{
	/* A copy of just this size, so that valgrind and the sanitizers see a read behind it. */
	uint8_t *copy = malloc(frame->len + 1);
	memcpy(copy, frame->data, frame->len);
	ck_assert(capture_read_frame(&streams, link, copy, frame->len, frame->len));
	free(copy);
}

static void send_v4(int way, unsigned flags, uint32_t sequence, const char *text)
{
	struct frame frame = make_v4(DLT_EN10MB, way, flags, sequence, text);
	feed(DLT_EN10MB, &frame);
}

static const struct capture_way *way_to_home(size_t nth)
{
	struct capture_end lab, home;
	ck_assert(capture_parse_end(&lab, "192.0.2.1:5003"));
	ck_assert(capture_parse_end(&home, "192.0.2.2:40000"));
	return capture_find(&streams, &lab, &home, nth);
}

static void check_lengths(const struct capture_way *way, const unsigned *lengths, size_t count)
{
	ck_assert_ptr_nonnull(way);
	ck_assert_uint_eq(way->count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_uint_eq(way->packets[i].len, lengths[i]);
}

#define CHECK_LENGTHS(way, ...)                                                                    \
	check_lengths(way, (const unsigned[]){ __VA_ARGS__ },                                      \
		sizeof((const unsigned[]){ __VA_ARGS__ }) / sizeof(unsigned))

/* ---- what is counted ---- */

static const int links[] = { DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW, DLT_IPV4, DLT_NULL,
	DLT_LOOP };

START_TEST(each_link)
{
	struct frame frame = make_v4(links[_i], TO_HOME, PUSH | ACK, 1000, "This is");
	ck_assert(packet_knows_link(links[_i]));
	feed(links[_i], &frame);
	CHECK_LENGTHS(way_to_home(0), 7);
	ck_assert_uint_eq(streams.malformed, 0);
}
END_TEST

START_TEST(unknown_link)
{
	struct frame frame = make_v4(DLT_RAW, TO_HOME, ACK, 1, "data");
	ck_assert(!packet_knows_link(DLT_IEEE802_11));
	feed(DLT_IEEE802_11, &frame);
	ck_assert_uint_eq(streams.count, 0);
}
END_TEST

START_TEST(version_6)
{
	static const unsigned hops[] = { 0, 8, 16 };
	struct capture_end lab, home;
	struct frame frame = make_v6(DLT_EN10MB, hops[_i], 1, "This is PMU data 1");
	feed(DLT_EN10MB, &frame);
	ck_assert(capture_parse_end(&lab, "[2001:db8::1]:5003"));
	ck_assert(capture_parse_end(&home, "[2001:db8::2]:40000"));
	CHECK_LENGTHS(capture_find(&streams, &lab, &home, 0), 18);
	ck_assert_ptr_nonnull(capture_find(&streams, &home, &lab, 0));
	ck_assert_uint_eq(capture_find(&streams, &home, &lab, 0)->count, 0);
}
END_TEST

START_TEST(both_directions)
{
	send_v4(TO_LAB, SYN, 99, "");
	send_v4(TO_HOME, SYN | ACK, 499, "");
	send_v4(TO_LAB, ACK, 100, "");
	send_v4(TO_LAB, PUSH | ACK, 100, "CMD_short:0");
	send_v4(TO_HOME, PUSH | ACK, 500, "This");
	send_v4(TO_HOME, PUSH | ACK, 504, " is PMU data");
	const struct capture_way *way = way_to_home(0);
	CHECK_LENGTHS(way, 4, 12);
	ck_assert_uint_eq(way->packets[1].offset, 4);
	ck_assert_uint_eq(way->packets[1].frame, 6);
	ck_assert_uint_eq(way->next, 16);
	ck_assert_uint_eq(way->head_len, 16);
	ck_assert_mem_eq(way->head, "This is PMU data", 16);
	CHECK_LENGTHS(&streams.streams[0].ways[0], 11);
	ck_assert_uint_eq(streams.count, 1);
}
END_TEST

START_TEST(sent_again)
{
	send_v4(TO_HOME, ACK, 1000, "abcd");
	send_v4(TO_HOME, ACK, 1004, "efgh");
	send_v4(TO_HOME, ACK, 1000, "abcd"); /* as it was */
	send_v4(TO_HOME, ACK, 1002, "cdef"); /* cut otherwise */
	send_v4(TO_HOME, ACK, 1007, "h");    /* keep-alive */
	send_v4(TO_HOME, ACK, 1006, "ghij"); /* half of it new */
	const struct capture_way *way = way_to_home(0);
	CHECK_LENGTHS(way, 4, 4, 4);
	ck_assert_uint_eq(way->again, 3);
	ck_assert_uint_eq(way->next, 10);
}
END_TEST

START_TEST(out_of_order)
{
	send_v4(TO_HOME, SYN | ACK, 999, "");
	send_v4(TO_HOME, ACK, 1008, "late");
	send_v4(TO_HOME, ACK, 1000, "abcd");
	send_v4(TO_HOME, ACK, 1004, "efgh");
	send_v4(TO_HOME, ACK, 1004, "efgh");
	const struct capture_way *way = way_to_home(0);
	CHECK_LENGTHS(way, 4, 4, 4);
	ck_assert_uint_eq(way->again, 1);
	ck_assert_uint_eq(way->packets[0].offset, 8);
	ck_assert_mem_eq(way->head, "abcdefgh", 8);
}
END_TEST

START_TEST(numbers_turn_over)
{
	send_v4(TO_HOME, SYN | ACK, UINT32_MAX - 3, "");
	send_v4(TO_HOME, ACK, UINT32_MAX - 2, "abcdef");
	send_v4(TO_HOME, ACK, 3, "ghi");
	send_v4(TO_HOME, ACK, UINT32_MAX - 2, "abcdef");
	const struct capture_way *way = way_to_home(0);
	CHECK_LENGTHS(way, 6, 3);
	ck_assert_uint_eq(way->again, 1);
	ck_assert_uint_eq(way->next, 9);
}
END_TEST

START_TEST(ports_used_again)
{
	send_v4(TO_LAB, SYN, 99, "");
	send_v4(TO_LAB, SYN, 99, ""); /* its answer was slow */
	send_v4(TO_HOME, SYN | ACK, 499, "");
	send_v4(TO_HOME, ACK, 500, "first");
	send_v4(TO_LAB, SYN, 7000, "");
	send_v4(TO_HOME, SYN | ACK, 10, "");
	send_v4(TO_HOME, ACK, 11, "second");
	ck_assert_uint_eq(streams.count, 2);
	CHECK_LENGTHS(way_to_home(0), 5);
	CHECK_LENGTHS(way_to_home(1), 6);
	ck_assert_ptr_null(way_to_home(2));
}
END_TEST

START_TEST(begins_in_the_middle)
{
	send_v4(TO_HOME, ACK, 500, "middle");
	send_v4(TO_LAB, SYN, 99, "");
	send_v4(TO_HOME, ACK, 1, "next");
	ck_assert_uint_eq(streams.count, 2);
	CHECK_LENGTHS(way_to_home(1), 4);
}
END_TEST

START_TEST(not_counted)
{
	send_v4(TO_HOME, RST, 500, "Go away");
	struct frame udp = make_v4(DLT_RAW, TO_HOME, ACK, 1, "data");
	udp.data[9] = 17;
	feed(DLT_RAW, &udp);
	struct frame fragment = make_v4(DLT_RAW, TO_HOME, ACK, 1, "data");
	fragment.data[6] = 0x20;
	feed(DLT_RAW, &fragment);
	struct frame arp = make_v4(DLT_EN10MB, TO_HOME, ACK, 1, "data");
	arp.data[13] = 6;
	feed(DLT_EN10MB, &arp);
	ck_assert_uint_eq(way_to_home(0)->count, 0);
	ck_assert_uint_eq(streams.count, 1);
	ck_assert_uint_eq(streams.fragments, 1);
	ck_assert_uint_eq(streams.malformed, 0);
	ck_assert_uint_eq(streams.frames, 4);
}
END_TEST

START_TEST(padding_and_snapshots)
{
	struct frame frame = make_v4(DLT_EN10MB, TO_HOME, ACK, 1, "ab");
	put(&frame, NULL, 20); /* an Ethernet frame has 60 bytes at least */
	feed(DLT_EN10MB, &frame);
	frame = make_v4(DLT_EN10MB, TO_HOME, ACK, 3, "cdefgh");
	ck_assert(capture_read_frame(&streams, DLT_EN10MB, frame.data, frame.len - 5, frame.len));
	frame = make_v4(DLT_EN10MB, TO_HOME, ACK, 9, "ij");
	/* bare */
	ck_assert(capture_read_frame(&streams, DLT_EN10MB, frame.data, 14 + 20 + 20, frame.len));
	frame = make_v4(DLT_EN10MB, TO_HOME, ACK, 11, "kl");
	frame.data[14 + 2] = frame.data[14 + 3] = 0; /* left to the network card */
	feed(DLT_EN10MB, &frame);
	const struct capture_way *way = way_to_home(0);
	CHECK_LENGTHS(way, 2, 6, 2, 2);
	ck_assert_uint_eq(way->head_len, 3);
	ck_assert_mem_eq(way->head, "abc", 3);
}
END_TEST

START_TEST(more_holes_than_remembered)
{
	for (uint32_t i = 0; i < 50; i++)
		send_v4(TO_HOME, ACK, 1000 + 10 * i, "abcd");
	for (uint32_t i = 0; i < 50; i++)
		send_v4(TO_HOME, ACK, 1004 + 10 * i, "efghij");
	const struct capture_way *way = way_to_home(0);
	ck_assert_uint_eq(way->count + way->again, 100);
	ck_assert_uint_ge(way->count, 50 + CAPTURE_HOLES);
}
END_TEST

START_TEST(more_streams_than_followed)
{
	struct frame frame = make_v4(DLT_RAW, TO_HOME, ACK, 1, "data");
	for (uint32_t i = 0; i < CAPTURE_STREAMS_MAX + 3; i++) {
		frame.data[20] = (uint8_t)(i >> 8);
		frame.data[21] = (uint8_t)i;
		frame.data[19] = (uint8_t)(i >> 16);
		feed(DLT_RAW, &frame);
	}
	ck_assert_uint_eq(streams.count, CAPTURE_STREAMS_MAX);
	ck_assert_uint_eq(streams.left_out, 3);
}
END_TEST

/* ---- lies ---- */

START_TEST(cut_anywhere)
{
	struct frame whole[] = { make_v4(DLT_EN10MB, TO_HOME, ACK, 1, "data"),
		make_v6(DLT_EN10MB, 16, 1, "data") };
	for (size_t i = 0; i < 2; i++) {
		size_t headers = whole[i].len - 4 - 4; /* but the options */
		for (size_t len = 0; len < whole[i].len; len++) {
			struct frame frame = whole[i];
			frame.len = len;
			feed(DLT_EN10MB, &frame); /* shorter than it says */
			uint8_t *copy = malloc(len + 1);
			memcpy(copy, frame.data, len);
			uint64_t before = streams.malformed;
			/* cut in the file */
			ck_assert(capture_read_frame(&streams, DLT_EN10MB, copy, len,
				whole[i].len));
			ck_assert_uint_eq(streams.malformed - before, len < headers);
			free(copy);
		}
	}
	ck_assert_uint_eq(way_to_home(0)->count, 1);
}
END_TEST

/* Each byte of a frame as each of these values, on every link, whole and cut. */
START_TEST(any_byte)
{
	static const uint8_t values[] = { 0, 1, 0x0f, 0x45, 0x4f, 0x60, 0x7f, 0x80, 0xf0, 0xff };
	for (size_t l = 0; l < sizeof links / sizeof links[0]; l++) {
		struct frame whole[] = { make_v4(links[l], TO_HOME, ACK, 1, "data"),
			make_v6(links[l], 8, 1, "data") };
		for (size_t i = 0; i < 2; i++) {
			for (size_t at = 0; at < whole[i].len; at++) {
				for (size_t v = 0; v < sizeof values; v++) {
					struct frame frame = whole[i];
					frame.data[at] = values[v];
					feed(links[l], &frame);
					frame.len -= 1 + at % 30;
					feed(links[l], &frame);
				}
			}
		}
	}
	ck_assert_uint_gt(streams.malformed, 0);
}
END_TEST

START_TEST(impossible_headers)
{
	static const struct {
		size_t at;
		uint8_t value;
	} lies[] = {
		{ 0, 0x44 },       /* an IP header of 16 bytes */
		{ 0, 0x4f },       /* of 60, more than there is before the data */
		{ 3, 19 },         /* a datagram shorter than its header */
		{ 2, 0xff },       /* and one longer than the frame */
		{ 20 + 12, 0x40 }, /* a TCP header of 16 bytes */
		{ 20 + 12, 0xf0 }, /* of 60 */
	};
	struct frame frame = make_v4(DLT_RAW, TO_HOME, ACK, 1, "data");
	frame.data[lies[_i].at] = lies[_i].value;
	feed(DLT_RAW, &frame);
	ck_assert_uint_eq(streams.malformed, 1);
	ck_assert_uint_eq(streams.count, 0);
}
END_TEST

/* ---- files ---- */

static char path[] = "/tmp/test_capture_read.XXXXXX";

/* A file of two frames, `missing` bytes short. */
static void write_file(int link, size_t missing)
{
	strcpy(strchr(path, '.') + 1, "XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	pcap_t *pcap = pcap_open_dead(link, 65535);
	pcap_dumper_t *dumper = pcap_dump_fopen(pcap, fdopen(fd, "w"));
	ck_assert_ptr_nonnull(dumper);
	for (uint32_t i = 0; i < 2; i++) {
		struct frame frame = make_v4(link, TO_HOME, ACK, 1 + 4 * i, "data");
		struct pcap_pkthdr header = { .caplen = (bpf_u_int32)frame.len,
			.len = (bpf_u_int32)frame.len };
		pcap_dump((u_char *)dumper, &header, frame.data);
	}
	long size = pcap_dump_ftell(dumper);
	pcap_dump_close(dumper);
	pcap_close(pcap);
	ck_assert_int_eq(truncate(path, size - (long)missing), 0);
}

START_TEST(a_file)
{
	struct err err;
	write_file(links[_i], 0);
	ck_assert(capture_read(&streams, path, &err));
	unlink(path);
	CHECK_LENGTHS(way_to_home(0), 4, 4);
	ck_assert_str_eq(streams.trouble, "");
}
END_TEST

START_TEST(a_file_that_is_cut)
{
	struct err err;
	for (size_t missing = 1; missing < 100; missing++) {
		write_file(DLT_RAW, missing);
		ck_assert(capture_read(&streams, path, &err));
		unlink(path);
		ck_assert_uint_eq(streams.frames, missing < 48 + 16 + 1);
		/* Where a frame ends, so may a file. */
		ck_assert_int_eq(streams.trouble[0] != 0, missing != 48 + 16);
		capture_streams_finish(&streams);
	}
}
END_TEST

START_TEST(no_capture)
{
	struct err err;
	ck_assert(!capture_read(&streams, "/nowhere/lab.pcap", &err));
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert_str_eq(err.text, "/nowhere/lab.pcap: No such file or directory");
	ck_assert(!capture_read(&streams, "/dev/null", &err));
	ck_assert_int_eq(err.status, STATUS_USAGE);
	write_file(DLT_RAW, 2 * (48 + 16) + 10);
	ck_assert(!capture_read(&streams, path, &err));
	unlink(path);
}
END_TEST

START_TEST(no_link_that_is_known)
{
	struct err err;
	write_file(DLT_IEEE802_11, 0);
	ck_assert(!capture_read(&streams, path, &err));
	unlink(path);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert_ptr_nonnull(strstr(err.text, "frames of the kind IEEE802_11 are not understood"));
}
END_TEST

START_TEST(ends)
{
	static const char *const wrong[] = { "", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:x",
		"1.2.3.4:65536", "[::1]", "[::1:5003", "::1:5003", "[1.2.3.4]:1", "1.2.3:5", "[]:1",
		"[::1]5003", "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1" };
	struct capture_end end;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert_msg(!capture_parse_end(&end, wrong[i]), "%s", wrong[i]);
	ck_assert(capture_parse_end(&end, "[fe80::1%eth0]:5003"));
	ck_assert_int_eq(end.family, AF_INET6);
	ck_assert_uint_eq(end.port, 5003);
}
END_TEST

int main(void)
{
	const int link_count = sizeof links / sizeof links[0];
	Suite *suite = suite_create("capture_read");
	TCase *tcase = tcase_create("packets");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, each_link, 0, link_count);
	tcase_add_test(tcase, unknown_link);
	tcase_add_loop_test(tcase, version_6, 0, 3);
	tcase_add_test(tcase, both_directions);
	tcase_add_test(tcase, sent_again);
	tcase_add_test(tcase, out_of_order);
	tcase_add_test(tcase, numbers_turn_over);
	tcase_add_test(tcase, ports_used_again);
	tcase_add_test(tcase, begins_in_the_middle);
	tcase_add_test(tcase, not_counted);
	tcase_add_test(tcase, padding_and_snapshots);
	tcase_add_test(tcase, more_holes_than_remembered);
	tcase_add_test(tcase, more_streams_than_followed);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("lies");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, cut_anywhere);
	tcase_add_test(tcase, any_byte);
	tcase_add_loop_test(tcase, impossible_headers, 0, 6);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("files");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_file, 0, link_count);
	tcase_add_test(tcase, a_file_that_is_cut);
	tcase_add_test(tcase, no_capture);
	tcase_add_test(tcase, no_link_that_is_known);
	tcase_add_test(tcase, ends);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
