/* Reads loss specifications from text, and writes them. */
#include "servers/impair/loss.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/share.h"
#include "common/wire.h"
#include "servers/impair/loss_private.h"

/* Bytes of a text with its NUL; decimals of LENGTH. */
enum { TEXT_BYTES = 2048, DECIMALS = 6 };
static const uint32_t LENGTH_MAX = 1000 * LOSS_LENGTH_ONE;

/* Reads the text behind "model:", and may change it. An error names the part that is wrong, without
   the model. */
typedef bool parse(struct loss_spec *spec, char *text, struct err *err);
typedef int format(const struct loss_spec *spec, char *text, size_t size);

static parse parse_burst, parse_gemodel, parse_state, parse_list, parse_first, parse_pattern;
static format format_random, format_burst, format_shares, format_list, format_first, format_pattern;

static const struct model {
	const char *name; /* with its colon, where text follows */
	const char *form; /* for errors */
	parse *parse;     /* NULL: parse_model reads it */
	format *format;
	unsigned shares;
} models[LOSS_MODEL_COUNT] = {
	[LOSS_NONE] = { "none", "none", NULL, NULL, 0 },
	[LOSS_RANDOM] = { "", "30%", NULL, format_random, 1 },
	[LOSS_BURST] = { "burst:", "burst:30%,4 (average, mean run)", parse_burst, format_burst,
		1 },
	[LOSS_GEMODEL] = { "gemodel:", "gemodel:p[,r[,1-h[,1-k]]]", parse_gemodel, format_shares,
		4 },
	[LOSS_STATE] = { "state:", "state:p13[,p31[,p32[,p23[,p14]]]]", parse_state, format_shares,
		5 },
	[LOSS_LIST] = { "list:", "list:1,2,5", parse_list, format_list, 0 },
	[LOSS_FIRST] = { "first:", "first:2", parse_first, format_first, 0 },
	[LOSS_PATTERN] = { "pattern:", "pattern:xx.", parse_pattern, format_pattern, 0 },
};

static const char *escape(char shown[WIRE_ESCAPED_MAX], const char *text)
{
	wire_escape(shown, text, strlen(text));
	return shown;
}

/* Cuts off the text up to the next comma. `*rest` is the text behind it, NULL at the end. */
static char *next_part(char **rest)
{
	return strsep(rest, ",");
}

static bool whole_parse(uint32_t *value, const char *text, uint32_t min, uint32_t max,
	const char *what, struct err *err)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long long parsed = strtoull(text, NULL, 10);
	if (digits > 0 && digits <= 10 && text[digits] == '\0' && parsed >= min && parsed <= max) {
		*value = (uint32_t)parsed;
		return true;
	}
	char shown[WIRE_ESCAPED_MAX];
	err_set(err, STATUS_USAGE, "\"%s\" is no %s: a whole number from %" PRIu32 " to %" PRIu32,
		escape(shown, text), what, min, max);
	return false;
}

/* Reads a number from 1 to 1000 with at most six decimals. */
static bool length_parse(uint32_t *length, const char *text, struct err *err)
{
	size_t digits = strspn(text, "0123456789"), decimals = 0;
	const char *end = text + digits;
	if (*end == '.')
		decimals = strspn(++end, "0123456789");
	if (digits > 0 && digits <= 4 && decimals <= DECIMALS && end[decimals] == '\0') {
		uint64_t value = strtoull(text, NULL, 10);
		for (size_t i = 0; i < DECIMALS; i++)
			value = 10 * value + (i < decimals ? (uint64_t)(end[i] - '0') : 0);
		if (value >= LOSS_LENGTH_ONE && value <= LENGTH_MAX) {
			*length = (uint32_t)value;
			return true;
		}
	}
	char shown[WIRE_ESCAPED_MAX];
	err_set(err, STATUS_USAGE,
		"\"%s\" is no mean run: a number from 1 to %" PRIu32 ", such as 4 or 2.5",
		escape(shown, text), LENGTH_MAX / LOSS_LENGTH_ONE);
	return false;
}

