/* The table of routes. */
#include "servers/control/api.h"

#include <stdlib.h>

#include "servers/control/api_private.h"

/* docs/api.md and docs/openapi.json describe each row. */
static const struct http_route routes[] = {
	{ "GET", "/v1/status", api_status },
	{ "GET", "/v1/config", api_config_list },
	{ "PATCH", "/v1/config", api_config_patch },
	{ "DELETE", "/v1/config", api_config_restore },
	{ "GET", "/v1/config/*", api_config_one },
	{ "DELETE", "/v1/config/*", api_config_unset },
	{ "GET", "/v1/events", api_events },
	{ "GET", "/v1/connections", api_connections },
	{ "POST", "/v1/connections/*/close", api_connections_close },
	{ "POST", "/v1/pause", api_pause },
	{ "POST", "/v1/resume", api_resume },
	{ "GET", "/v1/preview", api_preview },
	{ "GET", "/metrics", api_metrics },
	{ "GET", "/v1/scenario", api_scenario },
	{ "POST", "/v1/scenario", api_scenario_start },
	{ "DELETE", "/v1/scenario", api_scenario_end },
};

struct api *api_create(struct emulator *emulator, struct ring *ring, struct scenario *scenario)
{
	struct api *api = calloc(1, sizeof *api);
	if (!api)
		return NULL;
	api->emulator = emulator;
	api->ring = ring;
	api->scenario = scenario;
	api->events = api_events_create(api);
	if (!api->events) {
		api_destroy(api);
		return NULL;
	}
	return api;
}

void api_finish(struct api *api)
{
	api_events_finish(api->events);
}

void api_destroy(struct api *api)
{
	if (!api)
		return;
	api_events_destroy(api->events);
	free(api);
}

void api_request(struct api *api, struct http_request *request)
{
	if (!api_page(api, request))
		http_route(routes, sizeof routes / sizeof routes[0], api, request);
}
