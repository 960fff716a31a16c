/*
 * The table of keys. A RESTART key is used only when the lab starts (ports, certificates, texts),
 * or decides where the lab's datagrams may go. A LATER key is read by a connection when it begins.
 */
#include <stddef.h>

#include "common/share.h"
#include "servers/config/keys.h"
#include "servers/config/texts.h"

#define PMU .group = "pmu", .endpoints = GROUP_PMU
#define WS .group = "ws", .endpoints = GROUP_WS
#define TLS .group = "tls", .endpoints = GROUP_TLS
#define ECHO .group = "echo", .endpoints = GROUP_ECHO
#define RESET .group = "reset", .endpoints = GROUP_RESET
#define TV .group = "tv", .endpoints = GROUP_TV
#define DATAGRAM .endpoints = GROUP_DATAGRAM
#define LATER .effect = CONFIG_CONNECTION
#define RESTART .effect = CONFIG_RESTART
#define DAY SECONDS(86400)

static const char *const reply_choices[] = { [WS_REPLY_BINARY] = "binary", [WS_REPLY_TEXT] = "text",
	NULL };

static const char *const inactive_choices[] = { [RESET_CLOSED] = "closed",
	[RESET_SILENT] = "silent", NULL };
static const char *const direction_choices[] = { [RESET_REQUEST] = "request",
	[RESET_REPLY] = "reply", [RESET_BOTH] = "both", NULL };
static const char *const separator_choices[] = { [RESET_EQUALS] = "=", [RESET_COLON] = ":", NULL };

const char *const config_groups[] = { "pmu", "ws", "tls", "echo", "reset", "tv", "shutdown",
	"events", NULL };

