/*
 * What an input or output operation answers, on blocking and non-blocking descriptors alike.
 * The three at the end are final for the direction; the transport's `err` says why.
 */
#ifndef COMMON_IO_H
#define COMMON_IO_H

enum io {
	IO_DONE,       /* carried out, perhaps in part: the length says how much */
	IO_WANT_READ,  /* nothing happened; again when the descriptor is readable */
	IO_WANT_WRITE, /* nothing happened; again when the descriptor is writable */
	IO_EOF,        /* the peer has ended its direction in an orderly way; sending still works */
	/* the peer broke the protocol; an answer is queued: flush and finish still work */
	IO_REFUSED,
	IO_FAILED,     /* the connection is lost (reset, timed out, out of memory) */
};

#endif
