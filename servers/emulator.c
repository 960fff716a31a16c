#include "servers/emulator_private.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/carrier/tls_context.h"
#include "common/clock.h"
#include "common/json.h"
#include "servers/endpoint.h"
#include "servers/texts/flood.h"
#include "servers/texts/play.h"

static const struct subject LAB = { .endpoint = ENDPOINT_NONE };

/* ---- signals ---- */

static void on_signal(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
	struct emulator *emulator = watcher->data;
	emulator->why = watcher->signum == SIGINT    ? "SIGINT"
			: watcher->signum == SIGTERM ? "SIGTERM"
						     : "SIGHUP";
	emulator_stop(emulator);
}

static void watch_signals(struct emulator *emulator)
{
	static const int numbers[SIGNALS] = { SIGINT, SIGTERM, SIGHUP };
	for (int i = 0; i < SIGNALS; i++) {
		struct sigaction old;
		sigaction(numbers[i], NULL, &old);
		if (numbers[i] == SIGHUP && old.sa_handler == SIG_IGN)
			continue; /* nohup(1) */
		ev_signal_init(&emulator->signals[i], on_signal, numbers[i]);
		emulator->signals[i].data = emulator;
		ev_signal_start(emulator->loop, &emulator->signals[i]);
	}
}

/* A second signal must not kill the lab while it cleans up. So the signals are ignored from here
   on. They are blocked meanwhile, so that there is no moment with the default action. */
