/* The functions for a running emulator: change keys, pause, cut connections, look. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "servers/config/edit.h"
#include "servers/emulator_private.h"
#include "servers/endpoint.h"

/* ---- changing ---- */

/* Unknown keys of one request for which a similar key is searched. The search for one takes as long
   as 500 changes. */
enum { SUGGESTIONS = 8 };

/* The state of one group of changes. */
struct changing {
	struct emulator *emulator;
	struct config_edit *edits; /* one for each change */
	size_t count;
	emulator_on_refused *on_refused;
	void *context;
	bool refused;
	unsigned unknown; /* how many keys are unknown */
	/* a key or value was not understood, so the requested configuration is not known as a
	   whole */
	bool unclear;
};

static void refuse(struct changing *changing, size_t i, enum emulator_refusal refusal,
	const struct err *err)
{
	changing->refused = true;
	if (changing->on_refused)
		changing->on_refused(changing->context, i, refusal, err);
}

static void edit(struct changing *changing, size_t i, const struct emulator_change *change,
	const char *who)
{
	static const enum emulator_refusal refusals[] = {
		[CONFIG_EDIT_UNKNOWN] = EMULATOR_UNKNOWN,
		[CONFIG_EDIT_BAD] = EMULATOR_BAD_VALUE,
		[CONFIG_EDIT_RESTART] = EMULATOR_RESTART,
	};
	struct emulator *emulator = changing->emulator;
	struct err err;
	enum config_key key;
	enum endpoint_id scope;
	bool unknown = !config_key_find(change->key, &key, &scope);
	changing->unknown += unknown;
	changing->unclear |= unknown;
	if (unknown && changing->unknown > SUGGESTIONS) {
		err_set(&err, STATUS_USAGE, "no such key");
		refuse(changing, i, EMULATOR_UNKNOWN, &err);
		return;
	}
	enum config_edit_result result = config_edit_make(&changing->edits[i],
		emulator->options.config, emulator->start, change->key, change->value, who, &err);
	if (result != CONFIG_EDIT_MADE && result != CONFIG_EDIT_SAME)
		refuse(changing, i, refusals[result], &err);
	changing->unclear |= result == CONFIG_EDIT_BAD;
}

/* The last change that concerns an endpoint. The endpoint could do what was asked for before that
   change, so the refusal is reported for it. */
static size_t last_for(const struct changing *changing, enum endpoint_id endpoint)
{
	size_t last = 0;
	for (size_t i = 0; i < changing->count; i++) {
		const struct config_edit *edit = &changing->edits[i];
		bool own = edit->scope == endpoint || edit->scope == ENDPOINT_NONE;
		if (edit->made && own && config_row_has(&config_rows[edit->key], endpoint))
			last = i;
	}
	return last;
}

static void check(struct changing *changing)
{
	struct emulator *emulator = changing->emulator;
	for (size_t i = 0; i < emulator->count; i++) {
		struct endpoint *endpoint = emulator->slots[i].endpoint;
		struct err err;
		if (endpoint->ops->check && !endpoint->ops->check(endpoint, &err))
			refuse(changing, last_for(changing, endpoint->id), EMULATOR_BAD_VALUE,
				&err);
	}
}

static void tell(const struct changing *changing, const char *who)
{
	for (size_t i = 0; i < changing->count; i++) {
		const struct config_edit *edit = &changing->edits[i];
		const struct subject subject = { .endpoint =
							 config_endpoint(edit->key, edit->scope) };
		if (edit->made)
			EMIT(changing->emulator->journal, EVENT_CHANGE, &subject,
				F_TEXT("who", who), F_TEXT("key", edit->name),
				F_TEXT("before", edit->before), F_TEXT("after", edit->after));
	}
}

