/* Code B of the handout: shows each datagram and its sender, and never replies. */
#include "servers/datagram/responder.h"

#include "common/wire.h"

struct responder_print {
	struct responder_log log;
};

static void print_init(void *self, const struct responder_host *host,
	const struct responder_log *log)
{
	struct responder_print *print = self;
	print->log = *log;
}

static size_t print_receive(void *self, const struct datagram *datagram,
	char reply[RESPONDER_REPLY_MAX])
{
	struct responder_print *print = self;
	const struct field fields[] = {
		F_INTEGER("bytes", datagram->len),
		F_SAID("text", datagram->data, datagram->len),
	};
	print->log.emit(print->log.driver, EVENT_PRINT, fields, sizeof fields / sizeof fields[0]);
	return 0;
}

const struct responder_ops responder_print = {
	.name = "print",
	.size = sizeof(struct responder_print),
	.init = print_init,
	.shown = WIRE_SHOWN,
	.receive = print_receive,
};
