/* The files of the page for people (servers/control/page/), which scripts/embed-page puts into the
   program. */
#ifndef SERVERS_CONTROL_PAGE_H
#define SERVERS_CONTROL_PAGE_H

#include <stddef.h>

struct page_file {
	const char *path; /* "/" for index.html, "/style.css", "/app.js" */
	const char *type; /* Content-Type */
	/* the same content twice: plain, and for clients with Accept-Encoding: gzip */
	const unsigned char *plain, *gzip;
	size_t plain_len, gzip_len;
};

/* The file for a path of a URL; static. NULL: there is none. */
const struct page_file *page_find(const char *path);

/*
 * The page as one file that needs no server, for a run that is over. Write `page_report_head`, then
 * the events as lines of NDJSON with every "<" written as \u003c, then `page_report_tail`. Both end
 * with a NUL. The file loads nothing from outside (its Content-Security-Policy says so).
 */
extern const char page_report_head[], page_report_tail[];

#endif
