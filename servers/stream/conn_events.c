/* The events that a connection emits. */
#include "servers/stream/conn_private.h"

#include <string.h>

#include "common/carrier/ws_frames.h"
#include "common/clock.h"

/* The most `send` events of one connection. An echo in chunks of 16 bytes would otherwise fill
   events.limit in seconds, and hide all other events. An answer to a command that people type is
   far shorter. The totals are in `close`. */
enum { SENDS_TOLD = 1000 };

static bool wants(const struct conn *conn, enum event_type type)
{
	return journal_wants(conn->host->journal, type);
}

static void tell(const struct conn *conn, enum event_type type, const struct field *fields,
	size_t count)
{
	const struct subject subject = {
		.endpoint = conn->host->session_host.endpoint,
		.conn = conn->id,
		.peer = conn->peer,
	};
	journal_emit(conn->host->journal, type, &subject, fields, count);
}

void conn_emit(void *driver, enum event_type type, const struct field *fields, size_t count)
{
	struct conn *conn = driver;
	if (type == EVENT_COMMAND) {
		/* The event table says that its first field is the text. `close` repeats it. */
		conn->has_command = true;
		conn->command_len = (size_t)fields[0].integer < sizeof conn->command
					    ? (size_t)fields[0].integer
					    : sizeof conn->command;
		memcpy(conn->command, fields[0].text, conn->command_len);
	}
	if (type == EVENT_ERROR)
		conn->host->totals.errors++;
	if (wants(conn, type))
		tell(conn, type, fields, count);
}

void conn_tell_error(struct conn *conn, const char *fault, const char *what)
{
	const struct field fields[] = { F_TEXT("fault", fault), F_TEXT("what", what) };
	conn_emit(conn, EVENT_ERROR, fields, 2);
}

void conn_tell_hint(struct conn *conn, const char *what)
{
	const struct field fields[] = { F_TEXT("what", what) };
	conn_emit(conn, EVENT_HINT, fields, 1);
}

void conn_tell_open(struct conn *conn)
{
	struct address local;
	char text[ADDRESS_TEXT] = "";
	if (!wants(conn, EVENT_OPEN))
		return;
	if (net_local_address(conn->fd, &local))
		address_format(&local, text);
	const struct field fields[] = { F_TEXT("local", text) };
	tell(conn, EVENT_OPEN, fields, 1);
}

/* A plain carrier has no handshake, so there is no event. */
void conn_tell_handshake(struct conn *conn, double now)
{
	struct transport_about about = { .tls_version = "", .ws_note = "" };
	if (!wants(conn, EVENT_HANDSHAKE) && !wants(conn, EVENT_HINT))
		return;
	conn->transport->ops->describe(conn->transport, &about);
	const struct field fields[] = {
		F_TEXT("tls_version", *about.tls_version ? about.tls_version : NULL),
		F_TEXT("tls_cipher", *about.tls_cipher ? about.tls_cipher : NULL),
		F_TEXT("ws_path", *about.ws_path ? about.ws_path : NULL),
		F_REAL("seconds", now - conn->opened),
	};
	if (fields[0].text || fields[2].text)
		tell(conn, EVENT_HANDSHAKE, fields, 4);
	if (*about.ws_note)
		conn_tell_hint(conn, about.ws_note);
}

void conn_tell_sent(struct conn *conn)
{
	struct segments segments = { 0 };
	if (conn->messages > SENDS_TOLD || !wants(conn, EVENT_SEND))
		return;
	bool counted = net_segments(conn->fd, &segments);
	const struct field fields[] = {
		F_INTEGER("i", conn->messages),
		F_INTEGER("bytes", conn->action.len),
		F_INTEGER("sent", conn->first_taken),
		F_INTEGER("calls", conn->calls),
		F_INTEGER("segments", segments.out),
		F_INTEGER("left", segments.left),
		F_INTEGER("waiting", segments.waiting),
		F_INTEGER("acked", segments.acked),
	};
	tell(conn, EVENT_SEND, fields, !counted ? 4 : segments.bytes_known ? 8 : 5);
}

void conn_tell_pause(struct conn *conn)
{
	const struct field fields[] = {
		F_INTEGER("bytes", conn->action.len),
		F_INTEGER("sent", conn->offset),
	};
	conn_emit(conn, EVENT_PAUSE, fields, 2);
}

void conn_tell_close(struct conn *conn)
{
	struct segments segments = { 0 };
	struct transport_about about = { .tls_version = "" };
	if (!wants(conn, EVENT_CLOSE))
		return;
	net_segments(conn->fd, &segments);
	conn->transport->ops->describe(conn->transport, &about);
	/* it has not answered our Close, or we gave up before there was one */
	unsigned code = *about.ws_path && !about.ws_close_code ? WS_CLOSE_ABNORMAL :
		about.ws_close_code;
	const struct field fields[] = {
		F_TEXT("first", conn->peer_first ? "peer" : "server"),
		F_TEXT("why", conn->why),
		F_BYTES("command", conn->has_command ? conn->command : NULL, conn->command_len),
		F_INTEGER("messages", conn->messages),
		F_INTEGER("bytes_out", conn->bytes_out),
		F_INTEGER("bytes_in", conn->bytes_in),
		F_INTEGER("segments_out", segments.out),
		F_INTEGER("segments_again", segments.again),
		F_INTEGER("segments_in", segments.in),
		F_INTEGER("left", segments.left),
		F_INTEGER("acked", segments.acked),
		F_REAL("seconds", clock_now() - conn->opened),
		F_INTEGER("ws_close_code", code),
	};
	tell(conn, EVENT_CLOSE, fields, code ? 13 : 12);
}
