/* What the questions' functions share: choosing connections, summing up several runs, and writing
   packets and their sizes. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "servers/commands/answers/questions.h"

enum { SIZES_LISTED = 4, GROUPS_TOLD = 3, NOTE_TEXT = 1024, SIZES_TOLD = 1000 };

void answer_note(struct answer *answer, const char *format, ...)
{
	char text[NOTE_TEXT];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json_array_append_new(answer->notes, value_text(text));
}

void answer_line(struct answer *answer, uint64_t line)
{
	if (line > 0)
		json_array_append_new(answer->lines, value_count(line));
}

json_t *value_count(uint64_t count)
{
	return json_pack("I", (json_int_t)count);
}

json_t *value_real(double real)
{
	return json_pack("f", real);
}

json_t *value_text(const char *text)
{
	return json_pack("s", text);
}

const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* ---- which connections ---- */

static bool is_meant(const struct facts_conn *conn, enum facts_endpoint endpoint,
	enum facts_kind kind, double d)
{
	return conn->endpoint == endpoint && conn->kind == kind &&
	       (d < 0 || (d > 0 ? conn->d > 0 : conn->d == 0)) && conn->messages > 0;
}

struct chosen choose(const struct facts *facts, enum facts_endpoint endpoint, enum facts_kind kind,
	double d)
{
	struct chosen chosen = { .cut_short = true };
	const struct facts_conn *last = NULL;
	for (size_t i = 0; i < facts->conn_count; i++) {
		const struct facts_conn *conn = &facts->conns[i];
		if (!is_meant(conn, endpoint, kind, d) || (!conn->done && !chosen.cut_short))
			continue;
		/* The first connection that sent everything replaces all that did not. A new d
		   replaces those with another d. */
		if ((conn->done && chosen.cut_short) || (last && d > 0 && last->d != conn->d))
			chosen.count = 0;
		chosen.cut_short = !conn->done;
		last = conn;
		if (chosen.count == CHOSEN_MAX)
			memmove(&chosen.conns[0], &chosen.conns[1],
				--chosen.count * sizeof chosen.conns[0]);
		chosen.conns[chosen.count++] = conn;
	}
	return chosen;
}

/* ---- numbers of several runs ---- */

void tally_add(struct tally *tally, uint64_t value)
{
	if (tally->count == 0 || value < tally->min)
		tally->min = value;
	if (tally->count == 0 || value > tally->max)
		tally->max = value;
	tally->last = value;
	tally->count++;
}

void tally_say(FILE *out, const struct tally *tally)
{
	if (tally->count > 1 && tally->min == tally->max)
		fprintf(out, " in each of %zu runs", tally->count);
	else if (tally->count > 1)
		fprintf(out, " in the last of %zu runs, %" PRIu64 " to %" PRIu64 " in all",
			tally->count, tally->min, tally->max);
}

/* ---- packets ---- */

