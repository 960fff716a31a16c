/* /v1/scenario: starts a scenario in place of the last one, shows it, ends it. */
#include "servers/control/api_private.h"
#include "servers/control/scenario.h"

static const char *const no_parameters[] = { NULL };

void api_scenario(void *context, struct http_request *request)
{
	const struct api *api = context;
	if (api_parameters(request, no_parameters))
		api_answer(request, 200, scenario_show(api->scenario));
}

void api_scenario_start(void *context, struct http_request *request)
{
	const struct api *api = context;
	if (!api_parameters(request, no_parameters))
		return;
	json_t *steps = api_json(request);
	if (!steps)
		return;
	json_t *errors = json_array();
	if (scenario_load(api->scenario, steps, api_who(request), errors)) {
		scenario_begin(api->scenario);
		api_answer(request, 200, scenario_show(api->scenario));
	} else if (json_array_size(errors) > 0) {
		api_answer_errors(request, 422, errors);
	} else {
		http_refuse(request, 500, NULL, "out of memory", "");
	}
	json_decref(errors);
	json_decref(steps);
}

/* Changes that the steps have made stay. */
void api_scenario_end(void *context, struct http_request *request)
{
	const struct api *api = context;
	if (!api_parameters(request, no_parameters))
		return;
	scenario_end(api->scenario);
	api_answer(request, 200, scenario_show(api->scenario));
}
