/*
 * What a configuration key is: the table (table.c), keys by their names (keys.c), how each kind of
 * value is read and written (values.c). In the program only this folder and emulator_control.c
 * (through edit.h) include it; all other code uses config.h and about.h.
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
	/* bytes of a path or text with its NUL, so that it fits a line of a file */
	CONFIG_PATH_MAX = 1024,
	CONFIG_SHOWN_MAX = 80,   /* bytes of an escaped user's text in an error, with its NUL */
};

/* config_value.number of "none" and "off". */
#define CONFIG_NEVER CONFIG_NONE
#define CONFIG_MICRO INT64_C(1000000)

/* Durations and numbers of bytes in the unit of config_value.number: microseconds, bytes. */
#define MILLI(n) ((n) * CONFIG_MICRO / 1000)
#define SECONDS(n) ((n) * CONFIG_MICRO)
#define KIB(n) (INT64_C(1024) * (n))
#define MIB(n) (INT64_C(1048576) * (n))

enum config_kind {
	KIND_INTEGER,
	KIND_BYTES,
	/* `number` in microseconds: whole, so that a printed value reads back as the same */
	KIND_DURATION,
	KIND_FACTOR,   /* `number` in millionths, for the same reason */
	KIND_YES_NO,
	KIND_CHOICE,   /* `number` is the index */
	KIND_SHARE,    /* `number` in billionths (common/share.h) */
	KIND_PATH,
	KIND_TEXT,     /* any text that the row's `check` accepts */
	KIND_COUNT,
};

struct config_value {
	int64_t number;
	char *text; /* paths and texts; owned; NULL for the other kinds */
};

struct config_row {
	const char *name;      /* "messages"; unique among the groups of an endpoint */
	const char *group;     /* "pmu"; NULL: no group, each endpoint has a key of its own */
	/* enum endpoint_group, or-ed: the endpoints that have the key. 0: the key is the whole
	   program's; 0 without a group: all endpoints have it */
	unsigned endpoints;
	enum config_kind kind;
	/* the default as text, where the endpoint table has none of its own (port, loss) */
	const char *standard;
	int64_t min, max;      /* in the unit of config_value.number */
	bool zero;             /* 0 is allowed too, though below min */
	/* "none" or "off", where that is allowed; else NULL */
	const char *never;
	const char *const *choices; /* ends with NULL */
	/* KIND_TEXT: false when the text is not allowed; err says why */
	bool (*check)(const char *text, struct err *err);
	const char *range;     /* KIND_TEXT: what the key takes, for --help */
	enum config_effect effect; /* of a change while the lab runs */
	const char *help;
};

extern const struct config_row config_rows[KEY_COUNT];

/* The groups in the order in which they are printed; ends with NULL. */
extern const char *const config_groups[];

/* Whether the endpoint has the key. ENDPOINT_NONE: whether the key is the whole program's. */
bool config_row_has(const struct config_row *row, enum endpoint_id endpoint);

enum { CONFIG_STANDARD_MAX = 8 };

/* The default as text, as it is for one endpoint. A key without a group needs an endpoint that has
   it. The result is static, or `buffer`, which holds a default that has to be formatted. */
const char *config_standard(enum config_key key, enum endpoint_id endpoint,
	char buffer[CONFIG_STANDARD_MAX]);

/* Finds "pmu.messages" or "pmu-ws.messages". `*scope` is the endpoint, ENDPOINT_NONE for the
   group's key. False: there is no such key, and nothing was written. */
bool config_key_find(const char *name, enum config_key *key, enum endpoint_id *scope);

/* The section of a file in which the key stands: "pmu", "pmu-ws"; static. NULL: the key does not
   exist for this scope. */
const char *config_section(enum config_key key, enum endpoint_id scope);

/* The one endpoint that a key concerns: `scope`, or the only endpoint that has the key.
   ENDPOINT_NONE: several have it, or it is the whole lab's. */
enum endpoint_id config_endpoint(enum config_key key, enum endpoint_id scope);

/* Reads `text`. The caller frees `value->text`, which paths and texts have (else NULL). False: err
   says what is wrong with the text (STATUS_USAGE; STATUS_FAILED: out of memory), without the key's
   name in front, and `value->text` is NULL. */
bool config_value_parse(const struct config_row *row, const char *text, struct config_value *value,
	struct err *err);

/* Writes the canonical text, cut at `size` bytes; CONFIG_VALUE_MAX is enough for any value. */
void config_value_format(const struct config_row *row, const struct config_value *value, char *text,
	size_t size);

/* Writes what a key takes, for --help: "0..200ms", "binary|text". */
void config_value_range(const struct config_row *row, char *text, size_t size);

/* Copies `from` into `size` (more than 16) bytes, with control characters, quotes and backslashes
   escaped. A text that is too long is cut between characters of UTF-8 and ends in "...". */
void config_escape(char *text, size_t size, const char *from);

/* The characters of an INI file that separate words. */
bool config_is_blank(char c);

/* The characters of an INI file that begin a comment. */
bool config_is_comment(char c);

/* What was set for (key, scope) itself. `origin` is NULL where nothing was set. Both texts are
   owned. */
struct config_slot {
	struct config_value value;
	char *origin;
};

/* The slot of (key, scope), which belongs to the configuration. Never NULL. */
const struct config_slot *config_slot(const struct config *config, enum config_key key,
	enum endpoint_id scope);

/* One line of config_print: a group's key, or a key that was set for one endpoint. */
struct config_entry {
	const char *section;
	enum config_key key;
	enum endpoint_id scope;
	const struct config_slot *slot;
};

/* Steps through all entries, section by section. `*at` is 0 before the first call. False: no more
   entries. */
bool config_entry_next(const struct config *config, size_t *at, struct config_entry *entry);

/* The slot that holds for (key, scope): its own where something was set, else the group's. */
const struct config_slot *config_slot_merged(const struct config *config, enum config_key key,
	enum endpoint_id scope);

/* Exchanges the slot of (key, scope) with `*slot`, which afterwards has (and owns) the previous
   content. Raises config_version. */
void config_slot_swap(struct config *config, enum config_key key, enum endpoint_id scope,
	struct config_slot *slot);

/* Copies value and origin; the caller calls config_slot_finish. False: out of memory, and `*slot`
   is empty. */
bool config_slot_copy(struct config_slot *slot, const struct config_slot *from);

/* Frees the texts and zeroes the slot. */
void config_slot_finish(struct config_slot *slot);

/* Fills err (STATUS_USAGE) for a section ("pum") or key that does not exist: "no such key; did you
   mean ...?". `what` is "key" or "section". */
void config_unknown(const char *name, const char *what, struct err *err);

#endif
