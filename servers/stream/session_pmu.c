/* The PMU of parts 2, 5 and 6 of the handout: one command, then n short messages or one large one,
   then the end. It serves TCP, TLS, WebSocket and wss. */
#include "servers/stream/session.h"

#include <stdio.h>
#include <string.h>

#include "common/wire.h"

/*
 * "CMD_short:1" is a command, but ".5" may still follow it. Real clients send a command in one
 * piece, which is answered at once. When a command came in pieces, it is complete after this much
 * silence: a little more than a delayed acknowledgement (40 ms), which holds back a client's second
 * piece.
 */
static const double SETTLE_SECONDS = 0.05;

enum state {
	PMU_LISTENING, /* no complete command yet */
	PMU_SETTLING,  /* a complete command that one more digit would change */
	PMU_STREAMING, /* CMD_short */
	PMU_FLOODING,  /* CMD_floodme */
	PMU_REFUSING,  /* the answer to a bad command is to be sent */
	PMU_OVER,
};

struct session_pmu {
	const struct session_host *host;
	struct session_log log;
	enum state state;

	char text[WIRE_COMMAND_MAX + 2]; /* the bytes of the command so far */
	size_t len;
	unsigned pieces; /* in which the command arrived */
	bool in_messages; /* the carrier marks the end of a command */
	struct wire_command command;
	double settled_at; /* when the silence is long enough; < 0: not known yet */

	bool eof, stop;
	bool line_end;  /* a line end may still follow the command */
	size_t ignored; /* bytes behind the command */

	double start, interval; /* seconds; start < 0: before the first message */
	long first, messages, sent;
	const char *why;
	char out[WIRE_ESCAPED_MAX + 160];
	bool harmful;   /* in a message: behind the bytes that `text` has room for */
};

static size_t pmu_size(const struct session_host *host)
{
	return sizeof(struct session_pmu);
}

static void pmu_init(void *self, const struct session_host *host, const struct session_log *log)
{
	struct session_pmu *pmu = self;
	pmu->host = host;
	pmu->log = *log;
	pmu->in_messages = endpoint_table[host->endpoint].groups & GROUP_WS;
	pmu->why = "done";
}

static void pmu_log_command(struct session_pmu *pmu, const char *kind, size_t len)
{
	const struct field fields[] = {
		F_BYTES("text", pmu->text, len),
		F_TEXT("kind", kind),
		F_REAL("interval", pmu->interval),
		F_INTEGER("messages", pmu->messages),
	};
	pmu->log.emit(pmu->log.driver, EVENT_COMMAND, fields, sizeof fields / sizeof fields[0]);
}

/* Which byte makes a command none, where its name is right: " (byte 12 is a comma: write 1.5)"; ""
   where the line says enough. */
static void pmu_find_reason(const struct session_pmu *pmu, char *reason, size_t size)
{
	static const struct {
		char byte;
		const char *words;
	} known[] = {
		{ ',', "a comma: write 1.5" },
		{ 'e', "an exponent: write the number in full" },
		{ 'E', "an exponent: write the number in full" },
		{ '-', "a sign: the seconds are 0 or more" },
		{ '+', "a sign: the seconds are 0 or more" },
		{ '.', "a second point" },
	};
	const size_t short_name = sizeof "CMD_short:" - 1, flood_name = sizeof "CMD_floodme" - 1;
	size_t bad = pmu->command.bad;
	bool flood = pmu->len > 4 && pmu->text[4] == 'f';
	char shown[WIRE_ESCAPED_MAX];
	*reason = '\0';
	if (bad < (flood ? flood_name : short_name) || bad >= pmu->len || bad > WIRE_COMMAND_MAX)
		return;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (pmu->text[bad] == known[i].byte) {
			snprintf(reason, size, " (byte %zu is %s)", bad + 1, known[i].words);
			return;
		}
	}
	if (bad == short_name)
		return; /* no number has begun */
	wire_escape(shown, pmu->text + bad, 1);
	snprintf(reason, size, " (byte %zu is \"%s\")", bad + 1, shown);
}

