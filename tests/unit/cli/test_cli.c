/* Command lines: parsing, the error for each kind of mistake, and the text of --help. */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli/cli.h"

enum { PORT = CLI_FIRST, HOST, VERBOSE, PRINT, ONLY_LETTER, LONG_ONE };

static const struct cli_option options[] = {
	{ PORT, 'p', "port", "PORT", "the port" },
	{ HOST, 'H', "host", "HOST", "the host" },
	{ VERBOSE, 'v', "verbose", NULL, "say more" },
	{ PRINT, 0, "print-config", NULL, "print the configuration" },
	{ ONLY_LETTER, 'x', NULL, "N", "has no long name" },
	{ LONG_ONE, 0, "an-option-with-a-very-long-name", "ARGUMENT",
		"and a help text that does not fit into one line of one hundred columns, so that "
		"it goes on in the next one, at the same column" },
	CLI_COMMON,
};

static const struct cli cli = {
	.program = "lab serve",
	.summary = "serve somebody",
	.usage = "[options] WORD...",
	.about = "Serves.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.notes = "A WORD is\n  any    word",
	.examples = "lab serve\nlab serve a",
	.exit_status = "0.",
};

/* Writes down what it is told: "16=5003 18 ". */
static bool write_down(void *context, int id, const char *value, struct err *err)
{
	char *told = context;
	size_t len = strlen(told);
	snprintf(told + len, 200 - len, value ? "%d=%s " : "%d ", id, value);
	if (id == HOST && strcmp(value, "bad") == 0) {
		err_set(err, STATUS_USAGE, "--host: bad");
		return false;
	}
	return true;
}

struct line_case {
	const char *words[8];
	enum cli_result result;
	const char *told; /* CLI_RUN: the options; CLI_ERROR: the error's text */
	const char *operands; /* CLI_RUN: joined by blanks */
};

static const struct line_case lines[] = {
	{ { NULL }, CLI_RUN, "", "" },
	{ { "a", "b" }, CLI_RUN, "", "a b" },
	{ { "-p", "1", "a" }, CLI_RUN, "16=1 ", "a" },
	{ { "-p1", "--host=h", "--verbose" }, CLI_RUN, "16=1 17=h 18 ", "" },
	{ { "a", "--port", "2", "b", "-v" }, CLI_RUN, "16=2 18 ", "a b" },
	{ { "-vp", "3" }, CLI_RUN, "18 16=3 ", "" },
	{ { "-x", "-1" }, CLI_RUN, "20=-1 ", "" },
	{ { "--po", "4" }, CLI_RUN, "16=4 ", "" },
	{ { "--verbose", "--", "-p", "--host" }, CLI_RUN, "18 ", "-p --host" },
	{ { "--host", "" }, CLI_RUN, "17= ", "" },
	{ { "-" }, CLI_RUN, "", "-" },
	{ { "--prot", "1" }, CLI_ERROR,
		"unknown option --prot; did you mean --port? See lab serve --help" },
	{ { "--hots=1" }, CLI_ERROR,
		"unknown option --hots; did you mean --host? See lab serve --help" },
	{ { "--verbos3" }, CLI_ERROR,
		"unknown option --verbos3; did you mean --verbose? See lab serve --help" },
	{ { "--evrbsoe" }, CLI_ERROR,
		"unknown option --evrbsoe; did you mean --verbose? See lab serve --help" },
	{ { "--colour" }, CLI_ERROR, "unknown option --colour; see lab serve --help" },
	{ { "a", "--colour", "b" }, CLI_ERROR, "unknown option --colour; see lab serve --help" },
	{ { "--p", "1" }, CLI_ERROR,
		"--p is the beginning of --port, --print-config; see lab serve --help" },
	{ { "-z" }, CLI_ERROR, "unknown option -z; see lab serve --help" },
	{ { "-vz" }, CLI_ERROR, "unknown option -z; see lab serve --help" },
	{ { "-p" }, CLI_ERROR, "-p needs PORT; see lab serve --help" },
	{ { "--port" }, CLI_ERROR, "--port needs PORT; see lab serve --help" },
	{ { "-x" }, CLI_ERROR, "-x needs N; see lab serve --help" },
	{ { "--verbose=1" }, CLI_ERROR, "--verbose takes no value; see lab serve --help" },
	{ { "--host", "bad", "-z" }, CLI_ERROR, "--host: bad" },
	{ { "--help=roff" }, CLI_ERROR,
		"--help: there is no form \"roff\"; there are mdoc, bash, zsh, fish" },
	{ { "--help=", "a" }, CLI_ERROR,
		"--help: there is no form \"\"; there are mdoc, bash, zsh, fish" },
	{ { "--help=fish" }, CLI_ERROR,
		"--help=fish: the commands are completed with their program; see lab --help=fish" },
};

