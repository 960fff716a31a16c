/* The configuration for those who show it, or let it be changed while the lab runs: all there is to
   know of each key. */
#ifndef SERVERS_CONFIG_ABOUT_H
#define SERVERS_CONFIG_ABOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "servers/config/config.h"

/* When a change is felt that is made while the lab runs. */
enum config_effect {
	/* by the next datagram or command; families and the station's interval: at once */
	CONFIG_NOW,
	/* by connections that begin from then on; open ones keep what they have, or take it up
	   later */
	CONFIG_CONNECTION,
	/* not before the lab is started anew: it cannot be changed while it runs */
	CONFIG_RESTART,
};

/* "now", "connection", "restart" */
const char *config_effect_name(enum config_effect effect);

enum { CONFIG_RANGE_MAX = 64 };

struct config_about {
	char name[CONFIG_NAME_MAX];       /* "pmu.messages", "pmu-ws.messages" */
	/* that holds, in its canonical form; reads back the same */
	char value[CONFIG_VALUE_MAX];
	/* who said so: "default", "lab.ini:7", "--set", "page"; escaped */
	char origin[CONFIG_ORIGIN_MAX];
	/* nobody said so for this endpoint: value and origin are the group's */
	bool inherited;
	char standard[CONFIG_VALUE_MAX];  /* the default, in its canonical form */
	char range[CONFIG_RANGE_MAX];     /* "0..1000000", "binary|text", "none|30%|burst:..." */
	/* "integer", "bytes", "duration", "factor", "yes/no", "choice", "share", "path", "text" */
	const char *type;
	/* what a bare number counts: "bytes", "seconds"; "" where that says nothing */
	const char *unit;
	const char *help;                 /* half a line */
	enum config_effect effect;
	/* whose it is alone; ENDPOINT_NONE: of several, or of the whole lab */
	enum endpoint_id endpoint;
};

/* False: there is no such key; err (STATUS_USAGE, may be NULL) says what is near. */
bool config_about(const struct config *config, const char *key, struct config_about *about,
	struct err *err);

/* The next of the keys that --print-config lists, in its order: those of the groups, and what was
   said for one endpoint. `*at` begins with 0. False: there are no more. */
bool config_about_next(const struct config *config, size_t *at, struct config_about *about);

#endif
