/*
 * What a configuration key is: the table (table.c), keys by their names (keys.c), how each kind of
 * value is read and written (values.c). For the files of this room and emulator_control.c;
 * everybody else asks config.h and about.h.
 */
#ifndef SERVERS_CONFIG_KEYS_H
#define SERVERS_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "servers/config/about.h"
#include "servers/config/config.h"

enum {
	/* bytes of a path with its NUL, so that it fits a line of a file */
	CONFIG_PATH_MAX = 1024,
	CONFIG_SHOWN_MAX = 80,   /* bytes of a foreign text in an error with its NUL */
};

#define CONFIG_NEVER CONFIG_NONE /* `number` of none and off */
#define CONFIG_MICRO INT64_C(1000000)

/* Durations, and numbers of bytes, in the unit of `number`. */
#define MILLI(n) ((n) * CONFIG_MICRO / 1000)
#define SECONDS(n) ((n) * CONFIG_MICRO)
#define KIB(n) (INT64_C(1024) * (n))
#define MIB(n) (INT64_C(1048576) * (n))

enum config_kind {
	KIND_INTEGER,
	KIND_BYTES,
	/* `number` in microseconds: exact, so that what is printed reads back the same */
	KIND_DURATION,
	KIND_FACTOR,   /* `number` in millionths, for the same reason */
	KIND_YES_NO,
	KIND_CHOICE,   /* `number` is the index */
	KIND_SHARE,    /* `number` in billionths (common/share.h) */
	KIND_PATH,
	KIND_TEXT,     /* whatever the row's `check` lets pass */
	KIND_COUNT,
};

struct config_value {
	int64_t number;
	char *text; /* paths and texts; owned */
};

struct config_row {
	const char *name;      /* "messages"; unique among the groups of an endpoint */
	const char *group;     /* "pmu"; NULL: no group, each endpoint has one of its own */
	/* enum endpoint_group: whose endpoints have it; 0: the whole program, without a group
	   all */
	unsigned endpoints;
	enum config_kind kind;
	/* the default as text, where the endpoint table has none of its own (port, loss) */
	const char *standard;
	int64_t min, max;      /* in the unit of `number` */
	bool zero;             /* 0 is allowed too, though below min */
	const char *never;     /* "none" or "off", where that is allowed */
	const char *const *choices; /* ends with NULL */
	/* texts; err says what is wrong with it */
	bool (*check)(const char *text, struct err *err);
	const char *range;     /* texts: what they are, for --help */
	enum config_effect effect; /* of a change while the lab runs */
	const char *help;
};

extern const struct config_row config_rows[KEY_COUNT];

/* The groups in the order in which they are printed; ends with NULL. */
extern const char *const config_groups[];

bool config_row_has(const struct config_row *row, enum endpoint_id endpoint);

/* The default as text, as it is for one endpoint. `buffer` holds what has to be made. */
enum { CONFIG_STANDARD_MAX = 8 };
const char *config_standard(enum config_key key, enum endpoint_id endpoint,
	char buffer[CONFIG_STANDARD_MAX]);

/* Finds "pmu.messages" or "pmu-ws.messages". `*scope` is the endpoint, ENDPOINT_NONE for the
   group's key. */
bool config_key_find(const char *name, enum config_key *key, enum endpoint_id *scope);

/* "pmu", "pmu-ws": where the key stands in a file. NULL: there is no such key. */
const char *config_section(enum config_key key, enum endpoint_id scope);

/* Whose the key is alone: the scope, or the one endpoint that has it; ENDPOINT_NONE: of several, or
   of the whole lab. */
enum endpoint_id config_endpoint(enum config_key key, enum endpoint_id scope);

/* Reads `text`; err (STATUS_USAGE) begins with the text in quotes. Only a path has a `text` to be
   freed. */
bool config_value_parse(const struct config_row *row, const char *text, struct config_value *value,
	struct err *err);

/* The canonical text. */
void config_value_format(const struct config_row *row, const struct config_value *value, char *text,
	size_t size);

/* "0..200ms", "binary|text": what a key takes, for --help. */
void config_value_range(const struct config_row *row, char *text, size_t size);

/* Copies `from` with control characters, quotes and backslashes escaped, "..." where it was cut. */
void config_escape(char *text, size_t size, const char *from);

/* In an INI file: what stands between words, and what begins a comment. */
bool config_is_blank(char c);
bool config_is_comment(char c);

/* What was said for (key, scope) itself; `origin` is NULL where nothing was. */
struct config_slot {
	struct config_value value;
	char *origin;
};

const struct config_slot *config_slot(const struct config *config, enum config_key key,
	enum endpoint_id scope);

/* One line of the merged configuration: a group's key, or what was said for one endpoint. */
struct config_entry {
	const char *section;
	enum config_key key;
	enum endpoint_id scope;
	const struct config_slot *slot;
};

/* Steps through all of them, section by section; `*at` begins with 0. */
bool config_entry_next(const struct config *config, size_t *at, struct config_entry *entry);

/* What holds for (key, scope): what was said for it, else for the group. */
const struct config_slot *config_slot_merged(const struct config *config, enum config_key key,
	enum endpoint_id scope);

/* Puts `slot` in the place of what was said, which `slot` is afterwards. */
void config_slot_swap(struct config *config, enum config_key key, enum endpoint_id scope,
	struct config_slot *slot);

bool config_slot_copy(struct config_slot *slot, const struct config_slot *from); /* false: out of memory */
void config_slot_finish(struct config_slot *slot);

/* Fills err for a section ("pum") or key that does not exist: "no such key; did you mean ...?". */
void config_unknown(const char *name, const char *what, struct err *err);

#endif
