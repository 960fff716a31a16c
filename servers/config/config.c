/*
 * The values: one slot for each key of a group, and one for each endpoint that has the key. A
 * getter takes the endpoint's slot, or the group's where the endpoint's is empty. That is fast
 * enough for a session to ask at every command. The group's slot is never empty: it has at least
 * the default.
 */
#include "servers/config/config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/near.h"
#include "servers/config/keys.h"

struct config {
	uint64_t version;
	/* [0] is the group's slot, [1 + e] that of endpoint e. */
	struct config_slot slots[KEY_COUNT][1 + ENDPOINT_COUNT];
};

void config_slot_finish(struct config_slot *slot)
{
	free(slot->value.text);
	free(slot->origin);
	*slot = (struct config_slot){ 0 };
}

bool config_slot_copy(struct config_slot *slot, const struct config_slot *from)
{
	*slot = (struct config_slot){ .value.number = from->value.number };
	if (from->value.text)
		slot->value.text = strdup(from->value.text);
	if (from->origin)
		slot->origin = strdup(from->origin);
	if (!slot->value.text == !from->value.text && !slot->origin == !from->origin)
		return true;
	config_slot_finish(slot);
	return false;
}

void config_slot_swap(struct config *config, enum config_key key, enum endpoint_id scope,
	struct config_slot *slot)
{
	struct config_slot *place = &config->slots[key][1 + scope];
	struct config_slot before = *place;
	*place = *slot;
	*slot = before;
	config->version++;
}

static bool slots_init_defaults(struct config *config)
{
	for (int k = 0; k < KEY_COUNT; k++) {
		const struct config_row *row = &config_rows[k];
		struct config_slot *slots = config->slots[k];
		if (row->group) {
			if (!config_value_parse(row, row->standard, &slots[0].value, NULL) ||
				!(slots[0].origin = strdup("default")))
				return false;
			continue;
		}
		for (int e = 0; e < ENDPOINT_COUNT; e++) {
			char buffer[CONFIG_STANDARD_MAX];
			if (!config_row_has(row, (enum endpoint_id)e))
				continue;
			const char *standard =
				config_standard((enum config_key)k, (enum endpoint_id)e, buffer);
			if (!config_value_parse(row, standard, &slots[1 + e].value, NULL) ||
				!(slots[1 + e].origin = strdup("default")))
				return false;
		}
	}
	return true;
}

struct config *config_create(void)
{
	struct config *config = calloc(1, sizeof *config);
	if (!config)
		return NULL;
	if (!slots_init_defaults(config)) {
		config_destroy(config);
		return NULL;
	}
	return config;
}

struct config *config_copy(const struct config *config)
{
	struct config *copy = calloc(1, sizeof *copy);
	bool done = copy;
	for (int k = 0; done && k < KEY_COUNT; k++)
		for (int s = 0; done && s <= ENDPOINT_COUNT; s++)
			done = config_slot_copy(&copy->slots[k][s], &config->slots[k][s]);
	if (done) {
		copy->version = config->version;
		return copy;
	}
	config_destroy(copy);
	return NULL;
}

void config_destroy(struct config *config)
{
	if (!config)
		return;
	for (int k = 0; k < KEY_COUNT; k++)
		for (int s = 0; s <= ENDPOINT_COUNT; s++)
			config_slot_finish(&config->slots[k][s]);
	free(config);
}

const struct config_slot *config_slot(const struct config *config, enum config_key key,
	enum endpoint_id scope)
{
	return &config->slots[key][1 + scope];
}

bool config_set(struct config *config, const char *key, const char *value, const char *origin,
	struct err *err)
{
	enum config_key found;
	enum endpoint_id scope;
	struct config_slot fresh = { 0 };
	if (!config_key_find(key, &found, &scope)) {
		config_unknown(key, "key", err);
		goto fail;
	}
	if (!config_value_parse(&config_rows[found], value, &fresh.value, err))
		goto fail;
	if (!(fresh.origin = strdup(origin))) {
		err_set(err, STATUS_FAILED, "out of memory");
		goto fail;
	}
	config_slot_swap(config, found, scope, &fresh);
	config_slot_finish(&fresh);
	return true;

fail:
	config_slot_finish(&fresh);
	char shown[CONFIG_SHOWN_MAX];
	config_escape(shown, sizeof shown, key);
	err_prefix(err, "%s: %s", origin, shown);
	return false;
}

