/* The summary as text: one to three lines for each endpoint, then what was wrong, then the
   endpoints that were not met. */
#include "servers/events/summary.h"

#include <stdarg.h>
#include <string.h>

enum {
	TEXT_BYTES = 4096,
	LABEL = 10, /* columns of the label: "udp-print" and a blank */
	WIDTH = 88, /* columns of the text behind the label */
	ROW_LINES = 3,
	ROW_LINES_MANY = 2, /* when more than MANY endpoints were met */
	MANY = 5,
	FAULT_LINES = 3,
	/* kept for the rest of what was wrong, the endpoints not met, and the station */
	LAST_LINES = 4,
};

/* Seconds without traffic that are worth a word, and the share of its time in which a program that
   waits is not busy. */
static const double QUIET_SECONDS = 1, BUSY_SHARE = 0.25;
enum { SIGNAL_STATUS = 128 }; /* as shells tell of signals */

struct text {
	char bytes[TEXT_BYTES];
	size_t len;
};

/* The output and the lines that are left. */
struct page {
	FILE *out;
	unsigned left;
};

/* ---- words ---- */

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text->bytes + text->len, sizeof text->bytes - text->len, format, args);
	va_end(args);
	if (n > 0)
		text->len += (size_t)n;
	if (text->len >= sizeof text->bytes)
		text->len = sizeof text->bytes - 1;
}

/* Adds "1 message" or "20 messages". */
static void add_count(struct text *text, const char *before, uint64_t n, const char *noun)
{
	add(text, "%s%llu %s%s", before, (unsigned long long)n, noun, n == 1 ? "" : "s");
}

/* Adds ", 3 lost on the way"; nothing for 0. */
static void add_some(struct text *text, uint64_t n, const char *what)
{
	if (n > 0)
		add(text, ", %llu %s", (unsigned long long)n, what);
}

static void add_times(struct text *text, uint64_t n)
{
	static const char *const words[] = { "never", "once", "twice" };
	if (n < sizeof words / sizeof words[0])
		add(text, "%s", words[n]);
	else
		add(text, "%llu times", (unsigned long long)n);
}

static void add_escaped(struct text *text, const char *bytes, size_t len, const char *quote)
{
	char escaped[WIRE_ESCAPED_MAX];
	wire_escape(escaped, bytes, len < EXCERPT_BYTES ? len : EXCERPT_BYTES);
	add(text, "%s%s%s%s", quote, escaped, len > EXCERPT_BYTES ? "..." : "", quote);
}

/* Adds "CMD_short:0 twice, CMD_floodme, and 3 others". `total` is the number that stands before it;
   it is not repeated. */
static void add_excerpts(struct text *text, const struct excerpts *excerpts, const char *quote,
	uint64_t total)
{
	for (size_t i = 0; i < excerpts->used; i++) {
		add(text, "%s", i ? ", " : "");
		add_escaped(text, excerpts->list[i].bytes, excerpts->list[i].len, quote);
		if (excerpts->list[i].count > 1 && excerpts->list[i].count != total) {
			add(text, " ");
			add_times(text, excerpts->list[i].count);
		}
	}
	if (excerpts->more > 0)
		add_count(text, ", and ", excerpts->more, "other");
}

/* ---- rows ---- */

/* How many bytes of the text fit on the next line: up to a blank where there is one. */
static size_t cut(const char *text)
{
	size_t len = strlen(text), at = WIDTH;
	if (len <= WIDTH)
		return len;
	while (at > 0 && text[at] != ' ')
		at--;
	return at > 0 ? at : WIDTH;
}

static void print_row(struct page *page, const char *label, const char *text, unsigned most)
{
	static const char dots[] = "...";
	for (unsigned i = 0; i < most && page->left > 0 && (*text || i == 0); i++, page->left--) {
		size_t len = cut(text);
		bool ends = text[len] == '\0' || (i + 1 < most && page->left > 1);
		size_t shown = ends || len <= WIDTH - sizeof dots ? len : len - sizeof dots;
		fprintf(page->out, "  %-*s%.*s%s\n", LABEL, i ? "" : label, (int)shown, text,
			ends ? "" : dots);
		text += len;
		text += strspn(text, " ");
	}
}

