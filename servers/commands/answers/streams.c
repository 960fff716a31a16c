/* The questions of parts 1, 2 and 5: pieces, messages, packets and calls on connections. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "servers/commands/answers/questions.h"
#include "servers/commands/ndjson.h"

enum { LINES_TOLD = 10 }; /* connections whose lines are listed */

/* Lists the lines with the command and the end of the last LINES_TOLD connections. */
static void tell_lines(struct answer *answer, const struct chosen *chosen)
{
	size_t first = chosen->count > LINES_TOLD ? chosen->count - LINES_TOLD : 0;
	for (size_t i = first; i < chosen->count; i++) {
		answer_line(answer, chosen->conns[i]->command_line);
		answer_line(answer, chosen->conns[i]->close_line
					    ? chosen->conns[i]->close_line
					    : chosen->conns[i]->last_send_line);
	}
	if (chosen->count > 0 && chosen->cut_short)
		answer_note(answer,
			"No such connection went to its end: this is what there was of it.");
}

static void set_tally(json_t *value, const struct tally *tally)
{
	json_object_set_new(value, "runs", value_count(tally->count));
	json_object_set_new(value, "min", value_count(tally->min));
	json_object_set_new(value, "max", value_count(tally->max));
}

/* ---- Q6 ---- */

/* Code D is the last client of the echo server that sent anything. Other clients count as further
   runs when they sent as many bytes. */
void answer_pieces(struct answer *answer, const struct evidence *evidence)
{
	const struct facts *facts = evidence->facts;
	const struct facts_conn *last = NULL;
	struct tally tally = { 0 };
	for (size_t i = 0; i < facts->conn_count; i++)
		if (facts->conns[i].endpoint == FACTS_ECHO && facts->conns[i].messages > 0)
			last = &facts->conns[i];
	if (!last)
		return;
	for (size_t i = 0; i < facts->conn_count; i++)
		if (facts->conns[i].endpoint == FACTS_ECHO && facts->conns[i].bytes == last->bytes)
			tally_add(&tally, facts->conns[i].messages);
	fprintf(answer->text, "%" PRIu64 " piece%s", last->messages, plural(last->messages));
	if (last->sizes.count == last->messages)
		say_sizes(answer->text, &last->sizes);
	tally_say(answer->text, &tally);
	answer_note(answer,
		"%" PRIu64 " bytes came, and recv(%" PRIu64 ") takes %" PRIu64
		" at most: echo.chunk, or the number in "
		"code C.",
		last->bytes, facts->chunk, facts->chunk);
	answer_line(answer, last->first_send_line);
	if (last->last_send_line != last->first_send_line)
		answer_line(answer, last->last_send_line);
	json_t *bytes = json_array();
	for (size_t i = 0; i < last->sizes.count; i++)
		json_array_append_new(bytes, value_count(last->sizes.items[i]));
	answer->value =
		json_pack("{s:o, s:o}", "pieces", value_count(last->messages), "bytes", bytes);
	set_tally(answer->value, &tally);
}

/* ---- Q9, Q24 ---- */

static void say_messages(struct answer *answer, const struct chosen *chosen, const char *noun,
	struct tally *tally)
{
	*tally = (struct tally){ 0 };
	for (size_t i = 0; i < chosen->count; i++)
		tally_add(tally, chosen->conns[i]->messages);
	if (tally->count == 0)
		return;
	fprintf(answer->text, "%" PRIu64 " %s%s", tally->last, noun, plural(tally->last));
	tally_say(answer->text, tally);
	tell_lines(answer, chosen);
}

void answer_messages(struct answer *answer, const struct evidence *evidence)
{
	struct chosen chosen = choose(evidence->facts, FACTS_PMU, FACTS_SHORT, -1);
	struct tally tally;
	say_messages(answer, &chosen, "message", &tally);
	if (tally.count == 0)
		return;
	answer->value = json_pack("{s:o}", "messages", value_count(tally.last));
	set_tally(answer->value, &tally);
}

/* The client's object at index `at`, when it is about this command on plain TCP or WebSocket,
   without TLS; else NULL. */
static const json_t *client_of(const json_t *clients, size_t at, const char *command,
	bool websocket)
{
	const json_t *client = json_array_get(clients, at);
	const char *text = ndjson_text(client, "command");
	if (strncmp(text, command, strlen(command)) != 0 || json_object_get(client, "tls"))
		return NULL;
	return (json_object_get(client, "frames") != NULL) == websocket ? client : NULL;
}

/* Notes what the last client has counted on WebSocket, to compare. */
static void note_on_message(struct answer *answer, const struct evidence *evidence,
	const char *command, uint64_t expected)
{
	for (size_t i = json_array_size(evidence->facts->clients); i-- > 0;) {
		const json_t *client = client_of(evidence->facts->clients, i, command, true);
		int64_t messages = client ? ndjson_integer(client, "messages") : -1;
		if (messages < 0)
			continue;
		answer_note(answer, "The client has counted %" PRId64 "%s", messages,
			(uint64_t)messages == expected
				? " too."
				: ", which is not the same: is it of this run?");
		return;
	}
}

void answer_ws_messages(struct answer *answer, const struct evidence *evidence)
{
	struct chosen chosen = choose(evidence->facts, FACTS_WS, FACTS_SHORT, 0);
	struct tally tally;
	say_messages(answer, &chosen, "time", &tally);
	if (tally.count == 0)
		return;
	note_on_message(answer, evidence, "CMD_short", tally.last);
	answer->value = json_pack("{s:o}", "on_message", value_count(tally.last));
	set_tally(answer->value, &tally);
}

/* ---- Q10, Q13, Q23 ---- */