bool config_assign(struct config *config, const char *assignment, const char *origin,
	struct err *err)
{
	static const char blanks[] = " \t\r\n";
	const char *key = assignment + strspn(assignment, blanks);
	const char *equals = strchr(key, '=');
	if (!equals || equals == key) {
		char shown[CONFIG_SHOWN_MAX];
		config_escape(shown, sizeof shown, assignment);
		err_set(err, STATUS_USAGE, "%s: \"%s\" is not KEY=VALUE", origin, shown);
		return false;
	}
	char *copy = strdup(key);
	if (!copy) {
		err_set(err, STATUS_FAILED, "%s: out of memory", origin);
		return false;
	}
	/* Blanks as in a file are allowed: "pmu.rtt = 20ms". */
	size_t len = (size_t)(equals - key);
	char *value = copy + len + 1;
	while (len > 0 && strchr(blanks, copy[len - 1]))
		len--;
	copy[len] = '\0';
	value += strspn(value, blanks);
	for (size_t end = strlen(value); end > 0 && strchr(blanks, value[end - 1]); end--)
		value[end - 1] = '\0';
	bool done = config_set(config, copy, value, origin, err);
	free(copy);
	return done;
}

struct suggestion {
	const char *asked;
	char name[CONFIG_NAME_MAX];
	unsigned distance;
};

/* Keeps `name` if `compared`, which may be a part of it, is nearer to what was asked than the best
   so far. Of two that are equally near the first stays. */
static void suggestion_try(struct suggestion *best, const char *compared, const char *name)
{
	unsigned distance = near_distance(best->asked, compared);
	if (distance < best->distance) {
		best->distance = distance;
		snprintf(best->name, sizeof best->name, "%s", name);
	}
}

static bool is_section(const char *name, size_t len)
{
	for (int s = ENDPOINT_NONE; s < ENDPOINT_COUNT; s++) {
		for (int k = 0; k < KEY_COUNT; k++) {
			const char *section =
				config_section((enum config_key)k, (enum endpoint_id)s);
			if (section && strlen(section) == len && memcmp(section, name, len) == 0)
				return true;
		}
	}
	return false;
}

/* `what` is "key" or "section". A key without a group ("messages") is compared with the last parts
   of the names. */
static void suggestion_find(struct suggestion *best, const char *what)
{
	bool section_only = strcmp(what, "section") == 0, leaf_only = !strchr(best->asked, '.');
	/* At most a third of the letters, and at most three, may differ: more would be a guess. */
	size_t len = strlen(best->asked), dot = strcspn(best->asked, ".");
	bool in_section = is_section(best->asked, dot);
	best->distance = len < 3 ? 1 : len < 12 ? (unsigned)len / 3 + 1 : 4;
	for (int s = ENDPOINT_NONE; s < ENDPOINT_COUNT; s++) {
		for (int k = 0; k < KEY_COUNT; k++) {
			const char *section =
				config_section((enum config_key)k, (enum endpoint_id)s);
			if (!section)
				continue;
			/* For "ws.port", "tv.port" is no suggestion: each endpoint has its own. */
			bool other =
				strlen(section) != dot || memcmp(section, best->asked, dot) != 0;
			if (in_section && other && !config_rows[k].group)
				continue;
			char name[CONFIG_NAME_MAX];
			snprintf(name, sizeof name, "%s.%s", section, config_rows[k].name);
			if (section_only)
				suggestion_try(best, section, section);
			else
				suggestion_try(best, leaf_only ? config_rows[k].name : name, name);
		}
	}
}

void config_unknown(const char *name, const char *what, struct err *err)
{
	struct suggestion best = { .asked = name };
	if (strlen(name) < CONFIG_NAME_MAX)
		suggestion_find(&best, what);
	if (best.name[0] != '\0') {
		err_set(err, STATUS_USAGE, "no such %s; did you mean %s?", what, best.name);
		return;
	}
	/* "echo.messages": the group exists, so list its keys. */
	char known[320];
	size_t used = 0, len = strcspn(name, ".");
	for (int s = ENDPOINT_NONE; s < ENDPOINT_COUNT; s++) {
		for (int k = 0; k < KEY_COUNT; k++) {
			const char *section =
				config_section((enum config_key)k, (enum endpoint_id)s);
			if (section && strlen(section) == len && memcmp(section, name, len) == 0)
				used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
					used > 0 ? ", " : "", config_rows[k].name);
			assert(used < sizeof known);
		}
	}
	if (used > 0)
		err_set(err, STATUS_USAGE, "no such %s; %.*s has %s", what, (int)len, name, known);
	else
		err_set(err, STATUS_USAGE, "no such %s; pmulab serve --help shows them all", what);
}

const struct config_slot *config_slot_merged(const struct config *config, enum config_key key,
	enum endpoint_id scope)
{
	const struct config_slot *slot = &config->slots[key][1 + scope];
	return slot->origin ? slot : &config->slots[key][0];
}

