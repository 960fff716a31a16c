/* Shared by the API's files (api*.c): the lab, reading a request, answering it. */
#ifndef SERVERS_CONTROL_API_PRIVATE_H
#define SERVERS_CONTROL_API_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "servers/control/api.h"
#include "servers/control/api_json.h"

struct api_events;

struct api {
	struct emulator *emulator;
	struct ring *ring;
	struct scenario *scenario;
	struct api_events *events; /* the clients that read events */
};

/* ---- reading (api_call.c) ---- */

/* Checks the names of the query's parameters. False: one is not among `known` (ends with NULL), and
   the request has been refused. */
bool api_parameters(struct http_request *request, const char *const *known);

/* The body as JSON of any type; the caller owns it. NULL: the request has been refused. */
json_t *api_json(struct http_request *request);

/* The body as a JSON object, which the caller owns; an empty body is an empty object. Its members
   must be among `known` (ends with NULL; NULL: any). NULL: the request has been refused. */
json_t *api_body(struct http_request *request, const char *const *known);

/* Reads the whole of `text` as a decimal number. False: it is none, or is too large. */
bool api_number(const char *text, uint64_t *number);

/* The name of the client, for events and origins. It is the header Pmulab-Who where that is a plain
   word ("ctl": at most 32 letters, digits, "-", "_", "."). Else it is "page" for a request over TCP
   with a cookie, and "control" for any other. Lives as long as the request. */
const char *api_who(const struct http_request *request);

/* Refuses with "there is no endpoint \"pmo\"" and the list of endpoints as the hint. */
void api_no_endpoint(struct http_request *request, unsigned status, const char *name);

/* ---- answering (api_call.c) ---- */

/* Answers with `json`, whose reference it takes. NULL: out of memory, which it answers with 500. */
void api_answer(struct http_request *request, unsigned status, json_t *json);

/* Answers with all `errors` (an array, still the caller's): the members of the first one as in any
   refusal, and the list as "errors". */
void api_answer_errors(struct http_request *request, unsigned status, json_t *errors);

/* Refuses with {"error", "key", "hint"}; "error" is made from the format. `key` may be NULL. */
void api_refuse(struct http_request *request, unsigned status, const char *key, const char *hint,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/* An endpoint as the calls show it: its name, "local" (it is in a place of its own), and its state.
   NULL: out of memory. */
json_t *api_view(const struct emulator_view *view);

/* ---- the calls; `context` is the struct api ---- */

void api_status(void *context, struct http_request *request);

void api_config_list(void *context, struct http_request *request);
void api_config_one(void *context, struct http_request *request);
void api_config_patch(void *context, struct http_request *request);
void api_config_restore(void *context, struct http_request *request);
void api_config_unset(void *context, struct http_request *request);

void api_events(void *context, struct http_request *request);

/* Makes the part of the API that serves events. NULL: out of memory. */
struct api_events *api_events_create(struct api *api);

/* The lab ends: writes its last events, and ends in good order the streams that have got all of
   them. */
void api_events_finish(struct api_events *events);

/* Accepts NULL. */
void api_events_destroy(struct api_events *events);

void api_connections(void *context, struct http_request *request);
void api_connections_close(void *context, struct http_request *request);

void api_pause(void *context, struct http_request *request);
void api_resume(void *context, struct http_request *request);

void api_metrics(void *context, struct http_request *request);

void api_preview(void *context, struct http_request *request);

void api_scenario(void *context, struct http_request *request);
void api_scenario_start(void *context, struct http_request *request);
void api_scenario_end(void *context, struct http_request *request);

/* Answers with a file of the page. False: there is no such file, and the request is not
   answered. */
bool api_page(struct api *api, struct http_request *request);

#endif