static void list(FILE *out, const uint32_t *items, size_t count)
{
	fputs(", of ", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%" PRIu32, i == 0 ? "" : i + 1 < count ? ", " : " and ", items[i]);
	fprintf(out, " byte%s", plural(items[count - 1]));
}

/* Successive equal sizes are a group. More than GROUPS_TOLD groups are given as a range. */
void say_sizes(FILE *out, const struct facts_sizes *sizes)
{
	struct {
		uint32_t bytes;
		size_t count;
	} groups[GROUPS_TOLD];
	size_t count = 0;
	uint32_t min = UINT32_MAX, max = 0;
	for (size_t i = 0; i < sizes->count; i++) {
		uint32_t bytes = sizes->items[i];
		min = bytes < min ? bytes : min;
		max = bytes > max ? bytes : max;
		if (i > 0 && sizes->items[i - 1] == bytes && count <= GROUPS_TOLD) {
			groups[count - 1].count++;
		} else if (count++ < GROUPS_TOLD) {
			groups[count - 1].bytes = bytes;
			groups[count - 1].count = 1;
		}
	}
	if (sizes->count == 0)
		return;
	if (sizes->count <= SIZES_LISTED) {
		list(out, sizes->items, sizes->count);
		return;
	}
	if (min == max) {
		fprintf(out, ", each of %" PRIu32, min);
	} else if (count > GROUPS_TOLD) {
		fprintf(out, ", of %" PRIu32 " to %" PRIu32, min, max);
	} else {
		for (size_t i = 0; i < count; i++)
			fprintf(out, "%s%zu of %" PRIu32, i == 0 || i + 1 < count ? ", " : " and ",
				groups[i].count, groups[i].bytes);
	}
	fputs(" bytes", out);
}

static json_t *list_sizes(const struct facts_sizes *sizes)
{
	json_t *list = json_array();
	for (size_t i = 0; i < sizes->count && i < SIZES_TOLD; i++)
		json_array_append_new(list, value_count(sizes->items[i]));
	return list;
}

/* Sets answer->capture to the first verdict that is not "agrees": "absent" when the capture does
   not have a connection, "differs" when its number is not the kernel's. True: this one agrees. */
static bool judge_capture(struct answer *answer, const struct packets *packets)
{
	const char *verdict = "agrees";
	if (!packets->captured)
		verdict = "absent";
	else if (packets->compared && packets->in_capture != packets->in_events)
		verdict = "differs";
	if (!answer->capture || strcmp(answer->capture, "agrees") == 0)
		answer->capture = verdict;
	return strcmp(verdict, "agrees") == 0;
}

static void explain_capture(struct answer *answer, const struct packets *packets)
{
	uint64_t seen = packets->in_capture, sent = packets->in_events;
	const char *verb = packets->compared ? "agrees" : "alone tells";
	if (packets->compared && seen < sent)
		answer_note(answer,
			"%sThe capture has %" PRIu64
			" packet%s with data where the kernel has sent %" PRIu64
			": it is cut short, or was taken where several segments pass as one, as on "
			"loopback (offload); pmulab run --capture shows each.",
			answer->label, seen, plural(seen), sent);
	else if (packets->compared && seen > sent)
		answer_note(answer,
			"%sThe capture has %" PRIu64
			" packets with data, the kernel has sent %" PRIu64 ": is it of this run?",
			answer->label, seen, sent);
	else if (packets->captured && packets->count == 1)
		answer_note(answer, "%sThe capture %s: frame %" PRIu64 ".", answer->label, verb,
			packets->first_frame);
	else if (packets->captured && packets->count > 1)
		answer_note(answer, "%sThe capture %s: frames %" PRIu64 " to %" PRIu64 ".",
			answer->label, verb, packets->first_frame, packets->last_frame);
	else if (!packets->captured)
		answer_note(answer,
			"%sThe capture does not have this connection; the number is the kernel's.",
			answer->label);
}

bool say_packets(struct answer *answer, const struct evidence *evidence,
	const struct chosen *chosen, json_t *value, struct tally *tally)
{
	struct packets last = { 0 };
	size_t disagree = 0; /* connections whose number is not that of the capture */
	*tally = (struct tally){ 0 };
	for (size_t i = 0; i < chosen->count; i++) {
		struct packets packets;
		if (!packets_of(&packets, evidence->facts, chosen->conns[i], evidence->capture)) {
			answer->out_of_memory = true;
			break;
		}
		if (!packets.known) {
			free(packets.sizes.items);
			continue;
		}
		tally_add(tally, packets.count);
		disagree += evidence->capture && !judge_capture(answer, &packets);
		free(last.sizes.items);
		last = packets;
	}
	if (tally->count == 0)
		return false;
	fprintf(answer->text, "%" PRIu64, last.count);
	if (last.or_one_more)
		fprintf(answer->text, " or %" PRIu64, last.count + 1);
	fprintf(answer->text, " packet%s", plural(last.count + last.or_one_more));
	say_sizes(answer->text, &last.sizes);
	tally_say(answer->text, tally);
	if (last.again > 0)
		answer_note(answer, "%s%" PRIu64 " more packet%s sent again; not counted.",
			answer->label, last.again, last.again == 1 ? " was" : "s were");
	if (evidence->capture)
		explain_capture(answer, &last);
	if (disagree > 0 && tally->count > 1)
		answer_note(answer,
			"%sOf %zu connections %zu %s not in the capture, or not the same there.",
			answer->label, tally->count, disagree, disagree == 1 ? "is" : "are");
	if (last.or_one_more)
		answer_note(answer,
			"The kernel's count does not tell whether the last packet is the Close "
			"frame's alone; --capture does.");
	json_object_set_new(value, "packets", value_count(last.count));
	json_object_set_new(value, "bytes", list_sizes(&last.sizes));
	json_object_set_new(value, "again", value_count(last.again));
	json_object_set_new(value, "counted_by", value_text(last.captured ? "capture" : "kernel"));
	free(last.sizes.items);
	return true;
}
