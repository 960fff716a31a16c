/*
 * The configuration: one table of keys gives the command line, the INI file, --help, --print-config
 * and the errors. A key belongs to a group ("pmu.messages") and may be given for one endpoint of
 * that group ("pmu-ws.messages"); the more particular one wins, wherever it was said. Of two that
 * are equally particular the later call wins. Nothing comes from the environment.
 */
#ifndef SERVERS_CONFIG_CONFIG_H
#define SERVERS_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"
#include "servers/endpoint_table.h"

/* One for each row of the table in servers/config/table.c, in its order. */
enum config_key {
	KEY_PORT,               /* <endpoint>.port    integer 0..65535; 0: a free one */
	KEY_PMU_MESSAGES,       /* pmu.messages       integer 0..1000000 */
	KEY_PMU_FIRST,          /* pmu.first          integer 0..1000000000 */
	KEY_PMU_FLOOD,          /* pmu.flood          bytes 1..64 MiB */
	KEY_PMU_FLOOD_TEXT,     /* pmu.flood_text     file; "": built in */
	KEY_PMU_RTT,            /* pmu.rtt            duration 0..200ms */
	KEY_PMU_MSS,            /* pmu.mss            integer 0 or 88..32767 */
	KEY_PMU_SPEED,          /* pmu.speed          factor 0.001..1000000 */
	KEY_PMU_IDLE,           /* pmu.idle           duration or none */
	KEY_PMU_STALL,          /* pmu.stall          duration or none */
	KEY_PMU_CONNECTIONS,    /* pmu.connections    integer 1..1000000 */
	KEY_WS_REPLY,           /* ws.reply           choice: binary text */
	KEY_WS_FRAGMENT,        /* ws.fragment        bytes; 0: one frame a message */
	KEY_WS_PING,            /* ws.ping            duration or off */
	KEY_TLS_DIR,            /* tls.dir            path; "": $XDG_STATE_HOME/pmulab */
	KEY_TLS_CERT,           /* tls.cert           file; "": made in tls.dir */
	KEY_TLS_KEY,            /* tls.key            file */
	KEY_TLS_LEGACY,         /* tls.legacy         yes no */
	KEY_TLS_HANDSHAKE,      /* tls.handshake      duration */
	KEY_ECHO_CHUNK,         /* echo.chunk         bytes 1..16384 */
	KEY_ECHO_IDLE,          /* echo.idle          duration or none */
	KEY_ECHO_CONNECTIONS,   /* echo.connections   integer 1..1000000 */
	KEY_LOSS,               /* <endpoint>.loss      text: servers/impair/loss.h */
	KEY_DELAY,              /* <endpoint>.delay     duration */
	/* <endpoint>.jitter    text: a duration, and ",normal" or nothing */
	KEY_JITTER,
	KEY_DUPLICATE,          /* <endpoint>.duplicate share */
	KEY_REORDER,            /* <endpoint>.reorder   share */
	KEY_CORRUPT,            /* <endpoint>.corrupt   share */
	KEY_RESET_FAMILY,       /* reset.family       text: servers/impair/turns.h */
	KEY_RESET_INACTIVE,     /* reset.inactive     choice: closed silent */
	KEY_RESET_DIRECTION,    /* reset.direction    choice: request reply both */
	KEY_RESET_SEPARATOR,    /* reset.separator    choice: = : */
	KEY_RESET_ONLY,         /* reset.only         integer or none */
	KEY_TV_GROUP,           /* tv.group           text: a multicast IPv4 address */
	KEY_TV_INTERVAL,        /* tv.interval        duration */
	KEY_TV_ID,              /* tv.id              text: six bytes */
	KEY_TV_TEXT,            /* tv.text            file; "": built in */
	KEY_TV_TTL,             /* tv.ttl             integer 0..255 */
	KEY_TV_INTERFACE,       /* tv.interface       text: an IPv4 address of this machine */
	KEY_SHUTDOWN_GRACE,     /* shutdown.grace     duration */
	KEY_EVENTS_LIMIT,       /* events.limit       bytes; 0: no limit */
	KEY_COUNT,
};

