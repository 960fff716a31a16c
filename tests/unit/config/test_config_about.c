/* The description of a key (about.h), and a change that can be undone. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "servers/config/about.h"
#include "servers/config/edit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct config *config;

static void set_up(void)
{
	config = config_create();
	ck_assert_ptr_nonnull(config);
}

static void tear_down(void)
{
	config_destroy(config);
}

static void set(const char *key, const char *value, const char *origin)
{
	struct err err;
	ck_assert_msg(config_set(config, key, value, origin, &err), "%s", err.text);
}

static struct config_about about_of(const struct config *from, const char *key)
{
	struct config_about about;
	struct err err;
	ck_assert_msg(config_about(from, key, &about, &err), "%s: %s", key, err.text);
	return about;
}

/* ---- about ---- */

static const struct {
	const char *name, *value, *standard, *range, *type, *unit;
	enum config_effect effect;
	enum endpoint_id endpoint;
} keys[] = {
	{ "pmu.messages", "20", "20", "0..1000000", "integer", "", CONFIG_NOW, ENDPOINT_NONE },
	{ "pmu-ws.messages", "20", "20", "0..1000000", "integer", "", CONFIG_NOW, ENDPOINT_PMU_WS },
	{ "pmu.port", "5003", "5003", "0..65535", "integer", "", CONFIG_RESTART, ENDPOINT_PMU },
	{ "pmu.flood", "57344", "57344", "1..64MiB", "bytes", "bytes", CONFIG_NOW, ENDPOINT_NONE },
	{ "pmu.idle", "300s", "300s", "1ms..86400s|none", "duration", "seconds", CONFIG_CONNECTION,
		ENDPOINT_NONE },
	{ "pmu.mss", "1460", "1460", "0|88..32767", "integer", "", CONFIG_CONNECTION,
		ENDPOINT_NONE },
	{ "pmu.speed", "1", "1", "0.001..1000000", "factor", "", CONFIG_NOW, ENDPOINT_NONE },
	{ "ws.reply", "binary", "binary", "binary|text", "choice", "", CONFIG_CONNECTION,
		ENDPOINT_NONE },
	{ "tls.legacy", "no", "no", "yes|no", "yes/no", "", CONFIG_RESTART, ENDPOINT_NONE },
	{ "tls.cert", "", "", "path", "path", "", CONFIG_RESTART, ENDPOINT_NONE },
	{ "echo.chunk", "16", "16", "1..16384", "bytes", "bytes", CONFIG_CONNECTION,
		ENDPOINT_ECHO },
	{ "reset.loss", "50%", "50%", "none|30%|burst:...", "text", "", CONFIG_NOW,
		ENDPOINT_RESET },
	{ "udp-print.loss", "none", "none", "none|30%|burst:...", "text", "", CONFIG_NOW,
		ENDPOINT_UDP_PRINT },
	{ "reset.duplicate", "0%", "0%", "0%..100%", "share", "", CONFIG_NOW, ENDPOINT_RESET },
	{ "reset.family", "hour", "hour", "hour|4|6|both|...", "text", "", CONFIG_NOW,
		ENDPOINT_RESET },
	{ "tv.ttl", "0", "0", "0..255", "integer", "", CONFIG_RESTART, ENDPOINT_TV },
	{ "shutdown.grace", "2s", "2s", "0..86400s", "duration", "seconds", CONFIG_NOW,
		ENDPOINT_NONE },
};

START_TEST(test_about)
{
	struct config_about about = about_of(config, keys[_i].name);
	ck_assert_str_eq(about.name, keys[_i].name);
	ck_assert_str_eq(about.value, keys[_i].value);
	ck_assert_str_eq(about.origin, "default");
	ck_assert_str_eq(about.standard, keys[_i].standard);
	ck_assert_str_eq(about.range, keys[_i].range);
	ck_assert_str_eq(about.type, keys[_i].type);
	ck_assert_str_eq(about.unit, keys[_i].unit);
	ck_assert_int_eq(about.effect, keys[_i].effect);
	ck_assert_int_eq(about.endpoint, keys[_i].endpoint);
	ck_assert_int_eq(about.inherited, strcmp(keys[_i].name, "pmu-ws.messages") == 0);
	ck_assert(about.help[0]);
}
END_TEST

