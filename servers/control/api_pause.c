/* POST /v1/pause and /v1/resume: an endpoint takes no new work, and takes it again. */
#include "servers/control/api_private.h"

static void answer_endpoints(const struct api *api, enum endpoint_id endpoint,
	struct http_request *request)
{
	json_t *list = json_array();
	struct emulator_view view;
	for (size_t i = 0; emulator_look(api->emulator, i, &view); i++)
		if (endpoint == ENDPOINT_NONE || view.endpoint == endpoint)
			json_array_append_new(list, api_view(&view));
	api_answer(request, 200, json_pack("{s:o}", "endpoints", list));
}

static void set_paused(const struct api *api, struct http_request *request, bool paused)
{
	static const char *const none[] = { NULL }, *const members[] = { "endpoint", NULL };
	if (!api_parameters(request, none))
		return;
	json_t *body = api_body(request, members);
	if (!body)
		return;
	const json_t *member = json_object_get(body, "endpoint");
	const char *name = json_string_value(member);
	enum endpoint_id endpoint = name ? endpoint_find(name) : ENDPOINT_NONE;
	if (member && !json_is_null(member) && endpoint == ENDPOINT_NONE)
		api_no_endpoint(request, 422, name ? name : "");
	else if (!emulator_pause(api->emulator, endpoint, paused, api_who(request)))
		api_refuse(request, 422, "endpoint", "GET /v1/status lists those that do",
			"this endpoint does not run");
	else
		answer_endpoints(api, endpoint, request);
	json_decref(body);
}

void api_pause(void *context, struct http_request *request)
{
	set_paused(context, request, true);
}

void api_resume(void *context, struct http_request *request)
{
	set_paused(context, request, false);
}
