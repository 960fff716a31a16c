/* The loss models, compared with their theory, with netem's two state machines written anew, and
   with exact sequences. */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/stats.h"
#include "servers/impair/loss.h"
#include "tests/unit/impair/chance.h"

enum { SEED = 20261109, MANY = 1000000, SAME = 200000, BATCH = 1000, RUNS = 64 };

static struct fate_stream stream(void)
{
	return fate_stream(SEED, "reset", 4, FATE_REQUEST);
}

static struct loss_spec read_spec(const char *text)
{
	struct loss_spec spec;
	struct err err = { 0 };
	ck_assert_msg(loss_parse(&spec, text, &err), "%s: %s", text, err.text);
	return spec;
}

/* The first fates as x and . */
static char *fates(const char *text, char *shown, uint64_t count)
{
	struct loss_spec spec = read_spec(text);
	struct loss_state state = { 0 };
	struct fate_stream from = stream();
	for (uint64_t n = 1; n <= count; n++)
		shown[n - 1] = loss_next(&spec, &state, &from, n).lost ? 'x' : '.';
	shown[count] = '\0';
	return shown;
}

/* ---- text ---- */

static const struct {
	const char *text, *canonical;
} texts[] = {
	{ "none", "none" },
	{ "none,max-run=3", "none,max-run=3" },
	{ "30%", "30%" },
	{ "0.3", "30%" },
	{ "0", "0%" },
	{ "100%,max-run=1000", "100%,max-run=1000" },
	{ "burst:30%,4", "burst:30%,4" },
	{ "burst:0.3,2.5,max-run=7", "burst:30%,2.5,max-run=7" },
	{ "burst:0%,1", "burst:0%,1" },
	{ "burst:50%,1.000000", "burst:50%,1" },
	{ "burst:80%,4", "burst:80%,4" },
	{ "burst:100%,1000", "burst:100%,1000" },
	{ "burst:1%,1.000001", "burst:1%,1.000001" },
	{ "gemodel:1%", "gemodel:1%,99%,100%,0%" },
	{ "gemodel:1%,10%", "gemodel:1%,10%,100%,0%" },
	{ "gemodel:1%,10%,70%", "gemodel:1%,10%,70%,0%" },
	{ "gemodel:0.01,0.1,0.7,0.001", "gemodel:1%,10%,70%,0.1%" },
	{ "state:1%", "state:1%,99%,0%,100%,0%" },
	{ "state:1%,10%", "state:1%,10%,0%,100%,0%" },
	{ "state:1%,10%,20%", "state:1%,10%,20%,100%,0%" },
	{ "state:1%,10%,20%,30%", "state:1%,10%,20%,30%,0%" },
	{ "state:1%,10%,20%,30%,0.5%,max-run=2", "state:1%,10%,20%,30%,0.5%,max-run=2" },
	{ "state:40%,50%,50%,0%,60%", "state:40%,50%,50%,0%,60%" },
	{ "list:1,2,5", "list:1,2,5" },
	{ "list:5,2,1,2", "list:1,2,5" },
	{ "list:4294967295", "list:4294967295" },
	{ "first:0", "first:0" },
	{ "first:2", "first:2" },
	{ "first:4294967295", "first:4294967295" },
	{ "pattern:xx.", "pattern:xx." },
	{ "pattern:.,max-run=1", "pattern:.,max-run=1" },
};

START_TEST(test_text)
{
	char text[LOSS_TEXT_MAX];
	struct loss_spec spec = read_spec(texts[_i].text);
	loss_format(&spec, text);
	ck_assert_str_eq(text, texts[_i].canonical);
	struct loss_spec again = read_spec(text);
	ck_assert_mem_eq(&spec, &again, sizeof spec);
}
END_TEST

/* The longest of each kind still fits LOSS_TEXT_MAX. */
START_TEST(test_long_text)
{
	char list[1024] = "list:", pattern[LOSS_PATTERN_MAX + 32] = "pattern:", text[LOSS_TEXT_MAX];
	for (unsigned i = 0; i < LOSS_LIST_MAX; i++)
		sprintf(list + strlen(list), "%s%u", i > 0 ? "," : "",
			4294967295U - LOSS_LIST_MAX + 1 + i);
	memset(pattern + strlen(pattern), 'x', LOSS_PATTERN_MAX);
	strcat(list, ",max-run=1000");
	strcat(pattern, ",max-run=1000");
	const char *const both[] = { list, pattern };
	for (int i = 0; i < 2; i++) {
		struct loss_spec spec = read_spec(both[i]);
		loss_format(&spec, text);
		ck_assert_str_eq(text, both[i]);
	}
}
END_TEST

