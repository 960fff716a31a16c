#include "servers/datagram/telling.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "common/clock.h"
#include "servers/datagram/peer_key.h"

void telling_init(struct telling *telling, struct journal *journal, enum endpoint_id endpoint)
{
	*telling = (struct telling){ .journal = journal, .endpoint = endpoint };
	fold_init(&telling->fold, clock_now());
}

/* Loss costs nothing: the event `drop` replaces all events that would have followed. */
unsigned telling_cost(const struct impair_spec *spec, const char *text, size_t len, size_t most)
{
	enum { ESCAPED = 5 }; /* bytes of \\x01 */
	size_t written = 0;
	/* A folded datagram costs the server little more than this loop, so the loop is simple and
	   does not decode UTF-8. */
	for (size_t i = 0; i < len && i < most; i++) {
		unsigned char c = (unsigned char)text[i];
		written += c < ' ' || c >= 0x7f || c == '"' || c == '\\' ? ESCAPED : 1;
	}
	return fold_cost(written, spec ? (spec->delay > 0 || spec->jitter > 0) +
						  (spec->duplicate > 0) + (spec->reorder > 0) +
						  (spec->corrupt > 0)
				       : 0);
}

bool telling_admit(struct telling *telling, const struct address *peer, unsigned cost)
{
	if (!journal_wants(telling->journal, EVENT_REPEATED))
		return false; /* nobody reads the journal */
	const struct sockaddr_in *in = (const struct sockaddr_in *)&peer->ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&peer->ss;
	bool six = peer->ss.ss_family == AF_INET6;
	char name[INET6_ADDRSTRLEN] = "";
	inet_ntop(peer->ss.ss_family, six ? (const void *)&in6->sin6_addr : &in->sin_addr, name,
		sizeof name);
	return fold_admit(&telling->fold, peer_key(peer), peer_key_host(peer), name, cost,
		clock_now());
}

void telling_regard(struct telling *telling, const struct address *peer, bool told)
{
	telling->peer = peer;
	telling->told = told;
	*telling->peer_text = 0;
}

void telling_emit(void *self, enum event_type type, const struct field *fields, size_t count)
{
	struct telling *telling = self;
	if (type == EVENT_ERROR)
		telling->errors++;
	if (!telling->told || !journal_wants(telling->journal, type))
		return;
	if (telling->peer && *telling->peer_text == 0)
		address_format(telling->peer, telling->peer_text);
	const struct subject subject = { .endpoint = telling->endpoint,
		.peer = telling->peer ? telling->peer_text : NULL };
	journal_emit(telling->journal, type, &subject, fields, count);
}

void telling_error(struct telling *telling, const char *fault, const char *what)
{
	const struct subject subject = { .endpoint = telling->endpoint };
	telling->errors++;
	EMIT(telling->journal, EVENT_ERROR, &subject, F_TEXT("fault", fault), F_TEXT("what", what));
}

bool telling_fate(struct telling *telling, int number, enum fate_direction direction,
	const struct impair_fate *fate)
{
	const struct field family = F_INTEGER("family", number);
	const struct field way = F_TEXT("direction", fate_direction_name(direction));
	const struct field n = F_INTEGER("n", fate->n);
	if (fate->copies == 0) {
		telling->dropped++;
		TELL(telling, EVENT_DROP, family, way, n, F_TEXT("reason", "loss"),
			F_TEXT("model", fate->loss.model), F_SHARE("drawn", fate->loss.drawn),
			F_TEXT("state", fate->loss.state));
		return true;
	}
	if (fate->corrupted)
		TELL(telling, EVENT_CORRUPT, family, way, n, F_SHARE("drawn", fate->drawn_corrupt),
			F_INTEGER("bit", fate->bit));
	if (fate->copies > 1)
		TELL(telling, EVENT_DUPLICATE, family, way, n,
			F_SHARE("drawn", fate->drawn_duplicate));
	if (fate->reordered)
		TELL(telling, EVENT_REORDER, family, way, n, F_SHARE("drawn", fate->drawn_reorder));
	for (unsigned i = 0; i < fate->copies; i++)
		if (fate->delay[i] > 0)
			TELL(telling, EVENT_DELAY, family, way, n,
				F_REAL("seconds", fate->delay[i]));
	return false;
}

void telling_dropped(struct telling *telling, int family, enum fate_direction direction, uint64_t n,
	const char *reason)
{
	telling->dropped++;
	TELL(telling, EVENT_DROP, F_INTEGER("family", family),
		F_TEXT("direction", fate_direction_name(direction)), F_INTEGER("n", n),
		F_TEXT("reason", reason));
}

void telling_missed(struct telling *telling, int family, uint64_t count)
{
	const struct subject subject = { .endpoint = telling->endpoint };
	EMIT(telling->journal, EVENT_DROP, &subject, F_INTEGER("family", family),
		F_TEXT("direction", fate_direction_name(FATE_REQUEST)), F_INTEGER("n", 0),
		F_TEXT("reason", "the kernel's queue was full"), F_INTEGER("count", count));
}

static void tell_folded(void *context, const char *name, uint64_t count)
{
	struct telling *telling = context;
	const struct subject subject = { .endpoint = telling->endpoint, .peer = name };
	EMIT(telling->journal, EVENT_REPEATED, &subject, F_INTEGER("count", count));
}

void telling_sweep(struct telling *telling)
{
	fold_sweep(&telling->fold, tell_folded, telling);
}
