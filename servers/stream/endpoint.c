/* A stream endpoint: its listeners, and the accepted connections. */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/carrier/transport.h"
#include "common/json.h"
#include "common/netns.h"
#include "servers/endpoint.h"
#include "servers/stream/conn.h"
#include "servers/stream/floods.h"
#include "servers/stream/listen.h"

enum {
	WS_MESSAGE_MAX = 4096, /* bytes; a command has at most 64 */
};

/* Where echo.idle is infinite, an echo may stay open for ever. Once it is over, a peer that takes
   nothing keeps it for at most this long. */
static const double ECHO_DRAIN_SECONDS = 60;

struct endpoint_stream {
	struct endpoint base;
	struct endpoint_options options;
	const struct endpoint_type *type;
	struct conn_host host;
	struct listeners listeners;
	struct floods floods; /* made while the endpoint runs */
	bool stopped;
};

static struct endpoint_stream *from_base(struct endpoint *base)
{
	return (struct endpoint_stream *)base; /* `base` is its first member */
}

static double seconds(const struct endpoint_stream *endpoint, enum config_key key)
{
	return config_seconds(endpoint->options.config, key, endpoint->options.id);
}

static int64_t integer(const struct endpoint_stream *endpoint, enum config_key key)
{
	return config_integer(endpoint->options.config, key, endpoint->options.id);
}

static bool stream_is_idle(const struct endpoint *base)
{
	const struct endpoint_stream *endpoint = (const struct endpoint_stream *)base;
	return endpoint->stopped && endpoint->host.count == 0;
}

static void on_end(struct conn_host *host)
{
	struct endpoint_stream *endpoint =
		(struct endpoint_stream *)((char *)host - offsetof(struct endpoint_stream, host));
	if (host->count == 0)
		floods_forget(&endpoint->floods);
	if (endpoint->stopped && host->count == 0)
		endpoint->options.on_idle(endpoint->options.context);
}

/* Reads the keys that a connection gets when it begins. */
static void read_keys(struct endpoint_stream *endpoint)
{
	unsigned groups = endpoint->type->groups;
	bool pmu = groups & GROUP_PMU;
	double stall = seconds(endpoint, pmu ? KEY_PMU_STALL : KEY_ECHO_IDLE);
	struct conn_host *host = &endpoint->host;
	host->handshake = groups & GROUP_TLS ? seconds(endpoint, KEY_TLS_HANDSHAKE) : INFINITY;
	host->idle = seconds(endpoint, pmu ? KEY_PMU_IDLE : KEY_ECHO_IDLE);
	host->stall = stall;
	host->drain = pmu || isfinite(stall) ? stall : ECHO_DRAIN_SECONDS;
	host->rtt = pmu ? seconds(endpoint, KEY_PMU_RTT) : 0;
	host->ping = groups & GROUP_WS ? seconds(endpoint, KEY_WS_PING) : INFINITY;
}

/* ---- accepting ---- */

/* Makes the carriers of one connection, the lowest first. NULL: out of memory. */
static struct transport *create_transport(const struct endpoint_stream *endpoint, int fd)
{
	struct transport *transport = endpoint->options.tls ?
		transport_tls_create(endpoint->options.tls, fd, NULL) :
		transport_plain_create(fd);
	if (!transport || !(endpoint->type->groups & GROUP_WS))
		return transport;
	const struct ws_options options = {
		.text = integer(endpoint, KEY_WS_REPLY) == WS_REPLY_TEXT,
		.fragment = (size_t)integer(endpoint, KEY_WS_FRAGMENT),
		.message_limit = WS_MESSAGE_MAX,
	};
	return transport_ws_accept(transport, &options);
}

static void emit_error(struct endpoint_stream *endpoint, const char *fault, const char *what,
	const char *peer)
{
	const struct subject subject = { .endpoint = endpoint->options.id, .peer = peer };
	endpoint->host.totals.errors++;
	EMIT(endpoint->options.journal, EVENT_ERROR, &subject, F_TEXT("fault", fault),
		F_TEXT("what", what));
}

static void take(void *context, int fd, const struct address *peer)
{
	struct endpoint_stream *endpoint = context;
	unsigned most = (unsigned)integer(endpoint,
		endpoint->type->groups & GROUP_PMU ? KEY_PMU_CONNECTIONS : KEY_ECHO_CONNECTIONS);
	const char *what = NULL;
	struct transport *transport = NULL;
	if (endpoint->host.count >= most) {
		what = "refused: as many connections as the configuration allows";
	} else {
		transport = create_transport(endpoint, fd);
		if (!transport || !conn_start(&endpoint->host, fd, transport,
					  ++*endpoint->options.next_conn, peer))
			what = "refused: out of memory";
	}
	if (!what)
		return;
	char text[ADDRESS_TEXT];
	address_format(peer, text);
	emit_error(endpoint, "server", what, text);
	transport_destroy(transport);
	close(fd);
}

static void rest(void *context, int error)
{
	emit_error(context, "server", strerror(error), NULL);
}

static const struct listeners_owner listeners_owner = { .take = take, .rest = rest };

/* ---- the endpoint ---- */

static struct endpoint *stream_create(const struct endpoint_options *options)
{
	struct endpoint_stream *endpoint = calloc(1, sizeof *endpoint);
	if (!endpoint)
		return NULL;
	endpoint->base = (struct endpoint){ .ops = &endpoint_stream_ops, .id = options->id };
	endpoint->options = *options;
	endpoint->type = &endpoint_table[options->id];
	endpoint->host = (struct conn_host){
		.loop = options->loop,
		.journal = options->journal,
		.session = endpoint->type->session,
		.session_host = {
			.config = options->config,
			.endpoint = options->id,
			.flood = options->text,
			.flood_len = options->text_len,
		},
		.on_end = on_end,
	};
	listeners_init(&endpoint->listeners, options->loop, &listeners_owner, endpoint);
	read_keys(endpoint);
	return &endpoint->base;
}

