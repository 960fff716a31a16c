#include "servers/impair/jitter.h"

#include <stdio.h>
#include <string.h>

#include "common/quantity.h"
#include "common/wire.h"

static const double SECONDS_MAX = 60;

bool jitter_parse(struct jitter *jitter, const char *text, struct err *err)
{
	char number[32];
	const char *comma = strchr(text, ',');
	size_t len = comma ? (size_t)(comma - text) : strlen(text);
	*jitter = (struct jitter){ .normal = comma && strcmp(comma, ",normal") == 0 };
	snprintf(number, sizeof number, "%.*s", (int)len, text);
	if (len < sizeof number && (!comma || jitter->normal || strcmp(comma, ",uniform") == 0) &&
		duration_parse(number, &jitter->seconds) && jitter->seconds <= SECONDS_MAX)
		return true;
	char shown[WIRE_ESCAPED_MAX];
	wire_escape(shown, text, strlen(text));
	err_set(err, STATUS_USAGE,
		"\"%s\" is not a jitter such as 20ms or 20ms,normal, at most %g s", shown,
		SECONDS_MAX);
	return false;
}