#define NO_SHARE " is no share; write 30% or 0.3"
#define NO_SUCH                                                                                    \
	": there is no such loss; there are none, 30%, burst:30%,4 (average, mean run), "          \
	"gemodel:p[,r[,1-h[,1-k]]], state:p13[,p31[,p32[,p23[,p14]]]], list:1,2,5, first:2, "      \
	"pattern:xx."
#define NO_RUN " is no mean run: a number from 1 to 1000, such as 4 or 2.5"
#define NO_LIMIT " is no max-run: a whole number from 1 to 1000"
#define NO_DATAGRAM " is no datagram: a whole number from 1 to 4294967295"
#define NO_PATTERN " is no pattern: x for a loss and . for none, at most 256 of them"

static const struct {
	const char *text, *error;
} refused[] = {
	{ "30", "\"30\" could be percent or a fraction; write 30% or 0.3" },
	{ "", "\"\"" NO_SUCH },
	{ "-5%", "\"-5%\"" NO_SUCH },
	{ "nonee", "\"nonee\"" NO_SUCH },
	{ "None", "\"None\"" NO_SUCH },
	{ "brust:30%,4", "\"brust:30%,4\"" NO_SUCH },
	{ "max-run=3", "\"max-run=3\"" NO_SUCH },
	{ "101%", "\"101%\" is over 100 %" },
	{ "30%,4", "\"30%,4\"" NO_SHARE },
	{ "30%,max-run=", "\"\"" NO_LIMIT },
	{ "30%,max-run=0", "\"0\"" NO_LIMIT },
	{ "30%,max-run=1001", "\"1001\"" NO_LIMIT },
	{ "30%,max-run=-1", "\"-1\"" NO_LIMIT },
	{ "30%,max-run= 3", "\" 3\"" NO_LIMIT },
	{ "30%,max-run=3,max-run=4", "\"3,max-run=4\"" NO_LIMIT },
	{ "30%,max-run=99999999999999999999", "\"99999999999999999999\"" NO_LIMIT },
	{ "burst", "something is missing behind burst; write burst:30%,4 (average, mean run)" },
	{ "burst:", "burst: an average and a mean run are wanted: burst:30%,4" },
	{ "burst:30%", "burst: an average and a mean run are wanted: burst:30%,4" },
	{ "burst:30%,4,5", "burst: an average and a mean run are wanted: burst:30%,4" },
	{ "burst:30,4", "burst: \"30\" could be percent or a fraction; write 30% or 0.3" },
	{ "burst:30%,", "burst: \"\"" NO_RUN },
	{ "burst:30%,0.9", "burst: \"0.9\"" NO_RUN },
	{ "burst:30%,1000.1", "burst: \"1000.1\"" NO_RUN },
	{ "burst:30%,10000", "burst: \"10000\"" NO_RUN },
	{ "burst:30%,1.1234567", "burst: \"1.1234567\"" NO_RUN },
	{ "burst:30%,4x", "burst: \"4x\"" NO_RUN },
	{ "burst:81%,4",
		"burst: with a mean run of 4 at most 80% can be lost, since one gets through "
		"between two runs" },
	{ "burst:50.0000001%,1",
		"burst: with a mean run of 1 at most 50% can be lost, since one gets through "
		"between two runs" },
	{ "gemodel:", "gemodel: p: \"\"" NO_SHARE },
	{ "gemodel", "something is missing behind gemodel; write gemodel:p[,r[,1-h[,1-k]]]" },
	{ "gemodel:1%,10", "gemodel: r: \"10\" could be percent or a fraction; write 10% or 0.1" },
	{ "gemodel:1%,10%,x", "gemodel: 1-h: \"x\"" NO_SHARE },
	{ "gemodel:1%,10%,70%,", "gemodel: 1-k: \"\"" NO_SHARE },
	{ "gemodel:1%,1%,1%,1%,1%", "gemodel: there are more than 4 shares" },
	{ "state:x", "state: p13: \"x\"" NO_SHARE },
	{ "state:1%,x", "state: p31: \"x\"" NO_SHARE },
	{ "state:1%,1%,x", "state: p32: \"x\"" NO_SHARE },
	{ "state:1%,1%,1%,x", "state: p23: \"x\"" NO_SHARE },
	{ "state:1%,1%,1%,1%,x", "state: p14: \"x\"" NO_SHARE },
	{ "state:1%,1%,1%,1%,1%,1%", "state: there are more than 5 shares" },
	{ "state:60%,1%,1%,1%,50%",
		"state: p13 and p14 leave the same state, and are over 100 % together" },
	{ "state:60%,60%,50%",
		"state: p31 and p32 leave the same state, and are over 100 % together" },
	{ "list", "something is missing behind list; write list:1,2,5" },
	{ "list:", "list: \"\"" NO_DATAGRAM },
	{ "list:0", "list: \"0\"" NO_DATAGRAM },
	{ "list:1,,2", "list: \"\"" NO_DATAGRAM },
	{ "list:1,+2", "list: \"+2\"" NO_DATAGRAM },
	{ "list:4294967296", "list: \"4294967296\"" NO_DATAGRAM },
	{ "list:1,2\x1b[2J", "list: \"2\\x1b[2J\"" NO_DATAGRAM },
	{ "list:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,"
	  "31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,"
	  "60,61,62,63,64,65",
		"list: there are more than 64 datagrams; a pattern may say it" },
	{ "first:", "first: \"\" is no number of datagrams: a whole number from 0 to 4294967295" },
	{ "first:2.5",
		"first: \"2.5\" is no number of datagrams: a whole number from 0 to 4294967295" },
	{ "pattern:", "pattern: \"\"" NO_PATTERN },
	{ "pattern:xX.", "pattern: \"xX.\"" NO_PATTERN },
	{ "pattern:x,.", "pattern: \"x,.\"" NO_PATTERN },
};

