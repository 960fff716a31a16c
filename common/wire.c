/*
 * The lab's texts. On a byte stream the handout gives commands no terminator and messages no
 * separator. So both parsers for streams tell after every byte what is decided so far. A datagram
 * is always a whole text.
 */
#include "common/wire.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

static const char short_name[] = "CMD_short:";
static const char flood_name[] = "CMD_floodme";
static const char message_name[] = "This is PMU data ";
static const char reset_name[] = "RESET:";
static const char offset_name[] = "OFFSET"; /* '=' or ':' follows */

enum {
	SHORT_LENGTH = sizeof short_name - 1,
	FLOOD_LENGTH = sizeof flood_name - 1,
	MESSAGE_LENGTH = sizeof message_name - 1,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The number of bytes of `name` that `data` begins with. */
static size_t common_length(const char *data, size_t len, const char *name)
{
	size_t i = 0;
	while (i < len && name[i] != '\0' && data[i] == name[i])
		i++;
	return i;
}

/* The bytes of the line end at `at`: "\n", "\r\n", or "\r", whose "\n" may still be under way. */
static size_t line_end_length(const char *data, size_t len, size_t at)
{
	size_t i = at;
	if (i < len && data[i] == '\r')
		i++;
	if (i < len && data[i] == '\n')
		i++;
	return i - at;
}

size_t wire_harmless(const char *data, size_t len, bool *more)
{
	static const char next_name[] = "CMD_", blanks[] = "\r\n \t"; /* and the NUL */
	size_t at = 0;
	while (at < len && memchr(blanks, data[at], sizeof blanks))
		at++;
	size_t common = common_length(data + at, len - at, next_name);
	bool next = common == sizeof next_name - 1;
	if (more)
		*more = next;
	return next || at + common == len ? len : at;
}

/* A command ends at command->length: sets what stands behind it. False: something that cannot. */
static bool end_command(const char *data, size_t len, struct wire_command *command)
{
	size_t end = command->length;
	command->consumed = end + line_end_length(data, len, end);
	command->bad = end + wire_harmless(data + end, len - end, &command->more);
	return command->bad == len;
}

/* The number behind "CMD_short:". */
static enum wire_verdict parse_interval(const char *data, size_t len, struct wire_command *command)
{
	size_t end = SHORT_LENGTH, digits = 0, points = 0;
	for (; end < len; end++) {
		if (is_digit(data[end]))
			digits++;
		else if (data[end] != '.' || points++ > 0)
			break;
	}
	command->bad = end;
	if (end > WIRE_COMMAND_MAX)
		return WIRE_INVALID;
	if (digits == 0)
		return end == len ? WIRE_PREFIX : WIRE_INVALID;

	/* The copy has only digits and a point, so strtod(3) sees no sign, exponent or "0x". No
	   program here calls setlocale(3), so the decimal separator is a point. */
	char number[WIRE_COMMAND_MAX + 1];
	memcpy(number, data + SHORT_LENGTH, end - SHORT_LENGTH);
	number[end - SHORT_LENGTH] = '\0';
	command->kind = WIRE_SHORT;
	command->interval = strtod(number, NULL);
	command->length = end;
	if (!end_command(data, len, command))
		return WIRE_INVALID;

