#include "servers/config/texts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "common/wire.h"
#include "servers/config/keys.h"
#include "servers/impair/jitter.h"
#include "servers/impair/loss.h"
#include "servers/impair/turns.h"

bool config_check_loss(const char *text, struct err *err)
{
	struct loss_spec spec;
	return loss_parse(&spec, text, err);
}

bool config_check_jitter(const char *text, struct err *err)
{
	struct jitter jitter;
	return jitter_parse(&jitter, text, err);
}

bool config_check_family(const char *text, struct err *err)
{
	struct turns turns;
	return turns_parse(&turns, text, err);
}

static bool check_ipv4(const char *text, const char *example, struct err *err)
{
	struct in_addr address;
	if (inet_pton(AF_INET, text, &address) == 1)
		return true;
	char shown[CONFIG_SHOWN_MAX];
	config_escape(shown, sizeof shown, text);
	err_set(err, STATUS_USAGE, "\"%s\" is not an IPv4 address such as %s", shown, example);
	return false;
}

bool config_check_group(const char *text, struct err *err)
{
	return check_ipv4(text, "224.1.1.1", err);
}

bool config_check_address(const char *text, struct err *err)
{
	return check_ipv4(text, "127.0.0.1", err);
}

bool config_check_id(const char *text, struct err *err)
{
	if (strlen(text) == WIRE_ID_BYTES)
		return true;
	char shown[CONFIG_SHOWN_MAX];
	config_escape(shown, sizeof shown, text);
	err_set(err, STATUS_USAGE, "\"%s\" is not an ID of exactly %d bytes, such as swcmTV", shown,
		WIRE_ID_BYTES);
	return false;
}
