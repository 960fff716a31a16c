/* The lab's servers. The row's index is an enum endpoint_id; users see the rows in this order. */
#include "servers/endpoint_table.h"

#include <string.h>

#include "servers/datagram/responder.h"
#include "servers/endpoint.h"
#include "servers/stream/session.h"

const struct endpoint_type endpoint_table[ENDPOINT_COUNT] = {
	[ENDPOINT_UDP_PRINT] = {
		.name = "udp-print",
		.port = 5001,
		.groups = GROUP_DATAGRAM,
		.ops = &endpoint_udp_ops,
		.responder = &responder_print,
		.loss = "none",
		.about = "UDP: tells what arrives and from where (code B)",
	},
	[ENDPOINT_ECHO] = {
		.name = "echo",
		.port = 5002,
		.groups = GROUP_ECHO,
		.ops = &endpoint_stream_ops,
		.session = &session_echo,
		.about = "TCP: sends back what arrives (code C)",
	},
	[ENDPOINT_PMU] = {
		.name = "pmu",
		.port = 5003,
		.groups = GROUP_PMU,
		.ops = &endpoint_stream_ops,
		.session = &session_pmu,
		.about = "TCP: CMD_short:d and CMD_floodme",
	},
	[ENDPOINT_RESET] = {
		.name = "reset",
		.port = 5004,
		.groups = GROUP_RESET | GROUP_DATAGRAM,
		.ops = &endpoint_udp_ops,
		.responder = &responder_reset,
		.loss = "50%",
		.about = "UDP, IPv4 or IPv6: RESET:n, with losses",
	},
	[ENDPOINT_TV] = {
		.name = "tv",
		.port = 5005,
		.groups = GROUP_TV | GROUP_DATAGRAM,
		.ops = &endpoint_tv_ops,
		.loss = "none",
		.about = "UDP multicast: the play, and answers to who talks much",
	},
	[ENDPOINT_PMU_WS] = {
		.name = "pmu-ws",
		.port = 5006,
		.groups = GROUP_PMU | GROUP_WS,
		.ops = &endpoint_stream_ops,
		.session = &session_pmu,
		.about = "the same over WebSocket",
	},
	[ENDPOINT_PMU_TLS] = {
		.name = "pmu-tls",
		.port = 5007,
		.groups = GROUP_PMU | GROUP_TLS,
		.ops = &endpoint_stream_ops,
		.session = &session_pmu,
		.about = "the same over TLS",
	},
	[ENDPOINT_PMU_WSS] = {
		.name = "pmu-wss",
		.port = 5008,
		.groups = GROUP_PMU | GROUP_WS | GROUP_TLS,
		.ops = &endpoint_stream_ops,
		.session = &session_pmu,
		.about = "the same over WebSocket over TLS",
	},
};

enum endpoint_id endpoint_find(const char *name)
{
	for (int i = 0; i < ENDPOINT_COUNT; i++)
		if (strcmp(endpoint_table[i].name, name) == 0)
			return (enum endpoint_id)i;
	return ENDPOINT_NONE;
}
