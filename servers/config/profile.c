#include "servers/config/profile.h"

#include <string.h>
#include <unistd.h>

#include "common/near.h"
#include "profile_epfl_2016.h"
#include "profile_epfl_2020.h"
#include "profile_handout.h"
#include "profile_hard.h"
#include "profile_quiet.h"

/* Each text is the file of that name in profiles/ (servers/meson.build). */
static const struct profile {
	const char *name, *text;
} profiles[] = {
	{ "handout", profile_handout },
	{ "epfl-2016", profile_epfl_2016 },
	{ "epfl-2020", profile_epfl_2020 },
	{ "quiet", profile_quiet },
	{ "hard", profile_hard },
};

enum { PROFILE_COUNT = sizeof profiles / sizeof *profiles };

static const char suffix[] = ".ini";

/* The built-in profile whose name is the first `len` bytes of `name`; NULL: none. */
static const struct profile *profile_find(const char *name, size_t len)
{
	for (size_t i = 0; i < PROFILE_COUNT; i++)
		if (strlen(profiles[i].name) == len && memcmp(profiles[i].name, name, len) == 0)
			return &profiles[i];
	return NULL;
}

static bool has_suffix(const char *name)
{
	size_t len = strlen(name), end = sizeof suffix - 1;
	return len >= end && strcmp(name + len - end, suffix) == 0;
}

static bool file_load(struct config *config, const char *name, struct err *err)
{
	if (config_load(config, name, err))
		return true;
	/* The user may have given a built-in profile its file name in profiles/:
	   "epfl-2016.ini". */
	const struct profile *profile =
		has_suffix(name) ? profile_find(name, strlen(name) - (sizeof suffix - 1)) : NULL;
	if (profile && access(name, F_OK) < 0)
		err_append(err, "; the built-in profile is %s, without %s", profile->name, suffix);
	return false;
}

/* The built-in profile with the most similar name (common/near.h: at most 2 apart). NULL: none. */
static const char *profile_near(const char *name)
{
	const char *nearest = NULL;
	unsigned least = 3;
	for (size_t i = 0; i < PROFILE_COUNT; i++) {
		unsigned distance = near_distance(name, profiles[i].name);
		if (distance < least) {
			least = distance;
			nearest = profiles[i].name;
		}
	}
	return nearest;
}

static void profile_unknown(const char *name, struct err *err)
{
	const char *nearest = profile_near(name);
	err_set(err, STATUS_USAGE, "--profile: \"%.80s\": no such profile", name);
	if (nearest)
		err_append(err, "; did you mean %s?", nearest);
	err_append(err, "%s", nearest ? " There are " : "; there are ");
	for (size_t i = 0; i < PROFILE_COUNT; i++)
		err_append(err, "%s%s",
			i == 0                  ? ""
			: i + 1 < PROFILE_COUNT ? ", "
						: " and ",
			profiles[i].name);
	err_append(err, "; a file has a slash in its name or ends in %s", suffix);
}

bool profile_load(struct config *config, const char *name, struct err *err)
{
	if (strchr(name, '/') || has_suffix(name))
		return file_load(config, name, err);
	const struct profile *profile = profile_find(name, strlen(name));
	if (!profile) {
		profile_unknown(name, err);
		return false;
	}
	char origin[32];
	snprintf(origin, sizeof origin, "%s%s", name, suffix);
	return config_load_text(config, origin, profile->text, err);
}

const char *profile_name(size_t index)
{
	return index < PROFILE_COUNT ? profiles[index].name : NULL;
}

void profile_print_list(FILE *out)
{
	for (size_t i = 0; i < PROFILE_COUNT; i++) {
		const char *about = profiles[i].text + strspn(profiles[i].text, "; ");
		fprintf(out, "%-9s  %.*s\n", profiles[i].name, (int)strcspn(about, "\n"), about);
	}
}