/* `who` NULL: only checks, and changes nothing. */
static bool change(struct emulator *emulator, const struct emulator_change *changes, size_t count,
	const char *who, emulator_on_refused *on_refused, void *context)
{
	struct changing changing = { .emulator = emulator,
		.count = count,
		.on_refused = on_refused,
		.context = context };
	changing.edits = calloc(count ? count : 1, sizeof *changing.edits);
	if (!changing.edits) {
		const struct err err = { STATUS_FAILED, "out of memory" };
		refuse(&changing, 0, EMULATOR_BAD_VALUE, &err);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		edit(&changing, i, &changes[i], who ? who : "");
	if (!changing.unclear)
		check(&changing);
	if (who && !changing.refused) {
		tell(&changing, who);
		for (size_t i = 0; i < emulator->count; i++)
			emulator->slots[i].endpoint->ops->changed(emulator->slots[i].endpoint);
	}
	for (size_t i = count; i-- > 0;) {
		if (!who || changing.refused)
			config_edit_undo(&changing.edits[i], emulator->options.config);
		config_edit_finish(&changing.edits[i]);
	}
	free(changing.edits);
	return !changing.refused;
}

bool emulator_change(struct emulator *emulator, const struct emulator_change *changes, size_t count,
	const char *who, emulator_on_refused *on_refused, void *context)
{
	return change(emulator, changes, count, who, on_refused, context);
}

bool emulator_can_change(struct emulator *emulator, const struct emulator_change *changes,
	size_t count, emulator_on_refused *on_refused, void *context)
{
	return change(emulator, changes, count, NULL, on_refused, context);
}

bool emulator_restore(struct emulator *emulator, const char *who)
{
	static const size_t most = KEY_COUNT * (1 + ENDPOINT_COUNT);
	struct emulator_change *changes = calloc(most, sizeof *changes);
	char(*names)[CONFIG_NAME_MAX] = calloc(most, sizeof *names);
	size_t count = 0;
	bool done = changes && names;
	for (int key = 0; done && key < KEY_COUNT; key++) {
		for (int scope = ENDPOINT_NONE; scope < ENDPOINT_COUNT; scope++) {
			const char *section =
				config_section((enum config_key)key, (enum endpoint_id)scope);
			if (!section)
				continue;
			snprintf(names[count], sizeof names[count], "%s.%s", section,
				config_rows[key].name);
			changes[count].key = names[count];
			count++;
		}
	}
	done = done && emulator_change(emulator, changes, count, who, NULL, NULL);
	free(changes);
	free(names);
	return done;
}

const struct config *emulator_config(const struct emulator *emulator)
{
	return emulator->options.config;
}

const struct config *emulator_config_start(const struct emulator *emulator)
{
	return emulator->start;
}

/* ---- pausing, cutting ---- */

/* Pauses or resumes every slot of one endpoint: it may run in two places. False: it does not
   run. */
static bool pause_endpoint(struct emulator *emulator, enum endpoint_id id, bool paused,
	const char *who)
{
	const struct subject subject = { .endpoint = id };
	bool runs = false, news = false;
	for (size_t i = 0; i < emulator->count; i++) {
		struct endpoint *endpoint = emulator->slots[i].endpoint;
		if (endpoint->id != id)
			continue;
		runs = true;
		if (endpoint->paused != paused) {
			endpoint->ops->pause(endpoint, paused);
			news = true;
		}
	}
	if (news)
		EMIT(emulator->journal, paused ? EVENT_SUSPEND : EVENT_RESUME, &subject,
			F_TEXT("who", who));
	return runs;
}

bool emulator_pause(struct emulator *emulator, enum endpoint_id endpoint, bool paused,
	const char *who)
{
	if (endpoint != ENDPOINT_NONE)
		return pause_endpoint(emulator, endpoint, paused, who);
	bool any = false;
	for (int id = 0; id < ENDPOINT_COUNT; id++)
		any |= pause_endpoint(emulator, (enum endpoint_id)id, paused, who);
	return any;
}

bool emulator_cut(struct emulator *emulator, uint64_t conn, bool reset, const char *who)
{
	char why[128];
	snprintf(why, sizeof why, "cut by %s", who);
	for (size_t i = 0; i < emulator->count; i++) {
		struct endpoint *endpoint = emulator->slots[i].endpoint;
		if (endpoint->ops->cut && endpoint->ops->cut(endpoint, conn, reset, why))
			return true;
	}
	return false;
}

void emulator_warn(struct emulator *emulator, const char *what)
{
	const struct subject subject = { .endpoint = ENDPOINT_NONE };
	EMIT(emulator->journal, EVENT_ERROR, &subject, F_TEXT("fault", "configuration"),
		F_TEXT("what", what));
}

void emulator_tell_program(struct emulator *emulator, const char *how, int status, double seconds,
	double cpu)
{
	const struct subject subject = { .endpoint = ENDPOINT_NONE };
	EMIT(emulator->journal, EVENT_PROGRAM, &subject, F_TEXT("how", how),
		F_INTEGER("status", status), F_REAL("seconds", seconds), F_REAL("cpu", cpu));
}

/* ---- looking ---- */

bool emulator_look(const struct emulator *emulator, size_t i, struct emulator_view *view)
{
	if (i >= emulator->count)
		return false;
	const struct endpoint *endpoint = emulator->slots[i].endpoint;
	*view = (struct emulator_view){
		.endpoint = endpoint->id,
		.local = emulator->slots[i].local,
		.paused = endpoint->paused,
		.port = endpoint->port,
		.open = endpoint->ops->connections
				? endpoint->ops->connections(endpoint, NULL, NULL)
				: 0,
		.left = INFINITY,
	};
	view->family = endpoint->ops->family ? endpoint->ops->family(endpoint, &view->left) : NULL;
	endpoint->ops->totals(endpoint, view->totals, sizeof view->totals);
	return true;
}

struct telling_all {
	void (*each)(void *context, const struct emulator_connection *connection);
	void *context;
	struct emulator_connection connection;
	double start; /* the journal's start, on clock_now */
};

static void tell_connection(void *context, uint64_t id, const char *peer, double opened)
{
	struct telling_all *all = context;
	all->connection.id = id;
	all->connection.peer = peer;
	all->connection.since = opened - all->start;
	all->each(all->context, &all->connection);
}

void emulator_connections(const struct emulator *emulator,
	void (*each)(void *context, const struct emulator_connection *connection), void *context)
{
	struct telling_all all = { .each = each, .context = context };
	all.start = clock_now() - journal_now(emulator->journal);
	for (size_t i = 0; i < emulator->count; i++) {
		const struct endpoint *endpoint = emulator->slots[i].endpoint;
		all.connection.endpoint = endpoint->id;
		all.connection.local = emulator->slots[i].local;
		if (endpoint->ops->connections)
			endpoint->ops->connections(endpoint, tell_connection, &all);
	}
}

bool emulator_impair(struct emulator *emulator, enum endpoint_id id, int family,
	enum fate_direction direction, struct impair *impair, struct impair_spec *spec)
{
	for (size_t i = 0; i < emulator->count; i++) {
		struct endpoint *endpoint = emulator->slots[i].endpoint;
		if (endpoint->id == id && endpoint->ops->impair &&
			endpoint->ops->impair(endpoint, family, direction, impair, spec))
			return true;
	}
	return false;
}

double emulator_uptime(const struct emulator *emulator)
{
	return journal_now(emulator->journal);
}

uint64_t emulator_seed(const struct emulator *emulator)
{
	return emulator->options.seed;
}

struct ev_loop *emulator_loop(const struct emulator *emulator)
{
	return emulator->loop;
}
