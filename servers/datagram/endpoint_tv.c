/* The television station: to be written; it only takes its place in the table. */
#include <stdio.h>
#include <stdlib.h>

#include "servers/endpoint.h"

struct endpoint_tv {
	struct endpoint base;
	struct endpoint_options options;
	bool stopped;
};

static struct endpoint *tv_create(const struct endpoint_options *options)
{
	struct endpoint_tv *tv = calloc(1, sizeof *tv);
	if (!tv)
		return NULL;
	tv->base = (struct endpoint){ .ops = &endpoint_tv_ops, .id = options->id };
	tv->options = *options;
	return &tv->base;
}

static bool tv_listen(struct endpoint *base, const struct address *addresses, size_t count, bool ephemeral,
	struct err *err)
{
	return true;
}

static void tv_start(struct endpoint *base)
{
}

static void tv_stop(struct endpoint *base)
{
	struct endpoint_tv *tv = (struct endpoint_tv *)base;
	tv->stopped = true;
	tv->options.on_idle(tv->options.context);
}

static bool tv_is_idle(const struct endpoint *base)
{
	return ((const struct endpoint_tv *)base)->stopped;
}

static void tv_abort(struct endpoint *base)
{
}

static void tv_totals(const struct endpoint *base, char *text, size_t size)
{
	snprintf(text, size, "{}");
}

static void tv_destroy(struct endpoint *base)
{
	free(base);
}

const struct endpoint_ops endpoint_tv_ops = {
	.create = tv_create,
	.listen = tv_listen,
	.start = tv_start,
	.stop = tv_stop,
	.is_idle = tv_is_idle,
	.abort = tv_abort,
	.totals = tv_totals,
	.destroy = tv_destroy,
};