START_TEST(test_refused)
{
	struct loss_spec spec, before;
	memset(&spec, 17, sizeof spec);
	before = spec;
	struct err err = { 0 };
	ck_assert(!loss_parse(&spec, refused[_i].text, &err));
	ck_assert_str_eq(err.text, refused[_i].error);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert_mem_eq(&spec, &before, sizeof spec);
}
END_TEST

START_TEST(test_too_long)
{
	char text[5000];
	struct loss_spec spec;
	struct err err = { 0 };
	strcpy(text, "pattern:");
	memset(text + 8, 'x', sizeof text - 9);
	text[sizeof text - 1] = '\0';
	ck_assert(!loss_parse(&spec, text, &err));
	ck_assert_msg(strstr(err.text, "is too long") != NULL, "%s", err.text);
	text[8 + LOSS_PATTERN_MAX + 1] = '\0';
	ck_assert(!loss_parse(&spec, text, &err));
	ck_assert_msg(strstr(err.text, NO_PATTERN) != NULL, "%s", err.text);
}
END_TEST

/* ---- exactly ---- */

static const struct {
	const char *text, *expected;
} exact[] = {
	{ "none", "............" },
	{ "0%", "............" },
	{ "100%", "xxxxxxxxxxxx" },
	{ "100%,max-run=3", "xxx.xxx.xxx." },
	{ "100%,max-run=1", "x.x.x.x.x.x." },
	{ "burst:0%,4", "............" },
	{ "burst:100%,4", "xxxxxxxxxxxx" },
	{ "burst:100%,4,max-run=2", "xx.xx.xx.xx." },
	/* The first datagram is judged in the good state, which is left for the bad one: as in
	   netem. */
	{ "gemodel:0%", "............" },
	{ "gemodel:100%", ".xxxxxxxxxxx" },
	{ "gemodel:100%,100%", ".x.x.x.x.x.x" },
	{ "gemodel:100%,100%,100%,100%", "xxxxxxxxxxxx" },
	{ "gemodel:100%,0%,0%", "............" },
	{ "gemodel:0%,100%,0%,100%", "xxxxxxxxxxxx" },
	{ "state:0%", "............" },
	{ "state:100%", "xxxxxxxxxxxx" },
	{ "state:100%,100%", "x.x.x.x.x.x." },
	{ "state:100%,0%,100%", "x.x.x.x.x.x." },         /* 3 and 2 in turn */
	{ "state:100%,0%,100%,0%", "x..........." },      /* 2 is never left */
	{ "state:0%,0%,0%,0%,100%", "x.x.x.x.x.x." },     /* 4 and 1 in turn */
	{ "list:1,2,5", "xx..x......." },
	{ "list:12", "...........x" },
	{ "list:1,2,3,5,max-run=2", "xx..x......." },
	{ "first:0", "............" },
	{ "first:2", "xx.........." },
	{ "first:7,max-run=3", "xxx.xxx....." },
	{ "pattern:xx.", "xx.xx.xx.xx." },
	{ "pattern:.", "............" },
	{ "pattern:x", "xxxxxxxxxxxx" },
	{ "pattern:x.xxx", "x.xxxx.xxxx." },
	{ "pattern:x.xxx,max-run=3", "x.xxx..xxx.." },
	{ "pattern:xx,max-run=3", "xxx.xxx.xxx." },
};

START_TEST(test_exact)
{
	char shown[16];
	ck_assert_str_eq(fates(exact[_i].text, shown, strlen(exact[_i].expected)),
		exact[_i].expected);
}
END_TEST

/* What `pmulab loss preview --seed 7 --loss 50%` shows; drawn by another program from fate.h's
   description. */
