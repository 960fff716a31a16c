/*
 * libpcap reads a ring buffer that the kernel fills, and writes through stdio. stdio's bytes come
 * to file_write, which sees every write error. The descriptor never blocks, so a pipe's reader that
 * stops delays the end only by a known time.
 */
#include "servers/network/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/signals.h"

enum {
	/* bytes of the largest frame: loopback's MTU and an Ethernet header */
	SNAPLEN = 65550,
	/* 8,192 frames of a wire without offload: three floods at a time */
	RING_BYTES = 16 << 20,
	BATCH = 256,              /* frames between two checks of `stop` */
	LAST_WAIT = 2000,         /* milliseconds that a pipe's reader gets after the stop */
	DESCRIPTORS = 1024,       /* descriptors below this number are looked at */
	DUMP_BYTES = 1 << 16,
};

struct capture {
	char *path;
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	int fd;   /* the file's */
	int stop; /* an eventfd, readable when the capture is to stop */
	pthread_t thread;
	bool running;

	/* Only the thread uses these until it has been joined. */
	/* errno of the failed write, after which there is no other; ETIMEDOUT: the pipe's reader
	   has stopped */
	int error;
	/* bytes written, and of these the bytes up to the end of a frame */
	off_t bytes, whole;
	unsigned batch;          /* frames since the last flush */
	/* frames in the file, and frames that are missing in it */
	uint64_t written, unwritten;
	char ended_early[PCAP_ERRBUF_SIZE]; /* why reading the frames failed; "": it did not */
	char buffer[DUMP_BYTES]; /* stdio's */
};

/* ---- the file ---- */

/* Waits until a pipe has room: without limit, but for at most LAST_WAIT after the stop. */
static bool await_room(const struct capture *capture)
{
	struct pollfd ends[] = { { .fd = capture->fd, .events = POLLOUT },
		{ .fd = capture->stop, .events = POLLIN } };
	while (poll(ends, 2, -1) < 0 && errno == EINTR)
		;
	return ends[0].revents != 0 || poll(ends, 1, LAST_WAIT) > 0;
}

/* For fopencookie(3), to which fewer bytes than it gave mean an error. */
static ssize_t file_write(void *cookie, const char *data, size_t size)
{
	struct capture *capture = cookie;
	size_t done = 0;
	while (done < size && capture->error == 0) {
		ssize_t n = write(capture->fd, data + done, size - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN && !await_room(capture))
			capture->error = ETIMEDOUT;
		else if (errno != EAGAIN && errno != EINTR)
			capture->error = errno;
	}
	capture->bytes += (off_t)done;
	return (ssize_t)done;
}

/* After a failed write the file is cut behind the last whole frame, so that programs can read it to
   its end. */
static void file_flush(struct capture *capture)
{
	if (capture->error == 0 && pcap_dump_flush(capture->dumper) == 0) {
		capture->whole = capture->bytes;
		capture->written += capture->batch;
	} else {
		(void)!ftruncate(capture->fd, capture->whole); /* fails on a pipe */
		capture->unwritten += capture->batch;
	}
	capture->batch = 0;
}

static bool file_open(struct capture *capture, const char *path, struct err *err)
{
	capture->path = strdup(path);
	/* No other process shares this open file, so O_NONBLOCK disturbs nobody. It also makes
	   open(2) fail on a pipe without a reader, instead of waiting for one without a way to
	   interrupt it. */
	capture->fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	if (capture->fd >= 0) {
		FILE *file =
			fopencookie(capture, "w", (cookie_io_functions_t){ .write = file_write });
		if (!file || !capture->path) {
			err_set(err, STATUS_FAILED, "out of memory");
			return false;
		}
		setvbuf(file, capture->buffer, _IOFBF, sizeof capture->buffer);
		capture->dumper = pcap_dump_fopen(capture->pcap, file);
		/* this kind of frames cannot be written; the header is still in the buffer */
		if (!capture->dumper) {
			fclose(file);
			err_set(err, STATUS_FAILED, "capture: %s", pcap_geterr(capture->pcap));
			return false;
		}
		file_flush(capture);
		errno = capture->error;
		if (errno == 0)
			return true;
	}
	err_set(err, STATUS_USAGE, "%s: %s", path,
		errno == ENXIO ? "nobody reads this pipe; start its reader first"
			       : strerror(errno));
	return false;
}

/* ---- the wire ---- */