/* config_slot_merged for the getters: asserts that the endpoint has the key. */
static const struct config_slot *slot_merged(const struct config *config, enum config_key key,
	enum endpoint_id endpoint)
{
	assert(key >= 0 && key < KEY_COUNT && endpoint >= ENDPOINT_NONE &&
		endpoint < ENDPOINT_COUNT);
	assert(config_row_has(&config_rows[key], endpoint));
	return config_slot_merged(config, key, endpoint);
}

/* "pmu-tls" or "tls": the section of the value that holds for the endpoint. */
static const char *section_merged(const struct config *config, enum config_key key,
	enum endpoint_id endpoint)
{
	bool group = slot_merged(config, key, endpoint) == &config->slots[key][0];
	return config_section(key, group ? ENDPOINT_NONE : endpoint);
}

static void slot_prefix(const struct config *config, enum config_key key, enum endpoint_id endpoint,
	struct err *err)
{
	err_prefix(err, "%s: %s.%s", slot_merged(config, key, endpoint)->origin,
		section_merged(config, key, endpoint), config_rows[key].name);
}

static bool file_check(const struct config *config, enum config_key key, enum endpoint_id endpoint,
	struct err *err)
{
	const char *path = config_text(config, key, endpoint);
	if (path[0] == '\0')
		return true;
	const char *trouble = NULL;
	struct stat stat;
	/* O_NONBLOCK: otherwise open(2) of a FIFO would wait for a writer. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0)
		trouble = strerror(errno);
	else if (!S_ISREG(stat.st_mode))
		trouble = "not a regular file";
	else if (stat.st_size == 0)
		trouble = "the file is empty";
	if (fd >= 0)
		close(fd);
	if (!trouble)
		return true;
	char shown[4 * CONFIG_SHOWN_MAX];
	config_escape(shown, sizeof shown, path);
	err_set(err, STATUS_USAGE, "\"%s\": %s", shown, trouble);
	slot_prefix(config, key, endpoint, err);
	return false;
}

static bool pair_check(const struct config *config, enum endpoint_id endpoint, struct err *err)
{
	bool cert = config_text(config, KEY_TLS_CERT, endpoint)[0] != '\0';
	bool key = config_text(config, KEY_TLS_KEY, endpoint)[0] != '\0';
	if (cert == key)
		return true;
	enum config_key given = cert ? KEY_TLS_CERT : KEY_TLS_KEY;
	const char *section = section_merged(config, given, endpoint);
	if (cert)
		err_set(err, STATUS_USAGE, "a certificate without its key; set %s.key too",
			section);
	else
		err_set(err, STATUS_USAGE, "a key without its certificate; set %s.cert too",
			section);
	slot_prefix(config, given, endpoint, err);
	return false;
}

bool config_check(const struct config *config, struct err *err)
{
	for (int e = 0; e < ENDPOINT_COUNT; e++) {
		unsigned groups = endpoint_table[e].groups;
		if ((groups & GROUP_PMU) &&
			!file_check(config, KEY_PMU_FLOOD_TEXT, (enum endpoint_id)e, err))
			return false;
		if ((groups & GROUP_TV) &&
			!file_check(config, KEY_TV_TEXT, (enum endpoint_id)e, err))
			return false;
		if ((groups & GROUP_TLS) && !pair_check(config, (enum endpoint_id)e, err))
			return false;
	}
	return true;
}

uint64_t config_version(const struct config *config)
{
	return config->version;
}

int64_t config_integer(const struct config *config, enum config_key key, enum endpoint_id endpoint)
{
	enum config_kind kind = config_rows[key].kind;
	assert(kind == KIND_INTEGER || kind == KIND_BYTES || kind == KIND_YES_NO ||
		kind == KIND_CHOICE || kind == KIND_SHARE);
	return slot_merged(config, key, endpoint)->value.number;
}

double config_seconds(const struct config *config, enum config_key key, enum endpoint_id endpoint)
{
	assert(config_rows[key].kind == KIND_DURATION);
	int64_t number = slot_merged(config, key, endpoint)->value.number;
	return number == CONFIG_NEVER ? INFINITY : (double)number / CONFIG_MICRO;
}

double config_factor(const struct config *config, enum config_key key, enum endpoint_id endpoint)
{
	assert(config_rows[key].kind == KIND_FACTOR);
	return (double)slot_merged(config, key, endpoint)->value.number / CONFIG_MICRO;
}

const char *config_text(const struct config *config, enum config_key key, enum endpoint_id endpoint)
{
	assert(config_rows[key].kind == KIND_PATH || config_rows[key].kind == KIND_TEXT);
	return slot_merged(config, key, endpoint)->value.text;
}