START_TEST(test_about_who_said_it)
{
	set("pmu.messages", "7", "lab.ini:3");
	set("pmu-tls.messages", "8", "somebody \x1b[31m");
	ck_assert_str_eq(about_of(config, "pmu.messages").origin, "lab.ini:3");
	ck_assert_str_eq(about_of(config, "pmu-ws.messages").origin, "lab.ini:3");
	ck_assert_str_eq(about_of(config, "pmu-ws.messages").value, "7");
	ck_assert(about_of(config, "pmu-ws.messages").inherited);
	ck_assert_str_eq(about_of(config, "pmu-tls.messages").value, "8");
	ck_assert_str_eq(about_of(config, "pmu-tls.messages").standard, "20");
	ck_assert_str_eq(about_of(config, "pmu-tls.messages").origin, "somebody \\x1b[31m");
	ck_assert(!about_of(config, "pmu-tls.messages").inherited);
}
END_TEST

START_TEST(test_about_nothing)
{
	static const char *const none[] = { "", ".", "pmu", "pmu.", "pmu.mesages", "echo.messages",
		"pmu.messages ", "x.y" };
	for (size_t i = 0; i < COUNT(none); i++) {
		struct config_about about;
		struct err err = { 0 };
		ck_assert(!config_about(config, none[i], &about, &err));
		ck_assert(!config_about(config, none[i], &about, NULL));
		ck_assert_int_eq(err.status, STATUS_USAGE);
		ck_assert_msg(strncmp(err.text, "no such key", 11) == 0, "%s", err.text);
	}
}
END_TEST

/* As --print-config: every key of a group, and what was said for one endpoint. Each value can be
   set again. */
START_TEST(test_all)
{
	set("pmu-ws.messages", "3", "--set");
	struct config_about about;
	unsigned count = 0;
	bool found = false;
	char *json = config_json(config);
	struct config *again = config_create();
	for (size_t at = 0; config_about_next(config, &at, &about); count++) {
		char entry[2 * CONFIG_VALUE_MAX];
		snprintf(entry, sizeof entry, "\"%s\":\"%s\"", about.name, about.value);
		ck_assert_msg(strstr(json, entry), "no %s in %s", entry, json);
		ck_assert(!about.inherited);
		ck_assert(config_set(again, about.name, about.value, about.origin, NULL));
		found = found || strcmp(about.name, "pmu-ws.messages") == 0;
		struct config_about same = about_of(config, about.name);
		ck_assert_str_eq(same.value, about.value);
		ck_assert_int_eq(same.effect, about.effect);
	}
	ck_assert(found);
	unsigned lines = 0;
	for (const char *at = json; (at = strstr(at, "\":\"")); at++)
		lines++;
	ck_assert_uint_eq(count, lines);
	char *copied = config_json(again);
	ck_assert_str_eq(copied, json);
	free(copied);
	free(json);
	config_destroy(again);
}
END_TEST

START_TEST(test_effect_names)
{
	ck_assert_str_eq(config_effect_name(CONFIG_NOW), "now");
	ck_assert_str_eq(config_effect_name(CONFIG_CONNECTION), "connection");
	ck_assert_str_eq(config_effect_name(CONFIG_RESTART), "restart");
}
END_TEST

/* ---- copies ---- */

START_TEST(test_copy)
{
	set("reset.loss", "burst:30%,4", "--set");
	set("pmu-ws.messages", "3", "--set");
	struct config *copy = config_copy(config);
	set("reset.loss", "none", "later");
	set("pmu-ws.messages", "4", "later");
	set("pmu-tls.messages", "5", "later");
	ck_assert_str_eq(about_of(copy, "reset.loss").value, "burst:30%,4");
	ck_assert_str_eq(about_of(copy, "reset.loss").origin, "--set");
	ck_assert_str_eq(about_of(copy, "pmu-ws.messages").value, "3");
	ck_assert(about_of(copy, "pmu-tls.messages").inherited);
	config_destroy(copy);
}
END_TEST

/* ---- edits ---- */

