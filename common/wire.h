/*
 * The lab's texts, which only this file knows: "CMD_short:d", "CMD_floodme" and "This is PMU data
 * i" on streams; "RESET:n", "OFFSET=X" and IDs of six bytes in datagrams. Pure functions over
 * bytes, for servers and clients.
 */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	WIRE_COMMAND_MAX = 64,    /* bytes; a longer text is never a command */
	WIRE_MESSAGE_MAX = 48,    /* bytes of "This is PMU data <number>" with its NUL */
	WIRE_ESCAPED_MAX = 4 * WIRE_COMMAND_MAX + 4, /* bytes of wire_escape's text with its NUL */
	/* bytes of a peer's text that wire_show shows: the payload of a datagram in one Ethernet
	   frame */
	WIRE_SHOWN = 1472,
	WIRE_SHOWN_MAX = 4 * WIRE_SHOWN + 4, /* bytes of wire_show's text with its NUL */
};

/* The limits on d, in seconds: one interval, and the whole stream of n messages. */
#define WIRE_INTERVAL_MAX 3600.0
#define WIRE_STREAM_MAX 86400.0

enum wire_verdict {
	WIRE_PREFIX,   /* no command yet; more bytes may make it one */
	WIRE_COMMAND,  /* a command; the bytes that follow cannot change it */
	/* a command, but its number changes if a digit follows ("CMD_short:1") */
	WIRE_OPEN,
	WIRE_INVALID,  /* no command, whatever follows */
};

struct wire_command {
	enum { WIRE_SHORT, WIRE_FLOOD } kind;
	double interval; /* d in seconds; not checked against the limits; 0 for WIRE_FLOOD */
	size_t length;   /* bytes of the command itself */
	size_t consumed; /* the same with the line end that follows it: "\n", "\r\n" or "\r" */
	bool more;       /* another "CMD_" follows, and what is behind it does not matter */
	size_t bad;      /* WIRE_INVALID: the first byte that cannot stand there */
};

/*
 * Reads a command from the start of `data`. Fills `command` for WIRE_COMMAND and WIRE_OPEN. d is
 * decimal digits with at most one point among or around them ("0", "1", "0.25", ".5", "2."): no
 * sign, no exponent, no blank. Behind the command only harmless bytes may stand (wire_harmless),
 * else it is none: "CMD_short:1,5", "CMD_floodmenot". The caller deals with those behind
 * `consumed`.
 */
enum wire_verdict wire_parse_command(const char *data, size_t len, struct wire_command *command);

/* How many of the bytes behind a command do no harm: line ends, blanks, NULs (clients send whole
   buffers), and all that follows when another "CMD_" begins, which `more` (may be NULL) tells.
   `len`: all of them. */
size_t wire_harmless(const char *data, size_t len, bool *more);

/* Writes "This is PMU data <number>" and a NUL. Returns its length without the NUL. */
size_t wire_format_message(char text[WIRE_MESSAGE_MAX], long number);

/*
 * Writes the first WIRE_COMMAND_MAX bytes of `data` as printable ASCII. Other bytes, the backslash
 * and the double quote are escaped (\n, \r, \t, \\, \", \x1b). A text that was truncated ends in
 * "...". NUL-terminated.
 */
void wire_escape(char text[WIRE_ESCAPED_MAX], const void *data, size_t len);

/*
 * Writes the first WIRE_SHOWN bytes of a peer's text for people to read. UTF-8 stays as it is.
 * Escaped are (\n, \r, \t, \\, \x1b, \xe2\x80\xae): characters that a terminal obeys (control
 * characters, those that change the direction of writing or end a line), bytes that are no UTF-8,
 * and the backslash. A truncated text is cut between two characters, and ends in "...".
 * NUL-terminated.
 */
void wire_show(char text[WIRE_SHOWN_MAX], const void *data, size_t len);

/*
 * Splits a byte stream into PMU messages, in whatever portions it arrives. The numbers of the
 * messages are consecutive, so from the second message on each end is known at once. The end of the
 * first number is known when the next message begins or the stream ends (at once if the number is
 * 0).
 */
struct wire_splitter {
	char held[WIRE_MESSAGE_MAX]; /* the current message so far, NUL-terminated */
	size_t length;               /* bytes in `held` */
	long expected; /* number of the current message; -1: it is the first, not known yet */
	long count;    /* complete messages */
	bool whole;    /* `held` is complete; the next byte begins the next message */
	bool broken;   /* the stream is not PMU messages; nothing more is split */
};

/* Prepares for a new stream. */
void wire_splitter_init(struct wire_splitter *splitter);

/* Takes bytes up to the end of one message. Returns how many it took. `*complete`: `held` is a
   complete message; use it before the next call. If the call sets `broken`, it takes all bytes, and
   `held` has the start of the text that is no message. */
size_t wire_splitter_feed(struct wire_splitter *splitter, const char *data, size_t len,
	bool *complete);

/* The stream has ended. True: the first message was still open, and is now complete in `held`. A
   message that was cut in the middle sets `broken`. */
bool wire_splitter_end(struct wire_splitter *splitter);

/* Datagrams: each one is a whole text. */
enum {
	WIRE_ID_BYTES = 6,         /* part 4: the sender's ID; the text follows at once */
	WIRE_OFFSET_MAX = 86400,   /* seconds: the largest n, and so the largest X */
	WIRE_OFFSET_TEXT_MAX = 16, /* bytes of "RESET:<n>" or "OFFSET=<X>" with its NUL */
};

/* The deployed servers' answer to anything but RESET:n. */
#define WIRE_WRONG_COMMAND "Wrong command."

/*
 * Read "RESET:<n>" and "OFFSET=<X>" (or "OFFSET:<X>", which the deployed servers sent), with at
 * most one line end ("\n" or "\r\n") behind it. The numbers are seconds, 0 to WIRE_OFFSET_MAX, in
 * decimal: no sign, no blank, no leading zero, so each number has one text. False: the datagram is
 * something else, and the number is left as it was.
 */
bool wire_parse_reset(const char *data, size_t len, long *n);
bool wire_parse_offset(const char *data, size_t len, long *x);

/* Write the text and a NUL. The number is 0 to WIRE_OFFSET_MAX; `separator` is '=' or ':'. They
   return the length without the NUL. */
size_t wire_format_reset(char text[WIRE_OFFSET_TEXT_MAX], long n);
size_t wire_format_offset(char text[WIRE_OFFSET_TEXT_MAX], char separator, long x);

#endif
