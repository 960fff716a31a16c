/* All that is known about each key of the configuration, for code that shows the configuration or
   lets it be changed while the lab runs. */
#ifndef SERVERS_CONFIG_ABOUT_H
#define SERVERS_CONFIG_ABOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "servers/config/config.h"

/* When a change that is made while the lab runs takes effect. */
enum config_effect {
	/* with the next datagram or command; reset.family, reset.inactive and tv.interval: at
	   once */
	CONFIG_NOW,
	/* with connections that begin after the change; open ones keep the old value, or take the
	   new one later */
	CONFIG_CONNECTION,
	/* only when the lab is started again: the key cannot be changed while it runs */
	CONFIG_RESTART,
};

/* "now", "connection", "restart"; static. */
const char *config_effect_name(enum config_effect effect);

enum { CONFIG_RANGE_MAX = 64 };

struct config_about {
	char name[CONFIG_NAME_MAX];       /* "pmu.messages", "pmu-ws.messages" */
	/* the value that holds, in its canonical form; config_set reads it back as the same */
	char value[CONFIG_VALUE_MAX];
	/* where the value was set: "default", "lab.ini:7", "--set", "page"; escaped */
	char origin[CONFIG_ORIGIN_MAX];
	/* the key was not set for this endpoint: value and origin are the group's */
	bool inherited;
	char standard[CONFIG_VALUE_MAX];  /* the default, in its canonical form */
	char range[CONFIG_RANGE_MAX];     /* "0..1000000", "binary|text", "none|30%|burst:..." */
	/* "integer", "bytes", "duration", "factor", "yes/no", "choice", "share", "path", "text";
	   static */
	const char *type;
	/* the unit of a number without a unit: "bytes", "seconds"; "" where there is none;
	   static */
	const char *unit;
	const char *help;                 /* half a line; static */
	enum config_effect effect;
	/* the one endpoint that has the key; ENDPOINT_NONE: several have it, or it is the whole
	   lab's */
	enum endpoint_id endpoint;
};

/* Fills `about` for `key`. False: there is no such key; err (STATUS_USAGE, may be NULL) suggests a
   similar one. */
bool config_about(const struct config *config, const char *key, struct config_about *about,
	struct err *err);

/* Steps through the keys that --print-config lists, in its order: the keys of the groups, and the
   keys that were set for one endpoint. `*at` is 0 before the first call. False: no more keys. */
bool config_about_next(const struct config *config, size_t *at, struct config_about *about);

#endif
