/* The number of typing errors between two words (common/near.h). */
#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/near.h"

static const struct {
	const char *a, *b;
	unsigned distance;
} pairs[] = {
	{ "", "", 0 },
	{ "", "port", 4 },
	{ "port", "port", 0 },
	{ "PORT", "port", 0 },
	{ "prt", "port", 1 },     /* left out */
	{ "poort", "port", 1 },   /* put in */
	{ "pork", "port", 1 },    /* changed */
	{ "prot", "port", 1 },    /* swapped */
	{ "RPot", "port", 2 },
	{ "tropical", "port", 7 },  /* t to p, "ro" swapped, p to t, four left out */
	{ "ca", "abc", 3 },       /* no letter is moved twice: "ac" and then "abc" would be 2 */
	{ "handout", "hamlet", 4 }, /* "ndou" to "mle" */
};

START_TEST(test_distance)
{
	ck_assert_uint_eq(near_distance(pairs[_i].a, pairs[_i].b), pairs[_i].distance);
	ck_assert_uint_eq(near_distance(pairs[_i].b, pairs[_i].a), pairs[_i].distance);
}
END_TEST

START_TEST(test_long_names)
{
	char name[NEAR_NAME_MAX + 1];
	memset(name, 'x', sizeof name);
	name[NEAR_NAME_MAX - 1] = '\0';
	ck_assert_uint_eq(near_distance(name, name), 0);
	ck_assert_uint_eq(near_distance(name, "x"), NEAR_NAME_MAX - 2);
	name[NEAR_NAME_MAX - 1] = 'x';
	name[NEAR_NAME_MAX] = '\0';
	ck_assert_uint_eq(near_distance(name, "x"), UINT_MAX);
	ck_assert_uint_eq(near_distance("x", name), UINT_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("near");
	TCase *tcase = tcase_create("near");
	tcase_add_loop_test(tcase, test_distance, 0, (int)(sizeof pairs / sizeof *pairs));
	tcase_add_test(tcase, test_long_names);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
