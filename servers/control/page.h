/* The page for people, servers/control/page/: its files as they stand in the program
   (scripts/embed-page). */
#ifndef SERVERS_CONTROL_PAGE_H
#define SERVERS_CONTROL_PAGE_H

#include <stddef.h>

struct page_file {
	const char *path; /* "/" is index.html, else "/style.css", "/app.js" */
	const char *type; /* Content-Type */
	/* the same twice: for who says Accept-Encoding: gzip, and for who does not */
	const unsigned char *plain, *gzip;
	size_t plain_len, gzip_len;
};

/* NULL: there is no such file. */
const struct page_file *page_find(const char *path);

/*
 * The page as one file that needs no server, for a run that is over: `page_report_head`, the events
 * as lines of NDJSON with every "<" written as \u003c, `page_report_tail`. Both end with a NUL. It
 * may use nothing but what stands in it (its Content-Security-Policy says so).
 */
extern const char page_report_head[], page_report_tail[];

#endif
