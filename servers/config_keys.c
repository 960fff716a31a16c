/*
 * The table of keys, and the kinds of values: numbers with units, words, paths. Numbers are read and kept as
 * integers of the kind's smallest unit, never through strtod: nothing depends on the locale, and a value that
 * was printed reads back as the same value.
 */
#include "servers/config_keys.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/share.h"
#include "servers/config_texts.h"
#include "servers/duration.h"

#define PMU .group = "pmu", .endpoints = GROUP_PMU
#define WS .group = "ws", .endpoints = GROUP_WS
#define TLS .group = "tls", .endpoints = GROUP_TLS
#define ECHO .group = "echo", .endpoints = GROUP_ECHO
#define RESET .group = "reset", .endpoints = GROUP_RESET
#define TV .group = "tv", .endpoints = GROUP_TV
#define DATAGRAM .endpoints = GROUP_DATAGRAM
#define MILLI(n) ((n) * CONFIG_MICRO / 1000)
#define SECONDS(n) ((n) * CONFIG_MICRO)
#define DAY SECONDS(86400)
#define KIB(n) (INT64_C(1024) * (n))
#define MIB(n) (INT64_C(1048576) * (n))

static const char *const reply_choices[] = { [WS_REPLY_BINARY] = "binary", [WS_REPLY_TEXT] = "text", NULL };

static const char *const inactive_choices[] = { [RESET_CLOSED] = "closed", [RESET_SILENT] = "silent", NULL };
static const char *const direction_choices[] = { [RESET_REQUEST] = "request", [RESET_REPLY] = "reply",
	[RESET_BOTH] = "both", NULL };
static const char *const separator_choices[] = { [RESET_EQUALS] = "=", [RESET_COLON] = ":", NULL };

const char *const config_groups[] = { "pmu", "ws", "tls", "echo", "reset", "tv", "shutdown", "events", NULL };

