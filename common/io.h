/*
 * The result of an input or output operation (common/carrier/transport.h), on blocking and
 * non-blocking descriptors alike. The last three are final for the direction. After IO_REFUSED and
 * IO_FAILED the transport's `err` says why.
 */
#ifndef COMMON_IO_H
#define COMMON_IO_H

enum io {
	IO_DONE,       /* done, perhaps in part: the length says how much */
	IO_WANT_READ,  /* nothing happened; call again when the descriptor is readable */
	IO_WANT_WRITE, /* nothing happened; call again when the descriptor is writable */
	/* the peer has ended its direction; sending still works, except after a WebSocket Close
	   frame, which ends both directions */
	IO_EOF,
	/* the peer broke the protocol, or one side refuses to go on; an answer is queued where the
	   protocol has one, and flush and finish still work */
	IO_REFUSED,
	IO_FAILED,     /* the connection is lost (reset, timed out, out of memory) */
};

#endif
