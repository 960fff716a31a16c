/* Collects what was wrong. Connections are judged when they have ended, because "left after 3 of 20
   messages" says more than "connection reset". */
#include "servers/events/summary.h"

#include <string.h>

void excerpts_add(struct excerpts *excerpts, const char *text, size_t len)
{
	size_t kept = len < EXCERPT_BYTES ? len : EXCERPT_BYTES;
	for (size_t i = 0; i < excerpts->used; i++)
		if (excerpts->list[i].len == len &&
			memcmp(excerpts->list[i].bytes, text, kept) == 0) {
			excerpts->list[i].count++;
			return;
		}
	if (excerpts->used == EXCERPTS) {
		excerpts->more++;
		return;
	}
	excerpts->list[excerpts->used].len = len;
	excerpts->list[excerpts->used].count = 1;
	memcpy(excerpts->list[excerpts->used++].bytes, text, kept);
}

static bool is_same(const struct fault *fault, enum endpoint_id endpoint, enum blame blame,
	const char *what)
{
	return fault->endpoint == endpoint && fault->blame == blame &&
		strncmp(fault->what, what, sizeof fault->what - 1) == 0;
}

void faults_add(struct summary *summary, enum endpoint_id endpoint, enum blame blame,
	const char *what, const char *bytes, size_t len)
{
	struct fault *fault = summary->faults, *end = fault + summary->fault_count;
	summary->wrong = summary->wrong || blame == BLAME_PROGRAM;
	while (fault < end && !is_same(fault, endpoint, blame, what))
		fault++;
	if (fault == end) {
		if (summary->fault_count == SUMMARY_FAULTS) {
			summary->faults_more++;
			return;
		}
		*fault = (struct fault){ .endpoint = endpoint, .blame = blame };
		snprintf(fault->what, sizeof fault->what, "%s", what);
		summary->fault_count++;
	}
	fault->count++;
	if (bytes)
		excerpts_add(&fault->excerpts, bytes, len);
}

/* ---- connections ---- */

void track_settle(struct summary *summary, struct track *track)
{
	if (track->pending)
		faults_add(summary, track->endpoint, track->blame, track->what,
			track->len ? track->bytes : NULL, track->len);
	track->pending = false;
}

struct track *track_find(struct summary *summary, enum endpoint_id endpoint, uint64_t conn)
{
	struct track *track = &summary->tracks[conn % SUMMARY_TRACKS];
	if (track->conn != conn) {
		track_settle(summary, track);
		*track = (struct track){ .conn = conn, .expected = -1, .endpoint = endpoint };
	}
	return track;
}

void track_blame(struct track *track, enum blame blame, const char *what, const char *bytes,
	size_t len)
{
	snprintf(track->what, sizeof track->what, "%s", what);
	track->pending = true;
	track->blame = blame;
	track->len = bytes ? len : 0;
	if (bytes)
		memcpy(track->bytes, bytes, len < EXCERPT_BYTES ? len : EXCERPT_BYTES);
}

/* Replaces the pending fault by `what`, with the old text in brackets behind it. */
static void replace(struct track *track, const char *what, const struct verdict *verdict)
{
	char text[FAULT_WHAT];
	if (track->pending)
		snprintf(text, sizeof text, "%.100s (%.200s)", what, track->what);
	track_blame(track, BLAME_PROGRAM, track->pending ? text : what, verdict->command,
		verdict->command_len);
}

void track_judge_answer(struct track *track, const struct verdict *verdict)
{
	char what[100] = "closed with something still unread";
	bool whole = verdict->messages >= track->expected;
	if (track->expected < 0 || (track->pending && !verdict->lost) || (whole && !verdict->lost))
		return;
	if (!whole && track->expected == 1)
		snprintf(what, sizeof what, "left before it had the whole message");
	else if (!whole)
		snprintf(what, sizeof what, "left after %lld of %lld messages",
			(long long)verdict->messages, (long long)track->expected);
	replace(track, what, verdict);
}

void track_judge_silence(struct track *track, const struct verdict *verdict)
{
	if (!track->pending || verdict->lost)
		replace(track, verdict->bytes_in > 0 ? "left before its command was complete" :
			"connected, and left without a command", verdict);
}
