#include "servers/control/control.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "servers/control/api.h"
#include "servers/control/guard.h"
#include "servers/http/http.h"
#include "servers/port_holder.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

struct control {
	struct http *http;
	struct api *api; /* NULL: before control_start */
	struct guard guard;
	bool outside_only;
	uint64_t outside; /* the cookie of our network namespace */
	char url[GUARD_URL_SIZE];
};

/* ---- who may connect ---- */

static bool netns_of(int fd, uint64_t *cookie)
{
	socklen_t len = sizeof *cookie;
	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &len) == 0;
}

static bool own_netns(uint64_t *cookie, struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool known = fd >= 0 && netns_of(fd, cookie);
	if (!known)
		err_set(err, STATUS_FAILED,
			"--control: the kernel cannot tell who is in the lab's network (%s): "
			"it takes Linux 5.14; --page needs none of it",
			strerror(errno));
	if (fd >= 0)
		close(fd);
	return known;
}

/*
 * The kernel puts the accepted end of a Unix socket into the network namespace of the connecting
 * socket, and nobody can change that afterwards. Process ids would not do: looking them up under
 * /proc needs rights over the peer, and after a peer's end its id may belong to another process.
 */
static bool admit(void *context, int fd)
{
	const struct control *control = context;
	uint64_t cookie;
	int family = 0;
	socklen_t len = sizeof family;
	if (!control->outside_only)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 && family != AF_UNIX)
		return true;
	return netns_of(fd, &cookie) && cookie == control->outside;
}

static void on_request(void *context, struct http_request *request)
{
	struct control *control = context;
	if (!guard_pass(&control->guard, request))
		return;
	if (control->api)
		api_request(control->api, request);
	else
		http_refuse(request, 503, NULL, "the lab is not there yet", "");
}

/* ---- from the beginning to the end ---- */

static void advise(struct err *err, int error, const struct address *page)
{
	char holder[128];
	err_prefix(err, "--page");
	if (error != EADDRINUSE)
		return;
	port_holder(address_port(page), false, holder, sizeof holder);
	err_append(err, "%s; --page=127.0.0.1:0 takes a free port", holder);
}

static bool listen_all(struct control *control, const struct control_options *options,
	struct err *err)
{
	struct address bound;
	if (options->page) {
		if (!http_listen_tcp(control->http, options->page, &bound, err)) {
			advise(err, errno, options->page);
			return false;
		}
		guard_url(&control->guard, &bound, control->url);
	}
	if (options->socket && !http_listen_unix(control->http, options->socket, err)) {
		err_prefix(err, "--control");
		return false;
	}
	return true;
}

struct control *control_open(const struct control_options *options, struct err *err)
{
	struct control *control = calloc(1, sizeof *control);
	if (!control) {
		err_set(err, STATUS_FAILED, "out of memory");
		return NULL;
	}
	const struct http_options http_options = {
		.loop = options->loop,
		.context = control,
		.admit = admit,
		.on_request = on_request,
		.write_refusal = api_write_refusal,
		.refusal_type = api_type,
		.headers = guard_headers,
	};
	control->outside_only = options->outside_only;
	if ((options->outside_only && options->socket && !own_netns(&control->outside, err)) ||
		!guard_init(&control->guard, err))
		goto fail;
	control->http = http_create(&http_options);
	if (!control->http) {
		err_set(err, STATUS_FAILED, "out of memory");
		goto fail;
	}
	if (listen_all(control, options, err))
		return control;
fail:
	control_close(control);
	return NULL;
}

const char *control_url(const struct control *control)
{
	return control->url;
}

bool control_start(struct control *control, struct emulator *emulator, struct ring *ring,
	struct scenario *scenario, struct err *err)
{
	control->api = api_create(emulator, ring, scenario);
	if (!control->api)
		err_set(err, STATUS_FAILED, "out of memory");
	return control->api;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	if (control->api)
		api_finish(control->api);
	http_destroy(control->http);
	api_destroy(control->api);
	free(control);
}