const struct config_row config_rows[KEY_COUNT] = {
	[KEY_PORT] = { "port", .kind = KIND_INTEGER, .max = 65535,
		.help = "where it listens; 0: a free port" },
	[KEY_PMU_MESSAGES] = { "messages", PMU, KIND_INTEGER, "20", .max = 1000000,
		.help = "messages that CMD_short:d sends" },
	[KEY_PMU_FIRST] = { "first", PMU, KIND_INTEGER, "1", .max = 1000000000,
		.help = "number of the first one (as deployed: 0)" },
	[KEY_PMU_FLOOD] = { "flood", PMU, KIND_BYTES, "57344", .min = 1, .max = MIB(64),
		.help = "bytes that CMD_floodme sends" },
	[KEY_PMU_FLOOD_TEXT] = { "flood_text", PMU, KIND_PATH, "",
		.help = "text of the flood; empty: Hamlet" },
	[KEY_PMU_RTT] = { "rtt", PMU, KIND_DURATION, "20ms", .max = MILLI(200),
		.help = "emulated round trip; 0: off" },
	[KEY_PMU_MSS] = { "mss", PMU, KIND_INTEGER, "1460", .min = 88, .max = 32767, .zero = true,
		.help = "bytes in a segment; 0: the kernel's" },
	[KEY_PMU_SPEED] = { "speed", PMU, KIND_FACTOR, "1", .min = CONFIG_MICRO / 1000,
		.max = 1000000 * CONFIG_MICRO, .help = "how many times faster d runs" },
	[KEY_PMU_IDLE] = { "idle", PMU, KIND_DURATION, "300s", .min = MILLI(1), .max = DAY, .never = "none",
		.help = "waits so long for a whole command" },
	[KEY_PMU_STALL] = { "stall", PMU, KIND_DURATION, "60s", .min = MILLI(1), .max = DAY, .never = "none",
		.help = "waits so long for a peer that takes nothing" },
	[KEY_PMU_CONNECTIONS] = { "connections", PMU, KIND_INTEGER, "12000", .min = 1, .max = 1000000,
		.help = "open at once, for each endpoint" },
	[KEY_WS_REPLY] = { "reply", WS, KIND_CHOICE, "binary", .choices = reply_choices,
		.help = "type of the messages sent" },
	[KEY_WS_FRAGMENT] = { "fragment", WS, KIND_BYTES, "0", .max = MIB(64),
		.help = "bytes in a frame; 0: one frame a message" },
	[KEY_WS_PING] = { "ping", WS, KIND_DURATION, "off", .min = MILLI(1), .max = DAY, .never = "off",
		.help = "time between two pings" },
	[KEY_TLS_DIR] = { "dir", TLS, KIND_PATH, "", .help = "the lab's CA; empty: $XDG_STATE_HOME/pmulab" },
	[KEY_TLS_CERT] = { "cert", TLS, KIND_PATH, "", .help = "certificate; empty: made in tls.dir" },
	[KEY_TLS_KEY] = { "key", TLS, KIND_PATH, "", .help = "private key of tls.cert" },
	[KEY_TLS_LEGACY] = { "legacy", TLS, KIND_YES_NO, "no", .help = "allow 1024-bit keys and SHA-1" },
	[KEY_TLS_HANDSHAKE] = { "handshake", TLS, KIND_DURATION, "10s", .min = MILLI(1), .max = DAY,
		.help = "a handshake may take so long" },
	[KEY_ECHO_CHUNK] = { "chunk", ECHO, KIND_BYTES, "16", .min = 1, .max = KIB(16),
		.help = "bytes in one recv()" },
	[KEY_ECHO_IDLE] = { "idle", ECHO, KIND_DURATION, "none", .min = MILLI(1), .max = DAY, .never = "none",
		.help = "waits so long for a silent peer" },
	[KEY_ECHO_CONNECTIONS] = { "connections", ECHO, KIND_INTEGER, "12000", .min = 1, .max = 1000000,
		.help = "open at once" },
	[KEY_LOSS] = { "loss", DATAGRAM, KIND_TEXT, "none", .check = config_check_loss,
		.range = "none|30%|burst:...", .help = "which datagrams are lost" },
	[KEY_DELAY] = { "delay", DATAGRAM, KIND_DURATION, "0", .max = SECONDS(60),
		.help = "how long one is under way" },
	[KEY_JITTER] = { "jitter", DATAGRAM, KIND_TEXT, "0", .check = config_check_jitter, .range = "0..60s[,normal]",
		.help = "by how much that varies" },
	[KEY_DUPLICATE] = { "duplicate", DATAGRAM, KIND_SHARE, "0%", .max = SHARE_ONE,
		.help = "arrive twice" },
	[KEY_REORDER] = { "reorder", DATAGRAM, KIND_SHARE, "0%", .max = SHARE_ONE,
		.help = "overtake those that are delayed" },
	[KEY_CORRUPT] = { "corrupt", DATAGRAM, KIND_SHARE, "0%", .max = SHARE_ONE,
		.help = "have one bit flipped" },
	[KEY_RESET_FAMILY] = { "family", RESET, KIND_TEXT, "hour", .check = config_check_family,
		.range = "hour|4|6|both|...", .help = "which family it serves; also alternate:10s" },
	[KEY_RESET_INACTIVE] = { "inactive", RESET, KIND_CHOICE, "closed", .choices = inactive_choices,
		.help = "what the other family's port does" },
	[KEY_RESET_DIRECTION] = { "direction", RESET, KIND_CHOICE, "request", .choices = direction_choices,
		.help = "where datagrams are lost" },
	[KEY_RESET_SEPARATOR] = { "separator", RESET, KIND_CHOICE, "=", .choices = separator_choices,
		.help = "OFFSET=X or OFFSET:X (as deployed)" },
	[KEY_RESET_ONLY] = { "only", RESET, KIND_INTEGER, "none", .max = 86400, .never = "none",
		.help = "the one n that is right (as deployed: 20)" },
	[KEY_TV_GROUP] = { "group", TV, KIND_TEXT, "224.1.1.1", .check = config_check_group, .range = "ADDRESS",
		.help = "where it sends" },
	[KEY_TV_INTERVAL] = { "interval", TV, KIND_DURATION, "1s", .min = MILLI(1), .max = DAY,
		.help = "time between two lines" },
	[KEY_TV_ID] = { "id", TV, KIND_TEXT, "swcmTV", .check = config_check_id, .range = "6 bytes",
		.help = "the station's ID" },
	[KEY_TV_TEXT] = { "text", TV, KIND_PATH, "", .help = "the play; empty: Hamlet" },
	[KEY_TV_TTL] = { "ttl", TV, KIND_INTEGER, "0", .max = 255,
		.help = "routers to cross; 0: stays on this machine" },
	[KEY_TV_INTERFACE] = { "interface", TV, KIND_TEXT, "127.0.0.1", .check = config_check_address,
		.range = "ADDRESS", .help = "the interface, by its address" },
	[KEY_SHUTDOWN_GRACE] = { "grace", "shutdown", 0, KIND_DURATION, "2s", .max = DAY,
		.help = "what runs may take so long to end" },
	[KEY_EVENTS_LIMIT] = { "limit", "events", 0, KIND_BYTES, "256MiB", .max = MIB(1048576),
		.help = "size of --events FILE; 0: no limit" },
};