START_TEST(test_frozen)
{
	static const char expected[] =
		".x.x.xxx..x..x...x.x.xxxxxx.x.xx.x..xx....x.xxxx.xx..xx.x.xx...x.xx.xx.xx..xx."
		"xxx...xx....xx.....x.x";
	struct loss_spec spec = read_spec("50%");
	struct loss_state state = { 0 };
	struct fate_stream from = fate_stream(7, "reset", 4, FATE_REQUEST);
	for (uint64_t n = 1; n < sizeof expected; n++)
		ck_assert_int_eq(loss_next(&spec, &state, &from, n).lost ? 'x' : '.',
			expected[n - 1]);
}
END_TEST

/* ---- why ---- */

START_TEST(test_why)
{
	struct fate_stream from = stream();
	struct loss_state state = { 0 };
	struct loss_spec random = read_spec("100%,max-run=2"), list = read_spec("list:4");
	struct loss_verdict verdict = loss_next(&random, &state, &from, 1);
	ck_assert(verdict.lost && !verdict.spared);
	ck_assert_uint_eq(verdict.n, 1);
	ck_assert_str_eq(verdict.model, "random");
	ck_assert_ptr_null(verdict.state);
	ck_assert_double_eq(verdict.drawn, fate_uniform(&from, 1, FATE_LOSS, 0));
	ck_assert_double_nan(verdict.transition);
	ck_assert(loss_next(&random, &state, &from, 2).lost);
	verdict = loss_next(&random, &state, &from, 3);
	ck_assert(!verdict.lost && verdict.spared);
	verdict = loss_next(&list, &state, &from, 4);
	ck_assert(verdict.lost && !verdict.spared);
	ck_assert_str_eq(verdict.model, "list");
	ck_assert_double_nan(verdict.drawn);
}
END_TEST

static const struct {
	const char *text, *model, *states[3]; /* of the first datagrams; NULL: not looked at */
	bool loss, transition;                /* which values are drawn */
} reasons[] = {
	{ "none", "none", { NULL }, false, false },
	{ "30%", "random", { NULL }, true, false },
	{ "burst:100%,4", "burst", { "start", "burst", "burst" }, true, false },
	{ "burst:0%,4", "burst", { "start", "gap", "gap" }, true, false },
	{ "gemodel:100%,100%", "gemodel", { "good", "bad", "good" }, true, true },
	{ "state:100%,0%,100%", "state", { "lost in burst", "tx in burst", "lost in burst" }, false,
		true },
	{ "state:0%,0%,0%,0%,100%", "state", { "lost in gap", "tx in gap", "lost in gap" }, false,
		true },
	{ "first:2", "first", { NULL }, false, false },
	{ "pattern:x.", "pattern", { NULL }, false, false },
};

START_TEST(test_reasons)
{
	struct loss_spec spec = read_spec(reasons[_i].text);
	struct loss_state state = { 0 };
	struct fate_stream from = stream();
	for (uint64_t n = 1; n <= 3; n++) {
		struct loss_verdict verdict = loss_next(&spec, &state, &from, n);
		ck_assert_str_eq(verdict.model, reasons[_i].model);
		if (reasons[_i].states[n - 1])
			ck_assert_str_eq(verdict.state, reasons[_i].states[n - 1]);
		else
			ck_assert_ptr_null(verdict.state);
		double loss = fate_uniform(&from, n, FATE_LOSS, 0),
		       step = fate_uniform(&from, n, FATE_TRANSITION, 0);
		if (reasons[_i].loss)
			ck_assert_double_eq(verdict.drawn, loss);
		else if (reasons[_i].transition) /* one value decides both */
			ck_assert_double_eq(verdict.drawn, step);
		else
			ck_assert_double_nan(verdict.drawn);
		if (reasons[_i].loss && reasons[_i].transition)
			ck_assert_double_eq(verdict.transition, step);
		else
			ck_assert_double_nan(verdict.transition);
	}
}
END_TEST

/* ---- netem's machines, written again ---- */

/*
 * net/sched/sch_netem.c and iproute2's tc/q_netem.c by their meaning: 32-bit numbers, and
 * thresholds that tc makes of percentages. `random` is what prandom_u32() gives.
 */
struct netem {
	int state;
	uint32_t p13, p31, p32, p23, p14; /* 4-state */
	uint32_t p, r, h, k1;             /* Gilbert-Elliott; tc sends h for 1-h, and 1-k */
};

static uint32_t threshold(double share)
{
	return (uint32_t)rint(share * UINT32_MAX);
}

static uint32_t random32(uint64_t n, enum fate_purpose purpose)
{
	struct fate_stream from = stream();
	return (uint32_t)(fate_bits(&from, n, purpose, 0) >> 32);
}

static bool netem_4_state(struct netem *q, uint64_t n)
{
	uint32_t random = random32(n, FATE_TRANSITION);
	if (q->state == 1) {
		if (random < q->p14)
			q->state = 4;
		else if (random < q->p14 + q->p13)
			q->state = 3;
	} else if (q->state == 2) {
		if (random < q->p23)
			q->state = 3;
	} else if (q->state == 3) {
		if (random < q->p32)
			q->state = 2;
		else if (random < q->p32 + q->p31)
			q->state = 1;
	} else {
		q->state = 1;
	}
	return q->state == 3 || q->state == 4;
}

