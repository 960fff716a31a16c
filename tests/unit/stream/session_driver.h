/*
 * Drives a session without sockets and without a clock. It takes steps, and writes a transcript of
 * what the session does, one line for each action or event:
 *
 *   0.000 send "This is PMU data 1"
 *   0.050 close done
 *   0.000 event command text="CMD_short:0" kind=short interval=0.000 messages=3
 *
 * ACTION_READ and ACTION_SLEEP write no line: the driver goes on to the next step, or to the end of
 * the sleep.
 */
#ifndef TESTS_UNIT_STREAM_SESSION_DRIVER_H
#define TESTS_UNIT_STREAM_SESSION_DRIVER_H

#include <check.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"
#include "servers/stream/session.h"

enum { TRANSCRIPT_BYTES = 16384, SETTINGS_MAX = 4 };

enum step_kind { STEP_NONE, STEP_INPUT, STEP_MESSAGE, STEP_EOF, STEP_STOP };

struct step {
	double at; /* seconds */
	enum step_kind kind;
	/* STEP_INPUT: bytes of a stream or of a fragment; STEP_MESSAGE: the last bytes of a
	   message */
	const char *text;
};

struct driver {
	const struct session_ops *ops;
	struct config *config;
	struct session_host host;
	struct session_log log;
	void *self;
	double now;
	bool closed;
	char transcript[TRANSCRIPT_BYTES];
	size_t len;
};

static inline void driver_say(struct driver *driver, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline void driver_say(struct driver *driver, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(driver->transcript + driver->len, sizeof driver->transcript - driver->len,
		format, args);
	va_end(args);
	driver->len += (size_t)n;
	ck_assert_uint_lt(driver->len, sizeof driver->transcript);
}

/* Writes the bytes in quotes, a line end as \n. */
static inline void driver_say_bytes(struct driver *driver, const char *data, size_t len)
{
	driver_say(driver, "\"");
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n')
			driver_say(driver, "\\n");
		else
			driver_say(driver, "%c", data[i]);
	}
	driver_say(driver, "\"\n");
}

static inline void driver_on_event(void *context, enum event_type type, const struct field *fields,
	size_t count)
{
	struct driver *driver = context;
	char escaped[WIRE_ESCAPED_MAX];
	driver_say(driver, "%.3f event %s", driver->now, event_table[type].name);
	for (size_t i = 0; i < count; i++) {
		const struct field *field = &fields[i];
		if (field->kind == FIELD_INTEGER) {
			driver_say(driver, " %s=%lld", field->name, (long long)field->integer);
		} else if (field->kind == FIELD_REAL) {
			driver_say(driver, " %s=%.3f", field->name, field->real);
		} else if (field->kind == FIELD_BYTES) {
			wire_escape(escaped, field->text, (size_t)field->integer);
			driver_say(driver, " %s=\"%s\"", field->name, escaped);
		} else {
			driver_say(driver, " %s=%s", field->name, field->text);
		}
	}
	driver_say(driver, "\n");
}

static inline void driver_set(struct driver *driver, const char *assignment)
{
	struct err err;
	ck_assert_msg(config_assign(driver->config, assignment, "test", &err), "%s", err.text);
}

/* `settings` ("pmu.rtt=0") ends with NULL, and may be NULL. driver_finish frees all. */
static inline void driver_init(struct driver *driver, const struct session_ops *ops,
	enum endpoint_id endpoint, const char *const *settings)
{
	static const char flood[] = "Who's there?";
	*driver = (struct driver){ .ops = ops, .config = config_create() };
	for (; settings && *settings; settings++)
		driver_set(driver, *settings);
	driver->host = (struct session_host){
		.config = driver->config,
		.endpoint = endpoint,
		.flood = flood,
		.flood_len = sizeof flood - 1,
	};
	driver->log = (struct session_log){ .emit = driver_on_event, .driver = driver };
	driver->self = calloc(1, ops->size(&driver->host));
	ops->init(driver->self, &driver->host, &driver->log);
}

static inline void driver_finish(struct driver *driver)
{
	config_destroy(driver->config);
	free(driver->self);
}

/* Carries out the session's actions until it waits for input or for a time after `until`, or has
   closed. */
static inline void driver_run(struct driver *driver, double until)
{
	for (int i = 0; i < 10000 && !driver->closed; i++) {
		struct action action = driver->ops->next(driver->self, driver->now);
		switch (action.kind) {
		case ACTION_READ:
			return;
		case ACTION_SLEEP:
			/* A session that is asked too early must answer the same again. */
			ck_assert(driver->now < action.until);
			ck_assert(driver->ops->next(driver->self, driver->now).until ==
				action.until);
			if (action.until > until)
				return;
			driver->now = action.until;
			break;
		case ACTION_SEND:
			ck_assert_uint_gt(action.len, 0);
			driver_say(driver, "%.3f send ", driver->now);
			driver_say_bytes(driver, action.data, action.len);
			break;
		case ACTION_CLOSE:
			driver_say(driver, "%.3f close %s\n", driver->now, action.why);
			driver->closed = true;
			/* A closed session stays closed. */
			ck_assert_int_eq(driver->ops->next(driver->self, driver->now).kind,
				ACTION_CLOSE);
			break;
		}
	}
	ck_assert(driver->closed);
}

static inline void driver_step(struct driver *driver, const struct step *step)
{
	driver_run(driver, step->at);
	driver->now = step->at;
	switch (step->kind) {
	case STEP_NONE:
		break;
	case STEP_INPUT:
	case STEP_MESSAGE:
		ck_assert(driver->ops->takes_input(driver->self));
		driver->ops->input(driver->self, step->text, strlen(step->text),
			step->kind == STEP_MESSAGE);
		break;
	case STEP_EOF:
	case STEP_STOP:
		driver->ops->tell(driver->self,
			step->kind == STEP_EOF ? SESSION_EOF : SESSION_STOP);
		break;
	}
}

/* Runs the steps, at most `most` and up to the first STEP_NONE, and then the session until it
   closes or waits for input. */
static inline void driver_play(struct driver *driver, const struct step *steps, size_t most)
{
	for (size_t i = 0; i < most && steps[i].kind != STEP_NONE; i++)
		driver_step(driver, &steps[i]);
	driver_run(driver, INFINITY);
}

#endif