/* The first one is a bare number's. */
struct unit {
	const char *name;
	int64_t size;
};

static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };
static const struct unit byte_units[] = { { "", 1 }, { "B", 1 }, { "KiB", KIB(1) }, { "MiB", MIB(1) },
	{ "GiB", MIB(1024) }, { NULL, 0 } };
static const struct unit duration_units[] = { { "", SECONDS(1) }, { "us", 1 }, { "ms", MILLI(1) },
	{ "s", SECONDS(1) }, { "m", SECONDS(60) }, { "h", SECONDS(3600) }, { NULL, 0 } };
static const struct unit factor_units[] = { { "", CONFIG_MICRO }, { NULL, 0 } };

/* Even ones are no. */
static const char *const yes_no_words[] = { "no", "yes", "false", "true", "off", "on", "0", "1", NULL };

static const struct kind {
	const char *noun;
	const char *hint;         /* behind the range in an error */
	const struct unit *units; /* NULL: not a number */
	bool fraction;            /* a decimal point is allowed */
} kinds[KIND_COUNT] = {
	[KIND_INTEGER] = { "a whole number", "", no_units, false },
	[KIND_BYTES] = { "a number of bytes", " (units: KiB, MiB, GiB)", byte_units, true },
	[KIND_DURATION] = { "a duration", " (units: us, ms, s, m, h; without one: s)", duration_units, true },
	[KIND_FACTOR] = { "a factor", " (at most six decimals)", factor_units, true },
	[KIND_YES_NO] = { "yes or no", "", NULL, false },
	[KIND_CHOICE] = { "one of ", "", NULL, false },
	[KIND_SHARE] = { "a share", "", NULL, false },
	[KIND_PATH] = { "a path", "", NULL, false },
	[KIND_TEXT] = { "a text", "", NULL, false },
};

bool config_row_has(const struct config_row *row, enum endpoint_id endpoint)
{
	if (row->group && row->endpoints == 0)
		return endpoint == ENDPOINT_NONE;
	if (endpoint == ENDPOINT_NONE)
		return false;
	return row->endpoints == 0 || (endpoint_table[endpoint].groups & row->endpoints) != 0;
}

const char *config_standard(enum config_key key, enum endpoint_id endpoint, char buffer[CONFIG_STANDARD_MAX])
{
	if (key == KEY_PORT) {
		snprintf(buffer, CONFIG_STANDARD_MAX, "%u", endpoint_table[endpoint].port);
		return buffer;
	}
	if (key == KEY_LOSS && endpoint_table[endpoint].loss)
		return endpoint_table[endpoint].loss;
	return config_rows[key].standard;
}

const char *config_section(enum config_key key, enum endpoint_id scope)
{
	const struct config_row *row = &config_rows[key];
	if (scope == ENDPOINT_NONE)
		return row->group;
	/* "pmu.messages" is the group's, and there is no second one for the endpoint of the same name. */
	const char *name = endpoint_table[scope].name;
	if (!config_row_has(row, scope) || (row->group && strcmp(row->group, name) == 0))
		return NULL;
	return name;
}

bool config_key_find(const char *name, enum config_key *key, enum endpoint_id *scope)
{
	const char *dot = strchr(name, '.');
	if (!dot)
		return false;
	size_t len = (size_t)(dot - name);
	for (int k = 0; k < KEY_COUNT; k++) {
		if (strcmp(config_rows[k].name, dot + 1) != 0)
			continue;
		for (int s = ENDPOINT_NONE; s < ENDPOINT_COUNT; s++) {
			const char *section = config_section((enum config_key)k, (enum endpoint_id)s);
			if (section && strlen(section) == len && memcmp(section, name, len) == 0) {
				*key = (enum config_key)k;
				*scope = (enum endpoint_id)s;
				return true;
			}
		}
	}
	return false;
}

/*
 * Digits with at most one point among them, then a unit. The value in the kind's smallest unit must be whole:
 * "1.5KiB" is 1536, "0.3" bytes is an error.
 */