const struct config_row config_rows[KEY_COUNT] = {
	[KEY_PORT] = { "port", .kind = KIND_INTEGER, .max = 65535, RESTART,
		.help = "where it listens; 0: a free port" },
	[KEY_PMU_MESSAGES] = { "messages", PMU, KIND_INTEGER, "20", .max = 1000000,
		.help = "messages that CMD_short:d sends" },
	[KEY_PMU_FIRST] = { "first", PMU, KIND_INTEGER, "1", .max = 1000000000,
		.help = "number of the first one (as deployed: 0)" },
	[KEY_PMU_FLOOD] = { "flood", PMU, KIND_BYTES, "57344", .min = 1, .max = MIB(64),
		.help = "bytes that CMD_floodme sends" },
	[KEY_PMU_FLOOD_TEXT] = { "flood_text", PMU, KIND_PATH, "", RESTART,
		.help = "text of the flood; empty: Hamlet" },
	[KEY_PMU_RTT] = { "rtt", PMU, KIND_DURATION, "20ms", .max = MILLI(200), LATER,
		.help = "emulated round trip; 0: off" },
	[KEY_PMU_MSS] = { "mss", PMU, KIND_INTEGER, "1460", .min = 88, .max = 32767, .zero = true,
		LATER, .help = "bytes in a segment; 0: the kernel's" },
	[KEY_PMU_SPEED] = { "speed", PMU, KIND_FACTOR, "1", .min = CONFIG_MICRO / 1000,
		.max = 1000000 * CONFIG_MICRO, .help = "how many times faster d runs" },
	[KEY_PMU_IDLE] = { "idle", PMU, KIND_DURATION, "300s", .min = MILLI(1), .max = DAY,
		.never = "none", LATER, .help = "waits so long for a whole command" },
	[KEY_PMU_STALL] = { "stall", PMU, KIND_DURATION, "60s", .min = MILLI(1), .max = DAY,
		.never = "none", LATER, .help = "waits so long for a peer that takes nothing" },
	[KEY_PMU_CONNECTIONS] = { "connections", PMU, KIND_INTEGER, "12000", .min = 1,
		.max = 1000000, LATER, .help = "open at once, for each endpoint" },
	[KEY_WS_REPLY] = { "reply", WS, KIND_CHOICE, "binary", .choices = reply_choices, LATER,
		.help = "type of the messages sent" },
	[KEY_WS_FRAGMENT] = { "fragment", WS, KIND_BYTES, "0", .max = MIB(64), LATER,
		.help = "bytes in a frame; 0: one frame a message" },
	[KEY_WS_PING] = { "ping", WS, KIND_DURATION, "off", .min = MILLI(1), .max = DAY,
		.never = "off", LATER, .help = "time between two pings" },
	[KEY_TLS_DIR] = { "dir", TLS, KIND_PATH, "", RESTART,
		.help = "the lab's CA; empty: $XDG_STATE_HOME/pmulab" },
	[KEY_TLS_CERT] = { "cert", TLS, KIND_PATH, "", RESTART,
		.help = "certificate; empty: made in tls.dir" },
	[KEY_TLS_KEY] = { "key", TLS, KIND_PATH, "", RESTART, .help = "private key of tls.cert" },
	[KEY_TLS_LEGACY] = { "legacy", TLS, KIND_YES_NO, "no", RESTART,
		.help = "allow 1024-bit keys and SHA-1" },
	[KEY_TLS_HANDSHAKE] = { "handshake", TLS, KIND_DURATION, "10s", .min = MILLI(1), .max = DAY,
		LATER, .help = "a handshake may take so long" },
	[KEY_ECHO_CHUNK] = { "chunk", ECHO, KIND_BYTES, "16", .min = 1, .max = KIB(16), LATER,
		.help = "bytes in one recv()" },
	[KEY_ECHO_IDLE] = { "idle", ECHO, KIND_DURATION, "none", .min = MILLI(1), .max = DAY,
		.never = "none", LATER, .help = "waits so long for a silent peer" },
	[KEY_ECHO_CONNECTIONS] = { "connections", ECHO, KIND_INTEGER, "12000", .min = 1,
		.max = 1000000, LATER, .help = "open at once" },
	[KEY_LOSS] = { "loss", DATAGRAM, KIND_TEXT, "none", .check = config_check_loss,
		.range = "none|30%|burst:...", .help = "which datagrams are lost" },
	[KEY_DELAY] = { "delay", DATAGRAM, KIND_DURATION, "0", .max = SECONDS(60),
		.help = "how long one is under way" },
	[KEY_JITTER] = { "jitter", DATAGRAM, KIND_TEXT, "0", .check = config_check_jitter,
		.range = "0..60s[,normal]", .help = "by how much that varies" },
	[KEY_DUPLICATE] = { "duplicate", DATAGRAM, KIND_SHARE, "0%", .max = SHARE_ONE,
		.help = "arrive twice" },
	[KEY_REORDER] = { "reorder", DATAGRAM, KIND_SHARE, "0%", .max = SHARE_ONE,
		.help = "overtake those that are delayed" },
	[KEY_CORRUPT] = { "corrupt", DATAGRAM, KIND_SHARE, "0%", .max = SHARE_ONE,
		.help = "have one bit flipped" },
	[KEY_RESET_FAMILY] = { "family", RESET, KIND_TEXT, "hour", .check = config_check_family,
		.range = "hour|4|6|both|...",
		.help = "which family it serves; also alternate:10s" },
	[KEY_RESET_INACTIVE] = { "inactive", RESET, KIND_CHOICE, "closed",
		.choices = inactive_choices, .help = "what the other family's port does" },
	[KEY_RESET_DIRECTION] = { "direction", RESET, KIND_CHOICE, "request",
		.choices = direction_choices, .help = "where datagrams are lost" },
	[KEY_RESET_SEPARATOR] = { "separator", RESET, KIND_CHOICE, "=",
		.choices = separator_choices, .help = "OFFSET=X or OFFSET:X (as deployed)" },
	[KEY_RESET_ONLY] = { "only", RESET, KIND_INTEGER, "none", .max = 86400, .never = "none",
		.help = "the one n that is right (as deployed: 20)" },
	[KEY_TV_GROUP] = { "group", TV, KIND_TEXT, "224.1.1.1", .check = config_check_group,
		.range = "ADDRESS", RESTART, .help = "where it sends" },
	[KEY_TV_INTERVAL] = { "interval", TV, KIND_DURATION, "1s", .min = MILLI(1), .max = DAY,
		.help = "time between two lines" },
	[KEY_TV_ID] = { "id", TV, KIND_TEXT, "swcmTV", .check = config_check_id, .range = "6 bytes",
		RESTART, .help = "the station's ID" },
	[KEY_TV_TEXT] = { "text", TV, KIND_PATH, "", RESTART, .help = "the play; empty: Hamlet" },
	[KEY_TV_TTL] = { "ttl", TV, KIND_INTEGER, "0", .max = 255, RESTART,
		.help = "routers to cross; 0: stays on this machine" },
	[KEY_TV_INTERFACE] = { "interface", TV, KIND_TEXT, "127.0.0.1",
		.check = config_check_address, .range = "ADDRESS", RESTART,
		.help = "the interface, by its address" },
	[KEY_SHUTDOWN_GRACE] = { "grace", "shutdown", 0, KIND_DURATION, "2s", .max = DAY,
		.help = "what runs may take so long to end" },
	[KEY_EVENTS_LIMIT] = { "limit", "events", 0, KIND_BYTES, "256MiB", .max = MIB(1048576),
		RESTART, .help = "size of --events FILE; 0: no limit" },
};