/* One half of Q10: d = 0, or d > 0. NULL: this run has no such connection. */
static json_t *say_interval(struct answer *answer, const struct evidence *evidence, double d)
{
	struct chosen chosen = choose(evidence->facts, FACTS_PMU, FACTS_SHORT, d);
	struct tally tally;
	if (chosen.count == 0)
		return NULL;
	double last = chosen.conns[chosen.count - 1]->d;
	json_t *value = json_pack("{s:f}", "d", last);
	if (ftell(answer->text) > 0)
		fputs("; ", answer->text);
	snprintf(answer->label, sizeof answer->label, "d=%g: ", last);
	fputs(answer->label, answer->text);
	if (!say_packets(answer, evidence, &chosen, value, &tally)) {
		fputs("not counted", answer->text);
		answer_note(answer,
			"%sThe connection has not ended, or this system counts no segments; "
			"--capture tells.",
			answer->label);
	}
	set_tally(value, &tally);
	tell_lines(answer, &chosen);
	return value;
}

void answer_short_packets(struct answer *answer, const struct evidence *evidence)
{
	json_t *zero = say_interval(answer, evidence, 0), *more = say_interval(answer, evidence, 1);
	answer->partly = !zero != !more;
	if (!zero && !more)
		return;
	if (!more)
		answer->run = "pmulab run --events lab.ndjson -- build/clients/pdc CMD_short:1";
	answer->value = json_array();
	if (zero)
		json_array_append_new(answer->value, zero);
	if (more)
		json_array_append_new(answer->value, more);
}

/* True: there is an answer. */
static bool say_chosen(struct answer *answer, const struct evidence *evidence,
	const struct chosen *chosen)
{
	struct tally tally;
	json_t *value = json_object();
	if (!say_packets(answer, evidence, chosen, value, &tally)) {
		json_decref(value);
		return false;
	}
	uint64_t bytes = chosen->conns[chosen->count - 1]->bytes;
	json_object_set_new(value, "total", value_count(bytes));
	set_tally(value, &tally);
	tell_lines(answer, chosen);
	answer->value = value;
	return true;
}

void answer_flood_packets(struct answer *answer, const struct evidence *evidence)
{
	struct chosen chosen = choose(evidence->facts, FACTS_PMU, FACTS_FLOOD, -1);
	if (say_chosen(answer, evidence, &chosen))
		answer_note(answer, "The message has %" PRIu64 " bytes.",
			chosen.conns[chosen.count - 1]->bytes);
}

/* The packets of the last connection of part 2 (d = 0, or the flood), to compare with; 0: not in
   this run, or not known. */
static uint64_t plain_packets(const struct evidence *evidence, enum facts_kind kind)
{
	struct chosen chosen =
		choose(evidence->facts, FACTS_PMU, kind, kind == FACTS_SHORT ? 0 : -1);
	struct packets packets = { 0 };
	if (chosen.count > 0)
		packets_of(&packets, evidence->facts, chosen.conns[chosen.count - 1],
			evidence->capture);
	free(packets.sizes.items);
	return packets.known ? packets.count : 0;
}

void answer_ws_packets(struct answer *answer, const struct evidence *evidence)
{
	struct chosen chosen = choose(evidence->facts, FACTS_WS, FACTS_SHORT, 0);
	if (!say_chosen(answer, evidence, &chosen))
		return;
	uint64_t plain = plain_packets(evidence, FACTS_SHORT);
	if (plain > 0)
		answer_note(answer, "Part 2 has %" PRIu64 " (Q10).", plain);
}

void answer_ws_flood(struct answer *answer, const struct evidence *evidence)
{
	struct chosen chosen = choose(evidence->facts, FACTS_WS, FACTS_FLOOD, -1);
	if (!say_chosen(answer, evidence, &chosen))
		return;
	uint64_t messages = chosen.conns[chosen.count - 1]->messages;
	fprintf(answer->text, "; on_message is called %" PRIu64 " time%s", messages,
		plural(messages));
	json_object_set_new(answer->value, "on_message", value_count(messages));
	note_on_message(answer, evidence, "CMD_floodme", messages);
}

/* ---- Q15 ---- */

void answer_recv_calls(struct answer *answer, const struct evidence *evidence)
{
	const struct facts *facts = evidence->facts;
	struct chosen chosen = choose(facts, FACTS_PMU, FACTS_FLOOD, -1);
	uint64_t packets = plain_packets(evidence, FACTS_FLOOD);
	answer->value = json_array();
	for (size_t i = 0; i < json_array_size(facts->clients); i++) {
		const json_t *client = client_of(facts->clients, i, "CMD_floodme", false);
		int64_t calls = client ? ndjson_integer(client, "recv_calls") : 0;
		int64_t buffer = client ? ndjson_integer(client, "buffer") : 0;
		if (calls <= 0)
			continue;
		fprintf(answer->text, "%s%" PRId64 " call%s", ftell(answer->text) > 0 ? "; " : "",
			calls, plural((uint64_t)calls));
		if (buffer > 0)
			fprintf(answer->text, " of recv(%" PRId64 ")", buffer);
		json_array_append_new(answer->value,
			json_pack("{s:I, s:I}", "recv_calls", (json_int_t)calls, "buffer",
				(json_int_t)buffer));
		if (packets > 0)
			answer_note(answer,
				"%s number as of packets: %" PRIu64 " packet%s, %" PRId64
				" call%s.",
				(uint64_t)calls == packets ? "By chance the same" : "Not the same",
				packets, plural(packets), calls, plural((uint64_t)calls));
	}
	if (json_array_size(answer->value) > 0) {
		tell_lines(answer, &chosen);
		return;
	}
	json_decref(answer->value);
	answer->value = NULL;
	if (chosen.count > 0)
		answer_note(answer,
			"The flood is in this run, but only its client knows how often it called "
			"recv().");
}
