/* Reads the journal, the capture and the clients' objects, calls the function of each question, and
   prints the answers as text or as one JSON object a line. */
#include "servers/commands/answers/answers.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/commands/answers/questions.h"

enum { OPTION_JSON = CLI_FIRST, OPTION_CAPTURE, OPTION_CLIENT };
enum { WIDTH = 100, INDENT = 5 };

static const struct cli_option options[] = {
	{ OPTION_JSON, 0, "json", NULL, "one object a line, for programs" },
	{ OPTION_CAPTURE, 0, "capture", "FILE",
		"count the packets in this capture (pcap, pcapng) too" },
	{ OPTION_CLIENT, 0, "client", "FILE",
		"what clients printed with --json, one object a line; repeats" },
	CLI_COMMON,
};

const struct cli answers_cli = {
	.program = "pmulab answers",
	.summary = "what a run says about the questions of the report",
	.usage = "EVENTS.ndjson [--json] [--capture FILE] [--client FILE]...",
	.about =
		"For each question of the lab's report that can be measured: the number that a run "
		"shows, the\n"
		"lines of its events that show it, and why; or what to run to find out. - reads "
		"the events\n"
		"from stdin.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.notes =
		"Where a question was run several times, the last time counts, and the range is "
		"told where they\n"
		"differ. A program of your own may write an object for --client too:\n"
		"  {\"command\":\"CMD_floodme\",\"recv_calls\":71,\"buffer\":16}\n"
		"Each object of --json has\n"
		"  question  \"Q9\"\n"
		"  asks      what it asks for, in half a line\n"
		"  answer    text; null where the run shows nothing of it\n"
		"  why       a sentence; null without an answer\n"
		"  value     the numbers in it, by question: docs/answers.md; null without\n"
		"  notes     texts\n"
		"  lines     of the events that show it, counted from 1\n"
		"  capture   \"agrees\", \"differs\", \"absent\" (it does not have the "
		"connection); null without one\n"
		"  run       what to run for what is missing; null where nothing is",
	.examples =
		"pmulab answers lab.ndjson\n"
		"pmulab answers lab.ndjson --capture lab.pcap --client client.json\n"
		"pmulab answers lab.ndjson --json | jq -r 'select(.question == "
		"\"Q9\").value.messages'",
	.exit_status =
		"0 done, 1 stdout cannot be written, 2 wrong usage, or a file that cannot be read "
		"or is\n"
		"not what it should be.",
};

struct answers {
	struct facts facts;
	struct capture_streams capture;
	const char *capture_path;
	bool json;
};

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	struct answers *answers = context;
	switch (id) {
	case OPTION_JSON:
		answers->json = true;
		return true;
	case OPTION_CAPTURE:
		answers->capture_path = value;
		return true;
	case OPTION_CLIENT:
		return facts_read_client(&answers->facts, answers_cli.program, value, err);
	}
	return true;
}

/* ---- printing ---- */

/* Prints the words in lines of at most WIDTH columns behind INDENT blanks. A longer word is not
   cut. */
