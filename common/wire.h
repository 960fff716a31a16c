/*
 * The only place that knows the lab's texts: "CMD_short:d", "CMD_floodme", "This is PMU data i" on
 * streams, "RESET:n", "OFFSET=X" and six-byte IDs in datagrams. Pure functions over bytes, for
 * servers and clients.
 */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	WIRE_COMMAND_MAX = 64,    /* bytes; a longer text is never a command */
	WIRE_MESSAGE_MAX = 48,    /* bytes of "This is PMU data <number>" with its NUL */
	WIRE_ESCAPED_MAX = 4 * WIRE_COMMAND_MAX + 4, /* bytes of an escaped excerpt with its NUL */
	/* bytes of a peer's text that are shown: what an Ethernet frame takes of a datagram */
	WIRE_SHOWN = 1472,
	WIRE_SHOWN_MAX = 4 * WIRE_SHOWN + 4, /* bytes of what is shown with its NUL */
};

/* The limits on d: one interval, and the whole stream of n messages. Seconds. */
#define WIRE_INTERVAL_MAX 3600.0
#define WIRE_STREAM_MAX 86400.0

enum wire_verdict {
	WIRE_PREFIX,   /* may become a command when more comes */
	WIRE_COMMAND,  /* is a command, and nothing that follows can change it */
	/* is a command, but a digit that follows would change its number ("CMD_short:1") */
	WIRE_OPEN,
	WIRE_INVALID,  /* can no longer become one */
};

struct wire_command {
	enum { WIRE_SHORT, WIRE_FLOOD } kind;
	double interval; /* d in seconds */
	size_t length;   /* bytes of the command itself */
	size_t consumed; /* the same with the line end ("\n" or "\r\n") that followed it */
};

/*
 * Reads a command from the start of `data`. `command` is filled for WIRE_COMMAND and WIRE_OPEN.
 * Bytes behind `consumed` are the caller's to note. d is digits with at most one point among or
 * around them ("0", "1", "0.25", ".5", "2."); no sign, no exponent, no space.
 */
enum wire_verdict wire_parse_command(const char *data, size_t len, struct wire_command *command);

/* Writes "This is PMU data <number>" and a NUL. Returns its length without the NUL. */
size_t wire_format_message(char text[WIRE_MESSAGE_MAX], long number);

/*
 * Writes at most WIRE_COMMAND_MAX bytes of `data` printable: ASCII as it is, the rest and the
 * backslash and the quote escaped (\n, \r, \t, \\, \", \x1b), "..." when it was cut.
 * NUL-terminated.
 */
void wire_escape(char text[WIRE_ESCAPED_MAX], const void *data, size_t len);

/*
 * Writes at most WIRE_SHOWN bytes of what somebody has said, to be read: UTF-8 as it is; escaped
 * what a terminal would obey (control characters, those that turn the direction of writing or end a
 * line), what is no UTF-8, and the backslash (\n, \r, \t, \\, \x1b, \xe2\x80\xae). "..." when it
 * was cut, between characters. NUL-terminated.
 */
void wire_show(char text[WIRE_SHOWN_MAX], const void *data, size_t len);

/*
 * Cuts a byte stream into PMU messages, however it arrives. The messages' numbers follow each
 * other, so after the first one each end is known at once; where the first number ends is known
 * when the next message begins or the stream ends (or at once, when it is 0).
 */
struct wire_splitter {
	char held[WIRE_MESSAGE_MAX]; /* the message under way */
	size_t length;
	long expected; /* number of the message under way; -1: the first, not known yet */
	long count;    /* messages complete */
	bool whole;    /* `held` is complete; the next byte begins the next message */
	bool broken;   /* the stream is not PMU messages; nothing more is split */
};

void wire_splitter_init(struct wire_splitter *splitter);

/* Takes bytes up to the end of one message; returns how many it took. `*complete`: `held` is a
   whole message now, to be used before the next call. When `broken` is set, `held` shows what was
   seen. */
size_t wire_splitter_feed(struct wire_splitter *splitter, const char *data, size_t len,
	bool *complete);

/* The stream has ended: returns true when a first message was still open, which is complete now. A
   message cut in the middle sets `broken`. */
bool wire_splitter_end(struct wire_splitter *splitter);

/* Datagrams: each is one whole text, nothing has to be searched for. */
enum {
	WIRE_ID_BYTES = 6,         /* part 4: whose datagram it is; the text follows at once */
	WIRE_OFFSET_MAX = 86400,   /* seconds: the largest n, and so the largest X */
	WIRE_OFFSET_TEXT_MAX = 16, /* bytes of "RESET:<n>" or "OFFSET=<X>" with its NUL */
};

/* What the deployed servers answer to anything but RESET:n. */
#define WIRE_WRONG_COMMAND "Wrong command."

/*
 * "RESET:<n>" and "OFFSET=<X>" (also "OFFSET:<X>", which the deployed servers sent), with at most
 * one line end ("\n" or "\r\n") behind it. Numbers are 0 to WIRE_OFFSET_MAX, decimal: no sign, no
 * space, no leading zero, so that each has one text. False: it is something else, and the number is
 * left alone.
 */
bool wire_parse_reset(const char *data, size_t len, long *n);
bool wire_parse_offset(const char *data, size_t len, long *x);

/* Write the text and a NUL; the number is in range. `separator` is '=' or ':'. They return the
   length without the NUL. */
size_t wire_format_reset(char text[WIRE_OFFSET_TEXT_MAX], long n);
size_t wire_format_offset(char text[WIRE_OFFSET_TEXT_MAX], char separator, long x);

#endif
