/* The questions of parts 3 and 4: acknowledgements and loss; the play and its participants. */
#include <inttypes.h>
#include <string.h>

#include "common/stats.h"
#include "common/wire.h"
#include "servers/commands/answers/questions.h"
#include "servers/commands/ndjson.h"

/* ---- Q16 ---- */

void answer_acknowledgement(struct answer *answer, const struct evidence *evidence)
{
	const struct facts *facts = evidence->facts;
	const struct facts_acknowledgement *last = &facts->acknowledgement;
	if (last->line == 0)
		return;
	/* "2026-11-23T14:05:09.123+01:00" */
	if (*last->date)
		fprintf(answer->text, "%.10s %.8s (UTC%s)", last->date, last->date + 11,
			last->date + 23);
	else
		fprintf(answer->text, "%.3f s after the start", last->t);
	fprintf(answer->text, ", over IPv%d", last->family);
	uint64_t v4 = facts->reset[0].acknowledged, v6 = facts->reset[1].acknowledged;
	if (v4 + v6 > 1)
		fprintf(answer->text, "; the last of %" PRIu64, v4 + v6);
	if (v4 > 0 && v6 > 0)
		fprintf(answer->text, ", %" PRIu64 " over IPv4 and %" PRIu64 " over IPv6", v4, v6);
	answer_line(answer, last->line);
	char shown[WIRE_ESCAPED_MAX];
	wire_escape(shown, last->text, strlen(last->text));
	answer_note(answer, "It said %s. The time is that of the lab's clock when it was sent.",
		shown);
	answer->value = json_pack("{s:s?, s:f, s:i, s:I, s:I}", "time",
		*last->date ? last->date : NULL, "t", last->t, "family", last->family, "over_ipv4",
		(json_int_t)v4, "over_ipv6", (json_int_t)v6);
}

/* ---- Q17 ---- */

static void note_clients(struct answer *answer, const json_t *clients)
{
	for (size_t i = 0; i < json_array_size(clients); i++) {
		const json_t *client = json_array_get(clients, i),
			     *mean = json_object_get(client, "mean_family_packets");
		if (json_is_number(mean))
			answer_note(answer,
				"The client says %.2f packets over the answering family, in "
				"%" PRId64 " runs.",
				json_number_value(mean), ndjson_integer(client, "answered"));
	}
}

void answer_loss(struct answer *answer, const struct evidence *evidence)
{
	const struct facts *facts = evidence->facts;
	const struct facts_reset *v4 = &facts->reset[0], *v6 = &facts->reset[1];
	uint64_t packets = v4->received + v6->received,
		 acknowledged = v4->acknowledged + v6->acknowledged;
	uint64_t lost = v4->lost + v6->lost;
	if (packets == 0)
		return;
	if (lost > packets) /* a request and its answers may count several times */
		lost = packets;
	struct interval interval = stats_wilson(lost, packets);
	double loss = (double)lost / (double)packets;
	if (acknowledged > 0)
		fprintf(answer->text, "%.2f packets before an acknowledgement, ",
			(double)packets / (double)acknowledged);
	else
		fputs("no acknowledgement, ", answer->text);
	fprintf(answer->text, "loss %.1f %% (95 %% interval: %.1f to %.1f %%)", 100 * loss,
		100 * interval.low, 100 * interval.high);
	for (int i = 0; i < 2; i++) {
		answer_line(answer, facts->reset[i].first_line);
		answer_line(answer, facts->reset[i].last_line);
	}
	answer_note(answer,
		"%" PRIu64 " packet%s reached the family that is served, %" PRIu64
		" of them or of their answers "
		"%s lost, %" PRIu64 " acknowledgement%s came back.",
		packets, plural(packets), lost, lost == 1 ? "was" : "were", acknowledged,
		plural(acknowledged));
	if (acknowledged < 60)
		answer_note(answer, "60 runs tell more: build/clients/pdc-reset --runs 60.");
	if (facts->duplicates > 0)
		answer_note(answer,
			"%" PRIu64 " packet%s came twice (duplicate), so the mean is too low.",
			facts->duplicates, plural(facts->duplicates));
	if (facts->repeated > 0)
		answer_note(answer,
			"%" PRIu64
			" packets more were only counted, since their senders sent so many.",
			facts->repeated);
	note_clients(answer, facts->clients);
	answer->value = json_pack("{s:I, s:I, s:I, s:f, s:f, s:f}", "packets", (json_int_t)packets,
		"acknowledgements", (json_int_t)acknowledged, "lost", (json_int_t)lost, "loss",
		loss, "low", interval.low, "high", interval.high);
	json_object_set_new(answer->value, "mean",
		acknowledged > 0 ? value_real((double)packets / (double)acknowledged)
				 : json_null());
}

/* ---- Q18 ---- */

void answer_lines(struct answer *answer, const struct evidence *evidence)
{
	const struct facts *facts = evidence->facts;
	char shown[WIRE_SHOWN_MAX];
	if (facts->line_count == 0)
		return;
	answer->value = json_array();
	for (size_t i = 0; i < facts->line_count; i++) {
		const char *text = facts->lines[i].text;
		wire_show(shown, text, strlen(text));
		fprintf(answer->text, "%s%s", i > 0 ? "\n" : "", shown);
		answer_line(answer, facts->lines[i].line);
		json_array_append_new(answer->value, value_text(text));
	}
	answer_note(answer,
		"%" PRIu64
		" datagrams of the station in this run; the first six bytes of each are its ID.",
		facts->lines_told);
}

/* ---- Q22 ---- */

void answer_talk(struct answer *answer, const struct evidence *evidence)
{
	const struct facts *facts = evidence->facts;
	char id[WIRE_SHOWN_MAX], shown[WIRE_SHOWN_MAX];
	size_t answered = 0;
	answer->value = json_array();
	for (size_t i = 0; i < facts->speaker_count; i++) {
		const struct facts_speaker *speaker = &facts->speakers[i];
		wire_show(id, speaker->id, strlen(speaker->id));
		answer_line(answer, speaker->line);
		json_array_append_new(answer->value,
			json_pack("{s:s, s:s?, s:I, s:I}", "id", speaker->id, "text", speaker->text,
				"answers", (json_int_t)speaker->answers, "characters",
				(json_int_t)speaker->total));
		if (!speaker->text) {
			answer_note(answer,
				"%s has said %" PRIu64
				" characters, and is answered behind the 300th.",
				id, speaker->total);
			continue;
		}
		wire_show(shown, speaker->text, strlen(speaker->text));
		fprintf(answer->text, "%sto %s: %s", answered++ > 0 ? "\n" : "", id, shown);
	}
	if (facts->speakers_left_out)
		answer_note(answer, "There were more participants than the %d that are told of.",
			FACTS_SPEAKERS);
	answer->partly = facts->speaker_count > answered;
}
