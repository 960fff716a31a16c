/*
 * The lab over HTTP: what docs/api.md describes. A table of routes (api.c), and a file for each
 * group of calls, which see the lab by emulator.h, its configuration, and the last events.
 */
#ifndef SERVERS_CONTROL_API_H
#define SERVERS_CONTROL_API_H

#include <stddef.h>

#include "servers/control/scenario.h"
#include "servers/emulator.h"
#include "servers/events/ring.h"
#include "servers/http/http.h"

struct api;

/* For requests from the emulator's loop. All three outlive the api, and `ring_notify` is the api's.
   NULL: out of memory. */
struct api *api_create(struct emulator *emulator, struct ring *ring, struct scenario *scenario);

/* The lab has ended: who reads events gets the last ones, as far as the streams take them. Before
   http_destroy. */
void api_finish(struct api *api);

/* When there is no stream any more: after http_destroy. Accepts NULL. */
void api_destroy(struct api *api);

/* For a request that the guard has let pass: answers it, at once or as a stream. */
void api_request(struct api *api, struct http_request *request);

/* For http_options: a refusal as {"error", "key", "hint"}. */
size_t api_write_refusal(void *context, const char *error, const char *hint, char *body,
	size_t size);
extern const char api_type[]; /* its Content-Type, and that of most answers */

#endif