static bool number_parse(const struct kind *kind, const char *text, int64_t *number)
{
	int64_t mantissa = 0, scale = 1;
	bool point = false, digit = false;
	for (; (*text >= '0' && *text <= '9') || (*text == '.' && kind->fraction && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		digit = true;
		if (__builtin_mul_overflow(mantissa, 10, &mantissa) ||
			__builtin_add_overflow(mantissa, *text - '0', &mantissa) ||
			(point && __builtin_mul_overflow(scale, 10, &scale)))
			return false;
	}
	if (!digit)
		return false;
	while (scale > 1 && mantissa % 10 == 0) {
		mantissa /= 10;
		scale /= 10;
	}
	const char *name = text + strspn(text, " \t");
	for (const struct unit *unit = kind->units; unit->name; unit++) {
		if (strcasecmp(unit->name, name) != 0)
			continue;
		int64_t product;
		if (__builtin_mul_overflow(mantissa, unit->size, &product) || product % scale != 0)
			return false;
		*number = product / scale;
		return true;
	}
	return false;
}

bool duration_parse(const char *text, double *seconds)
{
	int64_t number;
	if (!number_parse(&kinds[KIND_DURATION], text, &number))
		return false;
	*seconds = (double)number / (double)CONFIG_MICRO;
	return true;
}

static bool word_parse(const char *const *words, const char *text, int64_t *index)
{
	for (int i = 0; words[i]; i++) {
		if (strcasecmp(words[i], text) == 0) {
			*index = i;
			return true;
		}
	}
	return false;
}

/* What the key takes, as a half-sentence: "a duration from 0 to 200ms, or none". */
static void value_describe(const struct config_row *row, char *text, size_t size)
{
	const struct kind *kind = &kinds[row->kind];
	int used = snprintf(text, size, "%s", kind->noun);
	if (kind->units) {
		char min[32], max[32];
		config_value_format(row, &(struct config_value){ .number = row->min }, min, sizeof min);
		config_value_format(row, &(struct config_value){ .number = row->max }, max, sizeof max);
		snprintf(text + used, size - (size_t)used, " from %s to %s%s%s%s%s", min, max,
			row->zero ? ", or 0" : "", row->never ? ", or " : "",
			row->never ? row->never : "", kind->hint);
	} else if (row->choices) {
		config_value_range(row, text + used, size - (size_t)used);
	}
}

static bool value_read(const struct config_row *row, const char *text, struct config_value *value)
{
	switch (row->kind) {
	case KIND_YES_NO:
		if (!word_parse(yes_no_words, text, &value->number))
			return false;
		value->number &= 1;
		return true;
	case KIND_CHOICE:
		return word_parse(row->choices, text, &value->number);
	case KIND_PATH:
	case KIND_TEXT:
		return strlen(text) < CONFIG_PATH_MAX;
	default:
		if (row->never && (strcasecmp(text, "none") == 0 || strcasecmp(text, "off") == 0)) {
			value->number = CONFIG_NEVER;
			return true;
		}
		if (!number_parse(&kinds[row->kind], text, &value->number))
			return false;
		return (value->number >= row->min && value->number <= row->max) ||
			(row->zero && value->number == 0);
	}
}

bool config_value_parse(const struct config_row *row, const char *text, struct config_value *value,
	struct err *err)
{
	*value = (struct config_value){ 0 };
	if (row->kind == KIND_SHARE) {
		uint32_t share = 0;
		bool done = share_parse(&share, text, err);
		value->number = share;
		return done;
	}
	if (!value_read(row, text, value)) {
		char shown[CONFIG_SHOWN_MAX], wanted[160];
		config_escape(shown, sizeof shown, text);
		if (row->kind == KIND_PATH)
			snprintf(wanted, sizeof wanted, "a path of at most %d bytes", CONFIG_PATH_MAX - 1);
		else
			value_describe(row, wanted, sizeof wanted);
		err_set(err, STATUS_USAGE, "\"%s\" is not %s", shown, wanted);
		return false;
	}
	if (row->check && !row->check(text, err))
		return false;
	if ((row->kind == KIND_PATH || row->kind == KIND_TEXT) && !(value->text = strdup(text))) {
		err_set(err, STATUS_FAILED, "out of memory");
		return false;
	}
	return true;
}

/* number / unit as a decimal fraction, as short as it is exact. `unit` is a power of ten. */
static void fraction_format(char *text, size_t size, int64_t number, int64_t unit, const char *name)
{
	int64_t rest = number % unit;
	int decimals = 0;
	for (int64_t u = unit; u > 1; u /= 10)
		decimals++;
	while (decimals > 0 && rest % 10 == 0) {
		rest /= 10;
		decimals--;
	}
	if (decimals == 0)
		snprintf(text, size, "%" PRId64 "%s", number / unit, name);
	else
		snprintf(text, size, "%" PRId64 ".%0*" PRId64 "%s", number / unit, decimals, rest, name);
}

void config_value_format(const struct config_row *row, const struct config_value *value, char *text,
	size_t size)
{
	int64_t number = value->number;
	if (number == CONFIG_NEVER) {
		snprintf(text, size, "%s", row->never);
		return;
	}
	switch (row->kind) {
	case KIND_BYTES:
		/* KiB are read but not written: 57344 is the number that people know, not 56KiB. */
		if (number >= MIB(1024) && number % MIB(1024) == 0)
			snprintf(text, size, "%" PRId64 "GiB", number / MIB(1024));
		else if (number >= MIB(1) && number % MIB(1) == 0)
			snprintf(text, size, "%" PRId64 "MiB", number / MIB(1));
		else
			snprintf(text, size, "%" PRId64, number);
		break;
	case KIND_DURATION:
		if (number == 0)
			snprintf(text, size, "0");
		else if (number >= SECONDS(1))
			fraction_format(text, size, number, SECONDS(1), "s");
		else if (number >= MILLI(1))
			fraction_format(text, size, number, MILLI(1), "ms");
		else
			fraction_format(text, size, number, 1, "us");
		break;
	case KIND_FACTOR:
		fraction_format(text, size, number, CONFIG_MICRO, "");
		break;
	case KIND_YES_NO:
		snprintf(text, size, "%s", yes_no_words[number]);
		break;
	case KIND_CHOICE:
		snprintf(text, size, "%s", row->choices[number]);
		break;
	case KIND_SHARE: {
		char share[SHARE_TEXT_MAX];
		share_format(share, (uint32_t)number);
		snprintf(text, size, "%s", share);
		break;
	}
	case KIND_PATH:
	case KIND_TEXT:
		snprintf(text, size, "%s", value->text);
		break;
	default:
		snprintf(text, size, "%" PRId64, number);
	}
}

void config_value_range(const struct config_row *row, char *text, size_t size)
{
	text[0] = '\0';
	if (kinds[row->kind].units) {
		char min[32], max[32];
		config_value_format(row, &(struct config_value){ .number = row->min }, min, sizeof min);
		config_value_format(row, &(struct config_value){ .number = row->max }, max, sizeof max);
		snprintf(text, size, "%s%s..%s%s%s", row->zero ? "0|" : "", min, max, row->never ? "|" : "",
			row->never ? row->never : "");
	} else if (row->choices) {
		for (int i = 0, used = 0; row->choices[i]; i++)
			used += snprintf(text + used, size - (size_t)used, "%s%s", i > 0 ? "|" : "",
				row->choices[i]);
	} else {
		const char *const words[KIND_COUNT] = { [KIND_PATH] = "path", [KIND_YES_NO] = "yes|no",
			[KIND_SHARE] = "0%..100%", [KIND_TEXT] = row->range };
		snprintf(text, size, "%s", words[row->kind]);
	}
}

void config_escape(char *text, size_t size, const char *from)
{
	static const char letters[] = "n\nr\rt\t\"\"\\\\";
	assert(size > 16);
	size_t used = 0;
	for (; *from; from++) {
		unsigned char c = (unsigned char)*from;
		bool middle = (c & 0xc0) == 0x80; /* of a UTF-8 character: not a place to cut */
		if (used + (middle ? 5 : 8) > size) {
			snprintf(text + used, size - used, "...");
			return;
		}
		const char *letter = NULL;
		for (size_t i = 1; i < sizeof letters; i += 2)
			if (letters[i] == *from)
				letter = &letters[i - 1];
		if (letter)
			used += (size_t)snprintf(text + used, size - used, "\\%c", *letter);
		else if (c < 0x20 || c == 0x7f)
			used += (size_t)snprintf(text + used, size - used, "\\x%02x", c);
		else
			text[used++] = *from;
	}
	text[used] = '\0';
}
