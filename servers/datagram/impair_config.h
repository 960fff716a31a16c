/* The imperfect network that the configuration asks for, read again when a key has changed. */
#ifndef SERVERS_DATAGRAM_IMPAIR_CONFIG_H
#define SERVERS_DATAGRAM_IMPAIR_CONFIG_H

#include "servers/config/config.h"
#include "servers/impair/impair.h"

struct impair_config {
	const struct config *config;
	enum endpoint_id endpoint;
	uint64_t version; /* of the configuration that `spec` is made of */
	struct impair_spec spec;
};

/* `config` outlives it. */
void impair_config_init(struct impair_config *impair, const struct config *config,
	enum endpoint_id endpoint);

/* Valid until the next call. */
const struct impair_spec *impair_config_spec(struct impair_config *impair);

/* What no single key can tell (impair_check), with the endpoint's name in front. */
bool impair_config_check(struct impair_config *impair, struct err *err);

#endif
