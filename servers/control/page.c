/* The table of the files is written by scripts/embed-page. */
#include "servers/control/page.h"

#include <string.h>

#include "page_files.h"

const struct page_file *page_find(const char *path)
{
	for (size_t i = 0; i < sizeof page_files / sizeof page_files[0]; i++)
		if (strcmp(path, page_files[i].path) == 0)
			return &page_files[i];
	return NULL;
}