static bool netem_gilbert_elliott(struct netem *q, uint64_t n)
{
	uint32_t change = random32(n, FATE_TRANSITION), loss = random32(n, FATE_LOSS);
	if (q->state == 1) { /* good */
		if (change < q->p)
			q->state = 2;
		return loss < q->k1;
	}
	if (change < q->r)
		q->state = 1;
	/* "random > h": the same for the mirrored number, which is as random. */
	return UINT32_MAX - loss > q->h;
}

static const double machines[][5] = {
	{ 0.01, 0.10, 0.20, 0.30, 0.005 },
	{ 0.3, 0.7, 0, 1, 0 },
	{ 0.05, 0.25, 0.5, 0.4, 0.1 },
	{ 0.5, 0.4, 0.6, 0.5, 0.4 }, /* 50 % and 50 % would wrap around in netem */
	{ 0.001, 0.3, 0.001, 0.001, 0.2 },
};

START_TEST(test_netem_state)
{
	const double *p = machines[_i];
	char text[128];
	snprintf(text, sizeof text, "state:%.4f,%.4f,%.4f,%.4f,%.4f", p[0], p[1], p[2], p[3], p[4]);
	struct loss_spec spec = read_spec(text);
	struct loss_state state = { 0 };
	struct fate_stream from = stream();
	struct netem netem = { .state = 1,
		.p13 = threshold(p[0]),
		.p31 = threshold(p[1]),
		.p32 = threshold(p[2]),
		.p23 = threshold(p[3]),
		.p14 = threshold(p[4]) };
	for (uint64_t n = 1; n <= SAME; n++)
		if (loss_next(&spec, &state, &from, n).lost != netem_4_state(&netem, n))
			ck_abort_msg("%s differs at %lu", text, (unsigned long)n);
}
END_TEST

START_TEST(test_netem_gemodel)
{
	const double *p = machines[_i];
	char text[128];
	snprintf(text, sizeof text, "gemodel:%.4f,%.4f,%.4f,%.4f", p[0], p[1], p[3], p[4]);
	struct loss_spec spec = read_spec(text);
	struct loss_state state = { 0 };
	struct fate_stream from = stream();
	struct netem netem = { .state = 1, .p = threshold(p[0]), .r = threshold(p[1]),
		.h = UINT32_MAX - threshold(p[3]), .k1 = threshold(p[4]) };
	for (uint64_t n = 1; n <= SAME; n++)
		if (loss_next(&spec, &state, &from, n).lost != netem_gilbert_elliott(&netem, n))
			ck_abort_msg("%s differs at %lu", text, (unsigned long)n);
}
END_TEST

/* tc-netem(8): with p alone both are Bernoulli's model. */
START_TEST(test_netem_defaults)
{
	static const char *const texts_alone[] = { "gemodel:30%", "state:30%", "30%" };
	for (int i = 0; i < 3; i++) {
		struct loss_spec spec = read_spec(texts_alone[i]);
		struct loss_theory theory = loss_expect(&spec);
		ck_assert_double_eq_tol(theory.loss, 0.3, 1e-12);
		ck_assert_double_eq_tol(theory.run, 1 / 0.7, 1e-12);
	}
}
END_TEST

/* ---- theory ---- */

/* A model told again as a table of steps, and its long run by patient iteration. */
struct step {
	int from, to;
	double probability;
	bool lost;
};

enum { STEPS_MAX = 8, CHAIN_MAX = 4, PATIENCE = 20000, LIMIT_MAX = 8 };

