/*
 * Drives a connection. The watchers' callbacks only call conn_drive. It does what can be done. At
 * its end it either frees the connection, or arms its watchers for what it waits for. No other
 * function frees a connection.
 */
#include "servers/stream/conn_private.h"

#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

enum {
	STEPS_A_TURN = 64, /* then it is the other connections' turn */
	/* the fewest connections whose memory is worth giving back; fewer come and go all the
	   time */
	CROWD_MIN = 256,
};

/* free(3) keeps memory that lies between blocks in use: 1,000 connections over TLS would leave 30
   MB. */
static void give_back_memory(struct conn_host *host)
{
	bool left = host->count == 0 || (host->crowd > CROWD_MIN && host->count <= host->crowd / 4);
	if (host->crowd < CROWD_MIN || !left)
		return;
	host->crowd = host->count == 0 ? 0 : host->count > CROWD_MIN ? host->count : CROWD_MIN;
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

static void conn_free(struct conn *conn)
{
	struct conn_host *host = conn->host;
	conn_tell_close(conn);
	ev_io_stop(host->loop, &conn->io);
	ev_timer_stop(host->loop, &conn->timer);
	if (conn->prev)
		conn->prev->next = conn->next;
	else
		host->conns = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	host->count--;
	transport_destroy(conn->transport);
	close(conn->fd);
	free(conn->cut);
	free(conn);
	give_back_memory(host);
	host->on_end(host);
}

static void conn_arm(struct conn *conn, double now)
{
	struct ev_loop *loop = conn->host->loop;
	if (conn->events != (conn->io.events & (EV_READ | EV_WRITE)) || !ev_is_active(&conn->io)) {
		ev_io_stop(loop, &conn->io);
		ev_io_set(&conn->io, conn->fd, conn->events);
		if (conn->events)
			ev_io_start(loop, &conn->io);
	}
	conn_wake_at(conn, conn->limit);
	conn_wake_at(conn, conn->trip.uncork_at);
	/* A timer that fires too early costs one more drive. Moving it costs more, so it stays. */
	if (conn->wake == INFINITY ||
		(ev_is_active(&conn->timer) && conn->armed_wake <= conn->wake))
		return;
	double after = conn->wake - now;
	ev_timer_stop(loop, &conn->timer);
	ev_timer_set(&conn->timer, after > 0 ? after : 0, 0);
	ev_timer_start(loop, &conn->timer);
	conn->armed_wake = conn->wake;
}

static void conn_drive(struct conn *conn)
{
	double now = clock_now();
	int turns = 0;
	if (now >= conn->limit)
		conn_expire(conn, now);
	round_trip_expire(&conn->trip, now);
	do {
		conn->events = 0;
		conn->wake = INFINITY;
		if (conn->phase == PHASE_GONE) {
			conn_free(conn);
			return;
		}
		if (turns++ == STEPS_A_TURN) {
			/* in the loop's next turn, behind the other connections */
			conn->wake = now;
			break;
		}
	} while (conn_step(conn, now) == STEP_ON);
	conn_arm(conn, now);
}

static void conn_on_io(struct ev_loop *loop, struct ev_io *io, int events)
{
	conn_drive(io->data);
}

static void conn_on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	conn_drive(timer->data);
}

bool conn_start(struct conn_host *host, int fd, struct transport *transport, uint64_t id,
	const struct address *peer)
{
	struct conn *conn = calloc(1, sizeof *conn + host->session->size(&host->session_host));
	if (!conn)
		return false;
	double now = clock_now();
	*conn = (struct conn){
		.host = host,
		.next = host->conns,
		.fd = fd,
		.transport = transport,
		.opened = now,
		.progress = now,
		.reading = true,
		.ping_at = INFINITY,
		.six = peer->ss.ss_family == AF_INET6,
		.id = id,
	};
	host->opened[conn->six] = now;
	address_format(peer, conn->peer);
	ev_io_init(&conn->io, conn_on_io, fd, 0);
	ev_timer_init(&conn->timer, conn_on_timer, 0, 0);
	conn->io.data = conn->timer.data = conn;
	if (host->conns)
		host->conns->prev = conn;
	host->conns = conn;
	if (++host->count > host->crowd)
		host->crowd = host->count;
	host->totals.connections++;
	const struct session_log log = { .emit = conn_emit, .driver = conn };
	host->session->init(conn->self, &host->session_host, &log);
	double limit = host->handshake < host->idle ? host->handshake : host->idle;
	conn->limit = now + limit;
	round_trip_init(&conn->trip, fd, host->rtt);
	conn_tell_open(conn);
	conn_drive(conn); /* the command has often already arrived */
	return true;
}

void conn_stop_all(struct conn_host *host)
{
	for (struct conn *conn = host->conns, *next; conn; conn = next) {
		next = conn->next;
		host->session->tell(conn->self, SESSION_STOP);
		if (conn->phase == PHASE_HANDSHAKE)
			conn_abort(conn, "stopping");
		conn_drive(conn);
	}
}

bool conn_cut(struct conn_host *host, uint64_t id, bool reset, const char *why)
{
	struct conn *conn = host->conns;
	while (conn && conn->id != id)
		conn = conn->next;
	if (!conn)
		return false;
	if (!conn->cut)
		conn->cut = strdup(why);
	why = conn->cut ? conn->cut : "cut";
	if (reset)
		conn_abort(conn, why);
	else
		conn_end(conn, clock_now(), why);
	conn_drive(conn);
	return true;
}

void conn_each(const struct conn_host *host,
	void (*each)(void *context, uint64_t id, const char *peer, double opened), void *context)
{
	for (const struct conn *conn = host->conns; conn; conn = conn->next)
		each(context, conn->id, conn->peer, conn->opened);
}

void conn_abort_all(struct conn_host *host)
{
	while (host->conns) {
		conn_abort(host->conns, "stopping");
		conn_drive(host->conns);
	}
}
