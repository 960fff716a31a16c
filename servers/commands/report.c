/*
 * The whole journal is read before anything is written, so a wrong file does not replace an older
 * report. The page is in two pieces (servers/control/page.h); the events are written between them.
 */
#include "servers/commands/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "servers/commands/report_events.h"
#include "servers/control/page.h"

enum { OPTION_OUTPUT = CLI_FIRST };

static const struct cli_option options[] = {
	{ OPTION_OUTPUT, 'o', "output", "FILE.html", "write it there; -: stdout, as without" },
	CLI_COMMON,
};

const struct cli report_cli = {
	.program = "pmulab report",
	.summary = "the page of a run that is over, as one file",
	.usage = "EVENTS.ndjson -o FILE.html",
	.about =
		"Writes the page of --page with the events of a run in it: one HTML file that "
		"works offline and\n"
		"can be mailed. - reads the events from stdin.",
	.options = options,
	.count = sizeof options / sizeof options[0],
	.notes =
		"Of a long run the last events that fit 32 MiB are in it; how many are left out is "
		"said on stderr\n"
		"and in the page. The file loads nothing from anywhere, and runs no script but the "
		"page's own,\n"
		"whatever was sent to the lab.",
	.examples =
		"pmulab report lab.ndjson -o lab.html\n"
		"pmulab run --events lab.ndjson -- pdc CMD_short:0; pmulab report lab.ndjson -o "
		"lab.html",
	.exit_status =
		"0 done, 1 writing failed (a full disk), 2 wrong usage, or a file that cannot be "
		"opened or\n"
		"is not what it should be.",
};

struct report {
	struct report_events events;
	const char *output; /* NULL, "-": stdout */
};

static bool on_option(void *context, int id, const char *value, struct err *err)
{
	struct report *report = context;
	report->output = value;
	return true;
}

/* False: errno says why. */
static bool write_page(struct report *report, FILE *out)
{
	fputs(page_report_head, out);
	report_events_write(&report->events, out);
	fputs(page_report_tail, out);
	return fflush(out) == 0 && !ferror(out);
}

static bool failed(enum status status, const char *path, struct err *err)
{
	err_set(err, status, "%s: %s", path, strerror(errno));
	return false;
}

/* Writes into what is there already: a device, a pipe or a link must not be replaced by a file. */
static bool write_into(struct report *report, struct err *err)
{
	FILE *out = fopen(report->output, "we");
	if (!out)
		return failed(STATUS_USAGE, report->output, err);
	bool done = write_page(report, out);
	int error = errno;
	if (fclose(out) != 0 && done) {
		error = errno;
		done = false;
	}
	errno = error;
	return done || failed(STATUS_FAILED, report->output, err);
}

static mode_t usual_mode(void)
{
	mode_t mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

/* Writes a temporary file beside it, then uses rename(2), so that there is never half a report. */
static bool write_anew(struct report *report, struct err *err)
{
	char *temporary;
	if (asprintf(&temporary, "%s.XXXXXX", report->output) < 0) {
		err_set(err, STATUS_FAILED, "out of memory");
		return false;
	}
	int fd = mkstemp(temporary);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!out) {
		failed(STATUS_USAGE, report->output, err);
		if (fd >= 0) {
			unlink(temporary);
			close(fd);
		}
		free(temporary);
		return false;
	}
	fchmod(fd, usual_mode());
	bool done = write_page(report, out) || failed(STATUS_FAILED, report->output, err);
	if (fclose(out) != 0 && done)
		done = failed(STATUS_FAILED, report->output, err);
	if (done && rename(temporary, report->output) != 0)
		done = failed(STATUS_USAGE, report->output, err);
	if (!done)
		unlink(temporary);
	free(temporary);
	return done;
}

static bool write_stdout(struct report *report, struct err *err)
{
	write_page(report, stdout);
	return cli_flush(err);
}

/* The report must not overwrite the journal that it is made of. A terminal gets no report unless
   the user asks for it (-o -). */
static bool check_output(const struct report *report, const char *path, struct err *err)
{
	struct stat in, out;
	bool standard = strcmp(path, "-") == 0;
	if (!report->output && isatty(STDOUT_FILENO)) {
		err_set(err, STATUS_USAGE,
			"the report is nothing for a terminal: name its file, -o lab.html");
		return false;
	}
	if (report->output && stat(report->output, &out) == 0 && S_ISREG(out.st_mode) &&
		(standard ? fstat(STDIN_FILENO, &in) : stat(path, &in)) == 0 &&
		in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
		err_set(err, STATUS_USAGE,
			"-o %s: these are the events; give the report another name",
			report->output);
		return false;
	}
	return true;
}

static bool write_report(struct report *report, struct err *err)
{
	struct stat now;
	if (!report->output || strcmp(report->output, "-") == 0)
		return write_stdout(report, err);
	bool plain = lstat(report->output, &now) != 0 || S_ISREG(now.st_mode);
	return plain ? write_anew(report, err) : write_into(report, err);
}

static bool make(struct report *report, const char *path, struct err *err)
{
	const struct report_events *events = &report->events;
	if (!check_output(report, path, err) ||
		!report_events_read(&report->events, report_cli.program, path, err) ||
		!write_report(report, err))
		return false;
	if (events->left_out > 0)
		fprintf(stderr,
			"%s: the oldest %" PRIu64 " of %" PRIu64
			" events are left out: %d MiB of them fit\n",
			report_cli.program, events->left_out, events->count, REPORT_BYTES >> 20);
	return true;
}

int command_report(int argc, char **argv)
{
	struct err err = { 0 };
	struct report report = { 0 };
	int operands = 0;
	enum cli_result result =
		cli_parse(&report_cli, argc, argv, on_option, &report, &operands, &err);
	if (result == CLI_DONE)
		return STATUS_OK;
	bool done = false;
	if (result == CLI_RUN && argc - operands != 1)
		err_set(&err, STATUS_USAGE, "one file of events is wanted; see %s --help",
			report_cli.program);
	else if (result == CLI_RUN)
		done = make(&report, argv[operands], &err);
	report_events_free(&report.events);
	return done ? STATUS_OK : cli_fail(report_cli.program, &err);
}
