/*
 * Reads and writes each kind of value: numbers with units, words, paths, texts. A printed value
 * reads back as the same value (common/quantity.h).
 */
#include "servers/config/keys.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/quantity.h"
#include "common/share.h"

static const struct quantity_unit no_units[] = { { "", 1 }, { NULL, 0 } };
static const struct quantity_unit byte_units[] = { { "", 1 }, { "B", 1 }, { "KiB", KIB(1) },
	{ "MiB", MIB(1) }, { "GiB", MIB(1024) }, { NULL, 0 } };
static const struct quantity_unit factor_units[] = { { "", CONFIG_MICRO }, { NULL, 0 } };

/* Those with an even index mean no. */
static const char *const yes_no_words[] = { "no", "yes", "false", "true", "off", "on", "0", "1",
	NULL };

static const struct kind {
	const char *noun;
	const char *hint;         /* behind the range in an error */
	const struct quantity_unit *units; /* NULL: not a number */
	bool fraction;            /* a decimal point is allowed */
} kinds[KIND_COUNT] = {
	[KIND_INTEGER] = { "a whole number", "", no_units, false },
	[KIND_BYTES] = { "a number of bytes", " (units: KiB, MiB, GiB)", byte_units, true },
	[KIND_DURATION] = { "a duration", " (units: us, ms, s, m, h; without one: s)",
		quantity_durations, true },
	[KIND_FACTOR] = { "a factor", " (at most six decimals)", factor_units, true },
	[KIND_YES_NO] = { "yes or no", "", NULL, false },
	[KIND_CHOICE] = { "one of ", "", NULL, false },
	[KIND_SHARE] = { "a share", "", NULL, false },
	[KIND_PATH] = { "a path", "", NULL, false },
	[KIND_TEXT] = { "a text", "", NULL, false },
};

static bool word_parse(const char *const *words, const char *text, int64_t *index)
{
	for (int i = 0; words[i]; i++) {
		if (strcasecmp(words[i], text) == 0) {
			*index = i;
			return true;
		}
	}
	return false;
}

/* Writes what the key takes, for an error: "a duration from 0 to 200ms, or none". */
static void value_describe(const struct config_row *row, char *text, size_t size)
{
	const struct kind *kind = &kinds[row->kind];
	int used = snprintf(text, size, "%s", kind->noun);
	if (kind->units) {
		char min[32], max[32];
		config_value_format(row, &(struct config_value){ .number = row->min }, min,
			sizeof min);
		config_value_format(row, &(struct config_value){ .number = row->max }, max,
			sizeof max);
		snprintf(text + used, size - (size_t)used, " from %s to %s%s%s%s%s", min, max,
			row->zero ? ", or 0" : "", row->never ? ", or " : "",
			row->never ? row->never : "", kind->hint);
	} else if (row->choices) {
		config_value_range(row, text + used, size - (size_t)used);
	}
}

static bool value_read(const struct config_row *row, const char *text, struct config_value *value)
{
	switch (row->kind) {
	case KIND_YES_NO:
		if (!word_parse(yes_no_words, text, &value->number))
			return false;
		value->number &= 1;
		return true;
	case KIND_CHOICE:
		return word_parse(row->choices, text, &value->number);
	case KIND_PATH:
	case KIND_TEXT:
		return strlen(text) < CONFIG_PATH_MAX;
	default:
		if (row->never && (strcasecmp(text, "none") == 0 || strcasecmp(text, "off") == 0)) {
			value->number = CONFIG_NEVER;
			return true;
		}
		const struct kind *kind = &kinds[row->kind];
		if (!quantity_parse(kind->units, kind->fraction, text, &value->number))
			return false;
		return (value->number >= row->min && value->number <= row->max) ||
			(row->zero && value->number == 0);
	}
}

bool config_value_parse(const struct config_row *row, const char *text, struct config_value *value,
	struct err *err)
{
	*value = (struct config_value){ 0 };
	if (row->kind == KIND_SHARE) {
		uint32_t share = 0;
		bool done = share_parse(&share, text, err);
		value->number = share;
		return done;
	}
	if (!value_read(row, text, value)) {
		char shown[CONFIG_SHOWN_MAX], wanted[160];
		config_escape(shown, sizeof shown, text);
		if (row->kind == KIND_PATH)
			snprintf(wanted, sizeof wanted, "a path of at most %d bytes",
				CONFIG_PATH_MAX - 1);
		else
			value_describe(row, wanted, sizeof wanted);
		err_set(err, STATUS_USAGE, "\"%s\" is not %s", shown, wanted);
		return false;
	}
	if (row->check && !row->check(text, err))
		return false;
	if ((row->kind == KIND_PATH || row->kind == KIND_TEXT) && !(value->text = strdup(text))) {
		err_set(err, STATUS_FAILED, "out of memory");
		return false;
	}
	return true;
}

