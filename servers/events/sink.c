#include "servers/events/sink.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/signals.h"

/* The queue holds about 5,000 events, two seconds of a busy lab. */
enum { QUEUE_BYTES = 1 << 20, CHUNK_BYTES = 1 << 16 };

struct sink {
	int fd;
	uint64_t limit;
	pthread_t thread;

	pthread_mutex_t lock; /* guards the members down to `ended` */
	pthread_cond_t changed;
	char *queue; /* a circular buffer */
	size_t head, used;
	uint64_t accepted; /* bytes queued since the start */
	bool ending, ended;

	/* Only the thread uses these until it has been joined. */
	char chunk[CHUNK_BYTES];
	size_t chunk_len, chunk_done; /* bytes in `chunk`, and how many of them are written */
	int error;                    /* errno of the last write(); 0: it went well */
};

/* Moves up to CHUNK_BYTES from the queue to `chunk`; waits while the queue is empty. False: the
   sink is ending, and the queue is empty. Called with the lock held. */
static bool sink_take(struct sink *sink)
{
	while (sink->used == 0 && !sink->ending)
		pthread_cond_wait(&sink->changed, &sink->lock);
	size_t len = sink->used < CHUNK_BYTES ? sink->used : CHUNK_BYTES;
	size_t first = QUEUE_BYTES - sink->head;
	if (first > len)
		first = len;
	memcpy(sink->chunk, sink->queue + sink->head, first);
	memcpy(sink->chunk + first, sink->queue, len - first);
	sink->head = (sink->head + len) % QUEUE_BYTES;
	sink->used -= len;
	sink->chunk_len = len;
	sink->chunk_done = 0;
	return len > 0;
}

/* Errors that may be over later: a full disk, a limit (setrlimit(2)), a disk that has failed
   once. */
static bool may_pass(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG || error == EIO ||
	       error == EAGAIN;
}

/* Writes the chunk. After an error such as a full disk the rest is tried again once a second,
   because there may be room later; so no line is left half written. False: the reader has gone, or
   another error makes it useless to go on. */
static bool write_chunk(struct sink *sink)
{
	while (sink->chunk_done < sink->chunk_len) {
		ssize_t n = write(sink->fd, sink->chunk + sink->chunk_done,
			sink->chunk_len - sink->chunk_done);
		if (n < 0 && errno == EINTR)
			continue;
		sink->error = n < 0 ? errno : 0;
		if (n >= 0)
			sink->chunk_done += (size_t)n;
		else if (may_pass(sink->error))
			nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
		else
			return false;
	}
	return true;
}

static void *sink_run(void *argument)
{
	struct sink *sink = argument;
	bool usable = true;
	pthread_mutex_lock(&sink->lock);
	while (usable && sink_take(sink)) {
		pthread_mutex_unlock(&sink->lock);
		usable = write_chunk(sink);
		pthread_mutex_lock(&sink->lock);
	}
	sink->ended = true;
	pthread_cond_broadcast(&sink->changed);
	pthread_mutex_unlock(&sink->lock);
	return NULL;
}

struct sink *sink_create(int fd, uint64_t limit)
{
	struct sink *sink = calloc(1, sizeof *sink);
	if (!sink)
		return NULL;
	sink->fd = fd;
	sink->limit = limit;
	pthread_mutex_init(&sink->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&sink->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	sink->queue = malloc(QUEUE_BYTES);
	if (sink->queue && signals_start_thread(&sink->thread, sink_run, sink) == 0)
		return sink;
	free(sink->queue);
	pthread_cond_destroy(&sink->changed);
	pthread_mutex_destroy(&sink->lock);
	free(sink);
	return NULL;
}

bool sink_write(struct sink *sink, const char *line, size_t len, size_t reserve)
{
	pthread_mutex_lock(&sink->lock);
	bool fits = !sink->ended && sink->used + len + reserve <= QUEUE_BYTES &&
		(sink->limit == 0 || sink->accepted + len + reserve <= sink->limit);
	if (fits) {
		size_t tail = (sink->head + sink->used) % QUEUE_BYTES;
		size_t first = QUEUE_BYTES - tail;
		if (first > len)
			first = len;
		memcpy(sink->queue + tail, line, first);
		memcpy(sink->queue, line + first, len - first);
		sink->used += len;
		sink->accepted += len;
		pthread_cond_broadcast(&sink->changed);
	}
	pthread_mutex_unlock(&sink->lock);
	return fits;
}

static uint64_t count_lines(const char *text, size_t len)
{
	uint64_t lines = 0;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

/* What is not written when the thread has ended. */
static struct sink_loss sink_left(const struct sink *sink)
{
	size_t first = QUEUE_BYTES - sink->head;
	if (first > sink->used)
		first = sink->used;
	return (struct sink_loss){
		.error = sink->error,
		.lines = count_lines(sink->chunk + sink->chunk_done,
				 sink->chunk_len - sink->chunk_done) +
			 count_lines(sink->queue + sink->head, first) +
			 count_lines(sink->queue, sink->used - first),
	};
}

void sink_destroy(struct sink *sink, double seconds, struct sink_loss *loss)
{
	if (loss)
		*loss = (struct sink_loss){ 0 };
	if (!sink)
		return;
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	long nanoseconds = until.tv_nsec + (long)((seconds - (double)(time_t)seconds) * 1e9);
	until.tv_sec += (time_t)seconds + nanoseconds / 1000000000;
	until.tv_nsec = nanoseconds % 1000000000;

	pthread_mutex_lock(&sink->lock);
	sink->ending = true;
	pthread_cond_broadcast(&sink->changed);
	int waited = 0;
	while (!sink->ended && waited == 0)
		waited = pthread_cond_timedwait(&sink->changed, &sink->lock, &until);
	bool ended = sink->ended;
	pthread_mutex_unlock(&sink->lock);

	/* the thread is in write() or nanosleep(), which are cancellation points (pthreads(7)) */
	if (!ended)
		pthread_cancel(sink->thread);
	pthread_join(sink->thread, NULL);
	if (loss)
		*loss = sink_left(sink);
	free(sink->queue);
	pthread_cond_destroy(&sink->changed);
	pthread_mutex_destroy(&sink->lock);
	free(sink);
}