START_TEST(test_line)
{
	const struct line_case *c = &lines[_i];
	char *argv[10] = { (char[]){ "lab" } };
	char words[8][40], told[200] = "", joined[200] = "";
	struct err err = { 0 };
	int argc = 1, operands = -1;
	for (; argc <= 8 && c->words[argc - 1]; argc++) {
		snprintf(words[argc - 1], sizeof words[0], "%s", c->words[argc - 1]);
		argv[argc] = words[argc - 1];
	}
	ck_assert_int_eq(cli_parse(&cli, argc, argv, write_down, told, &operands, &err), c->result);
	if (c->result == CLI_ERROR) {
		ck_assert_str_eq(err.text, c->told);
		ck_assert_int_eq(err.status, STATUS_USAGE);
		return;
	}
	for (int i = operands; i < argc; i++) {
		size_t len = strlen(joined);
		snprintf(joined + len, sizeof joined - len, "%s%s", i > operands ? " " : "",
			argv[i]);
	}
	ck_assert_str_eq(told, c->told);
	ck_assert_str_eq(joined, c->operands);
}
END_TEST

/* A word longer than any buffer is refused like a short one. */
START_TEST(test_long_word)
{
	char word[4096], told[200] = "";
	char *argv[] = { (char[]){ "lab" }, word, NULL };
	struct err err = { 0 };
	int operands;
	memset(word, 'x', sizeof word);
	word[0] = word[1] = '-';
	word[sizeof word - 1] = '\0';
	ck_assert_int_eq(cli_parse(&cli, 2, argv, write_down, told, &operands, &err), CLI_ERROR);
	ck_assert_ptr_nonnull(strstr(err.text, "unknown option --xxxx"));
}
END_TEST

