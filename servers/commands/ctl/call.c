/* What the commands of `pmulab ctl` share: their command line, one request to the lab, and printing
   the answer. */
#include "servers/commands/ctl/ctl_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"

/* Seconds to wait for an answer. A lab answers at once, unless it was stopped (Ctrl-Z). */
static const double ANSWER_SECONDS = 5;
enum { ANSWER_MAX = 16 << 20 }; /* bytes; a lab sends at most about 100 KiB */

/* ---- the command line ---- */

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	struct ctl *ctl = context;
	switch (id) {
	case CTL_OPTION_CONTROL:
		ctl->lab.socket = value;
		return true;
	case CTL_OPTION_URL:
		ctl->lab.url = value;
		return true;
	case CTL_OPTION_JSON:
		ctl->json = true;
		return true;
	default:
		return ctl->on_option(ctl->context, id, value, err);
	}
}

bool ctl_begin(struct ctl *ctl, const struct cli *cli, int argc, char **argv, int least, int most,
	const char *wanted, int *status)
{
	struct err err = { 0 };
	int operands = 0;
	ctl->cli = cli;
	*status = STATUS_OK;
	enum cli_result result = cli_parse(cli, argc, argv, on_option, ctl, &operands, &err);
	ctl->operands = argv + operands;
	ctl->count = argc - operands;
	if (result == CLI_RUN && ctl->count < least) {
		err_set(&err, STATUS_USAGE, "%s is missing; see %s --help", wanted, cli->program);
		result = CLI_ERROR;
	} else if (result == CLI_RUN && ctl->count > most) {
		err_set(&err, STATUS_USAGE, "\"%s\" is too much; see %s --help",
			ctl->operands[most], cli->program);
		result = CLI_ERROR;
	} else if (result == CLI_RUN && ctl->lab.socket && ctl->lab.url) {
		err_set(&err, STATUS_USAGE, "--control or --url, not both");
		result = CLI_ERROR;
	}
	const char *url = getenv("PMULAB_URL");
	if (!ctl->lab.socket && !ctl->lab.url && url && *url)
		ctl->lab.url = url;
	if (result == CLI_ERROR)
		*status = cli_fail(cli->program, &err);
	return result == CLI_RUN;
}

/* ---- one request ---- */

struct memory {
	char *text;
	size_t len, size;
};

static bool keep(void *context, const char *data, size_t len)
{
	struct memory *memory = context;
	if (memory->len + len > ANSWER_MAX)
		return false;
	if (memory->len + len >= memory->size) {
		memory->size = 2 * (memory->len + len) + 1;
		char *text = realloc(memory->text, memory->size);
		if (!text)
			return false;
		memory->text = text;
	}
	memcpy(memory->text + memory->len, data, len);
	memory->len += len;
	memory->text[memory->len] = '\0';
	return true;
}

static bool print(void *context, const char *data, size_t len)
{
	return fwrite(data, 1, len, stdout) == len;
}

const char *ctl_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));
	return text ? text : "";
}

static bool is_plain(const char *text)
{
	while (*text >= ' ' && *text <= '~')
		text++;
	return *text == '\0';
}

void ctl_show_safely(char **text)
{
	if (is_plain(*text))
		return;
	char *shown = malloc(WIRE_SHOWN_MAX);
	if (shown)
		wire_show(shown, *text, strlen(*text));
	free(*text);
	*text = shown;
}

/* Escapes all texts of an answer: another program than a lab may have sent it. */
static void show_all_safely(json_t *value)
{
	char *text;
	const char *name;
	json_t *item;
	size_t i;
	switch (json_typeof(value)) {
	case JSON_STRING:
		if ((text = strdup(json_string_value(value))))
			ctl_show_safely(&text);
		json_string_set(value, text ? text : "");
		free(text);
		break;
	case JSON_ARRAY:
		json_array_foreach(value, i, item)
			show_all_safely(item);
		break;
	case JSON_OBJECT:
		json_object_foreach(value, name, item)
			show_all_safely(item);
		break;
	default:
		break;
	}
}

static void tell_refusal(const struct ctl *ctl, const json_t *refusal)
{
	struct err err = { .status = STATUS_FAILED };
	const char *key = ctl_text(refusal, "key"), *hint = ctl_text(refusal, "hint");
	json_int_t step = json_integer_value(json_object_get(refusal, "step"));
	err_set(&err, STATUS_FAILED, "%s%s%s%s%s", key, *key ? ": " : "",
		ctl_text(refusal, "error"), *hint ? "; " : "", hint);
	if (step > 0)
		err_prefix(&err, "step %d", (int)step);
	cli_fail(ctl->cli->program, &err);
}

int ctl_refused(const struct ctl *ctl, const struct ctl_answer *answer)
{
	json_t *refusal = json_loadb(answer->refusal, answer->refusal_len, 0, NULL);
	const json_t *errors = json_object_get(refusal, "errors");
	if (refusal)
		show_all_safely(refusal);
	if (!json_is_object(refusal)) {
		struct err err;
		err_set(&err, STATUS_FAILED, "the lab answered %u", answer->status);
		cli_fail(ctl->cli->program, &err);
	} else if (json_array_size(errors) > 0) {
		for (size_t i = 0; i < json_array_size(errors); i++)
			tell_refusal(ctl, json_array_get(errors, i));
	} else {
		tell_refusal(ctl, refusal);
	}
	json_decref(refusal);
	return STATUS_FAILED;
}

static int show_answer(const struct ctl *ctl, const struct memory *memory,
	void (*show)(const struct ctl *ctl, const json_t *answer))
{
	struct err err;
	json_t *answer = json_loadb(memory->text ? memory->text : "", memory->len, 0, NULL);
	if (!json_is_object(answer)) {
		json_decref(answer);
		err_set(&err, STATUS_FAILED, "the lab's answer is no JSON object");
		return cli_fail(ctl->cli->program, &err);
	}
	if (ctl->json) {
		printf("%s\n", memory->text);
	} else {
		show_all_safely(answer);
		show(ctl, answer);
	}
	json_decref(answer);
	return cli_flush(&err) ? STATUS_OK : cli_fail(ctl->cli->program, &err);
}

int ctl_run(const struct ctl *ctl, const char *method, const char *target, json_t *body,
	void (*show)(const struct ctl *ctl, const json_t *answer))
{
	struct err err = { 0 };
	struct memory memory = { 0 };
	static struct ctl_answer answer;
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	const struct ctl_request request = { .method = method, .target = target, .body = text,
		.timeout = ANSWER_SECONDS, .on_body = keep, .context = &memory };
	int status;
	if (!ctl_ask(&ctl->lab, &request, &answer, &err))
		status = cli_fail(ctl->cli->program, &err);
	else if (answer.status / 100 != 2)
		status = ctl_refused(ctl, &answer);
	else
		status = show_answer(ctl, &memory, show);
	json_decref(body);
	free(text);
	free(memory.text);
	return status;
}

int ctl_copy(const struct ctl *ctl, const char *target)
{
	struct err err = { 0 };
	static struct ctl_answer answer;
	const struct ctl_request request = { .method = "GET",
		.target = target,
		.timeout = ANSWER_SECONDS,
		.on_body = print };
	if (!ctl_ask(&ctl->lab, &request, &answer, &err))
		return cli_fail(ctl->cli->program, &err);
	if (answer.status / 100 != 2)
		return ctl_refused(ctl, &answer);
	return cli_flush(&err) ? STATUS_OK : cli_fail(ctl->cli->program, &err);
}