static const struct told {
	const char *text;
	struct step steps[STEPS_MAX];
} tolds[] = {
	{ "30%", { { 0, 0, 0.3, true }, { 0, 0, 0.7, false } } },
	{ "85%", { { 0, 0, 0.85, true }, { 0, 0, 0.15, false } } },
	/* 3/28: 0.3 = p / (p + 1/4) */
	{ "burst:30%,4", { { 0, 1, 3.0 / 28, true }, { 0, 0, 25.0 / 28, false },
				 { 1, 1, 0.75, true }, { 1, 0, 0.25, false } } },
	{ "burst:50%,1", { { 0, 1, 1, true }, { 1, 0, 1, false } } },
	{ "burst:80%,4", { { 0, 1, 1, true }, { 1, 1, 0.75, true }, { 1, 0, 0.25, false } } },
	{ "burst:60%,2.5", { { 0, 1, 0.6, true }, { 0, 0, 0.4, false }, { 1, 1, 0.6, true },
				   { 1, 0, 0.4, false } } },
	{ "gemodel:10%,40%", { { 0, 0, 0.9, false }, { 0, 1, 0.1, false }, { 1, 1, 0.6, true },
				     { 1, 0, 0.4, true } } },
	{ "gemodel:10%,40%,70%,5%",
		{ { 0, 0, 0.9 * 0.05, true }, { 0, 0, 0.9 * 0.95, false },
			{ 0, 1, 0.1 * 0.05, true }, { 0, 1, 0.1 * 0.95, false },
			{ 1, 1, 0.6 * 0.7, true }, { 1, 1, 0.6 * 0.3, false },
			{ 1, 0, 0.4 * 0.7, true }, { 1, 0, 0.4 * 0.3, false } } },
	{ "gemodel:100%,100%", { { 0, 1, 1, false }, { 1, 0, 1, true } } },
	{ "state:5%,25%", { { 0, 2, 0.05, true }, { 0, 0, 0.95, false }, { 2, 0, 0.25, false },
				  { 2, 2, 0.75, true } } },
	{ "state:5%,25%,50%,40%,10%",
		{ { 0, 3, 0.1, true }, { 0, 2, 0.05, true }, { 0, 0, 0.85, false },
			{ 1, 2, 0.4, true }, { 1, 1, 0.6, false }, { 2, 1, 0.5, false },
			{ 2, 0, 0.25, false },
			{ 2, 2, 0.25, true } } }, /* from 3 to 0: see iterate */
	{ "state:0%,100%,0%,100%,20%", { { 0, 3, 0.2, true }, { 0, 0, 0.8, false } } },
};

static const unsigned limits[] = { 0, 1, 2, 3, 8 };

struct long_run {
	double loss, run;
	double lengths[RUNS]; /* share of the runs of this length; the last: longer */
};

/* The states that a table leaves out go to state 0 and keep the datagram. */
static struct long_run iterate(const struct told *told, unsigned limit)
{
	static double now[CHAIN_MAX][RUNS], next[CHAIN_MAX][RUNS];
	/* the last stands for all that are longer */
	const int most = limit > 0 ? (int)limit + 2 : RUNS;
	double out[CHAIN_MAX] = { 0 }, lost = 0, starts = 0;
	memset(now, 0, sizeof now);
	now[0][0] = 1;
	for (int i = 0; i < STEPS_MAX; i++)
		out[told->steps[i].from] += told->steps[i].probability;
	struct long_run result = { 0 };
	for (int t = 0; t < PATIENCE; t++) {
		memset(next, 0, sizeof next);
		lost = starts = 0;
		for (int run = 0; run < most; run++) {
			for (int i = 0; i < STEPS_MAX; i++) {
				const struct step *step = &told->steps[i];
				double flow = now[step->from][run] * step->probability;
				bool lose = step->lost && (limit == 0 || run < (int)limit);
				int longer = run + 1 < most ? run + 1 : run;
				next[step->to][lose ? longer : 0] += flow;
				lost += lose ? flow : 0;
				starts += lose && run == 0 ? flow : 0;
			}
			for (int state = 0; state < CHAIN_MAX; state++)
				next[0][0] += out[state] < 0.5 ? now[state][run] : 0;
		}
		/* Half of each step: a chain that goes round settles too. */
		for (int state = 0; state < CHAIN_MAX; state++)
			for (int run = 0; run < most; run++)
				now[state][run] = (now[state][run] + next[state][run]) / 2;
		if (t % 100 == 0) {
			double change = 0;
			for (int state = 0; state < CHAIN_MAX; state++)
				for (int run = 0; run < most; run++)
					change += fabs(now[state][run] - next[state][run]);
			if (change < 1e-12)
				break;
		}
	}
	result.loss = lost;
	result.run = lost / starts;
	for (int run = 1; run < most; run++) {
		double longer = 0, this = 0;
		for (int state = 0; state < CHAIN_MAX; state++) {
			this += now[state][run];
			longer += run + 1 < most ? now[state][run + 1] : 0;
		}
		result.lengths[run < most - 1 ? run : 0] = (this - longer) / starts;
	}
	return result;
}

START_TEST(test_theory)
{
	const struct told *told = &tolds[_i];
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		char text[128];
		snprintf(text, sizeof text, limits[i] > 0 ? "%s,max-run=%u" : "%s", told->text,
			limits[i]);
		struct loss_spec spec = read_spec(text);
		struct loss_theory theory = loss_expect(&spec);
		struct long_run expected = iterate(told, limits[i]);
		ck_assert_msg(fabs(theory.loss - expected.loss) < 1e-9, "%s: loss %.12g, not %.12g",
			text, theory.loss, expected.loss);
		ck_assert_msg(fabs(theory.run - expected.run) < 1e-6, "%s: run %.12g, not %.12g",
			text, theory.run, expected.run);
	}
}
END_TEST

