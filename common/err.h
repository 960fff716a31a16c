/*
 * One line for a person, and the exit status it leads to. Set-up functions answer `bool` and fill a
 * `struct err` when they answer false; what runs afterwards uses `enum io` (common/io.h).
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

/* Exit statuses, the same for every program; documented in README.md. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,   /* it did not work: network, files, peer */
	STATUS_USAGE = 2,    /* options, configuration, certificates */
	STATUS_BIND = 3,     /* servers: an address cannot be bound */
	STATUS_PROTOCOL = 3, /* clients: the peer broke the protocol */
};

struct err {
	enum status status;
	char text[512]; /* what, where and what to do; no newline */
};

/* Sets status and text (cut at its size). `err` may be NULL. Preserves errno. */
void err_set(struct err *err, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " in front of the text that stands there. */
void err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts more behind it. */
void err_append(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
