/* Drives a responder without sockets: takes datagrams, and gives replies and events as texts. */
#ifndef TESTS_UNIT_DATAGRAM_RESPONDER_DRIVER_H
#define TESTS_UNIT_DATAGRAM_RESPONDER_DRIVER_H

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"
#include "servers/config/config.h"
#include "servers/datagram/responder.h"

enum { DRIVER_TEXT = WIRE_SHOWN_MAX + 2048 };

struct responder_driver {
	const struct responder_ops *ops;
	struct config *config;
	struct responder_host host;
	void *self;
	uint64_t n; /* of the last datagram */
	size_t reply_len;
	char reply[RESPONDER_REPLY_MAX + 1]; /* the last one, with a NUL */
	unsigned events; /* how many the last datagram caused */
	char event[DRIVER_TEXT]; /* the last one: "reset family=4 n=1 asked=20 ..." */
};

static void responder_driver_emit(void *context, enum event_type type, const struct field *fields,
	size_t count)
{
	struct responder_driver *driver = context;
	size_t used = (size_t)snprintf(driver->event, DRIVER_TEXT, "%s", event_table[type].name);
	driver->events++;
	for (size_t i = 0; i < count; i++) {
		const struct field *field = &fields[i];
		char bytes[WIRE_ESCAPED_MAX], said[WIRE_SHOWN_MAX];
		used += (size_t)snprintf(driver->event + used, DRIVER_TEXT - used,
			" %s=", field->name);
		if (field->kind == FIELD_BYTES) {
			wire_escape(bytes, field->text, (size_t)field->integer);
			used += (size_t)snprintf(driver->event + used, DRIVER_TEXT - used,
				"\"%s\"/%" PRId64, bytes, field->integer);
		} else if (field->kind == FIELD_SAID) {
			wire_show(said, field->text, (size_t)field->integer);
			used += (size_t)snprintf(driver->event + used, DRIVER_TEXT - used, "\"%s\"",
				said);
		} else if (field->kind == FIELD_TEXT) {
			used += (size_t)snprintf(driver->event + used, DRIVER_TEXT - used, "%s",
				field->text);
		} else {
			used += (size_t)snprintf(driver->event + used, DRIVER_TEXT - used,
				"%" PRId64, field->integer);
		}
	}
}

/* `settings`: "reset.only=20", ends with NULL; or NULL. */
static struct responder_driver *responder_driver_create(const struct responder_ops *ops,
	enum endpoint_id endpoint, uint64_t seed, const char *const *settings)
{
	struct responder_driver *driver = calloc(1, sizeof *driver);
	driver->ops = ops;
	driver->config = config_create();
	struct err err;
	for (; settings && *settings; settings++)
		ck_assert_msg(config_assign(driver->config, *settings, "--set", &err), "%s",
			err.text);
	driver->host = (struct responder_host){ .config = driver->config,
		.endpoint = endpoint,
		.seed = seed };
	driver->self = calloc(1, ops->size);
	const struct responder_log log = { .emit = responder_driver_emit, .driver = driver };
	ops->init(driver->self, &driver->host, &log);
	return driver;
}

static void responder_driver_destroy(struct responder_driver *driver)
{
	config_destroy(driver->config);
	free(driver->self);
	free(driver);
}

/* Gives the responder datagram `n` of a family (4, 6) from the sender with this number. Returns the
   reply, driver->reply; "": none. Checks that the responder keeps to its room for the reply. */
static const char *responder_driver_send_n(struct responder_driver *driver, int family, uint64_t n,
	uint32_t sender, const char *data, size_t len)
{
	static const char untouched = 0x55;
	char room[RESPONDER_REPLY_MAX + 16];
	memset(room, untouched, sizeof room);
	driver->events = 0;
	driver->event[0] = '\0';
	driver->n = n;
	const struct datagram datagram = { .data = data,
		.len = len,
		.family = family,
		.n = n,
		.sender = &sender,
		.sender_len = sizeof sender };
	driver->reply_len = driver->ops->receive(driver->self, &datagram, room);
	ck_assert_uint_le(driver->reply_len, RESPONDER_REPLY_MAX);
	for (size_t i = RESPONDER_REPLY_MAX; i < sizeof room; i++)
		ck_assert_int_eq(room[i], untouched);
	memcpy(driver->reply, room, driver->reply_len);
	driver->reply[driver->reply_len] = '\0';
	ck_assert_uint_eq(strlen(driver->reply), driver->reply_len);
	return driver->reply;
}

/* The same for the next datagram over IPv4. */
static inline const char *responder_driver_send(struct responder_driver *driver, uint32_t sender,
	const char *data, size_t len)
{
	return responder_driver_send_n(driver, 4, driver->n + 1, sender, data, len);
}

/* The number in a field of the last event. Fails when the event does not have that field. */
static inline int64_t responder_driver_number(const struct responder_driver *driver,
	const char *name)
{
	char key[32];
	snprintf(key, sizeof key, " %s=", name);
	const char *found = strstr(driver->event, key);
	ck_assert_msg(found, "no %s in \"%s\"", name, driver->event);
	return strtoll(found + strlen(key), NULL, 10);
}

#endif
