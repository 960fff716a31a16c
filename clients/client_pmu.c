/*
 * A PMU's answer. TCP and TLS are streams: one read may return half a message or five of them. So
 * messages are found by their text, not by how they arrive. WebSocket separates them by itself.
 */
#include "clients/client_pmu.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clients/client.h"
#include "common/clock.h"

/* The default time limit, in seconds. The command's interval is added to it where it applies. */
static const double patience = 10;

/* A refusal begins with this. */
static const char error_word[] = "ERROR ";

static size_t minimum(size_t a, size_t b)
{
	return a < b ? a : b;
}

bool client_refusal_take(struct client_refusal *refusal, const char *data, size_t len, size_t *held)
{
	*held = 0;
	if (refusal->excluded)
		return false;
	size_t before = refusal->len;
	refusal->len += minimum(len, sizeof refusal->text - 1 - before);
	memcpy(refusal->text + before, data, refusal->len - before);
	if (memcmp(refusal->text, error_word, minimum(refusal->len, sizeof error_word - 1)) == 0)
		return true;
	refusal->excluded = true;
	*held = before;
	return false;
}

bool client_refusal_end(struct client_refusal *refusal, size_t *held, struct err *err)
{
	*held = 0;
	if (refusal->excluded)
		return false;
	if (refusal->len < sizeof error_word - 1) {
		*held = refusal->len;
		return false;
	}
	refusal->text[refusal->len] = '\0';
	refusal->text[strcspn(refusal->text, "\r\n")] = '\0';
	for (char *c = refusal->text; *c; c++) /* a terminal must not obey a peer's text */
		if (*c < ' ' || *c > '~')
			*c = '?';
	err_set(err, STATUS_FAILED, "%s", refusal->text);
	return true;
}

bool client_pmu_init(struct client_pmu *pmu, const char *program,
	const struct client_options *options, int count, char **operands)
{
	*pmu = (struct client_pmu){ .ended = "", .quiet = options->json };
	if (count != 1 || operands[0][0] == '\0') {
		err_set(&pmu->err, STATUS_USAGE,
			"one COMMAND is needed, such as CMD_short:0; see %s --help", program);
		return false;
	}
	pmu->text = operands[0];
	enum wire_verdict verdict = wire_parse_command(pmu->text, strlen(pmu->text), &pmu->command);
	pmu->known = verdict == WIRE_COMMAND || verdict == WIRE_OPEN;
	wire_splitter_init(&pmu->splitter);

	bool given = options->timeout >= 0;
	pmu->connect_timeout = given ? options->timeout : patience;
	/* The command asks for the silence between two messages. */
	pmu->timeout = given ? options->timeout : patience + pmu->command.interval;
	return true;
}

void client_pmu_connected(struct client_pmu *pmu, int fd)
{
	net_set_timeout(fd, pmu->timeout);
	client_peer(fd, pmu->peer);
	pmu->start = clock_now();
}

bool client_pmu_expects_messages(const struct client_pmu *pmu)
{
	return pmu->known && pmu->command.kind == WIRE_SHORT;
}

static bool is_flood(const struct client_pmu *pmu)
{
	return pmu->known && pmu->command.kind == WIRE_FLOOD;
}

static void print(const struct client_pmu *pmu, const char *data, size_t len)
{
	if (!pmu->quiet)
		fwrite(data, 1, len, stdout);
}

/* False when stdout takes no more. */
static bool flush_output(struct client_pmu *pmu)
{
	bool flushed = client_flush(&pmu->err);
	if (!flushed)
		pmu->ended = "stdout closed";
	return flushed;
}

/* Shows the flood, or the answer to an unknown command. */
static void show_raw(struct client_pmu *pmu, const char *data, size_t len)
{
	if (!pmu->quiet)
		client_print_raw(&pmu->screen, data, len);
}

static void end_line(struct client_pmu *pmu)
{
	print(pmu, "\n", 1);
	pmu->line_open = false;
}

/* Shows PMU messages: only the bytes that the splitter has verified. This includes an incomplete
   message, because the end of the first message's number is known only when the second message
   begins, perhaps a second later. */
static void show_verified(struct client_pmu *pmu, const char *data, size_t len)
{
	struct wire_splitter *splitter = &pmu->splitter;
	while (len > 0) {
		bool complete;
		size_t taken = wire_splitter_feed(splitter, data, len, &complete);
		data += taken;
		len -= taken;
		if (splitter->broken)
			return;
		print(pmu, splitter->held + pmu->shown, splitter->length - pmu->shown);
		pmu->line_open |= splitter->length > pmu->shown;
		pmu->shown = splitter->length;
		if (complete) {
			pmu->shown = 0;
			if (!pmu->by_message)
				end_line(pmu);
		}
	}
}

