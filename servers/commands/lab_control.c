#include "servers/commands/lab_control.h"

#include <stdlib.h>
#include <string.h>

#include "servers/control/place.h"

enum { PAGE_PORT = 8080 };

/* ---- addresses and paths ---- */

static bool parse_port(const char *text, uint16_t *port)
{
	size_t len = strlen(text);
	unsigned long value = strtoul(text, NULL, 10);
	*port = (uint16_t)value;
	return len > 0 && len <= 5 && strspn(text, "0123456789") == len && value <= UINT16_MAX;
}

/* Takes "127.0.0.1:8080" or "[::1]:8080", and also the address or the port alone. */
static bool parse_page(struct address *address, const char *text, struct err *err)
{
	char host[ADDRESS_TEXT];
	uint16_t port;
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	if (address_parse(address, text, PAGE_PORT) ||
		(parse_port(text, &port) && address_parse(address, "127.0.0.1", port)))
		return true;
	bool brackets = len > 2 && text[0] == '[' && text[len - 1] == ']';
	snprintf(host, sizeof host, "%.*s", (int)(brackets ? len - 2 : len), text + brackets);
	if (len > 0 && brackets == (strchr(host, ':') != NULL) && parse_port(colon + 1, &port) &&
		address_parse(address, host, port))
		return true;
	err_set(err, STATUS_USAGE,
		"--page: \"%s\" is no address with a port; give one such as --page=%s", text,
		LAB_PAGE);
	return false;
}

/* The socket of --control. Without --control, or with "default", it is in the place where `pmulab
   ctl` looks by itself. */
static bool find_socket(const struct lab_options *lab, char path[PLACE_SIZE], struct err *err)
{
	if (!lab->control || strcmp(lab->control, "default") == 0)
		return place_default(path, err) && place_prepare(path, err);
	if (*lab->control && snprintf(path, PLACE_SIZE, "%s", lab->control) < PLACE_SIZE)
		return true;
	err_set(err, STATUS_USAGE, "--control: a socket's path has 1 to %d bytes", PLACE_SIZE - 1);
	return false;
}

/* ---- opening and starting ---- */

bool lab_control_open(const struct lab_options *lab, enum lab_place place, struct ev_loop *loop,
	struct control **control, struct err *err)
{
	char path[PLACE_SIZE];
	struct address page;
	struct control_options options = { .loop = loop, .outside_only = place == LAB_BOXED };
	*control = NULL;
	if (!lab->control && !lab->page)
		return true;
	if (lab->control && place == LAB_LOOPBACK) {
		err_set(err, STATUS_USAGE,
			"--control needs a network of its own, which --loopback does without: the "
			"command could open the socket too; --page has a key");
		return false;
	}
	if (lab->page) {
		if (!parse_page(&page, lab->page, err))
			return false;
		options.page = &page;
	}
	if (place != LAB_LOOPBACK && find_socket(lab, path, err)) {
		options.socket = path;
		*control = control_open(&options, err);
	}
	if (*control || lab->control)
		return *control;
	/* --page alone can do without the socket, which another lab may have. An error of the page
	   comes again without the socket. */
	struct err extra = *err;
	options.socket = NULL;
	*control = control_open(&options, err);
	if (*control && *extra.text) {
		err_prefix(&extra, "only the page");
		lab_note(lab, extra.text);
	}
	return *control;
}

bool lab_scenario_open(const struct lab_options *lab, const struct control *control,
	struct emulator *emulator, struct scenario **scenario, struct err *err)
{
	*scenario = NULL;
	if (!control && !lab->scenario)
		return true;
	*scenario = scenario_create(emulator);
	if (!*scenario) {
		err_set(err, STATUS_FAILED, "out of memory");
		return false;
	}
	if (!lab->scenario || scenario_read(*scenario, lab->scenario, "--scenario", err))
		return true;
	err_prefix(err, "--scenario");
	return false;
}

bool lab_control_start(const struct lab_options *lab, struct control *control,
	struct scenario *scenario, struct emulator *emulator, struct err *err)
{
	if (!control)
		return true;
	struct ring *ring = ring_create(RING_BYTES);
	if (!ring) {
		err_set(err, STATUS_FAILED, "out of memory");
		return false;
	}
	emulator_observe(emulator, ring_observer(ring));
	if (!control_start(control, emulator, ring, scenario, err))
		return false;
	/* Also with --quiet: the key is printed nowhere else. */
	if (*control_url(control))
		fprintf(stderr, "pmulab: the page is %s\n", control_url(control));
	return true;
}
