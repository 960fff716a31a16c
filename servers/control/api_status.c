/* GET /v1/status: the state of the lab. */
#include "servers/control/api_private.h"

#include <math.h>

#include "common/clock.h"

json_t *api_view(const struct emulator_view *view)
{
	json_t *left = isfinite(view->left) ? json_real(api_seconds(view->left)) : json_null();
	return json_pack("{s:s, s:b, s:i, s:b, s:i, s:s?, s:o, s:o*}", "endpoint",
		endpoint_table[view->endpoint].name, "local", view->local, "port", view->port,
		"paused", view->paused, "open", (int)view->open, "family", view->family, "left",
		left, "totals", json_loads(view->totals, 0, NULL));
}

void api_status(void *context, struct http_request *request)
{
	static const char *const none[] = { NULL };
	const struct api *api = context;
	if (!api_parameters(request, none))
		return;
	json_t *endpoints = json_array();
	struct emulator_view view;
	json_int_t open = 0;
	for (size_t i = 0; emulator_look(api->emulator, i, &view); i++) {
		json_array_append_new(endpoints, api_view(&view));
		open += view.open;
	}
	char date[CLOCK_DATE];
	clock_date(date);
	api_answer(request, 200,
		json_pack("{s:s, s:s, s:f, s:I, s:I, s:{s:I, s:I}, s:o}", "version", PMULAB_VERSION,
			"time", date, "uptime", api_seconds(emulator_uptime(api->emulator)), "seed",
			(json_int_t)emulator_seed(api->emulator), "connections", open, "events",
			"first", (json_int_t)ring_first(api->ring), "next",
			(json_int_t)ring_next(api->ring), "endpoints", endpoints));
}