static void show_stream(struct client_pmu *pmu, const char *data, size_t len)
{
	if (client_pmu_expects_messages(pmu))
		show_verified(pmu, data, len);
	else
		show_raw(pmu, data, len);
}

/* Shows a message or a part of one. Each message is a line, except in the flood. The messages
   together must be the same text as over TCP. */
static void show_message(struct client_pmu *pmu, const char *data, size_t len, bool last)
{
	show_stream(pmu, data, len);
	if (is_flood(pmu))
		return;
	if (!client_pmu_expects_messages(pmu))
		pmu->line_open |= len > 0;
	if (last && !pmu->splitter.broken)
		end_line(pmu);
}

bool client_pmu_take(struct client_pmu *pmu, const char *data, size_t len)
{
	size_t held;
	pmu->bytes += (long)len;
	if (client_refusal_take(&pmu->refusal, data, len, &held))
		return true;
	show_stream(pmu, pmu->refusal.text, held);
	show_stream(pmu, data, len);
	return flush_output(pmu) && !pmu->splitter.broken;
}

bool client_pmu_take_message(struct client_pmu *pmu, const char *data, size_t len, bool last)
{
	size_t held;
	pmu->bytes += (long)len;
	if (client_refusal_take(&pmu->refusal, data, len, &held))
		return true;
	show_message(pmu, pmu->refusal.text, held, false);
	show_message(pmu, data, len, last);
	return flush_output(pmu) && !pmu->splitter.broken;
}

void client_pmu_closed(struct client_pmu *pmu)
{
	pmu->ended = "closed";
}

void client_pmu_fail(struct client_pmu *pmu, const char *ended, enum status status,
	const char *format, ...)
{
	char what[sizeof pmu->err.text];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	pmu->ended = ended;
	err_set(&pmu->err, status, "%s: %s", pmu->peer, what);
}

void client_pmu_fail_io(struct client_pmu *pmu, const struct transport *t, enum io io,
	const char *silence)
{
	if (io == IO_WANT_READ || io == IO_WANT_WRITE) /* a blocking socket's time limit */
		client_pmu_fail(pmu, "silent", STATUS_FAILED, "%s for %g s", silence, pmu->timeout);
	else
		client_pmu_fail(pmu, io == IO_REFUSED ? "broken" : "failed", t->err.status, "%s",
			t->err.text);
}

bool client_pmu_end(struct client_pmu *pmu)
{
	bool closed = strcmp(pmu->ended, "closed") == 0;
	size_t held;
	pmu->seconds = clock_now() - pmu->start;
	if (client_refusal_end(&pmu->refusal, &held, &pmu->err)) {
		pmu->ended = "refused";
		return false;
	}
	if (pmu->by_message && held > 0)
		show_message(pmu, pmu->refusal.text, held, true);
	else
		show_stream(pmu, pmu->refusal.text, held);
	if (closed)
		wire_splitter_end(&pmu->splitter);
	if (pmu->line_open)
		end_line(pmu);
	if (!flush_output(pmu) || pmu->err.text[0])
		return false;

	bool other_cuts = pmu->by_message && closed && client_pmu_expects_messages(pmu) &&
			  pmu->splitter.count != pmu->messages;
	if (pmu->splitter.broken || other_cuts) {
		char seen[WIRE_ESCAPED_MAX];
		wire_escape(seen, pmu->splitter.held, pmu->splitter.length);
		client_pmu_fail(pmu, "broken", STATUS_PROTOCOL,
			"this is no PMU message, or was cut: \"%s\"", seen);
		return false;
	}
	return closed;
}

void client_pmu_print_counts(const struct client_pmu *pmu)
{
	long count = pmu->splitter.count;
	if (client_pmu_expects_messages(pmu))
		fprintf(stderr, "%ld message%s, ", count, client_plural(count));
	fprintf(stderr, "%ld byte%s", pmu->bytes, client_plural(pmu->bytes));
}

void client_pmu_json_begin(struct client_pmu *pmu, struct json *json,
	char text[CLIENT_PMU_JSON_SIZE])
{
	json_begin(json, text, CLIENT_PMU_JSON_SIZE);
	json_put_string(json, "command", pmu->text);
	json_put_string(json, "peer", pmu->peer);
	if (pmu->by_message)
		json_put_integer(json, "messages", pmu->messages);
	else if (client_pmu_expects_messages(pmu))
		json_put_integer(json, "messages", pmu->splitter.count);
	json_put_integer(json, "bytes", pmu->bytes);
}

void client_pmu_json_end(struct client_pmu *pmu, struct json *json)
{
	json_put_real(json, "seconds", pmu->seconds);
	json_put_string(json, "ended", pmu->ended);
	client_print_json(json, &pmu->err);
}
