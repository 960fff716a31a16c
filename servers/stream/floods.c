#include "servers/stream/floods.h"

#include <stdlib.h>

#include "servers/texts/flood.h"

bool floods_check(const struct floods *floods, struct err *err)
{
	if (floods->count < FLOODS_MAX)
		return true;
	err_set(err, STATUS_USAGE,
		"changed too often while connections are open; wait until they have ended");
	return false;
}

const char *floods_make(struct floods *floods, const char *file, size_t len, struct err *err)
{
	char *text = floods_check(floods, err) ? flood_create(file, len, err) : NULL;
	if (text)
		floods->made[floods->count++] = text;
	return text;
}

/* Frees all but the newest `count`. */
static void keep(struct floods *floods, size_t count)
{
	size_t old = floods->count > count ? floods->count - count : 0;
	for (size_t i = 0; i < old; i++)
		free(floods->made[i]);
	for (size_t i = old; i < floods->count; i++)
		floods->made[i - old] = floods->made[i];
	floods->count -= old;
}

void floods_forget(struct floods *floods)
{
	keep(floods, 1);
}

void floods_finish(struct floods *floods)
{
	keep(floods, 0);
}