static void say_streams(struct text *text, const struct met *met, const struct endpoint_type *type)
{
	struct text what = { .len = 0 };
	bool carried = type->groups & (GROUP_TLS | GROUP_WS);
	add_count(text, "", met->connections, "connection");
	add_excerpts(&what, &met->asked, "", 0);
	add_some(&what, met->not_understood, "not understood");
	add_some(&what, met->no_command, "without a command");
	add_some(&what, met->no_handshake, "without a handshake");
	add_some(&what, met->unused, "unused, since IPv4 and IPv6 were both tried");
	if (what.len > 0)
		add(text, ": %s", what.bytes + (what.bytes[0] == ',' ? 2 : 0));
	if (!(type->groups & GROUP_PMU)) {
		add_count(text, "; ", met->bytes_in, "byte");
		if (met->bytes_out == met->bytes_in)
			add(text, ", all sent back");
		else
			add(text, ", %llu of them sent back", (unsigned long long)met->bytes_out);
	} else if (met->messages > 0) {
		add_count(text, "; ", met->messages, "message");
		add_count(text, " (", met->bytes_out, "byte");
		add(text, ")");
		if (met->segments > 0) {
			add_count(text, " in ", met->segments, "segment");
			add(text, "%s", carried ? ", handshakes included" : "");
		}
	}
	if (met->closed == 0)
		return;
	if (met->closed_by_peer == 0 || met->closed_by_peer == met->closed)
		add(text, "; closed by the %s", met->closed_by_peer ? "program" : "lab");
	else
		add(text, "; %llu closed by the lab, %llu by the program",
			(unsigned long long)(met->closed - met->closed_by_peer),
			(unsigned long long)met->closed_by_peer);
}

static void say_repeated(struct text *text, const struct met *met)
{
	if (met->repeated > 0)
		add_count(text, text->len ? "; and " : "", met->repeated, "more datagram");
	if (met->repeated > 0)
		add(text, ", too many to look at each");
}

static void say_resets(struct text *text, const struct met *met)
{
	if (met->resets > 0) {
		add(text, "; the clock moved ");
		add_times(text, met->resets);
		add(text, ", by %llu s%s", (unsigned long long)met->seconds,
			met->resets > 1 ? " in all" : "");
	}
	if (met->replies + met->replies_lost > 0) {
		add(text, "; %llu answered", (unsigned long long)met->replies);
		add_some(text, met->replies_lost,
			met->replies_lost == 1 ? "answer lost" : "answers lost");
	}
	if (met->unheard > 0) {
		add(text, ": ");
		add_times(text, met->unheard);
		add(text, " the clock moved and nobody heard of it");
	}
}

static void say_datagrams(struct text *text, const struct met *met,
	const struct endpoint_type *type)
{
	unsigned long long four = met->requests[0], six = met->requests[1];
	bool both = type->groups & GROUP_RESET;
	if (four + six > 0) {
		add_count(text, "", four + six, both ? "request" : "datagram");
		if (both && four && six)
			add(text, " (%llu over IPv4, %llu over IPv6)", four, six);
		else if (both)
			add(text, " over IPv%d", four ? 4 : 6);
		else
			add_count(text, " with ", met->bytes, "byte");
		if (met->asked.used > 0)
			add(text, ": ");
		add_excerpts(text, &met->asked, "\"", four + six);
	}
	add_some(text, met->lost, "lost on the way");
	add_some(text, met->doubled, "came twice");
	add_some(text, met->changed, "changed on the way");
	add_some(text, met->unserved, "to a family that was not served");
	add_some(text, met->given_up, "given up: ");
	if (met->given_up > 0)
		add(text, "%s", met->given_up_why);
	say_resets(text, met);
	say_repeated(text, met);
}

static void say_station(struct text *text, const struct met *met, const struct endpoint_type *type)
{
	for (size_t i = 0; i < met->speaker_count; i++) {
		const struct speaker *speaker = &met->speakers[i];
		add(text, "%s", i ? "; " : "");
		add_escaped(text, speaker->id, sizeof speaker->id, "\"");
		add_count(text, " has said ", speaker->characters, "character");
		add_count(text, " in ", speaker->datagrams, "datagram");
		add(text, " and was %s", speaker->answers ? "answered " : "not answered");
		if (speaker->answers > 0)
			add_times(text, speaker->answers);
	}
	if (met->others > 0)
		add_count(text, "; others have sent ", met->others, "datagram");
	if (met->speaker_count == 0 && met->repeated == 0)
		add(text, "it was sent nothing that it understood");
	say_repeated(text, met);
	if (met->replies_lost > 0)
		add(text, "; of its own datagrams %llu lost on the way",
			(unsigned long long)met->replies_lost);
}

static void print_met(struct page *page, const struct met *met, const struct endpoint_type *type,
	unsigned most)
{
	struct text text = { .len = 0 };
	if (type->groups & GROUP_TV)
		say_station(&text, met, type);
	else if (type->groups & GROUP_DATAGRAM)
		say_datagrams(&text, met, type);
	else
		say_streams(&text, met, type);
	print_row(page, type->name, text.bytes, most);
}

/* ---- what was wrong ---- */

/* Advice for faults whose text does not say what to do. */
static const struct {
	const char *what, *advice;
} advices[] = {
	{ "this is no command", "it takes CMD_short:<seconds> or CMD_floodme" },
	{ "this is no RESET:n", "it takes RESET:<seconds>, such as RESET:20" },
};

static void say_fault(struct text *text, const struct fault *fault)
{
	add(text, "%s: %s", endpoint_table[fault->endpoint].name, fault->what);
	for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
		if (strcmp(fault->what, advices[i].what) == 0)
			add(text, " (%s)", advices[i].advice);
	if (fault->excerpts.used > 0) {
		add(text, ": ");
		add_excerpts(text, &fault->excerpts, "\"", 0);
	}
	if (fault->excerpts.used == 0 && fault->count > 1) {
		add(text, ", ");
		add_times(text, fault->count);
	}
}