/* `reason` is put behind the line, "" for none. */
static void pmu_refuse(struct session_pmu *pmu, const char *reason)
{
	char got[WIRE_ESCAPED_MAX], what[96];
	wire_escape(got, pmu->text, pmu->len);
	snprintf(pmu->out, sizeof pmu->out,
		"ERROR expected CMD_short:<seconds> or CMD_floodme, got \"%s\"%s\n", got, reason);
	pmu->state = PMU_REFUSING;
	pmu->why = "bad command";
	pmu->messages = 0;
	pmu_log_command(pmu, "bad", pmu->len);
	snprintf(what, sizeof what, "this is no command%s", reason);
	const struct field fields[] = {
		F_TEXT("fault", "peer"),
		F_TEXT("what", what),
		F_BYTES("bytes", pmu->text, pmu->len),
	};
	pmu->log.emit(pmu->log.driver, EVENT_ERROR, fields, sizeof fields / sizeof fields[0]);
}

static void pmu_note_ignored(struct session_pmu *pmu, const char *data, size_t len)
{
	if (len == 0)
		return;
	if (pmu->ignored == 0) {
		const struct field fields[] = {
			F_TEXT("fault", "peer"),
			F_TEXT("what", "bytes behind the command are ignored"),
			F_BYTES("bytes", data, len),
		};
		pmu->log.emit(pmu->log.driver, EVENT_ERROR, fields,
			sizeof fields / sizeof fields[0]);
	}
	pmu->ignored += len;
}

static void pmu_begin_short(struct session_pmu *pmu)
{
	const struct config *config = pmu->host->config;
	enum endpoint_id endpoint = pmu->host->endpoint;
	long messages = (long)config_integer(config, KEY_PMU_MESSAGES, endpoint);
	double d = pmu->command.interval;
	if (d > WIRE_INTERVAL_MAX || d * (double)messages > WIRE_STREAM_MAX) {
		char reason[128];
		snprintf(reason, sizeof reason, " (at most %g seconds, and %ld messages within %g)",
			WIRE_INTERVAL_MAX, messages, WIRE_STREAM_MAX);
		pmu_refuse(pmu, reason);
		return;
	}
	pmu->state = PMU_STREAMING;
	pmu->start = -1;
	pmu->messages = messages;
	pmu->first = (long)config_integer(config, KEY_PMU_FIRST, endpoint);
	pmu->interval = d / config_factor(config, KEY_PMU_SPEED, endpoint);
	pmu_log_command(pmu, "short", pmu->command.length);
}

static void pmu_accept(struct session_pmu *pmu)
{
	pmu->line_end = pmu->command.consumed == pmu->command.length ||
			pmu->text[pmu->command.consumed - 1] == '\r';
	if (pmu->command.kind == WIRE_FLOOD) {
		pmu->state = PMU_FLOODING;
		pmu->messages = 1;
		pmu_log_command(pmu, "flood", pmu->command.length);
	} else {
		pmu_begin_short(pmu);
	}
}

/* Decides about the bytes so far. `whole`: nothing more belongs to the command, because a message
   or the peer's direction has ended. */
static void pmu_decide(struct session_pmu *pmu, bool whole)
{
	char reason[64];
	enum wire_verdict verdict = wire_parse_command(pmu->text, pmu->len, &pmu->command);
	if (pmu->harmful && !pmu->command.more)
		verdict = WIRE_INVALID;
	switch (verdict) {
	case WIRE_COMMAND:
		pmu_accept(pmu);
		break;
	case WIRE_OPEN:
		if (whole || pmu->pieces == 1) {
			pmu_accept(pmu);
		} else {
			pmu->state = PMU_SETTLING;
			pmu->settled_at = -1;
		}
		break;
	case WIRE_PREFIX:
		if (whole)
			pmu_refuse(pmu, "");
		break;
	case WIRE_INVALID:
		pmu_find_reason(pmu, reason, sizeof reason);
		pmu_refuse(pmu, reason);
		break;
	}
}

static bool pmu_waits_for_peer(const void *self)
{
	const struct session_pmu *pmu = self;
	return pmu->state == PMU_LISTENING || pmu->state == PMU_SETTLING;
}

