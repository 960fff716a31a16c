/*
 * An error: one line for a person, and the exit status that it leads to. A set-up function returns
 * `bool` and fills a `struct err` when it returns false. The functions that move bytes afterwards
 * return `enum io` (common/io.h).
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

/* Exit statuses, the same for every program; documented in README.md. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,   /* it did not work: network, files, peer */
	STATUS_USAGE = 2,    /* options, configuration, certificates */
	STATUS_BIND = 3,     /* programs that listen: an address cannot be bound */
	STATUS_PROTOCOL = 3, /* clients: the peer broke the protocol */
};

struct err {
	enum status status;
	char text[512]; /* what failed, where, and what to do; no newline */
};

/* In these three functions `err` may be NULL. A text that does not fit is truncated. */

/* Sets the status and the text. Preserves errno. */
void err_set(struct err *err, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text. The status stays. */
void err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends to the text. The status stays. */
void err_append(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
