/* The checks of keys whose values are texts with a grammar of their own. Each answers STATUS_USAGE
   and says what is wrong. */
#ifndef SERVERS_CONFIG_TEXTS_H
#define SERVERS_CONFIG_TEXTS_H

#include <stdbool.h>

#include "common/err.h"

bool config_check_loss(const char *text, struct err *err);
bool config_check_jitter(const char *text, struct err *err);
bool config_check_family(const char *text, struct err *err);
bool config_check_group(const char *text, struct err *err);
bool config_check_address(const char *text, struct err *err);
bool config_check_id(const char *text, struct err *err);

#endif
