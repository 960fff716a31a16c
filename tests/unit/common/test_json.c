/* Writing JSON objects: each kind of value, escaping, text that is not UTF-8, and buffers of every
   size. */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

START_TEST(test_values)
{
	char text[512];
	struct json json;
	json_begin(&json, text, sizeof text);
	json_put_integer(&json, "least", INT64_MIN);
	json_put_integer(&json, "most", INT64_MAX);
	json_put_real(&json, "t", 12.3456);
	json_put_real(&json, "small", -0.0004);
	json_put_real(&json, "nan", NAN);
	json_put_real(&json, "infinite", INFINITY);
	json_put_bool(&json, "yes", true);
	json_put_bool(&json, "no", false);
	json_put_string(&json, "text", "CMD_short:0");
	json_put_string(&json, "empty", "");
	json_put_string(&json, "null", NULL);
	json_put_raw(&json, "raw", "[1,2]");
	const char *expected =
		"{\"least\":-9223372036854775808,\"most\":9223372036854775807,\"t\":12.346,"
		"\"small\":-0.000,\"nan\":null,\"infinite\":null,\"yes\":true,\"no\":false,"
		"\"text\":\"CMD_short:0\",\"empty\":\"\",\"null\":null,\"raw\":[1,2]}";
	ck_assert_uint_eq(json_end(&json), strlen(expected));
	ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(test_empty)
{
	char text[3];
	struct json json;
	json_begin(&json, text, sizeof text);
	ck_assert_uint_eq(json_end(&json), 2);
	ck_assert_str_eq(text, "{}");
}
END_TEST

#define BAD "\xef\xbf\xbd"

static const struct {
	const char *text, *json;
} strings[] = {
	{ "\"\\/", "\\\"\\\\/" },
	{ "a\nb\rc\td", "a\\nb\\rc\\td" },
	{ "\x01\x08\x1b\x1f\x7f", "\\u0001\\u0008\\u001b\\u001f\x7f" },
	{ "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xad", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xad" },
	{ "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
		"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf"
		"\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
	{ "\x80", BAD }, /* a continuation alone */
	{ "a\xffz", "a" BAD "z" },
	{ "\xc0\xaf", BAD BAD }, /* overlong "/" */
	{ "\xc1\xbf", BAD BAD },
	{ "\xe0\x9f\xbf", BAD BAD BAD }, /* overlong */
	{ "\xed\xa0\x80", BAD BAD BAD }, /* a surrogate */
	{ "\xf0\x8f\xbf\xbf", BAD BAD BAD BAD },
	{ "\xf4\x90\x80\x80", BAD BAD BAD BAD }, /* above U+10FFFF */
	{ "\xf5\x80\x80\x80", BAD BAD BAD BAD },
	{ "\xe2\x82", BAD BAD }, /* cut */
	{ "\xf0\x9f\x8e", BAD BAD BAD },
	{ "\xe2\x82x", BAD BAD "x" },
	{ "\xc3", BAD },
};

START_TEST(test_string)
{
	char text[256], expected[256];
	struct json json;
	size_t len = strlen(strings[_i].text);
	char *exact = malloc(len + 1); /* so that a read behind the NUL is seen */
	memcpy(exact, strings[_i].text, len + 1);
	json_begin(&json, text, sizeof text);
	json_put_string(&json, "s", exact);
	free(exact);
	ck_assert_uint_gt(json_end(&json), 0);
	snprintf(expected, sizeof expected, "{\"s\":\"%s\"}", strings[_i].json);
	ck_assert_str_eq(text, expected);
}
END_TEST

/* Whatever the size: all of it, or 0 and an empty text; never a byte behind the buffer. */
START_TEST(test_overflow)
{
	const char *expected = "{\"a\":-12,\"b\":\"x\\n" BAD "\"}";
	size_t needed = strlen(expected) + 1;
	for (size_t size = 0; size <= needed + 2; size++) {
		char *text = malloc(size ? size : 1);
		struct json json;
		json_begin(&json, text, size);
		json_put_integer(&json, "a", -12);
		json_put_string(&json, "b", "x\n\xff");
		size_t len = json_end(&json);
		if (size >= needed) {
			ck_assert_uint_eq(len, needed - 1);
			ck_assert_str_eq(text, expected);
		} else {
			ck_assert_uint_eq(len, 0);
			ck_assert(size == 0 || text[0] == '\0');
		}
		free(text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *tcase = tcase_create("json");
	tcase_add_test(tcase, test_values);
	tcase_add_test(tcase, test_empty);
	tcase_add_loop_test(tcase, test_string, 0, (int)(sizeof strings / sizeof strings[0]));
	tcase_add_test(tcase, test_overflow);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
