/*
 * GET /v1/preview: the fates of the next datagrams of an endpoint, family and direction, with its
 * loss or with another one. Random decisions depend only on a datagram's number, so a copy of the
 * impairment tells them.
 */
#include "servers/control/api_private.h"

#include <math.h>
#include <string.h>

#include "servers/config/config.h"
#include "servers/impair/impair.h"
#include "servers/impair/loss.h"

enum {
	FATES = 50,
	FATES_MAX = 1000,
	/* bytes of the datagrams: "RESET:20". It only matters that they are not empty */
	LENGTH = 8,
};

struct preview {
	enum endpoint_id endpoint;
	enum fate_direction direction;
	int family;
	uint64_t count;
	const char *loss; /* the loss of the request; NULL: the configured one */
	struct impair impair;
	struct impair_spec spec;
};

/* ---- what is asked ---- */

/* The direction in which the keys put the endpoint's losses. The station only sends. */
static enum fate_direction impaired(const struct api *api, enum endpoint_id endpoint)
{
	unsigned groups = endpoint_table[endpoint].groups;
	bool reply =
		groups & GROUP_TV ||
		(groups & GROUP_RESET && config_integer(emulator_config(api->emulator),
						 KEY_RESET_DIRECTION, endpoint) == RESET_REPLY);
	return reply ? FATE_REPLY : FATE_REQUEST;
}

static bool find_endpoint(struct http_request *request, struct preview *preview)
{
	const char *name = http_request_parameter(request, "endpoint");
	preview->endpoint = name ? endpoint_find(name) : ENDPOINT_RESET;
	if (preview->endpoint != ENDPOINT_NONE && endpoint_table[preview->endpoint].loss)
		return true;
	api_refuse(request, 400, "endpoint", "reset, udp-print or tv",
		"there is no endpoint \"%.64s\" with datagrams", name);
	return false;
}

static bool find_direction(const struct api *api, struct http_request *request,
	struct preview *preview)
{
	static const enum fate_direction directions[] = { FATE_REQUEST, FATE_REPLY };
	const char *name = http_request_parameter(request, "direction");
	preview->direction = impaired(api, preview->endpoint);
	if (!name)
		return true;
	for (size_t i = 0; i < sizeof directions / sizeof directions[0]; i++)
		if (strcmp(name, fate_direction_name(directions[i])) == 0) {
			preview->direction = directions[i];
			return true;
		}
	api_refuse(request, 400, "direction", "request or reply", "there is no direction \"%.64s\"",
		name);
	return false;
}

static bool find_family(struct http_request *request, struct preview *preview)
{
	const char *text = http_request_parameter(request, "family");
	preview->family = 4;
	if (!text || strcmp(text, "4") == 0)
		return true;
	preview->family = 6;
	if (strcmp(text, "6") == 0)
		return true;
	api_refuse(request, 400, "family", "4 or 6", "there is no family \"%.64s\"", text);
	return false;
}

static bool find_count(struct http_request *request, struct preview *preview)
{
	const char *text = http_request_parameter(request, "n");
	preview->count = FATES;
	if (!text || (api_number(text, &preview->count) && preview->count >= 1 &&
			     preview->count <= FATES_MAX))
		return true;
	api_refuse(request, 400, "n", "from 1 to 1000", "\"%.64s\" is no number of datagrams",
		text);
	return false;
}

static bool find_impair(const struct api *api, struct http_request *request,
	struct preview *preview)
{
	if (emulator_impair(api->emulator, preview->endpoint, preview->family, preview->direction,
		    &preview->impair, &preview->spec))
		return true;
	api_refuse(request, 404, NULL,
		"GET /v1/status lists the endpoints that run; tv sends, over IPv4",
		"%s has no datagrams of that family and direction",
		endpoint_table[preview->endpoint].name);
	return false;
}

static bool find_loss(struct http_request *request, struct preview *preview)
{
	struct err err;
	preview->loss = http_request_parameter(request, "loss");
	if (!preview->loss || loss_parse(&preview->spec.loss, preview->loss, &err))
		return true;
	api_answer(request, 400, api_refusal_line(err.text, "loss"));
	return false;
}

/* ---- what will be ---- */

/* A random number as JSON; NAN: nothing was drawn. */
static json_t *share(double drawn)
{
	return isnan(drawn) ? json_null() : json_real(round(drawn * 1e9) / 1e9);
}

static json_t *show_fate(const struct impair_fate *fate)
{
	json_t *delays = json_array();
	for (unsigned i = 0; i < fate->copies; i++)
		json_array_append_new(delays, json_real(api_seconds(fate->delay[i])));
	return json_pack("{s:I, s:b, s:b, s:o, s:s?, s:o, s:b, s:b}", "n", (json_int_t)fate->n,
		"lost", fate->loss.lost, "spared", fate->loss.spared, "drawn",
		share(fate->loss.drawn), "state", fate->loss.state, "delays", delays, "reordered",
		fate->reordered, "corrupted", fate->corrupted);
}

static json_t *show(struct preview *preview, uint64_t seed)
{
	char fates[FATES_MAX + 1], loss[LOSS_TEXT_MAX];
	json_t *datagrams = json_array();
	uint64_t from = preview->impair.n + 1;
	for (uint64_t i = 0; i < preview->count; i++) {
		struct impair_fate fate = impair_next(&preview->impair, &preview->spec, LENGTH);
		fates[i] = fate.loss.lost ? 'x' : '.';
		json_array_append_new(datagrams, show_fate(&fate));
	}
	fates[preview->count] = '\0';
	loss_format(&preview->spec.loss, loss);
	return json_pack("{s:s, s:i, s:s, s:I, s:s, s:I, s:s, s:o}", "endpoint",
		endpoint_table[preview->endpoint].name, "family", preview->family, "direction",
		fate_direction_name(preview->direction), "seed", (json_int_t)seed, "loss", loss,
		"from", (json_int_t)from, "fates", fates, "datagrams", datagrams);
}

void api_preview(void *context, struct http_request *request)
{
	static const char *const known[] = { "endpoint", "family", "direction", "loss", "n", NULL };
	const struct api *api = context;
	struct preview preview;
	if (api_parameters(request, known) && find_endpoint(request, &preview) &&
		find_direction(api, request, &preview) && find_family(request, &preview) &&
		find_count(request, &preview) && find_impair(api, request, &preview) &&
		find_loss(request, &preview))
		api_answer(request, 200, show(&preview, emulator_seed(api->emulator)));
}
