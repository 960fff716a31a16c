/* What the groups of calls share: the lab, how a request is read, how it is answered. Private to
   control/api*.c. */
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
	struct api_events *events; /* who reads them */
};

/* ---- reading (api_call.c) ---- */

/* False: the query has a parameter that is not among `known` (ends with NULL), and the request has
   been refused. */
bool api_parameters(struct http_request *request, const char *const *known);

/* The body as any JSON, the caller's. NULL: the request has been refused. */
json_t *api_json(struct http_request *request);

/*
 * The body as a JSON object, the caller's; an empty body is an empty object. Members must be among
 * `known` (ends with NULL; NULL: any). NULL: the request has been refused.
 */
json_t *api_body(struct http_request *request, const char *const *known);

/* The whole of `text` as a decimal number. */
bool api_number(const char *text, uint64_t *number);

/* Whom people are told that it was: the header Pmulab-Who where it is a plain word ("ctl"), else
   "page" for who has the page's cookie, else "control". Lives as long as the request. */
const char *api_who(const struct http_request *request);

/* "there is no endpoint \"pmo\"", with those that there are as its hint. */
void api_no_endpoint(struct http_request *request, unsigned status, const char *name);

/* ---- answering (api_call.c) ---- */

/* Takes `json`, which may be NULL: out of memory. */
void api_answer(struct http_request *request, unsigned status, json_t *json);

/* All errors in one answer: the first one where every refusal has its own, and the list. */
void api_answer_errors(struct http_request *request, unsigned status, json_t *errors);

/* Answers so, with "error" made from a format. */
void api_refuse(struct http_request *request, unsigned status, const char *key, const char *hint,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/* An endpoint as the calls show it: its name, beside it "local" where it is in a place of its
   own. */
json_t *api_view(const struct emulator_view *view);

/* ---- the calls; `context` is the struct api ---- */

void api_status(void *context, struct http_request *request);

void api_config_list(void *context, struct http_request *request);
void api_config_one(void *context, struct http_request *request);
void api_config_patch(void *context, struct http_request *request);
void api_config_restore(void *context, struct http_request *request);
void api_config_unset(void *context, struct http_request *request);

void api_events(void *context, struct http_request *request);
struct api_events *api_events_create(struct api *api); /* NULL: out of memory */
/* The lab ends: its last events are written, and the streams of those who are not behind end in
   good order. */
void api_events_finish(struct api_events *events);
void api_events_destroy(struct api_events *events);    /* accepts NULL */

void api_connections(void *context, struct http_request *request);
void api_connections_close(void *context, struct http_request *request);

void api_pause(void *context, struct http_request *request);
void api_resume(void *context, struct http_request *request);

void api_metrics(void *context, struct http_request *request);

void api_preview(void *context, struct http_request *request);

void api_scenario(void *context, struct http_request *request);
void api_scenario_start(void *context, struct http_request *request);
void api_scenario_end(void *context, struct http_request *request);

/* False: the page has no such file, and the request is not answered. */
bool api_page(struct api *api, struct http_request *request);

#endif