static const struct {
	const char *text;
	double loss, run;
	uint64_t total;
} known[] = {
	{ "none", 0, 0, 0 },
	{ "0%", 0, 0, 0 },
	{ "100%", 1, INFINITY, 0 },
	{ "100%,max-run=3", 0.75, 3, 0 },
	{ "50%,max-run=1", 1.0 / 3, 1, 0 },
	{ "burst:30%,4", 0.3, 4, 0 },
	{ "burst:0.0000001%,1000", 1e-9, 1000, 0 },
	{ "burst:0%,4", 0, 0, 0 },
	{ "burst:100%,4", 1, INFINITY, 0 },
	{ "burst:100%,4,max-run=4", 0.8, 4, 0 },
	{ "gemodel:0%", 0, 0, 0 },
	{ "gemodel:100%", 1, INFINITY, 0 },
	{ "gemodel:20%,60%", 0.25, 1 / 0.6, 0 },
	/* Lost twice in a row: bad, stays there, 0.8 squared. */
	{ "gemodel:1%,9%,80%,0%", 0.08, 0.08 / (0.08 - 0.1 * 0.91 * 0.64), 0 },
	{ "gemodel:0.0000001%,0.0000001%", 0.5, 1e9, 0 },
	{ "state:100%", 1, INFINITY, 0 },
	{ "state:100%,0%,100%,0%", 0, 0, 0 },
	{ "state:1%,0%,0%", 1, INFINITY, 0 },
	{ "list:1,2,5", 0, 1.5, 3 },
	{ "list:1,2,3,5,max-run=2", 0, 1.5, 3 },
	{ "first:0", 0, 0, 0 },
	{ "first:2", 0, 2, 2 },
	{ "first:7,max-run=3", 0, 3, 6 },
	{ "first:8,max-run=3", 0, 3, 6 },
	{ "first:9,max-run=3", 0, 7.0 / 3, 7 },
	{ "pattern:.", 0, 0, 0 },
	{ "pattern:x", 1, INFINITY, 0 },
	{ "pattern:xx.", 2.0 / 3, 2, 0 },
	{ "pattern:x.xxx", 0.8, 4, 0 },
	{ "pattern:x.xxx,max-run=3", 0.6, 3, 0 },
	{ "pattern:xx,max-run=3", 0.75, 3, 0 },
	{ "pattern:x.x..", 0.4, 1, 0 },
};

START_TEST(test_known)
{
	struct loss_spec spec = read_spec(known[_i].text);
	struct loss_theory theory = loss_expect(&spec);
	ck_assert_msg(fabs(theory.loss - known[_i].loss) <= 1e-9 * known[_i].loss, "%s: loss %.15g",
		known[_i].text, theory.loss);
	ck_assert_msg(theory.run == known[_i].run ||
			      fabs(theory.run - known[_i].run) < 1e-6 * known[_i].run,
		"%s: run %.15g", known[_i].text, theory.run);
	ck_assert_uint_eq(theory.total, known[_i].total);
}
END_TEST

/* ---- a million fates ---- */

/* The mean of what was observed, and how far it may be off: by the spread of its batches, which may
   depend on their own past but not on each other. */
struct mean {
	double sum, squares, count;
};

static void mean_add(struct mean *mean, double value)
{
	mean->sum += value;
	mean->squares += value * value;
	mean->count++;
}

static void check_mean(const struct mean *mean, double expected, const char *text, const char *what)
{
	double average = mean->sum / mean->count;
	double variance = fmax(0, mean->squares / mean->count - average * average);
	double reach =
		CHANCE_BOTH_SIDES * sqrt(variance / mean->count) + 1e-9 + 0.001 / mean->count;
	ck_assert_msg(fabs(average - expected) <= reach, "%s: %s %.6f, expected %.6f -+ %.6f", text,
		what, average, expected, reach);
}

START_TEST(test_million)
{
	const struct told *told = &tolds[_i / 2];
	unsigned limit = _i % 2 ? 3 : 0;
	char text[128];
	snprintf(text, sizeof text, limit > 0 ? "%s,max-run=%u" : "%s", told->text, limit);
	struct loss_spec spec = read_spec(text);
	struct loss_state state = { 0 };
	struct fate_stream from = stream();
	struct mean loss = { 0 }, runs = { 0 };
	double lengths[RUNS] = { 0 };
	unsigned run = 0, batch = 0;
	for (uint64_t n = 1; n <= MANY; n++) {
		bool lost = loss_next(&spec, &state, &from, n).lost;
		batch += lost;
		if (n % BATCH == 0) {
			mean_add(&loss, batch / (double)BATCH);
			batch = 0;
		}
		if (lost) {
			run++;
		} else if (run > 0) {
			if (limit > 0 && run > limit)
				ck_abort_msg("%s: %u in a row", text, run);
			mean_add(&runs, run);
			lengths[run < RUNS - 1 ? run : 0]++;
			run = 0;
		}
	}
	struct long_run expected = iterate(told, limit);
	struct loss_theory theory = loss_expect(&spec);
	check_mean(&loss, theory.loss, text, "loss");
	check_mean(&runs, theory.run, text, "mean run");
	size_t possible = 0;
	for (size_t length = 0; length < RUNS; length++)
		possible += expected.lengths[length] * runs.count >= 10;
	if (possible > 1)
		check_chi_square(lengths, expected.lengths, RUNS, text);
}
END_TEST