/* What `print` writes to a stream. */
static char *captured(FILE *file)
{
	static char text[8192];
	rewind(file);
	size_t len = fread(text, 1, sizeof text - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

START_TEST(test_help)
{
	FILE *file = tmpfile();
	ck_assert_ptr_nonnull(file);
	cli_print_help(&cli, file);
	char *text = captured(file);
	ck_assert_str_eq(text,
		"Usage: lab serve [options] WORD...\n"
		"\n"
		"Serves.\n"
		"\n"
		"Options:\n"
		"  -p, --port PORT             the port\n"
		"  -H, --host HOST             the host\n"
		"  -v, --verbose               say more\n"
		"      --print-config          print the configuration\n"
		"  -x N                        has no long name\n"
		"      --an-option-with-a-very-long-name ARGUMENT\n"
		"                              and a help text that does not fit into one "
		"line of one hundred\n"
		"                              columns, so that it goes on in the next one, "
		"at the same column\n"
		"  -h, --help                  show this and exit\n"
		"      --version               show the version and exit\n"
		"\n"
		"A WORD is\n"
		"  any    word\n"
		"\n"
		"Examples:\n"
		"  lab serve\n"
		"  lab serve a\n"
		"\n"
		"Exit status: 0.\n");
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_uint_le(strlen(line), 100);
}
END_TEST

/* --help and --version go to stdout, and nothing behind them counts. Check runs each test in a
   process of its own, so that stdout may be replaced here. */
static const struct {
	const char *word, *begin;
} printing[] = {
	{ "--help", "Usage: lab serve [options] WORD...\n" },
	{ "-h", "Usage: lab serve [options] WORD...\n" },
	{ "--help=mdoc", ".\\\" Made by `lab serve --help=mdoc`.\n" },
	{ "--version", "lab serve " PMULAB_VERSION "\n" },
};

START_TEST(test_printing)
{
	char word[20], told[200] = "";
	char *argv[] = { (char[]){ "lab" }, word, (char[]){ "--unknown" }, NULL };
	struct err err = { 0 };
	int operands;
	FILE *file = tmpfile(), *standard = stdout;
	ck_assert_ptr_nonnull(file);
	snprintf(word, sizeof word, "%s", printing[_i].word);
	stdout = file;
	enum cli_result result = cli_parse(&cli, 3, argv, write_down, told, &operands, &err);
	stdout = standard;
	ck_assert_int_eq(result, CLI_DONE);
	ck_assert_int_eq(strncmp(captured(file), printing[_i].begin, strlen(printing[_i].begin)),
		0);

	FILE *full = fopen("/dev/full", "w"); /* Linux: every write fails */
	if (!full)
		return;
	stdout = full;
	result = cli_parse(&cli, 3, argv, write_down, told, &operands, &err);
	stdout = standard;
	fclose(full);
	ck_assert_int_eq(result, CLI_ERROR);
	ck_assert_int_eq(err.status, STATUS_FAILED);
}
END_TEST

/* What roff(7) would take for its own. Each text is one of the page's lines, or several. */
static const struct cli_option odd_options[] = {
	{ PORT, 0, "an-option", "In", "call recv(), then \\fB; 'so' or \"so\"" },
	{ HOST, 'H', NULL, "Xr", "A first sentence. The second one" },
	{ VERBOSE, 0, "key", "FILE|-", "needed" },
	CLI_COMMON,
};

static const struct cli odd = {
	.program = "odd",
	.summary = "In a name",
	.usage = "--key FILE [options] [--] [WORD...] [--json] [--more FILE]... An",
	.about = ".Sh is `no macro` here, nor is\n'this",
	.options = odd_options,
	.count = sizeof odd_options / sizeof odd_options[0],
	.notes = "First,\n  .two  'blanks'\n\n  a gap\nand text.\n\nA paragraph.",
	.examples = "odd 'a' >b\n.odd -x",
	.see_also = "pdc lab-serve",
};

static const char *const odd_lines[] = {
	".Dt ODD 1\n",
	".Nm odd\n.Nd \\&In a name\n.Sh SYNOPSIS\n.Nm odd\n",
	".Fl \\-key Ar FILE\n.Op Fl \\-an\\-option Ar \\&In\n.Op Fl H Ar \\&Xr\n.Op Fl h\n"
	".Op Fl \\-version\n",
	".Op Fl \\&\\-\n.Op Ar WORD ...\n.Op Fl \\-json\n.Op Fl \\-more Ar FILE ...\n"
	".Ar \\&An\n.Sh DESCRIPTION\n",
	"\n\\&.Sh is \\(oqno macro\\(cq here, nor is \\(aqthis\n",
	".It Fl \\-an\\-option Ar \\&In\ncall\n.Fn recv ,\nthen \\efB; \\(aqso' or \"so\"\n",
	"A first sentence.\nThe second one\n",
	".El\n.Pp\nFirst,\n.Bd -literal -offset indent\n\\&.two  \\(aqblanks\\(aq\n.Ed\n",
	".Bd -literal -offset indent\na gap\n.Ed\nand text.\n.Pp\nA paragraph.\n",
	".Sh EXAMPLES\n.Bd -literal -offset indent\nodd \\(aqa\\(aq >b\n\\&.odd \\-x\n.Ed\n",
	".Sh SEE ALSO\n.Xr lab-serve 1 ,\n.Xr pdc 1\n",
};

START_TEST(test_manual)
{
	char told[200] = "", *argv[] = { (char[]){ "odd" }, (char[]){ "--help=mdoc" }, NULL };
	struct err err = { 0 };
	int operands;
	FILE *file = tmpfile(), *standard = stdout;
	ck_assert_ptr_nonnull(file);
	stdout = file;
	enum cli_result result = cli_parse(&odd, 2, argv, write_down, told, &operands, &err);
	stdout = standard;
	ck_assert_int_eq(result, CLI_DONE);
	const char *page = captured(file);
	ck_assert_msg(strstr(page, odd_lines[_i]), "%s\nis not in\n%s", odd_lines[_i], page);
}
END_TEST

/* Runs the command that is named, with its own words. */
static int count_words(int argc, char **argv)
{
	return strcmp(argv[0], "serve") == 0 ? 40 + argc : -1;
}

static const struct cli_command commands[] = { { &cli, count_words } };

static const struct cli lab = {
	.program = "lab",
	.summary = "a lab",
	.usage = "COMMAND [options]",
	.about = "A lab.",
	.commands = commands,
	.command_count = 1,
};

START_TEST(test_command)
{
	char *argv[] = { (char[]){ "lab" }, (char[]){ "serve" }, (char[]){ "-z" }, NULL };
	ck_assert_int_eq(cli_command(&lab, 3, argv), 42);
	char *wrong[] = { (char[]){ "lab" }, (char[]){ "serv" }, NULL };
	ck_assert_int_eq(cli_command(&lab, 2, wrong), STATUS_USAGE);
	ck_assert_int_eq(cli_command(&lab, 1, wrong), STATUS_USAGE);
}
END_TEST

static const struct {
	const char *text;
	long value;
	const char *error; /* NULL: valid */
} integers[] = {
	{ "1", 1, NULL },
	{ "-5", -5, NULL },
	{ "65535", 65535, NULL },
	{ "007", 7, NULL },
	{ "65536", 0, "--port: 65536 is outside of -5..65535" },
	{ "-6", 0, "--port: -6 is outside of -5..65535" },
	{ "99999999999999999999999", 0, "--port: 99999999999999999999999 is outside of -5..65535" },
	{ "", 0, "--port: \"\" is not a whole number" },
	{ "-", 0, "--port: \"-\" is not a whole number" },
	{ "+1", 0, "--port: \"+1\" is not a whole number" },
	{ " 1", 0, "--port: \" 1\" is not a whole number" },
	{ "1 ", 0, "--port: \"1 \" is not a whole number" },
	{ "1x", 0, "--port: \"1x\" is not a whole number" },
	{ "1.0", 0, "--port: \"1.0\" is not a whole number" },
	{ "0x10", 0, "--port: \"0x10\" is not a whole number" },
};

START_TEST(test_integer)
{
	long value = 42;
	struct err err = { 0 };
	bool valid = cli_integer("--port", integers[_i].text, -5, 65535, &value, &err);
	ck_assert_int_eq(valid, !integers[_i].error);
	ck_assert_int_eq(value, valid ? integers[_i].value : 42);
	ck_assert_str_eq(err.text, valid ? "" : integers[_i].error);
	ck_assert_int_eq(err.status, valid ? STATUS_OK : STATUS_USAGE);
}
END_TEST

/* strtol(3) answers LONG_MAX where it should say that it cannot. */
START_TEST(test_integer_huge)
{
	long value = 42;
	struct err err = { 0 };
	ck_assert(!cli_integer("--seed", "99999999999999999999", 0, LONG_MAX, &value, &err));
	ck_assert_int_eq(value, 42);
}
END_TEST

static const struct {
	const char *text;
	double value; /* -1: invalid */
} times[] = {
	{ "1", 1 },
	{ "0", 0 },
	{ "0.5", 0.5 },
	{ ".5", 0.5 },
	{ "2.", 2 },
	{ "500ms", 0.5 },
	{ "2s", 2 },
	{ "1m", 60 },
	{ "0.25s", 0.25 },
	{ "1.5m", 90 },
	{ "", -1 },
	{ ".", -1 },
	{ "s", -1 },
	{ "-1", -1 },
	{ "+1", -1 },
	{ " 1", -1 },
	{ "1 s", -1 },
	{ "1h", -1 },
	{ "1e3", -1 },
	{ "0x1", -1 },
	{ "nan", -1 },
	{ "inf", -1 },
	{ "1.2.3", -1 },
	{ "1sx", -1 },
};

START_TEST(test_seconds)
{
	double value = 42;
	struct err err = { 0 };
	bool valid = cli_seconds("--timeout", times[_i].text, &value, &err);
	ck_assert_int_eq(valid, times[_i].value >= 0);
	ck_assert_double_eq(value, valid ? times[_i].value : 42);
	ck_assert_int_eq(err.status, valid ? STATUS_OK : STATUS_USAGE);
	if (!valid) {
		char begin[60];
		snprintf(begin, sizeof begin, "--timeout: \"%s\" is not a time", times[_i].text);
		ck_assert_int_eq(strncmp(err.text, begin, strlen(begin)), 0);
	}
}
END_TEST

/* A number of 400 digits is no time, but not a crash either. */
START_TEST(test_seconds_huge)
{
	char text[401];
	double value = 42;
	struct err err = { 0 };
	memset(text, '9', 400);
	text[400] = '\0';
	ck_assert(!cli_seconds("--timeout", text, &value, &err));
	ck_assert_double_eq(value, 42);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("cli");
	TCase *tcase = tcase_create("cli");
	tcase_add_loop_test(tcase, test_line, 0, COUNT(lines));
	tcase_add_test(tcase, test_long_word);
	tcase_add_test(tcase, test_help);
	tcase_add_loop_test(tcase, test_printing, 0, COUNT(printing));
	tcase_add_loop_test(tcase, test_manual, 0, COUNT(odd_lines));
	tcase_add_test(tcase, test_command);
	tcase_add_loop_test(tcase, test_integer, 0, COUNT(integers));
	tcase_add_test(tcase, test_integer_huge);
	tcase_add_loop_test(tcase, test_seconds, 0, COUNT(times));
	tcase_add_test(tcase, test_seconds_huge);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
