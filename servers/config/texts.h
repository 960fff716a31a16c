/* The checks of keys whose values are texts with a grammar of their own. Each returns false when
   the text is not allowed; err (STATUS_USAGE, may be NULL) says what is wrong with it. */
#ifndef SERVERS_CONFIG_TEXTS_H
#define SERVERS_CONFIG_TEXTS_H

#include <stdbool.h>

#include "common/err.h"

/* <endpoint>.loss: servers/impair/loss.h. */
bool config_check_loss(const char *text, struct err *err);

/* <endpoint>.jitter: servers/impair/jitter.h. */
bool config_check_jitter(const char *text, struct err *err);

/* reset.family: servers/impair/turns.h. */
bool config_check_family(const char *text, struct err *err);

/* tv.group: any IPv4 address in dotted-decimal form (multicast_check looks further). */
bool config_check_group(const char *text, struct err *err);

/* tv.interface: an IPv4 address in dotted-decimal form. */
bool config_check_address(const char *text, struct err *err);

/* tv.id: exactly WIRE_ID_BYTES bytes. */
bool config_check_id(const char *text, struct err *err);

#endif