/* Writes number / unit as an exact decimal fraction without trailing zeros. `unit` is a power of
   ten. */
static void fraction_format(char *text, size_t size, int64_t number, int64_t unit, const char *name)
{
	int64_t rest = number % unit;
	int decimals = 0;
	for (int64_t u = unit; u > 1; u /= 10)
		decimals++;
	while (decimals > 0 && rest % 10 == 0) {
		rest /= 10;
		decimals--;
	}
	if (decimals == 0)
		snprintf(text, size, "%" PRId64 "%s", number / unit, name);
	else
		snprintf(text, size, "%" PRId64 ".%0*" PRId64 "%s", number / unit, decimals, rest,
			name);
}

void config_value_format(const struct config_row *row, const struct config_value *value, char *text,
	size_t size)
{
	int64_t number = value->number;
	if (number == CONFIG_NEVER) {
		snprintf(text, size, "%s", row->never);
		return;
	}
	switch (row->kind) {
	case KIND_BYTES:
		/* KiB are read but not written: 57344 is the number that people know, not 56KiB. */
		if (number >= MIB(1024) && number % MIB(1024) == 0)
			snprintf(text, size, "%" PRId64 "GiB", number / MIB(1024));
		else if (number >= MIB(1) && number % MIB(1) == 0)
			snprintf(text, size, "%" PRId64 "MiB", number / MIB(1));
		else
			snprintf(text, size, "%" PRId64, number);
		break;
	case KIND_DURATION:
		if (number == 0)
			snprintf(text, size, "0");
		else if (number >= SECONDS(1))
			fraction_format(text, size, number, SECONDS(1), "s");
		else if (number >= MILLI(1))
			fraction_format(text, size, number, MILLI(1), "ms");
		else
			fraction_format(text, size, number, 1, "us");
		break;
	case KIND_FACTOR:
		fraction_format(text, size, number, CONFIG_MICRO, "");
		break;
	case KIND_YES_NO:
		snprintf(text, size, "%s", yes_no_words[number]);
		break;
	case KIND_CHOICE:
		snprintf(text, size, "%s", row->choices[number]);
		break;
	case KIND_SHARE: {
		char share[SHARE_TEXT_MAX];
		share_format(share, (uint32_t)number);
		snprintf(text, size, "%s", share);
		break;
	}
	case KIND_PATH:
	case KIND_TEXT:
		snprintf(text, size, "%s", value->text);
		break;
	default:
		snprintf(text, size, "%" PRId64, number);
	}
}

void config_value_range(const struct config_row *row, char *text, size_t size)
{
	text[0] = '\0';
	if (kinds[row->kind].units) {
		char min[32], max[32];
		config_value_format(row, &(struct config_value){ .number = row->min }, min,
			sizeof min);
		config_value_format(row, &(struct config_value){ .number = row->max }, max,
			sizeof max);
		snprintf(text, size, "%s%s..%s%s%s", row->zero ? "0|" : "", min, max,
			row->never ? "|" : "", row->never ? row->never : "");
	} else if (row->choices) {
		for (int i = 0, used = 0; row->choices[i]; i++)
			used += snprintf(text + used, size - (size_t)used, "%s%s", i > 0 ? "|" : "",
				row->choices[i]);
	} else {
		const char *const words[KIND_COUNT] = { [KIND_PATH] = "path",
			[KIND_YES_NO] = "yes|no",
			[KIND_SHARE] = "0%..100%",
			[KIND_TEXT] = row->range };
		snprintf(text, size, "%s", words[row->kind]);
	}
}

void config_escape(char *text, size_t size, const char *from)
{
	static const char letters[] = "n\nr\rt\t\"\"\\\\";
	assert(size > 16);
	size_t used = 0;
	for (; *from; from++) {
		unsigned char c = (unsigned char)*from;
		/* The text is not cut inside a UTF-8 character. */
		bool middle = (c & 0xc0) == 0x80;
		if (used + (middle ? 5 : 8) > size) {
			snprintf(text + used, size - used, "...");
			return;
		}
		const char *letter = NULL;
		for (size_t i = 1; i < sizeof letters; i += 2)
			if (letters[i] == *from)
				letter = &letters[i - 1];
		if (letter)
			used += (size_t)snprintf(text + used, size - used, "\\%c", *letter);
		else if (c < 0x20 || c == 0x7f)
			used += (size_t)snprintf(text + used, size - used, "\\x%02x", c);
		else
			text[used++] = *from;
	}
	text[used] = '\0';
}
