/* Serves the page's files, which are part of the program. */
#include "servers/control/api_private.h"

#include <string.h>

#include "servers/control/page.h"

static void api_page_file(void *context, struct http_request *request)
{
	static const struct http_header zipped[] = {
		{ "Content-Encoding", "gzip" },
		{ "Vary", "Accept-Encoding" },
		{ NULL, NULL },
	};
	const struct page_file *file = page_find(http_request_path(request));
	const char *encodings = http_request_header(request, "Accept-Encoding");
	bool gzip = encodings && strstr(encodings, "gzip");
	http_respond(request, 200, file->type, gzip ? file->gzip : file->plain,
		gzip ? file->gzip_len : file->plain_len, gzip ? zipped : zipped + 1);
}

bool api_page(struct api *api, struct http_request *request)
{
	const struct page_file *file = page_find(http_request_path(request));
	const struct http_route route = { "GET", file ? file->path : NULL, api_page_file };
	if (file)
		http_route(&route, 1, api, request);
	return file;
}