struct config;

enum {
	CONFIG_VALUE_MAX = 2048, /* bytes of any value as text with its NUL */
	CONFIG_NAME_MAX = 64,    /* bytes of "pmu-wss.connections" with its NUL */
	CONFIG_ORIGIN_MAX = 256, /* bytes of "lab.ini:7" with its NUL, as it is shown */
};

/* NULL: out of memory. */
struct config *config_create(void);
struct config *config_copy(const struct config *config);
void config_destroy(struct config *config);

/*
 * Sets `key` ("pmu.messages", "pmu-ws.messages") from text. `origin` says where it was given
 * ("lab.ini:7", "--set") and stands in front of the error: "lab.ini:7: pmu.mesages: no such key;
 * did you mean pmu.messages?". STATUS_USAGE on failure, and nothing has changed.
 */
bool config_set(struct config *config, const char *key, const char *value, const char *origin,
	struct err *err);

/* "KEY=VALUE", as --set takes it; blanks around both are ignored. */
bool config_assign(struct config *config, const char *assignment, const char *origin,
	struct err *err);

/*
 * An INI file: "[pmu]" and "messages = 20", or "pmu.messages = 20" before the first section. A
 * comment begins with ';' or '#' at the start of a line or behind a blank; a value in "..." keeps
 * them, and knows \n \r \t \" \\ \x1b. A relative path in the file begins at the file's folder (in
 * a pipe, and in config_set, at the current one). Stops at the first error; what stood before it is
 * set.
 */
bool config_load(struct config *config, const char *path, struct err *err);

/* The same from a text in memory. `name` stands in errors and origins ("epfl-2016.ini:7"); relative
   paths begin at the current folder. */
bool config_load_text(struct config *config, const char *name, const char *text, struct err *err);

/* Checks what no single key can: tls.cert without tls.key, an unreadable flood text or play. */
bool config_check(const struct config *config, struct err *err);

/* Every key of a group, and what was said for one endpoint, as an INI file: "messages = 15  ;
   lab.ini:7". Loaded again, from any folder, it gives the same values. */
void config_print(const struct config *config, FILE *out);

/* The table for --help: key, default, unit, one line. */
void config_print_keys(FILE *out);

/* For completion: every key that a group has, or where it has none each endpoint, a line each:
   "pmu.messages". */
void config_print_names(FILE *out);

/* The same as one flat JSON object of texts, {"pmu.messages":"20",...}, NUL-terminated; the caller
   frees it. NULL: out of memory. */
char *config_json(const struct config *config);

/* Merged values. `endpoint` is ENDPOINT_NONE for shutdown.* and events.*; the key must be one of
   that endpoint's. Each getter fits the kinds its comment names; a wrong one is a bug (assert). */
int64_t config_integer(const struct config *config, enum config_key key, enum endpoint_id endpoint); /* integers (CONFIG_NONE for none), bytes, yes/no, index of a choice, shares in billionths */
double config_seconds(const struct config *config, enum config_key key, enum endpoint_id endpoint);  /* durations; INFINITY for none and off */
double config_factor(const struct config *config, enum config_key key, enum endpoint_id endpoint);
const char *config_text(const struct config *config, enum config_key key, enum endpoint_id endpoint); /* paths, texts; valid until that key is set again */

/* Grows with every change of a value: who keeps something that it made of one looks here whether it
   still holds. */
uint64_t config_version(const struct config *config);

#define CONFIG_NONE INT64_MAX

/* Index of a choice, in the order of the table. */
enum { WS_REPLY_BINARY, WS_REPLY_TEXT };
enum { RESET_CLOSED, RESET_SILENT };
enum { RESET_REQUEST, RESET_REPLY, RESET_BOTH };
enum { RESET_EQUALS, RESET_COLON };

#endif