static const struct {
	const char *key, *value;
	enum config_edit_result result;
	const char *before, *after; /* NULL: not made */
} edits[] = {
	{ "pmu.messages", "5", CONFIG_EDIT_MADE, "7", "5" },
	{ "pmu.messages", " 5", CONFIG_EDIT_BAD, NULL, NULL },
	{ "pmu.messages", "7", CONFIG_EDIT_SAME, NULL, NULL },
	{ "pmu.messages", NULL, CONFIG_EDIT_MADE, "7", "20" },
	{ "pmu-ws.messages", "7", CONFIG_EDIT_MADE, "7", "7" }, /* said for it, from now on */
	{ "pmu-ws.messages", NULL, CONFIG_EDIT_SAME, NULL, NULL },
	{ "pmu.rtt", "0.005", CONFIG_EDIT_MADE, "20ms", "5ms" },
	{ "pmu.rtt", "0.02s", CONFIG_EDIT_SAME, NULL, NULL },
	{ "reset.loss", "none", CONFIG_EDIT_MADE, "50%", "none" },
	{ "reset.loss", "half", CONFIG_EDIT_BAD, NULL, NULL },
	{ "pmu.port", "5004", CONFIG_EDIT_RESTART, NULL, NULL },
	{ "pmu.port", "5003", CONFIG_EDIT_SAME, NULL, NULL },
	{ "pmu.port", "many", CONFIG_EDIT_BAD, NULL, NULL },
	{ "pmu.port", NULL, CONFIG_EDIT_SAME, NULL, NULL },
	{ "pmu-tls.cert", "/tmp/cert.pem", CONFIG_EDIT_RESTART, NULL, NULL },
	{ "nobody.messages", "5", CONFIG_EDIT_UNKNOWN, NULL, NULL },
	{ "nobody.messages", NULL, CONFIG_EDIT_UNKNOWN, NULL, NULL },
};

/* Made, and taken back: then nothing is left of it. */
START_TEST(test_edit)
{
	struct config *start = config_copy(config);
	set("pmu.messages", "7", "page");
	char *before = config_json(config);
	struct config_edit edit;
	struct err err = { 0 };
	enum config_edit_result result = config_edit_make(&edit, config, start, edits[_i].key,
		edits[_i].value, "test", &err);
	ck_assert_int_eq(result, edits[_i].result);
	ck_assert_int_eq(edit.made, result == CONFIG_EDIT_MADE);
	if (result == CONFIG_EDIT_MADE) {
		ck_assert_str_eq(edit.name, edits[_i].key);
		ck_assert_str_eq(edit.before, edits[_i].before);
		ck_assert_str_eq(edit.after, edits[_i].after);
		ck_assert_str_eq(about_of(config, edits[_i].key).value, edits[_i].after);
		ck_assert_str_eq(about_of(config, edits[_i].key).origin,
			edits[_i].value ? "test" : "default");
	} else {
		ck_assert_int_eq(*err.text != '\0', result != CONFIG_EDIT_SAME);
		char *after = config_json(config);
		ck_assert_str_eq(after, before);
		free(after);
	}
	uint64_t version = config_version(config);
	config_edit_undo(&edit, config);
	ck_assert_int_eq(config_version(config) != version, result == CONFIG_EDIT_MADE);
	config_edit_undo(&edit, config); /* twice is once */
	config_edit_finish(&edit);
	char *after = config_json(config);
	ck_assert_str_eq(after, before);
	ck_assert_str_eq(about_of(config, "pmu.messages").origin, "page");
	free(after);
	free(before);
	config_destroy(start);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_about");
	TCase *about = tcase_create("about"), *edit = tcase_create("edit");
	TCase *const cases[] = { about, edit };
	tcase_add_loop_test(about, test_about, 0, (int)COUNT(keys));
	tcase_add_test(about, test_about_who_said_it);
	tcase_add_test(about, test_about_nothing);
	tcase_add_test(about, test_all);
	tcase_add_test(about, test_effect_names);
	tcase_add_test(edit, test_copy);
	tcase_add_loop_test(edit, test_edit, 0, (int)COUNT(edits));
	for (size_t i = 0; i < COUNT(cases); i++) {
		tcase_add_checked_fixture(cases[i], set_up, tear_down);
		suite_add_tcase(suite, cases[i]);
	}
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
