/* The impairments that the configuration asks for. They are read again when a key has changed. */
#ifndef SERVERS_DATAGRAM_IMPAIR_CONFIG_H
#define SERVERS_DATAGRAM_IMPAIR_CONFIG_H

#include "servers/config/config.h"
#include "servers/impair/impair.h"

struct impair_config {
	const struct config *config;
	enum endpoint_id endpoint;
	uint64_t version; /* config_version when `spec` was read */
	struct impair_spec spec;
};

/* `config` outlives `impair`. `endpoint` is one of GROUP_DATAGRAM. */
void impair_config_init(struct impair_config *impair, const struct config *config,
	enum endpoint_id endpoint);

/* What the configuration asks for now. Valid until the next call. */
const struct impair_spec *impair_config_spec(struct impair_config *impair);

/* Checks the configuration with impair_check. False (STATUS_USAGE): err begins with the endpoint's
   name. */
bool impair_config_check(struct impair_config *impair, struct err *err);

#endif
