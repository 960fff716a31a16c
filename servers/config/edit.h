/*
 * One change of the configuration that can be undone, so that several changes can be made all or
 * none. Only emulator_change uses it; all other code calls emulator_change.
 */
#ifndef SERVERS_CONFIG_EDIT_H
#define SERVERS_CONFIG_EDIT_H

#include "common/err.h"
#include "servers/config/keys.h"

enum config_edit_result {
	CONFIG_EDIT_MADE,
	CONFIG_EDIT_SAME,    /* the key has this value already; nothing was done */
	CONFIG_EDIT_UNKNOWN, /* no such key */
	CONFIG_EDIT_BAD,     /* the value is not allowed; or out of memory (STATUS_FAILED) */
	CONFIG_EDIT_RESTART, /* the key cannot be changed while the lab runs */
};

/* A zeroed one is an edit that changes nothing. */
struct config_edit {
	bool made;
	enum config_key key;
	enum endpoint_id scope;
	struct config_slot slot;   /* the slot's content before the change */
	char name[CONFIG_NAME_MAX];
	/* the value that held before the change and the one that holds since, in canonical form;
	   owned; set by an edit that was made */
	char *before, *after;
};

/*
 * Sets the key `name` from text, with `who` as its origin. `value` NULL: puts back what the key has
 * in `start`, a copy of the configuration from the lab's start. When the result is neither MADE nor
 * SAME, err says why (STATUS_USAGE, or STATUS_FAILED: out of memory), without the key's name in
 * front. The caller calls config_edit_finish whatever the result.
 */
enum config_edit_result config_edit_make(struct config_edit *edit, struct config *config,
	const struct config *start, const char *name, const char *value, const char *who,
	struct err *err);

/* Undoes the edit, if it was made. Several edits are undone in reverse order. */
void config_edit_undo(struct config_edit *edit, struct config *config);

/* Frees what the edit keeps. The change itself stays. */
void config_edit_finish(struct config_edit *edit);

#endif
