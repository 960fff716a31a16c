/* /v1/connections: lists the open ones, and cuts one. */
#include "servers/control/api_private.h"

#include <string.h>

static void add_connection(void *context, const struct emulator_connection *connection)
{
	json_array_append_new(context,
		json_pack("{s:I, s:s, s:b, s:s, s:f}", "id", (json_int_t)connection->id, "endpoint",
			endpoint_table[connection->endpoint].name, "local", connection->local,
			"peer", connection->peer, "since", api_seconds(connection->since)));
}

void api_connections(void *context, struct http_request *request)
{
	static const char *const none[] = { NULL };
	const struct api *api = context;
	if (!api_parameters(request, none))
		return;
	json_t *list = json_array();
	emulator_connections(api->emulator, add_connection, list);
	api_answer(request, 200, json_pack("{s:o}", "connections", list));
}

void api_connections_close(void *context, struct http_request *request)
{
	static const char *const none[] = { NULL }, *const members[] = { "how", NULL };
	const struct api *api = context;
	if (!api_parameters(request, none))
		return;
	json_t *body = api_body(request, members);
	if (!body)
		return;
	const json_t *member = json_object_get(body, "how");
	const char *how = member ? json_string_value(member) : "fin";
	bool reset = how && strcmp(how, "rst") == 0;
	uint64_t id = 0;
	if (!how || (!reset && strcmp(how, "fin") != 0))
		api_refuse(request, 422, "how", "\"fin\" or \"rst\"",
			"there is no such way to close a connection");
	else if (!api_number(http_request_part(request), &id) ||
		!emulator_cut(api->emulator, id, reset, api_who(request)))
		api_refuse(request, 404, NULL, "GET /v1/connections lists those that are open",
			"there is no open connection %.32s", http_request_part(request));
	else
		api_answer(request, 200,
			json_pack("{s:I, s:s}", "id", (json_int_t)id, "how",
				reset ? "rst" : "fin"));
	json_decref(body);
}
