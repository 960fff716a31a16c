/* Prints the results of pdc-reset's runs, and estimates the loss from them: the answers to Q16 and
   Q17. */
#include "clients/client_reset.h"

#include <stdio.h>

#include "clients/client.h"
#include "common/json.h"
#include "common/stats.h"
#include "common/wire.h"

enum { TIME_TEXT = 32, TOLD_MAX = 5 };

static void format_time(char text[TIME_TEXT], time_t when)
{
	struct tm local;
	if (!localtime_r(&when, &local) ||
		strftime(text, TIME_TEXT, "%Y-%m-%d %H:%M:%S %z", &local) == 0)
		snprintf(text, TIME_TEXT, "%lld s after 1970", (long long)when);
}

void reset_ignore(long *count, const struct address *from, const char *fault, const char *data,
	size_t len, bool quiet)
{
	if (++*count > TOLD_MAX || quiet)
		return;
	char name[ADDRESS_TEXT], seen[WIRE_ESCAPED_MAX];
	address_format(from, name);
	wire_escape(seen, data, len);
	fprintf(stderr, "ignored \"%s\" from %s, %s%s\n", seen, name, fault,
		*count == TOLD_MAX ? "; more of these are only counted" : "");
}

void reset_runs_add(struct reset_runs *runs, const struct reset_run *run)
{
	runs->runs++;
	runs->all_packets += run->packets;
	runs->seconds += run->seconds;
	if (!run->answered) /* the server's family in this run is not known */
		return;
	runs->answered++;
	runs->packets += run->packets;
	runs->family_packets += run->family_packets - run->refused;
}

static void print_row(const struct reset_run *run, long number, const char *when)
{
	if (number == 1)
		printf("%4s  %-25s  %-6s  %7s  %7s  %6s\n", "run", "date and time", "family",
			"packets", "over it", "OFFSET");
	if (run->answered)
		printf("%4ld  %-25s  %-6s  %7ld  %7ld  %6ld\n", number, when, run->family,
			run->packets, run->family_packets, run->x);
	else
		printf("%4ld  %-25s  %-6s  %7ld  %7s  %6s\n", number, when, "none", run->packets,
			"-", "-");
}

void reset_print_run(const struct reset_run *run, long number)
{
	char when[TIME_TEXT];
	format_time(when, run->time);
	if (number > 0)
		print_row(run, number, when);
	else if (run->answered)
		printf("OFFSET=%ld over %s after %ld packet%s (%ld of them over %s), %s\n", run->x,
			run->family, run->packets, client_plural(run->packets), run->family_packets,
			run->family, when);
}

void reset_runs_judge(const struct reset_runs *runs, const struct reset_run *last,
	const struct reset_ignored *ignored, struct err *err)
{
	enum status status = ignored->malformed > 0 ? STATUS_PROTOCOL : STATUS_FAILED;
	if (runs->answered == runs->runs)
		return;
	if (runs->runs == 1)
		err_set(err, status, "no OFFSET after %ld tr%s", last->tries,
			last->tries == 1 ? "y" : "ies");
	else
		err_set(err, status, "no OFFSET in %ld of %ld runs", runs->runs - runs->answered,
			runs->runs);
}

/* The share of lost packets. Each answered run ends with the one packet that was not lost. */
static double loss_of(const struct reset_runs *runs, long packets)
{
	return packets > 0 ? 1 - (double)runs->answered / (double)packets : 0;
}

static struct interval interval_of(const struct reset_runs *runs)
{
	long lost = runs->family_packets - runs->answered;
	return stats_wilson((uint64_t)lost, (uint64_t)runs->family_packets);
}

static void print_loss(const struct reset_runs *runs)
{
	double answered = (double)runs->answered;
	struct interval interval = interval_of(runs);
	fprintf(stderr,
		"%ld runs answered: %.2f packets a run on average, "
		"%.2f of them over the family that answered\n",
		runs->answered, (double)runs->packets / answered,
		(double)runs->family_packets / answered);
	fprintf(stderr,
		"loss %.2f, 95 %% interval %.2f to %.2f: "
		"%ld of the %ld packets over the family that answered\n",
		loss_of(runs, runs->family_packets), interval.low, interval.high,
		runs->family_packets - runs->answered, runs->family_packets);
	if (runs->packets > runs->family_packets && !runs->both_answer)
		fprintf(stderr,
			"All %ld packets together would say %.2f. "
			"But those over the other family were not on their\n"
			"way to this server: counting them hides its loss, "
			"as in the report of 2016, 0.92 for 0.85.\n",
			runs->packets, loss_of(runs, runs->packets));
}

void reset_print_numbers(const struct reset_runs *runs, const struct reset_run *last,
	const struct reset_ignored *ignored)
{
	if (runs->runs > 1 && runs->answered > 0)
		print_loss(runs);
	long packets = runs->runs > 1 ? runs->all_packets : last->packets;
	fprintf(stderr, "%ld packet%s in %.1f s", packets, client_plural(packets),
		runs->runs > 1 ? runs->seconds : last->seconds);
	if (ignored->foreign > 0)
		fprintf(stderr, ", ignored %ld datagram%s of others", ignored->foreign,
			client_plural(ignored->foreign));
	if (ignored->malformed > 0)
		fprintf(stderr, ", ignored %ld repl%s without an OFFSET", ignored->malformed,
			ignored->malformed == 1 ? "y" : "ies");
	fputc('\n', stderr);
}

static void add_run(struct json *json, const struct reset_run *run)
{
	char when[TIME_TEXT];
	if (run->answered) {
		format_time(when, run->time);
		json_put_integer(json, "offset", run->x);
		json_put_string(json, "family", run->family);
		json_put_string(json, "server", run->server);
		json_put_string(json, "time", when);
		json_put_integer(json, "family_packets", run->family_packets);
		json_put_integer(json, "refused", run->refused);
	}
	json_put_integer(json, "packets", run->packets);
	json_put_integer(json, "tries", run->tries);
	json_put_real(json, "seconds", run->seconds);
}

static void add_runs(struct json *json, const struct reset_runs *runs)
{
	json_put_integer(json, "runs", runs->runs);
	json_put_integer(json, "answered", runs->answered);
	json_put_integer(json, "packets", runs->packets);
	json_put_integer(json, "family_packets", runs->family_packets);
	if (runs->answered > 0) {
		struct interval interval = interval_of(runs);
		json_put_real(json, "mean_packets", (double)runs->packets / (double)runs->answered);
		json_put_real(json, "mean_family_packets",
			(double)runs->family_packets / (double)runs->answered);
		json_put_real(json, "loss", loss_of(runs, runs->family_packets));
		json_put_real(json, "loss_low", interval.low);
		json_put_real(json, "loss_high", interval.high);
		json_put_real(json, "loss_of_all_packets", loss_of(runs, runs->packets));
	}
	json_put_real(json, "seconds", runs->seconds);
}

void reset_print_json(const struct reset_runs *runs, const struct reset_run *last,
	const struct reset_ignored *ignored, struct err *err)
{
	char text[4096];
	struct json json;
	json_begin(&json, text, sizeof text);
	if (runs->runs > 1)
		add_runs(&json, runs);
	else
		add_run(&json, last);
	json_put_integer(&json, "foreign", ignored->foreign);
	json_put_integer(&json, "malformed", ignored->malformed);
	client_print_json(&json, err);
}