static void forget_signals(struct emulator *emulator)
{
	sigset_t all, old;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	for (int i = 0; i < SIGNALS; i++) {
		struct ev_signal *watcher = &emulator->signals[i];
		if (!ev_is_active(watcher))
			continue;
		ev_signal_stop(emulator->loop, watcher);
		signal(watcher->signum, SIG_IGN);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* ---- making ---- */

struct emulator *emulator_create(const struct emulator_options *options, struct err *err)
{
	struct emulator *emulator = calloc(1, sizeof *emulator);
	if (emulator) {
		emulator->options = *options;
		emulator->why = "asked";
		emulator->loop = options->loop ? options->loop : ev_loop_new(EVFLAG_AUTO);
		emulator->journal = journal_create();
	}
	if (!emulator || !emulator->loop || !emulator->journal) {
		err_set(err, STATUS_FAILED, "cannot make an event loop: %s", strerror(errno));
		emulator_destroy(emulator);
		return NULL;
	}
	/* Before anything is made that must not be left behind. A signal that comes before the loop
	   runs stops the loop as soon as it runs. */
	if (!options->loop)
		watch_signals(emulator);
	return emulator;
}

void emulator_observe(struct emulator *emulator, struct observer *observer)
{
	journal_observe(emulator->journal, observer);
}

/* ---- adding ---- */

static bool make_own(struct emulator *emulator, struct err *err)
{
	if (emulator->own_ca || tls_issue_run(&emulator->own, &emulator->own_ca, time(NULL)))
		return true;
	err_set(err, STATUS_FAILED, "OpenSSL cannot make certificates");
	return false;
}

static struct identity *find_identity(struct emulator *emulator, const char *dir, struct err *err)
{
	struct err why = { 0 };
	for (size_t i = 0; i < emulator->identity_count; i++)
		if (strcmp(emulator->identities[i].dir, dir) == 0)
			return &emulator->identities[i];
	struct identity *identity = &emulator->identities[emulator->identity_count];
	identity->unusable = !tls_identity_open(&identity->files, dir, &why);
	if (identity->unusable) {
		if (!make_own(emulator, err))
			return NULL;
		err_append(&why, "; the certificates of this run are in memory");
		snprintf(identity->note, sizeof identity->note, "%s", why.text);
	}
	if (!identity->unusable && identity->files.anew) {
		err_set(&why, STATUS_OK,
			"the lab's CA was made anew: browsers and trust stores that have the old "
			"one need %s",
			identity->files.ca_file);
		snprintf(identity->note, sizeof identity->note, "%s", why.text);
	}
	identity->dir = dir;
	emulator->identity_count++;
	return identity;
}

/* Uses the configured certificate. Where there is none, it uses the lab's own one, which is made
   when it is first needed. */
static bool load_tls(struct emulator *emulator, enum endpoint_id id, struct tls_context **tls,
	struct err *err)
{
	const struct config *config = emulator->options.config;
	const char *cert = config_text(config, KEY_TLS_CERT, id);
	const char *key = config_text(config, KEY_TLS_KEY, id);
	bool legacy = config_integer(config, KEY_TLS_LEGACY, id);
	const struct identity *identity = NULL;
	if (*cert == 0) {
		identity = find_identity(emulator, config_text(config, KEY_TLS_DIR, id), err);
		if (!identity)
			return false;
		cert = identity->files.cert_file;
		key = identity->files.key_file;
	}
	if (identity && identity->unusable)
		*tls = tls_context_server_pair(emulator->own.cert, emulator->own.key, legacy, err);
	else
		*tls = tls_context_server(cert, key, legacy, err);
	if (*tls && emulator->options.on_secret)
		tls_context_tell_secrets(*tls, emulator->options.on_secret,
			emulator->options.receiver);
	return *tls;
}

static void on_endpoint_idle(void *context)
{
	struct emulator *emulator = context;
	for (size_t i = 0; i < emulator->count; i++)
		if (!emulator->slots[i].endpoint->ops->is_idle(emulator->slots[i].endpoint))
			return;
	ev_break(emulator->loop, EVBREAK_ALL);
}

bool emulator_add(struct emulator *emulator, enum endpoint_id id,
	const struct emulator_place *place, struct err *err)
{
	struct slot *slot = &emulator->slots[emulator->count];
	if (place)
		slot->place = *place;
	slot->local = place;
	const struct config *config = emulator->options.config;
	unsigned groups = endpoint_table[id].groups;
	size_t text_len = 0;
	if (groups & GROUP_TLS && !load_tls(emulator, id, &slot->tls, err))
		return false;
	if (groups & GROUP_PMU) {
		text_len = (size_t)config_integer(config, KEY_PMU_FLOOD, id);
		slot->text =
			flood_create(config_text(config, KEY_PMU_FLOOD_TEXT, id), text_len, err);
		if (!slot->text)
			return false;
	}
	if (groups & GROUP_TV) {
		slot->text = play_create(config_text(config, KEY_TV_TEXT, id), &text_len, err);
		if (!slot->text)
			return false;
	}
	const struct endpoint_options options = {
		.loop = emulator->loop,
		.journal = emulator->journal,
		.config = config,
		.id = id,
		.tls = slot->tls,
		.seed = emulator->options.seed,
		.text = slot->text,
		.text_len = text_len,
		.next_conn = &emulator->next_conn,
		.netns = place ? place->netns : -1,
		.isolated = emulator->options.isolated,
		.on_idle = on_endpoint_idle,
		.context = emulator,
	};
	slot->endpoint = endpoint_table[id].ops->create(&options);
	if (!slot->endpoint) {
		err_set(err, STATUS_FAILED, "%s: out of memory", endpoint_table[id].name);
		return false;
	}
	emulator->count++;
	return true;
}

/* ---- listening ---- */

static void emit_start(struct emulator *emulator)
{
	if (!journal_wants(emulator->journal, EVENT_START))
		return;
	char *json = config_json(emulator->options.config);
	char date[CLOCK_DATE];
	clock_date(date);
	EMIT(emulator->journal, EVENT_START, &LAB, F_TEXT("version", PMULAB_VERSION),
		F_TEXT("time", date), F_INTEGER("seed", emulator->options.seed),
		F_JSON("config", json ? json : "null"));
	free(json);
}

static bool slot_listen(struct emulator *emulator, const struct slot *slot, struct err *err)
{
	const struct emulator_options *options = &emulator->options;
	const struct endpoint_ops *ops = slot->endpoint->ops;
	if (slot->local)
		return ops->listen(slot->endpoint, slot->place.addresses, slot->place.address_count,
			slot->place.port, err);
	int64_t port = options->ephemeral
			       ? 0
			       : config_integer(options->config, KEY_PORT, slot->endpoint->id);
	return ops->listen(slot->endpoint, options->addresses, options->address_count,
		(uint16_t)port, err);
}

bool emulator_listen(struct emulator *emulator, struct err *err)
{
	emulator->start = config_copy(emulator->options.config);
	if (!emulator->start) {
		err_set(err, STATUS_FAILED, "out of memory");
		return false;
	}
	for (size_t i = 0; i < emulator->count; i++)
		if (!slot_listen(emulator, &emulator->slots[i], err))
			return false;
	return true;
}

void emulator_start(struct emulator *emulator)
{
	emit_start(emulator);
	for (size_t i = 0; i < emulator->count; i++)
		emulator->slots[i].endpoint->ops->start(emulator->slots[i].endpoint);
}

uint16_t emulator_port(const struct emulator *emulator, enum endpoint_id id)
{
	for (size_t i = 0; i < emulator->count; i++)
		if (emulator->slots[i].endpoint->id == id)
			return emulator->slots[i].endpoint->port;
	return 0;
}

const char *emulator_ca_file(const struct emulator *emulator)
{
	if (emulator->identity_count == 0)
		return "";
	if (!emulator->identities[0].unusable)
		return emulator->identities[0].files.ca_file;
	return emulator->ca_file ? emulator->ca_file : "";
}

const char *emulator_ca_text(const struct emulator *emulator)
{
	return emulator->identity_count && emulator->identities[0].unusable ? emulator->own_ca
									    : NULL;
}

void emulator_set_ca_file(struct emulator *emulator, const char *path)
{
	emulator->ca_file = path;
}

const char *emulator_group(const struct emulator *emulator)
{
	return emulator_port(emulator, ENDPOINT_TV) ?
		config_text(emulator->options.config, KEY_TV_GROUP, ENDPOINT_TV) : "";
}

const char *emulator_note(const struct emulator *emulator, size_t i)
{
	return i < emulator->identity_count ? emulator->identities[i].note : NULL;
}

/* ---- running ---- */

static void abort_all(struct emulator *emulator)
{
	for (size_t i = 0; i < emulator->count; i++)
		emulator->slots[i].endpoint->ops->abort(emulator->slots[i].endpoint);
}

static void on_grace_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	abort_all(timer->data);
}

void emulator_stop(struct emulator *emulator)
{
	if (emulator->stopping) {
		abort_all(emulator);
		return;
	}
	emulator->stopping = true;
	double grace = config_seconds(emulator->options.config, KEY_SHUTDOWN_GRACE, ENDPOINT_NONE);
	if (isfinite(grace)) {
		ev_now_update(emulator->loop);
		ev_timer_init(&emulator->grace, on_grace_over, grace, 0);
		emulator->grace.data = emulator;
		ev_timer_start(emulator->loop, &emulator->grace);
	}
	for (size_t i = 0; i < emulator->count; i++)
		emulator->slots[i].endpoint->ops->stop(emulator->slots[i].endpoint);
}

static void emit_stop(struct emulator *emulator)
{
	char totals[SLOTS * EMULATOR_TOTALS], one[EMULATOR_TOTALS], name[64];
	struct json json;
	json_begin(&json, totals, sizeof totals);
	for (size_t i = 0; i < emulator->count; i++) {
		struct endpoint *endpoint = emulator->slots[i].endpoint;
		endpoint->ops->totals(endpoint, one, sizeof one);
		snprintf(name, sizeof name, "%s%s", endpoint_table[endpoint->id].name,
			emulator->slots[i].local ? "@localhost" : "");
		json_put_raw(&json, name, one);
	}
	json_end(&json);
	EMIT(emulator->journal, EVENT_STOP, &LAB, F_TEXT("why", emulator->why),
		F_JSON("endpoints", totals));
}

bool emulator_run(struct emulator *emulator, struct err *err)
{
	ev_run(emulator->loop, 0);
	forget_signals(emulator);
	ev_timer_stop(emulator->loop, &emulator->grace);
	emit_stop(emulator);
	if (!emulator->stopping) {
		err_set(err, STATUS_FAILED, "the event loop ended by itself");
		return false;
	}
	return true;
}

void emulator_destroy(struct emulator *emulator)
{
	if (!emulator)
		return;
	if (emulator->loop)
		forget_signals(emulator);
	for (size_t i = 0; i < SLOTS; i++) {
		/* the slot behind the last may be half-built */
		struct slot *slot = &emulator->slots[i];
		if (slot->endpoint)
			slot->endpoint->ops->destroy(slot->endpoint);
		tls_context_destroy(slot->tls);
		free(slot->text);
	}
	tls_pair_finish(&emulator->own);
	free(emulator->own_ca);
	journal_destroy(emulator->journal);
	config_destroy(emulator->start);
	if (emulator->loop && !emulator->options.loop)
		ev_loop_destroy(emulator->loop);
	free(emulator);
}