	/* Another digit may follow "1"; "\n" may follow "1\r" and belongs to it. */
	bool open = end == len || (data[end] == '\r' && end + 1 == len);
	return open ? WIRE_OPEN : WIRE_COMMAND;
}

enum wire_verdict wire_parse_command(const char *data, size_t len, struct wire_command *command)
{
	if (common_length(data, len, flood_name) == FLOOD_LENGTH) {
		command->kind = WIRE_FLOOD;
		command->interval = 0;
		command->length = FLOOD_LENGTH;
		return end_command(data, len, command) ? WIRE_COMMAND : WIRE_INVALID;
	}
	if (common_length(data, len, short_name) == SHORT_LENGTH)
		return parse_interval(data, len, command);
	size_t flood = common_length(data, len, flood_name);
	size_t shorter = common_length(data, len, short_name);
	command->bad = flood > shorter ? flood : shorter;
	return command->bad == len ? WIRE_PREFIX : WIRE_INVALID;
}

size_t wire_format_message(char text[WIRE_MESSAGE_MAX], long number)
{
	return (size_t)snprintf(text, WIRE_MESSAGE_MAX, "%s%ld", message_name, number);
}

/* Writes one byte escaped. Returns the end of what it wrote. */
static char *escape(char *to, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	static const char escaped[] = "\n\r\t\\\"", letters[] = "nrt\\\"";
	const char *special = memchr(escaped, byte, sizeof escaped - 1);
	*to++ = '\\';
	if (special) {
		*to++ = letters[special - escaped];
		return to;
	}
	*to++ = 'x';
	*to++ = hex[byte >> 4];
	*to++ = hex[byte & 15];
	return to;
}

static bool is_printable(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f;
}

void wire_escape(char text[WIRE_ESCAPED_MAX], const void *data, size_t len)
{
	const unsigned char *bytes = data;
	char *to = text;
	size_t shown = len < WIRE_COMMAND_MAX ? len : WIRE_COMMAND_MAX;
	for (size_t i = 0; i < shown; i++)
		if (is_printable(bytes[i]) && bytes[i] != '\\' && bytes[i] != '"')
			*to++ = (char)bytes[i];
		else
			to = escape(to, bytes[i]);
	memcpy(to, shown < len ? "..." : "", shown < len ? 4 : 1);
}

/* Whether a terminal only shows this character of `len` bytes. It obeys ASCII's control characters;
   some terminals also obey U+0080 to U+009F. U+2028 to U+202E and U+2066 to U+2069 end lines and
   change the direction of writing. The backslash must be escaped too. */
static bool is_sign(const unsigned char *c, size_t len)
{
	switch (len) {
	case 0:
		return false;
	case 1:
		return is_printable(*c) && *c != '\\';
	case 2:
		return c[0] != 0xc2 || c[1] >= 0xa0;
	case 3:
		return c[0] != 0xe2 || !((c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) ||
			(c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
	default:
		return true;
	}
}

void wire_show(char text[WIRE_SHOWN_MAX], const void *data, size_t len)
{
	const unsigned char *bytes = data;
	char *to = text;
	size_t at = 0;
	while (at < len) {
		size_t character = utf8_character(bytes + at, len - at),
		       count = character > 0 ? character : 1;
		if (at + count > WIRE_SHOWN)
			break;
		if (is_sign(bytes + at, character)) {
			memcpy(to, bytes + at, count);
			to += count;
		} else {
			for (size_t i = 0; i < count; i++)
				to = escape(to, bytes[at + i]);
		}
		at += count;
	}
	memcpy(to, at < len ? "..." : "", at < len ? 4 : 1);
}

void wire_splitter_init(struct wire_splitter *splitter)
{
	*splitter = (struct wire_splitter){ .expected = -1 };
}

static void hold(struct wire_splitter *splitter, char c)
{
	splitter->held[splitter->length++] = c;
	splitter->held[splitter->length] = '\0';
}

/* The stream is not PMU messages. Holds as much of the rest as fits, for the error's text. */
static size_t give_up(struct wire_splitter *splitter, const char *data, size_t len)
{
	splitter->broken = true;
	for (size_t i = 0; i < len && splitter->length < WIRE_MESSAGE_MAX - 1; i++)
		hold(splitter, data[i]);
	return len;
}

/* `held` is complete: the message with this number. */
static void finish_message(struct wire_splitter *splitter, long number)
{
	splitter->whole = true;
	splitter->count++;
	splitter->expected = number + 1;
}

/* Reads the first message. Its number is not known, so it ends where the next message begins. */
static size_t feed_first(struct wire_splitter *splitter, const char *data, size_t len)
{
	const char *number = splitter->held + MESSAGE_LENGTH;
	for (size_t i = 0; i < len; i++) {
		if (splitter->length < MESSAGE_LENGTH) {
			if (data[i] != message_name[splitter->length])
				return i + give_up(splitter, data + i, len - i);
			hold(splitter, data[i]);
		} else if (is_digit(data[i]) && strtol(number, NULL, 10) < LONG_MAX / 10 - 1) {
			hold(splitter, data[i]);
			if (number[0] == '0') { /* numbers have no leading zeros */
				finish_message(splitter, 0);
				return i + 1;
			}
		} else if (data[i] == message_name[0] && splitter->length > MESSAGE_LENGTH) {
			finish_message(splitter, strtol(number, NULL, 10));
			return i;
		} else {
			return i + give_up(splitter, data + i, len - i);
		}
	}
	return len;
}

/* Reads any later message, whose text is known. */
static size_t feed_expected(struct wire_splitter *splitter, const char *data, size_t len)
{
	char text[WIRE_MESSAGE_MAX];
	size_t length = wire_format_message(text, splitter->expected);
	for (size_t i = 0; i < len; i++) {
		if (data[i] != text[splitter->length])
			return i + give_up(splitter, data + i, len - i);
		hold(splitter, data[i]);
		if (splitter->length == length) {
			finish_message(splitter, splitter->expected);
			return i + 1;
		}
	}
	return len;
}

size_t wire_splitter_feed(struct wire_splitter *splitter, const char *data, size_t len,
	bool *complete)
{
	*complete = false;
	if (splitter->broken || len == 0)
		return len;
	if (splitter->whole) {
		splitter->whole = false;
		splitter->length = 0;
		splitter->held[0] = '\0';
	}
	size_t taken = splitter->expected < 0 ? feed_first(splitter, data, len)
					      : feed_expected(splitter, data, len);
	*complete = splitter->whole;
	return taken;
}

bool wire_splitter_end(struct wire_splitter *splitter)
{
	if (splitter->broken || splitter->whole || splitter->length == 0)
		return false;
	if (splitter->expected < 0 && splitter->length > MESSAGE_LENGTH) {
		finish_message(splitter, strtol(splitter->held + MESSAGE_LENGTH, NULL, 10));
		return true;
	}
	splitter->broken = true;
	return false;
}

/* Reads a decimal number up to WIRE_OFFSET_MAX, which must fill the datagram, except for a line
   end. */
static bool parse_offset_number(const char *data, size_t len, long *number)
{
	if (len > 0 && data[len - 1] == '\n')
		len -= len > 1 && data[len - 2] == '\r' ? 2 : 1;
	if (len == 0 || (data[0] == '0' && len > 1))
		return false;
	long value = 0;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(data[i]))
			return false;
		value = 10 * value + (data[i] - '0');
		if (value > WIRE_OFFSET_MAX)
			return false;
	}
	*number = value;
	return true;
}

bool wire_parse_reset(const char *data, size_t len, long *n)
{
	size_t name = sizeof reset_name - 1;
	return common_length(data, len, reset_name) == name &&
	       parse_offset_number(data + name, len - name, n);
}

bool wire_parse_offset(const char *data, size_t len, long *x)
{
	size_t name = sizeof offset_name - 1;
	if (common_length(data, len, offset_name) != name || len == name)
		return false;
	if (data[name] != '=' && data[name] != ':')
		return false;
	return parse_offset_number(data + name + 1, len - name - 1, x);
}

size_t wire_format_reset(char text[WIRE_OFFSET_TEXT_MAX], long n)
{
	assert(n >= 0 && n <= WIRE_OFFSET_MAX);
	return (size_t)snprintf(text, WIRE_OFFSET_TEXT_MAX, "%s%ld", reset_name, n);
}

size_t wire_format_offset(char text[WIRE_OFFSET_TEXT_MAX], char separator, long x)
{
	assert(x >= 0 && x <= WIRE_OFFSET_MAX);
	return (size_t)snprintf(text, WIRE_OFFSET_TEXT_MAX, "%s%c%ld", offset_name, separator, x);
}