static void print_wrapped(const char *text)
{
	int column = 0;
	while (*text) {
		int len = (int)strcspn(text, " ");
		if (column > 0 && column + 1 + len > WIDTH) {
			putchar('\n');
			column = 0;
		}
		column += column > 0 ? printf(" %.*s", len, text)
				     : printf("%*s%.*s", INDENT, "", len, text);
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

/* " (line 41)", " (lines 20, 41, 43)" */
static void print_lines(const json_t *lines)
{
	size_t count = json_array_size(lines);
	for (size_t i = 0; i < count; i++)
		printf("%s%" JSON_INTEGER_FORMAT, i > 0 ? ", " : count > 1 ? " (lines " : " (line ",
			json_integer_value(json_array_get(lines, i)));
	if (count > 0)
		putchar(')');
}

/* An answer of several lines stands below its question, a short one beside its name. */
static void print_answer(const struct question *question, const char *text, const json_t *lines)
{
	bool several = strchr(text, '\n');
	printf("%-*s%s", INDENT, question->name, several ? question->asks : text);
	print_lines(lines);
	putchar('\n');
	while (several && *text) {
		int len = (int)strcspn(text, "\n");
		printf("%*s%.*s\n", INDENT, "", len, text);
		text += len + (text[len] == '\n');
	}
}

static void print_for_people(const struct question *question, const struct answer *answer,
	const char *text)
{
	if (*text) {
		print_answer(question, text, answer->lines);
		print_wrapped(answer->why);
	} else {
		printf("%-*s%s: nothing of it in this run\n", INDENT, question->name,
			question->asks);
	}
	for (size_t i = 0; i < json_array_size(answer->notes); i++)
		print_wrapped(json_string_value(json_array_get(answer->notes, i)));
	if (!*text || answer->partly)
		printf("%*s%s: %s\n", INDENT, "", *text ? "for the rest" : "run", answer->run);
}

static bool print_json(const struct question *question, const struct answer *answer,
	const char *text)
{
	const char *shown = *text ? text : NULL;
	json_t *object = json_pack("{s:s, s:s, s:s?, s:s?, s:O?, s:O, s:O, s:s?, s:s?}", "question",
		question->name, "asks", question->asks, "answer", shown, "why",
		shown ? answer->why : NULL, "value", answer->value, "notes", answer->notes, "lines",
		answer->lines, "capture", answer->capture, "run",
		!shown || answer->partly ? answer->run : NULL);
	if (!object)
		return false;
	bool done = json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0;
	putchar('\n');
	json_decref(object);
	return done;
}

static bool ask(const struct question *question, const struct answers *answers, struct err *err)
{
	struct evidence evidence = { &answers->facts,
		answers->capture_path ? &answers->capture : NULL };
	struct answer answer = { .run = question->run, .why = question->why };
	char *text = NULL;
	size_t size;
	answer.notes = json_array();
	answer.lines = json_array();
	answer.text = open_memstream(&text, &size);
	bool done = answer.text && answer.notes && answer.lines;
	if (done) {
		question->answer(&answer, &evidence);
		done = !answer.out_of_memory;
	}
	if (answer.text)
		done = fclose(answer.text) == 0 && done;
	if (done && answers->json)
		done = print_json(question, &answer, text);
	else if (done)
		print_for_people(question, &answer, text);
	if (!done)
		err_set(err, STATUS_FAILED, "out of memory");
	json_decref(answer.value);
	json_decref(answer.notes);
	json_decref(answer.lines);
	free(text);
	return done;
}

/* ---- the command ---- */

/* Warns once, and not with every answer, of what the files lack. */
static void warn(const struct answers *answers, const char *path)
{
	const struct capture_streams *capture = &answers->capture;
	const char *program = answers_cli.program;
	if (answers->facts.missing > 0)
		fprintf(stderr, "%s: %" PRIu64 " events are missing in %s\n", program,
			answers->facts.missing, path);
	if (*capture->trouble)
		fprintf(stderr, "%s: %s: %s\n", program, answers->capture_path, capture->trouble);
	else if (answers->capture_path && capture->frames == 0)
		fprintf(stderr,
			"%s: %s: there is no packet in it; a capture by `pmulab run` does not see "
			"the endpoints of --local\n",
			program, answers->capture_path);
	if (capture->malformed > 0)
		fprintf(stderr,
			"%s: %s: the headers of %" PRIu64
			" frames are cut or wrong; they are left out\n",
			program, answers->capture_path, capture->malformed);
	if (capture->fragments > 0)
		fprintf(stderr, "%s: %s: %" PRIu64 " fragments of IP are left out\n", program,
			answers->capture_path, capture->fragments);
	if (capture->left_out > 0)
		fprintf(stderr,
			"%s: %s: %" PRIu64
			" packets are left out: more than %d connections, or %d packets\n",
			program, answers->capture_path, capture->left_out, CAPTURE_STREAMS_MAX,
			CAPTURE_PACKETS_MAX);
}

static bool answer_all(struct answers *answers, const char *path, struct err *err)
{
	/* Any error in a file that the user named is wrong usage. */
	if (!facts_read_journal(&answers->facts, answers_cli.program, path, err) ||
		(answers->capture_path &&
			!capture_read(&answers->capture, answers->capture_path, err))) {
		err->status = STATUS_USAGE;
		return false;
	}
	warn(answers, path);
	for (size_t i = 0; i < question_count; i++)
		if (!ask(&questions[i], answers, err))
			return false;
	return cli_flush(err);
}

int command_answers(int argc, char **argv)
{
	struct err err = { 0 };
	struct answers answers = { 0 };
	int operands = 0;
	facts_init(&answers.facts);
	enum cli_result result =
		cli_parse(&answers_cli, argc, argv, on_option, &answers, &operands, &err);
	bool done = result == CLI_DONE;
	if (result == CLI_ERROR) {
		err.status = STATUS_USAGE;
	} else if (result == CLI_RUN && argc - operands != 1) {
		err_set(&err, STATUS_USAGE, "one file of events is wanted; see %s --help",
			answers_cli.program);
	} else if (result == CLI_RUN) {
		done = answer_all(&answers, argv[operands], &err);
	}
	facts_finish(&answers.facts);
	capture_streams_finish(&answers.capture);
	return done ? STATUS_OK : cli_fail(answers_cli.program, &err);
}
