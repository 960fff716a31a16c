/* Sets what a connection waits for: bytes, room to send, the next turn, its deadline. */
#include "servers/http/http_private.h"

#include "common/clock.h"

void http_conn_deadline(struct http_conn *conn, double seconds)
{
	conn->deadline = clock_now() + seconds; /* ev_now would jump with the wall clock */
}

void http_conn_watch(struct http_conn *conn)
{
	if (conn->driving)
		return;
	struct ev_loop *loop = conn->http->options.loop;
	bool waits = http_output_waiting(conn) > 0;
	bool at_once = conn->dead || (conn->state == HTTP_ANSWERING && !waits) ||
		/* input is left that did not fit into the last turn */
		(conn->state == HTTP_READING && (conn->input_len > 0 || conn->eof));
	bool reads = conn->state == HTTP_LINGERING || conn->state == HTTP_STREAMING ||
		     (conn->state != HTTP_ANSWERING && !conn->eof &&
			     conn->input_len < sizeof conn->input);
	int events = (reads ? EV_READ : 0) | (waits ? EV_WRITE : 0);
	if (events != (conn->io.events & (EV_READ | EV_WRITE)) || !ev_is_active(&conn->io)) {
		ev_io_stop(loop, &conn->io);
		ev_io_set(&conn->io, conn->fd, events);
		if (events)
			ev_io_start(loop, &conn->io);
	}
	if (waits && conn->deadline == 0 &&
		(conn->state == HTTP_ANSWERING || conn->state == HTTP_STREAMING))
		http_conn_deadline(conn, conn->http->options.limits.stall);
	ev_timer_stop(loop, &conn->timer);
	double after = conn->deadline - clock_now();
	if (at_once)
		ev_timer_set(&conn->timer, 0, 0);
	else if (conn->deadline > 0)
		ev_timer_set(&conn->timer, after > 0 ? after : 0, 0);
	else
		return;
	ev_timer_start(loop, &conn->timer);
}