static void find_descriptors(bool *open)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		open[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* libpcap opens descriptors without FD_CLOEXEC, a packet socket among them. With that socket, a
   program that is started later could read and write the wire without any rights. */
static void keep_new_descriptors(const bool *before)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		if (!before[fd])
			fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static bool wire_open(struct capture *capture, const char *interface, struct err *err)
{
	char text[PCAP_ERRBUF_SIZE];
	bool before[DESCRIPTORS];
	find_descriptors(before);
	capture->pcap = pcap_create(interface, text);
	if (!capture->pcap) {
		err_set(err, STATUS_FAILED, "capture on %s: %s", interface, text);
		return false;
	}
	pcap_set_snaplen(capture->pcap, SNAPLEN);
	pcap_set_buffer_size(capture->pcap, RING_BYTES);
	pcap_set_immediate_mode(capture->pcap, 1);
	int status = pcap_activate(capture->pcap);
	if (status >= 0 && pcap_setnonblock(capture->pcap, 1, text) < 0)
		status = PCAP_ERROR;
	keep_new_descriptors(before);
	if (status >= 0)
		return true;
	const char *why = pcap_geterr(capture->pcap);
	err_set(err, STATUS_FAILED, "capture on %s: %s", interface,
		*why ? why : pcap_statustostr(status));
	return false;
}

/* Lets the kernel queue no more frames, so that the queued ones can be read to their end, however
   busy the wire is. */
static void wire_refuse(const struct capture *capture)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &nothing };
	setsockopt(pcap_fileno(capture->pcap), SOL_SOCKET, SO_ATTACH_FILTER, &program,
		sizeof program);
}

static void on_frame(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct capture *capture = (struct capture *)user;
	if (capture->error == 0)
		pcap_dump((u_char *)capture->dumper, header, bytes);
	capture->batch++;
}

/* ---- the thread ---- */

static void *capture_run(void *argument)
{
	struct capture *capture = argument;
	struct pollfd ends[] = {
		{ .fd = pcap_get_selectable_fd(capture->pcap), .events = POLLIN },
		{ .fd = capture->stop, .events = POLLIN },
	};
	bool stopping = false;
	int frames = 0;
	while (frames >= 0 && (frames > 0 || !stopping)) {
		if (!stopping && poll(ends, 2, -1) > 0 && ends[1].revents != 0) {
			stopping = true;
			wire_refuse(capture);
		}
		frames = pcap_dispatch(capture->pcap, BATCH, on_frame, (u_char *)capture);
		file_flush(capture);
	}
	if (frames < 0)
		snprintf(capture->ended_early, sizeof capture->ended_early, "%s",
			pcap_geterr(capture->pcap));
	return NULL;
}

static bool thread_start(struct capture *capture, struct err *err)
{
	int error = signals_start_thread(&capture->thread, capture_run, capture);
	capture->running = error == 0;
	if (error != 0)
		err_set(err, STATUS_FAILED, "capture: no thread: %s", strerror(error));
	return capture->running;
}

static void capture_destroy(struct capture *capture)
{
	if (capture->dumper)
		/* before fd is closed: stdio may still hold bytes that could not be written */
		pcap_dump_close(capture->dumper);
	if (capture->pcap)
		pcap_close(capture->pcap);
	if (capture->fd >= 0)
		close(capture->fd);
	if (capture->stop >= 0)
		close(capture->stop);
	free(capture->path);
	free(capture);
}

struct capture *capture_start(const char *interface, const char *path, struct err *err)
{
	struct capture *capture = calloc(1, sizeof *capture);
	if (!capture) {
		err_set(err, STATUS_FAILED, "out of memory");
		return NULL;
	}
	capture->fd = -1;
	capture->stop = eventfd(0, EFD_CLOEXEC);
	if (capture->stop < 0)
		err_set(err, STATUS_FAILED, "capture: %s", strerror(errno));
	else if (wire_open(capture, interface, err) && file_open(capture, path, err) &&
		 thread_start(capture, err))
		return capture;
	capture_destroy(capture);
	return NULL;
}

/* Whether the file has all frames. The first reason is the one about which the user can do most. */
static bool capture_complete(const struct capture *capture, struct err *err)
{
	struct pcap_stat stat = { 0 };
	pcap_stats(capture->pcap, &stat);
	if (capture->error != 0)
		err_set(err, STATUS_FAILED,
			"%s: %s: the first %" PRIu64 " frames are in it, %" PRIu64 " more are not",
			capture->path,
			capture->error == ETIMEDOUT ? "nobody reads it" : strerror(capture->error),
			capture->written, capture->unwritten + stat.ps_drop);
	else if (stat.ps_drop > 0)
		err_set(err, STATUS_FAILED,
			"%s: %u frames are missing: they came faster than they could be written",
			capture->path, stat.ps_drop);
	else if (*capture->ended_early)
		err_set(err, STATUS_FAILED, "%s: the capture ended early: %s", capture->path,
			capture->ended_early);
	else
		return true;
	return false;
}

bool capture_stop(struct capture *capture, struct err *err)
{
	if (!capture)
		return true;
	eventfd_write(capture->stop, 1);
	pthread_join(capture->thread, NULL);
	bool complete = capture_complete(capture, err);
	capture_destroy(capture);
	return complete;
}
