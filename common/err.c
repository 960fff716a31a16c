#include "common/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void err_set(struct err *err, enum status status, const char *format, ...)
{
	if (!err)
		return;
	int saved = errno;
	va_list args;
	va_start(args, format);
	vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	err->status = status;
	errno = saved;
}

void err_prefix(struct err *err, const char *format, ...)
{
	if (!err)
		return;
	char old[sizeof err->text];
	memcpy(old, err->text, sizeof old);
	va_list args;
	va_start(args, format);
	int used = vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	if (used >= 0 && (size_t)used < sizeof err->text)
		snprintf(err->text + used, sizeof err->text - (size_t)used, ": %.*s",
			(int)(sizeof old - 1), old);
}

void err_append(struct err *err, const char *format, ...)
{
	if (!err)
		return;
	size_t used = strlen(err->text);
	va_list args;
	va_start(args, format);
	vsnprintf(err->text + used, sizeof err->text - used, format, args);
	va_end(args);
}