static void pmu_input(void *self, const char *data, size_t len, bool last)
{
	struct session_pmu *pmu = self;
	if (!pmu_waits_for_peer(pmu)) {
		while (pmu->line_end && len > 0 && (*data == '\r' || *data == '\n')) {
			pmu->line_end = *data == '\r';
			data++;
			len--;
		}
		pmu->line_end = pmu->line_end && len == 0;
		pmu_note_ignored(pmu, data, len);
		return;
	}

	size_t room = sizeof pmu->text - pmu->len;
	size_t taken = len < room ? len : room;
	memcpy(pmu->text + pmu->len, data, taken);
	size_t before = pmu->len;
	pmu->len += taken;
	pmu->pieces++;
	pmu->harmful |= wire_harmless(data + taken, len - taken, NULL) < len - taken;
	if (pmu->in_messages && !last)
		return; /* a message is judged when it is whole */
	pmu_decide(pmu, last);
	if (pmu->state == PMU_STREAMING || pmu->state == PMU_FLOODING) {
		size_t used = pmu->command.consumed - before;
		pmu->line_end = pmu->line_end && used == len;
		pmu_note_ignored(pmu, data + used, len - used);
	}
}

static void pmu_tell(void *self, enum session_signal signal)
{
	struct session_pmu *pmu = self;
	if (signal == SESSION_STOP) {
		pmu->stop = true;
		return;
	}
	pmu->eof = true;
	if (pmu_waits_for_peer(pmu) && pmu->len > 0 && !pmu->in_messages)
		pmu_decide(pmu, true);
}

static struct action pmu_listen(struct session_pmu *pmu, double now)
{
	if (pmu->stop || pmu->eof) {
		pmu->state = PMU_OVER;
		pmu->why = pmu->stop ? "stopping" : "peer closed";
		return (struct action){ .kind = ACTION_CLOSE, .why = pmu->why };
	}
	return (struct action){ .kind = ACTION_READ, .len = SIZE_MAX };
}

static struct action pmu_stream(struct session_pmu *pmu, double now)
{
	if (pmu->start < 0)
		pmu->start = now;
	if (pmu->sent == pmu->messages) {
		pmu->state = PMU_OVER;
		return (struct action){ .kind = ACTION_CLOSE, .why = pmu->why };
	}
	double due = pmu->start + (double)pmu->sent * pmu->interval;
	if (now < due)
		return (struct action){ .kind = ACTION_SLEEP, .until = due };
	size_t len = wire_format_message(pmu->out, pmu->first + pmu->sent);
	pmu->sent++;
	return (struct action){ .kind = ACTION_SEND, .data = pmu->out, .len = len, .due = due };
}

static struct action pmu_next(void *self, double now)
{
	struct session_pmu *pmu = self;
	switch (pmu->state) {
	case PMU_LISTENING:
		return pmu_listen(pmu, now);
	case PMU_SETTLING:
		if (pmu->settled_at < 0)
			pmu->settled_at = now + SETTLE_SECONDS;
		if (now < pmu->settled_at)
			return (struct action){ .kind = ACTION_SLEEP, .until = pmu->settled_at };
		pmu_accept(pmu);
		return pmu_next(pmu, now);
	case PMU_STREAMING:
		return pmu_stream(pmu, now);
	case PMU_FLOODING:
		pmu->state = PMU_OVER;
		return (struct action){ .kind = ACTION_SEND,
			.data = pmu->host->flood,
			.len = pmu->host->flood_len };
	case PMU_REFUSING:
		pmu->state = PMU_OVER;
		return (struct action){ .kind = ACTION_SEND,
			.data = pmu->out,
			.len = strlen(pmu->out) };
	case PMU_OVER:
		break;
	}
	return (struct action){ .kind = ACTION_CLOSE, .why = pmu->why };
}

static bool pmu_takes_input(const void *self)
{
	return true;
}

const struct session_ops session_pmu = {
	.name = "pmu",
	.commands = true,
	.size = pmu_size,
	.init = pmu_init,
	.input = pmu_input,
	.tell = pmu_tell,
	.next = pmu_next,
	.takes_input = pmu_takes_input,
	.waits_for_peer = pmu_waits_for_peer,
};