static bool parse_burst(struct loss_spec *spec, char *text, struct err *err)
{
	char *rest = text;
	const char *average = next_part(&rest), *length = next_part(&rest);
	if (!length || rest) {
		err_set(err, STATUS_USAGE, "an average and a mean run are wanted: burst:30%%,4");
		return false;
	}
	if (!share_parse(&spec->shares[0], average, err) ||
		!length_parse(&spec->length, length, err))
		return false;
	/* Between two runs at least one datagram is not lost. */
	uint64_t most = (uint64_t)SHARE_ONE * spec->length / (spec->length + LOSS_LENGTH_ONE);
	if (spec->shares[0] > most && spec->shares[0] < SHARE_ONE) {
		char share[SHARE_TEXT_MAX];
		share_format(share, (uint32_t)most);
		err_set(err, STATUS_USAGE,
			"with a mean run of %s at most %s can be lost, since one gets through "
			"between two runs",
			length, share);
		return false;
	}
	return true;
}

/* Reads 1 to `most` shares. `names` are for errors. `*count` is how many there were. */
static bool shares_parse(struct loss_spec *spec, char *text, const char *const names[],
	unsigned most, unsigned *count, struct err *err)
{
	char *rest = text;
	for (*count = 0; rest; ++*count) {
		const char *part = next_part(&rest);
		if (*count == most) {
			err_set(err, STATUS_USAGE, "there are more than %u shares", most);
			return false;
		}
		if (!share_parse(&spec->shares[*count], part, err)) {
			err_prefix(err, "%s", names[*count]);
			return false;
		}
	}
	return true;
}

/* The defaults are those of tc (iproute2's tc/q_netem.c). */
static bool parse_gemodel(struct loss_spec *spec, char *text, struct err *err)
{
	static const char *const names[] = { "p", "r", "1-h", "1-k" };
	unsigned count;
	if (!shares_parse(spec, text, names, 4, &count, err))
		return false;
	if (count < 2)
		spec->shares[1] = SHARE_ONE - spec->shares[0];
	if (count < 3)
		spec->shares[2] = SHARE_ONE;
	return true;
}

static bool parse_state(struct loss_spec *spec, char *text, struct err *err)
{
	static const char *const names[] = { "p13", "p31", "p32", "p23", "p14" };
	enum { P13, P31, P32, P23, P14 };
	unsigned count;
	if (!shares_parse(spec, text, names, 5, &count, err))
		return false;
	if (count <= P31)
		spec->shares[P31] = SHARE_ONE - spec->shares[P13];
	if (count <= P23)
		spec->shares[P23] = SHARE_ONE;
	/* The shares that leave one state must not exceed 100 % together. netem does not check
	   this, and its sums overflow. */
	static const int sums[][2] = { { P13, P14 }, { P31, P32 } };
	for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
		if (spec->shares[sums[i][0]] <= SHARE_ONE - spec->shares[sums[i][1]])
			continue;
		err_set(err, STATUS_USAGE,
			"%s and %s leave the same state, and are over 100 %% together",
			names[sums[i][0]], names[sums[i][1]]);
		return false;
	}
	return true;
}

/* The entries may come in any order, and more than once. */
static bool parse_list(struct loss_spec *spec, char *text, struct err *err)
{
	char *rest = text;
	while (rest) {
		uint32_t n, at = spec->count;
		if (!whole_parse(&n, next_part(&rest), 1, UINT32_MAX, "datagram", err))
			return false;
		while (at > 0 && spec->list[at - 1] > n)
			at--;
		if (at > 0 && spec->list[at - 1] == n)
			continue;
		if (spec->count == LOSS_LIST_MAX) {
			err_set(err, STATUS_USAGE,
				"there are more than %d datagrams; a pattern may say it",
				LOSS_LIST_MAX);
			return false;
		}
		memmove(&spec->list[at + 1], &spec->list[at],
			(spec->count - at) * sizeof spec->list[0]);
		spec->list[at] = n;
		spec->count++;
	}
	return true;
}

static bool parse_first(struct loss_spec *spec, char *text, struct err *err)
{
	return whole_parse(&spec->count, text, 0, UINT32_MAX, "number of datagrams", err);
}

