/* Reads the table: a program's name, its rows, the words of its usage. */
#include "common/cli/cli_private.h"

#include <string.h>

const char *cli_name(const struct cli *cli)
{
	const char *blank = strrchr(cli->program, ' ');
	return blank ? blank + 1 : cli->program;
}

const struct cli_option *cli_rows(const struct cli *cli, size_t *count)
{
	static const struct cli_option common[] = { CLI_COMMON };
	*count = cli->command_count ? sizeof common / sizeof common[0] : cli->count;
	return cli->command_count ? common : cli->options;
}

bool cli_usage_next(struct cli_usage *at)
{
	at->word = at->rest + strspn(at->rest, " ");
	at->rest = at->word + strcspn(at->word, " ");
	at->begins = *at->word == '[';
	at->word += at->begins;
	at->len = (size_t)(at->rest - at->word);
	at->ends = at->dots = false;
	for (;; at->len--) {
		const char *last = at->word + at->len - 1;
		if (at->len > 3 && memcmp(last - 2, "...", 3) == 0) {
			at->dots = true;
			at->len -= 2;
		} else if (at->len > 1 && *last == ']' && !memchr(at->word, '[', at->len)) {
			at->ends = true; /* the bracket of "ENDPOINT[:PORT]" stays */
		} else {
			break;
		}
	}
	at->rest += strspn(at->rest, " ");
	return at->len > 0;
}