/* ---- on its way ---- */

/* More loss loses what less loss has lost already: the drawn values are the same. */
START_TEST(test_thresholds)
{
	char less[1001], more[1001];
	fates("30%", less, 1000);
	fates("50%", more, 1000);
	unsigned differ = 0;
	for (int i = 0; i < 1000; i++) {
		ck_assert(less[i] == '.' || more[i] == 'x');
		differ += less[i] != more[i];
	}
	ck_assert_uint_gt(differ, 100);
}
END_TEST

/* From the change on, all is as if it had been so always (where a model has no memory), or goes on
   from its state. */
START_TEST(test_change)
{
	char half[1001], third[1001];
	struct loss_spec before = read_spec("50%"), after = read_spec("30%");
	struct loss_state state = { 0 };
	struct fate_stream from = stream();
	fates("50%", half, 1000);
	fates("30%", third, 1000);
	for (uint64_t n = 1; n <= 1000; n++) {
		bool lost = loss_next(n < 500 ? &before : &after, &state, &from, n).lost;
		char expected = n < 500 ? half[n - 1] : third[n - 1];
		ck_assert_int_eq(lost ? 'x' : '.', expected);
	}
}
END_TEST

START_TEST(test_change_of_model)
{
	struct loss_spec bad = read_spec("gemodel:100%,0%"), worse = read_spec("gemodel:0%,0%");
	struct loss_spec state4 = read_spec("state:0%"), limited = read_spec("100%,max-run=2");
	struct loss_state state = { 0 };
	struct fate_stream from = stream();
	ck_assert(!loss_next(&bad, &state, &from, 1).lost);
	ck_assert(loss_next(&bad, &state, &from, 2).lost);
	/* still bad: only the numbers have changed */
	ck_assert(loss_next(&worse, &state, &from, 3).lost);
	/* two in a row, whichever model it was */
	ck_assert(!loss_next(&limited, &state, &from, 4).lost);
	ck_assert(!loss_next(&worse, &state, &from, 5).lost); /* starts anew */
	ck_assert(!loss_next(&state4, &state, &from, 6).lost);
}
END_TEST

/* max-run hides a loss; the model's own state goes on. */
START_TEST(test_limit_keeps_the_model)
{
	char free_[1001], limited[1001];
	fates("burst:50%,6", free_, 1000);
	fates("burst:50%,6,max-run=3", limited, 1000);
	unsigned run = 0, spared = 0;
	for (int i = 0; i < 1000; i++) {
		char expected = free_[i];
		if (expected == 'x' && run == 3) {
			expected = '.';
			spared++;
		}
		run = expected == 'x' ? run + 1 : 0;
		ck_assert_int_eq(limited[i], expected);
	}
	ck_assert_uint_gt(spared, 10);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

int main(void)
{
	Suite *suite = suite_create("loss");
	TCase *tcase = tcase_create("loss");
	tcase_add_loop_test(tcase, test_text, 0, COUNT(texts));
	tcase_add_test(tcase, test_long_text);
	tcase_add_loop_test(tcase, test_refused, 0, COUNT(refused));
	tcase_add_test(tcase, test_too_long);
	tcase_add_loop_test(tcase, test_exact, 0, COUNT(exact));
	tcase_add_test(tcase, test_frozen);
	tcase_add_test(tcase, test_why);
	tcase_add_loop_test(tcase, test_reasons, 0, COUNT(reasons));
	tcase_add_loop_test(tcase, test_netem_state, 0, COUNT(machines));
	tcase_add_loop_test(tcase, test_netem_gemodel, 0, COUNT(machines));
	tcase_add_test(tcase, test_netem_defaults);
	tcase_add_loop_test(tcase, test_theory, 0, COUNT(tolds));
	tcase_add_loop_test(tcase, test_known, 0, COUNT(known));
	tcase_add_loop_test(tcase, test_million, 0, 2 * COUNT(tolds));
	tcase_add_test(tcase, test_thresholds);
	tcase_add_test(tcase, test_change);
	tcase_add_test(tcase, test_change_of_model);
	tcase_add_test(tcase, test_limit_keeps_the_model);
	tcase_set_timeout(tcase, 30);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
