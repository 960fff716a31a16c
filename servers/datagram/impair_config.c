#include "servers/datagram/impair_config.h"

#include "servers/impair/jitter.h"

static void read_spec(struct impair_config *impair)
{
	const struct config *config = impair->config;
	enum endpoint_id endpoint = impair->endpoint;
	struct jitter jitter;
	/* Both texts were checked when they were set, so parsing does not fail. */
	loss_parse(&impair->spec.loss, config_text(config, KEY_LOSS, endpoint), NULL);
	jitter_parse(&jitter, config_text(config, KEY_JITTER, endpoint), NULL);
	impair->spec.delay = config_seconds(config, KEY_DELAY, endpoint);
	impair->spec.jitter = jitter.seconds;
	impair->spec.normal = jitter.normal;
	impair->spec.duplicate = (uint32_t)config_integer(config, KEY_DUPLICATE, endpoint);
	impair->spec.reorder = (uint32_t)config_integer(config, KEY_REORDER, endpoint);
	impair->spec.corrupt = (uint32_t)config_integer(config, KEY_CORRUPT, endpoint);
	impair->version = config_version(config);
}

void impair_config_init(struct impair_config *impair, const struct config *config,
	enum endpoint_id endpoint)
{
	*impair = (struct impair_config){ .config = config, .endpoint = endpoint };
	read_spec(impair);
}

const struct impair_spec *impair_config_spec(struct impair_config *impair)
{
	if (impair->version != config_version(impair->config))
		read_spec(impair);
	return &impair->spec;
}

bool impair_config_check(struct impair_config *impair, struct err *err)
{
	if (impair_check(impair_config_spec(impair), err))
		return true;
	err_prefix(err, "%s", endpoint_table[impair->endpoint].name);
	return false;
}