static bool parse_pattern(struct loss_spec *spec, char *text, struct err *err)
{
	size_t len = strlen(text);
	char shown[WIRE_ESCAPED_MAX];
	if (len == 0 || len > LOSS_PATTERN_MAX || strspn(text, "x.") != len) {
		err_set(err, STATUS_USAGE,
			"\"%s\" is no pattern: x for a loss and . for none, at most %d of them",
			escape(shown, text), LOSS_PATTERN_MAX);
		return false;
	}
	memcpy(spec->pattern, text, len);
	spec->count = (uint32_t)len;
	return true;
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static bool parse_model(struct loss_spec *spec, char *text, struct err *err)
{
	if (strcmp(text, "none") == 0)
		return true;
	for (int m = 0; m < LOSS_MODEL_COUNT; m++) {
		const struct model *model = &models[m];
		size_t len = strlen(model->name);
		if (model->parse && strncmp(text, model->name, len - 1) == 0 &&
			text[len - 1] == '\0') {
			err_set(err, STATUS_USAGE, "something is missing behind %s; write %s", text,
				model->form);
			return false;
		}
		if (model->parse && starts_with(text, model->name)) {
			spec->model = (enum loss_model)m;
			return model->parse(spec, text + len, err);
		}
	}
	if (strspn(text, "0123456789.") > 0) {
		spec->model = LOSS_RANDOM;
		return share_parse(&spec->shares[0], text, err);
	}
	char shown[WIRE_ESCAPED_MAX];
	err_set(err, STATUS_USAGE, "there is no such loss; there are ");
	for (int m = 0; m < LOSS_MODEL_COUNT; m++)
		err_append(err, "%s%s", m > 0 ? ", " : "", models[m].form);
	err_prefix(err, "\"%s\"", escape(shown, text));
	return false;
}

bool loss_parse(struct loss_spec *spec, const char *text, struct err *err)
{
	static const char option[] = ",max-run=";
	struct loss_spec parsed = { 0 };
	char copy[TEXT_BYTES], shown[WIRE_ESCAPED_MAX];
	if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy) {
		err_set(err, STATUS_USAGE, "\"%s\" is too long", escape(shown, text));
		return false;
	}
	char *limit = strstr(copy, option);
	if (limit) {
		*limit = '\0';
		if (!whole_parse(&parsed.max_run, limit + sizeof option - 1, 1, LOSS_RUN_MAX,
			    "max-run", err))
			return false;
	}
	if (!parse_model(&parsed, copy, err)) {
		/* The error names the model. */
		if (parsed.model != LOSS_NONE && parsed.model != LOSS_RANDOM)
			err_prefix(err, "%.*s", (int)strlen(models[parsed.model].name) - 1,
				models[parsed.model].name);
		return false;
	}
	*spec = parsed;
	return true;
}

/* ---- writing ---- */

static int format_random(const struct loss_spec *spec, char *text, size_t size)
{
	char share[SHARE_TEXT_MAX];
	share_format(share, spec->shares[0]);
	return snprintf(text, size, "%s", share);
}

static int format_burst(const struct loss_spec *spec, char *text, size_t size)
{
	char share[SHARE_TEXT_MAX], length[24];
	share_format(share, spec->shares[0]);
	int end = snprintf(length, sizeof length, "%" PRIu32 ".%0*" PRIu32,
		spec->length / LOSS_LENGTH_ONE, DECIMALS, spec->length % LOSS_LENGTH_ONE);
	while (length[end - 1] == '0')
		end--;
	if (length[end - 1] == '.')
		end--;
	return snprintf(text, size, "%s,%.*s", share, end, length);
}

static int format_shares(const struct loss_spec *spec, char *text, size_t size)
{
	int used = 0;
	for (unsigned i = 0; i < models[spec->model].shares; i++) {
		char share[SHARE_TEXT_MAX];
		share_format(share, spec->shares[i]);
		used += snprintf(text + used, size - (size_t)used, "%s%s", i > 0 ? "," : "", share);
	}
	return used;
}

static int format_list(const struct loss_spec *spec, char *text, size_t size)
{
	int used = 0;
	for (uint32_t i = 0; i < spec->count; i++)
		used += snprintf(text + used, size - (size_t)used, "%s%" PRIu32, i > 0 ? "," : "",
			spec->list[i]);
	return used;
}

static int format_first(const struct loss_spec *spec, char *text, size_t size)
{
	return snprintf(text, size, "%" PRIu32, spec->count);
}

static int format_pattern(const struct loss_spec *spec, char *text, size_t size)
{
	return snprintf(text, size, "%.*s", (int)spec->count, spec->pattern);
}

void loss_format(const struct loss_spec *spec, char text[LOSS_TEXT_MAX])
{
	const struct model *model = &models[spec->model];
	int used = snprintf(text, LOSS_TEXT_MAX, "%s", model->name);
	if (model->format)
		used += model->format(spec, text + used, LOSS_TEXT_MAX - (size_t)used);
	if (spec->max_run > 0)
		used += snprintf(text + used, LOSS_TEXT_MAX - (size_t)used, ",max-run=%" PRIu32,
			spec->max_run);
	assert(used < LOSS_TEXT_MAX);
}