static void print_faults(struct page *page, const struct summary *summary, enum blame blame)
{
	static const char *const labels[] = {
		[BLAME_PROGRAM] = "wrong",
		[BLAME_LAB] = "lab",
		[BLAME_NOBODY] = "hint",
	};
	const char *label = labels[blame];
	uint64_t more = blame == BLAME_PROGRAM ? summary->faults_more : 0;
	for (size_t i = 0; i < summary->fault_count; i++) {
		const struct fault *fault = &summary->faults[i];
		struct text text = { .len = 0 };
		if (fault->blame != blame)
			continue;
		if (page->left <= LAST_LINES) {
			more += fault->count;
			continue;
		}
		say_fault(&text, fault);
		print_row(page, label, text.bytes,
			page->left - LAST_LINES < FAULT_LINES ? page->left - LAST_LINES
							      : FAULT_LINES);
		label = "";
	}
	if (more > 0) {
		struct text text = { .len = 0 };
		add(&text, "and %llu more", (unsigned long long)more);
		print_row(page, label, text.bytes, 1);
	}
}

/* ---- the whole ---- */

/* How the program ended: a crash, a loop, or a wait for what does not come. */
static void print_program(struct page *page, const struct summary *summary)
{
	struct text text = { .len = 0 };
	const char *how = summary->program.how;
	double seconds = summary->program.seconds, cpu = summary->program.cpu;
	if (!how)
		return;
	if (strcmp(how, "timeout") == 0)
		add(&text, "did not end: stopped by --timeout after %.1f s", seconds);
	else if (strcmp(how, "killed") == 0)
		add(&text, "was killed (%s) after %.1f s",
			strsignal((int)summary->program.status - SIGNAL_STATUS), seconds);
	else
		add(&text, "ended with status %lld after %.1f s",
			(long long)summary->program.status, seconds);
	if (summary->program.quiet >= QUIET_SECONDS)
		add(&text, ", %.1f s after the lab last heard of it", summary->program.quiet);
	if (seconds >= QUIET_SECONDS && cpu >= BUSY_SHARE * seconds)
		add(&text, "; it was busy for %.1f s of them (a loop that does not wait?)", cpu);
	print_row(page, "program", text.bytes, 2);
}

static void print_unmet(struct page *page, const struct summary *summary)
{
	struct text text = { .len = 0 };
	for (int id = 0; id < ENDPOINT_COUNT; id++)
		if (summary->met[id].listens && !summary->met[id].met &&
			summary->met[id].lines == 0)
			add(&text, "%s%s", text.len ? ", " : "", endpoint_table[id].name);
	if (text.len > 0)
		print_row(page, "unmet", text.bytes, 1);
}

/* The station can be heard without sending it anything. */
static void print_listeners(struct page *page, const struct summary *summary)
{
	for (int id = 0; id < ENDPOINT_COUNT; id++) {
		const struct met *met = &summary->met[id];
		struct text text = { .len = 0 };
		if (met->met || met->lines == 0)
			continue;
		add_count(&text, "has said ", met->lines, "line");
		add(&text, "; who only listens to it leaves no trace here");
		print_row(page, endpoint_table[id].name, text.bytes, 1);
	}
}

static void count(const struct summary *summary, unsigned *listen, unsigned *met)
{
	*listen = *met = 0;
	for (int id = 0; id < ENDPOINT_COUNT; id++) {
		*listen += summary->met[id].listens;
		*met += summary->met[id].met;
	}
}

void summary_write(const struct summary *summary, FILE *out)
{
	struct page page = { .out = out, .left = SUMMARY_LINES - 1 };
	unsigned listen, met;
	count(summary, &listen, &met);
	if (listen + met == 0)
		return;
	fputs("pmulab: what happened\n", out);
	for (int id = 0; id < ENDPOINT_COUNT; id++)
		if (summary->met[id].met)
			print_met(&page, &summary->met[id], &endpoint_table[id],
				met > MANY ? ROW_LINES_MANY : ROW_LINES);
	if (met == 0)
		print_row(&page, "met",
			"nothing: the program ended before it connected or sent anything, "
			"or it went elsewhere. Are the names and ports in it the lab's? "
			"(With --loopback they are in its environment: PMULAB_HOST, "
			"PMULAB_PMU_PORT, ...)",
			ROW_LINES);
	for (enum blame blame = BLAME_PROGRAM; blame <= BLAME_NOBODY; blame++)
		print_faults(&page, summary, blame);
	if (met > 0 && !summary->wrong) {
		fputs("  the lab saw nothing wrong; it does not see what is printed\n", out);
		page.left--;
	}
	print_program(&page, summary);
	if (met > 0)
		print_unmet(&page, summary);
	print_listeners(&page, summary);
}
