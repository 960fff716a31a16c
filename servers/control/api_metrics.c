/*
 * GET /metrics: counters and gauges for Prometheus, in its text format 0.0.4. The counters come
 * from the totals that the event `stop` also has. Names contain their units, and all samples of one
 * name stand together, as the format requires.
 */
#include "servers/control/api_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static const char metrics_type[] = "text/plain; version=0.0.4; charset=utf-8";

enum { VIEWS_MAX = 2 * ENDPOINT_COUNT }; /* each may also run in a place of its own */

/* A counter of each endpoint that has such a total, under one of two names. */
struct sum {
	const char *name, *help;
	const char *total, *other;
};

static const struct sum sums[] = {
	{ "pmulab_connections_total", "Connections accepted.", "connections" },
	{ "pmulab_messages_total",
		"Messages of the PMU or the echo taken in full, ERROR lines included.",
		"messages" },
	{ "pmulab_sent_bytes_total", "Bytes of messages that peers' sockets have taken.",
		"bytes_out" },
	{ "pmulab_received_bytes_total",
		"Bytes that came over connections, without TLS and WebSocket.", "bytes_in" },
	{ "pmulab_datagrams_received_total", "Datagrams read from the socket, lost ones included.",
		"received", "heard" },
	{ "pmulab_datagrams_missed_total", "Datagrams for which the kernel's queue was full.",
		"missed" },
	{ "pmulab_datagrams_dropped_total",
		"Datagrams lost in the lab, in either direction, whatever the reason.", "dropped" },
	{ "pmulab_replies_total", "Replies handed to the kernel, duplicates included.", "replies" },
	{ "pmulab_station_lines_total", "Lines of the play that were sent and not lost.", "lines" },
	{ "pmulab_station_answers_total", "Answers to participants that were sent and not lost.",
		"answers" },
	{ "pmulab_station_participants_total", "Participants that were new to the station.",
		"participants" },
	{ "pmulab_errors_total", "Errors, whoever made them.", "errors" },
};

struct seen {
	struct emulator_view view;
	json_t *totals;
};

/* ---- lines ---- */

static void begin(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void real(FILE *out, const char *name, const char *type, const char *help, double value)
{
	begin(out, name, type, help);
	fprintf(out, "%s %.6f\n", name, value);
}

static void integer(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	begin(out, name, type, help);
	fprintf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void sample(FILE *out, const char *name, const struct seen *seen, json_int_t value)
{
	fprintf(out, "%s{endpoint=\"%s\",local=\"%s\"} %" JSON_INTEGER_FORMAT "\n", name,
		endpoint_table[seen->view.endpoint].name, seen->view.local ? "true" : "false",
		value);
}

/* ---- endpoints ---- */

static const json_t *find_total(const struct seen *seen, const struct sum *sum)
{
	const json_t *total = json_object_get(seen->totals, sum->total);
	return total || !sum->other ? total : json_object_get(seen->totals, sum->other);
}

static void write_sum(FILE *out, const struct sum *sum, const struct seen *seen, size_t count)
{
	bool begun = false;
	for (size_t i = 0; i < count; i++) {
		const json_t *total = find_total(&seen[i], sum);
		if (total && !begun)
			begin(out, sum->name, "counter", sum->help);
		begun |= total != NULL;
		if (total)
			sample(out, sum->name, &seen[i], json_integer_value(total));
	}
}

static void write_endpoints(FILE *out, const struct seen *seen, size_t count)
{
	begin(out, "pmulab_connections_open", "gauge", "Connections that are open now.");
	for (size_t i = 0; i < count; i++)
		if (json_object_get(seen[i].totals, "connections"))
			sample(out, "pmulab_connections_open", &seen[i], seen[i].view.open);
	begin(out, "pmulab_endpoint_paused", "gauge",
		"1 where the endpoint takes no new work, else 0.");
	for (size_t i = 0; i < count; i++)
		sample(out, "pmulab_endpoint_paused", &seen[i], seen[i].view.paused);
	for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
		write_sum(out, &sums[i], seen, count);
}

/* ---- the lab and the program ---- */

static void write_lab(FILE *out, const struct api *api)
{
	begin(out, "pmulab_build_info", "gauge", "1; the version is its label.");
	fprintf(out, "pmulab_build_info{version=\"%s\"} 1\n", PMULAB_VERSION);
	real(out, "pmulab_uptime_seconds", "gauge", "Time since the start, as the events' t.",
		emulator_uptime(api->emulator));
	integer(out, "pmulab_events_total", "counter", "Events so far: the number of the last one.",
		ring_next(api->ring) - 1);
	integer(out, "pmulab_events_kept", "gauge", "Events that can still be read.",
		ring_next(api->ring) - ring_first(api->ring));
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* The names are those of Prometheus' own client libraries. */
static void write_process(FILE *out)
{
	struct rusage usage;
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		real(out, "process_cpu_seconds_total", "counter",
			"CPU time, the program's and the kernel's for it.",
			seconds(usage.ru_utime) + seconds(usage.ru_stime));
	FILE *statm = fopen("/proc/self/statm", "re");
	unsigned long long all, resident;
	if (statm && fscanf(statm, "%llu %llu", &all, &resident) == 2)
		integer(out, "process_resident_memory_bytes", "gauge", "Memory that is in use.",
			resident * (uint64_t)sysconf(_SC_PAGESIZE));
	if (statm)
		fclose(statm);
}

/* ---- the call ---- */

static size_t look(const struct api *api, struct seen seen[VIEWS_MAX])
{
	size_t count = 0;
	while (count < VIEWS_MAX && emulator_look(api->emulator, count, &seen[count].view)) {
		seen[count].totals = json_loads(seen[count].view.totals, 0, NULL);
		count++;
	}
	return count;
}

void api_metrics(void *context, struct http_request *request)
{
	static const char *const none[] = { NULL };
	const struct api *api = context;
	struct seen seen[VIEWS_MAX];
	char *text = NULL;
	size_t len = 0;
	if (!api_parameters(request, none))
		return;
	FILE *out = open_memstream(&text, &len);
	if (out) {
		size_t count = look(api, seen);
		write_lab(out, api);
		write_endpoints(out, seen, count);
		write_process(out);
		for (size_t i = 0; i < count; i++)
			json_decref(seen[i].totals);
	}
	if (out && fclose(out) == 0)
		http_respond(request, 200, metrics_type, text, len, NULL);
	else
		http_refuse(request, 500, NULL, "out of memory", "");
	free(text);
}
