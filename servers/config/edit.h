/*
 * One change of the configuration that can be taken back, so that several can be made all or none.
 * For emulator_change, which everybody else calls.
 */
#ifndef SERVERS_CONFIG_EDIT_H
#define SERVERS_CONFIG_EDIT_H

#include "common/err.h"
#include "servers/config/keys.h"

enum config_edit_result {
	CONFIG_EDIT_MADE,
	CONFIG_EDIT_SAME,    /* it is so already; nothing was done */
	CONFIG_EDIT_UNKNOWN, /* no such key */
	CONFIG_EDIT_BAD,     /* no such value; or out of memory (STATUS_FAILED) */
	CONFIG_EDIT_RESTART, /* the key cannot be changed while the lab runs */
};

/* Zeroed: none. */
struct config_edit {
	bool made;
	enum config_key key;
	enum endpoint_id scope;
	struct config_slot slot;   /* what was said before */
	char name[CONFIG_NAME_MAX];
	char *before, *after;      /* what held for it before and since, in its canonical form */
};

/*
 * Sets `name` from text; `value` NULL: to what `start` says, a copy of the configuration. `who`
 * becomes the origin. Where it is not MADE or SAME, err says why, and does not begin with the name.
 * The edit is to be finished in any case.
 */
enum config_edit_result config_edit_make(struct config_edit *edit, struct config *config,
	const struct config *start, const char *name, const char *value, const char *who,
	struct err *err);

/* As if it had not been made. Of several the last first. */
void config_edit_undo(struct config_edit *edit, struct config *config);

/* Frees what it keeps; what was made stays. */
void config_edit_finish(struct config_edit *edit);

#endif
