/*
 * The configuration. One table of keys (table.c) gives the command line, the INI file, --help,
 * --print-config and the error messages. A key belongs to a group ("pmu.messages") and may also be
 * set for one endpoint of that group ("pmu-ws.messages"). The endpoint's value wins over the
 * group's, whichever was set first. When the same key is set twice, the later call wins. No key is
 * read from the environment.
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
	/* <endpoint>.jitter    text: servers/impair/jitter.h */
	KEY_JITTER,
	KEY_DUPLICATE,          /* <endpoint>.duplicate share */
	KEY_REORDER,            /* <endpoint>.reorder   share */
	KEY_CORRUPT,            /* <endpoint>.corrupt   share */
	KEY_RESET_FAMILY,       /* reset.family       text: servers/impair/turns.h */
	KEY_RESET_INACTIVE,     /* reset.inactive     choice: closed silent */
	KEY_RESET_DIRECTION,    /* reset.direction    choice: request reply both */
	KEY_RESET_SEPARATOR,    /* reset.separator    choice: = : */
	KEY_RESET_ONLY,         /* reset.only         integer or none */
	KEY_TV_GROUP,           /* tv.group           text: an IPv4 address */
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

/* Every key has its default. The caller destroys it. NULL: out of memory. */
struct config *config_create(void);

/* An independent copy, with values, origins and version. The caller destroys it. NULL: out of
   memory. */
struct config *config_copy(const struct config *config);

/* Accepts NULL. */
void config_destroy(struct config *config);

/*
 * Sets `key` ("pmu.messages", "pmu-ws.messages") from text. All texts are copied. `origin` says
 * where the key was set ("lab.ini:7", "--set"). An error begins with it: "lab.ini:7: pmu.mesages:
 * no such key; did you mean pmu.messages?". False: STATUS_USAGE (STATUS_FAILED: out of memory), and
 * nothing has changed.
 */
bool config_set(struct config *config, const char *key, const char *value, const char *origin,
	struct err *err);

/* config_set from "KEY=VALUE", as --set takes it. Blanks around KEY and VALUE are ignored. */
bool config_assign(struct config *config, const char *assignment, const char *origin,
	struct err *err);

/*
 * Reads an INI file: "[pmu]" and "messages = 20", or "pmu.messages = 20" before the first section.
 * A comment begins with ';' or '#' at the start of a line or behind a blank. A value in "..." keeps
 * these characters, and knows the escapes \n \r \t \" \\ and \x1b (two lower-case hexadecimal
 * digits, not 00). A relative path in the file begins at the file's folder. Where the file is a
 * pipe, and in config_set, it begins at the current folder. A line has at most 4096 bytes. Stops at
 * the first error (STATUS_USAGE; STATUS_FAILED: out of memory); the lines before it have been set.
 */
bool config_load(struct config *config, const char *path, struct err *err);

/* config_load from a text in memory. `name` stands in errors and origins ("epfl-2016.ini:7").
   Relative paths begin at the current folder. */
bool config_load_text(struct config *config, const char *name, const char *text, struct err *err);

/* Checks what config_set cannot: that tls.cert and tls.key are set together, and that the flood's
   text and the play are readable regular files that are not empty. False: STATUS_USAGE. */
bool config_check(const struct config *config, struct err *err);

/* Writes every key of a group, and every key that was set for one endpoint, as an INI file:
   "messages = 15  ; lab.ini:7". config_load reads it back as the same values, from any folder. */
void config_print(const struct config *config, FILE *out);

/* Writes the table for --help, one line for each key: name, default, range, help. */
void config_print_keys(FILE *out);

/* Writes the names for the shell's completion, one a line: a key with a group once
   ("pmu.messages"), a key without a group for each endpoint that has it ("tv.port"). */
void config_print_names(FILE *out);

/* The keys of config_print as one flat JSON object of texts, {"pmu.messages":"20",...},
   NUL-terminated. The caller frees it with free(3). NULL: out of memory. */
char *config_json(const struct config *config);

/*
 * Merged values: the endpoint's value where it was set, else the group's. `endpoint` is
 * ENDPOINT_NONE for shutdown.* and events.*; every other key must be one that the endpoint has.
 * Each getter takes only keys of the kinds that its comment names. Both rules are asserted.
 */

/* Integers (CONFIG_NONE for none), bytes, yes/no (1, 0), the index of a choice, shares in
   billionths. */
int64_t config_integer(const struct config *config, enum config_key key, enum endpoint_id endpoint);

/* Durations in seconds; INFINITY for none and off. */
double config_seconds(const struct config *config, enum config_key key, enum endpoint_id endpoint);

/* Factors; 1 is 1.0. */
double config_factor(const struct config *config, enum config_key key, enum endpoint_id endpoint);

/* Paths and texts. Valid until that key is set again or the configuration is destroyed. */
const char *config_text(const struct config *config, enum config_key key,
	enum endpoint_id endpoint);

/* A number that grows whenever a value is set. A caller that caches something made of a value
   compares it to learn whether the cache is still good. */
uint64_t config_version(const struct config *config);

/* config_integer of "none". */
#define CONFIG_NONE INT64_MAX

/* The index of each choice, in the order of the table. */
enum { WS_REPLY_BINARY, WS_REPLY_TEXT };
enum { RESET_CLOSED, RESET_SILENT };
enum { RESET_REQUEST, RESET_REPLY, RESET_BOTH };
enum { RESET_EQUALS, RESET_COLON };

#endif