/* Bytes in a segment; 0: the kernel's choice. */
static int mss(const struct endpoint_stream *endpoint)
{
	return endpoint->type->groups & GROUP_PMU ? (int)integer(endpoint, KEY_PMU_MSS) : 0;
}

static bool stream_listen(struct endpoint *base, const struct address *addresses, size_t count,
	uint16_t port, struct err *err)
{
	struct endpoint_stream *endpoint = from_base(base);
	int outside;
	if (!netns_enter(endpoint->options.netns, &outside, err))
		return false;
	bool done = listeners_open(&endpoint->listeners, addresses, count, &port, mss(endpoint),
		endpoint->host.session_host.flood_len, err);
	netns_leave(outside);
	if (done)
		base->port = port;
	else
		endpoint_advise(err, &endpoint->options, errno, port);
	return done;
}

static void stream_start(struct endpoint *base)
{
	struct endpoint_stream *endpoint = from_base(base);
	const struct subject subject = { .endpoint = endpoint->options.id };
	for (size_t i = 0; i < endpoint->listeners.count; i++)
		EMIT(endpoint->options.journal, EVENT_LISTEN, &subject,
			F_TEXT("address", endpoint->listeners.list[i].text));
	listeners_start(&endpoint->listeners);
}

static void stream_stop(struct endpoint *base)
{
	struct endpoint_stream *endpoint = from_base(base);
	listeners_close(&endpoint->listeners);
	conn_stop_all(&endpoint->host);
	endpoint->stopped = true;
	if (stream_is_idle(&endpoint->base))
		endpoint->options.on_idle(endpoint->options.context);
}

static void stream_abort(struct endpoint *base)
{
	struct endpoint_stream *endpoint = from_base(base);
	conn_abort_all(&endpoint->host);
}

static bool flood_changed(const struct endpoint_stream *endpoint)
{
	return endpoint->type->groups & GROUP_PMU &&
		(size_t)integer(endpoint, KEY_PMU_FLOOD) != endpoint->host.session_host.flood_len;
}

static bool stream_check(struct endpoint *base, struct err *err)
{
	struct endpoint_stream *endpoint = from_base(base);
	if (endpoint->host.count == 0)
		floods_forget(&endpoint->floods);
	return !flood_changed(endpoint) || floods_check(&endpoint->floods, err);
}

/* Connections in the backlog keep the segment size and buffer of the time when they were opened. */
static void stream_changed(struct endpoint *base)
{
	struct endpoint_stream *endpoint = from_base(base);
	struct session_host *session = &endpoint->host.session_host;
	struct err err = { 0 };
	read_keys(endpoint);
	if (flood_changed(endpoint)) {
		size_t len = (size_t)integer(endpoint, KEY_PMU_FLOOD);
		const char *file = config_text(endpoint->options.config, KEY_PMU_FLOOD_TEXT,
			endpoint->options.id);
		const char *text = floods_make(&endpoint->floods, file, len, &err);
		if (text) {
			session->flood = text;
			session->flood_len = len;
		} else {
			emit_error(endpoint, "configuration", err.text, NULL);
		}
	}
	listeners_change(&endpoint->listeners, mss(endpoint), session->flood_len);
}

static void stream_pause(struct endpoint *base, bool paused)
{
	struct endpoint_stream *endpoint = from_base(base);
	base->paused = paused;
	if (paused)
		listeners_stop(&endpoint->listeners);
	else
		listeners_start(&endpoint->listeners);
}

static unsigned stream_connections(const struct endpoint *base, endpoint_each *each, void *context)
{
	const struct endpoint_stream *endpoint = (const struct endpoint_stream *)base;
	if (each)
		conn_each(&endpoint->host, each, context);
	return endpoint->host.count;
}

static bool stream_cut(struct endpoint *base, uint64_t conn, bool reset, const char *why)
{
	return conn_cut(&from_base(base)->host, conn, reset, why);
}

static void stream_totals(const struct endpoint *base, char *text, size_t size)
{
	const struct endpoint_stream *endpoint = (const struct endpoint_stream *)base;
	const struct conn_totals *totals = &endpoint->host.totals;
	struct json json;
	json_begin(&json, text, size);
	json_put_integer(&json, "connections", (int64_t)totals->connections);
	json_put_integer(&json, "messages", (int64_t)totals->messages);
	json_put_integer(&json, "bytes_out", (int64_t)totals->bytes_out);
	json_put_integer(&json, "bytes_in", (int64_t)totals->bytes_in);
	json_put_integer(&json, "errors", (int64_t)totals->errors);
	json_end(&json);
}

static void stream_destroy(struct endpoint *base)
{
	struct endpoint_stream *endpoint = from_base(base);
	listeners_close(&endpoint->listeners);
	conn_abort_all(&endpoint->host);
	floods_finish(&endpoint->floods);
	free(endpoint);
}

const struct endpoint_ops endpoint_stream_ops = {
	.create = stream_create,
	.listen = stream_listen,
	.start = stream_start,
	.stop = stream_stop,
	.is_idle = stream_is_idle,
	.abort = stream_abort,
	.totals = stream_totals,
	.check = stream_check,
	.changed = stream_changed,
	.pause = stream_pause,
	.connections = stream_connections,
	.cut = stream_cut,
	.destroy = stream_destroy,
};
