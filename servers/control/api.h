/*
 * The lab's HTTP API, which docs/api.md describes. api.c has the table of routes; each group of
 * calls has a file. They use the lab through emulator.h, its configuration, and the ring of the
 * last events.
 */
#ifndef SERVERS_CONTROL_API_H
#define SERVERS_CONTROL_API_H

#include <stddef.h>

#include "servers/control/scenario.h"
#include "servers/emulator.h"
#include "servers/events/ring.h"
#include "servers/http/http.h"

struct api;

/* Makes the API, which runs in the emulator's loop. All three outlive the API; the API takes the
   ring's ring_notify for itself. NULL: out of memory. */
struct api *api_create(struct emulator *emulator, struct ring *ring, struct scenario *scenario);

/* The lab has ended: sends the last events to the clients that read events, as far as their streams
   take them. Call it before http_destroy. */
void api_finish(struct api *api);

/* Frees the API. Call it after http_destroy, when no stream is left. Accepts NULL. */
void api_destroy(struct api *api);

/* Answers a request that guard_pass has let pass, at once or as a stream. */
void api_request(struct api *api, struct http_request *request);

/* http_options.write_refusal: writes a refusal as {"error", "key", "hint"}. `context` is not
   used. */
size_t api_write_refusal(void *context, const char *error, const char *hint, char *body,
	size_t size);

extern const char api_type[]; /* the Content-Type of refusals and of most answers: JSON */

#endif
