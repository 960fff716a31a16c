/* The words of a manual page in mdoc(7). */
#include "common/cli/mdoc.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_WIDTH = 78 }; /* bytes */

/* ---- escapes ---- */

/* The escape of a character that roff(7) would interpret, or show as a typographic one. NULL: it
   needs none. */
static const char *escape(char c)
{
	static const char special[] = "\\'`^~\"-";
	static const char *const escaped[] = { "\\e", "\\(aq", "\\(ga", "\\(ha", "\\(ti", "\\(dq",
		"\\-" };
	const char *found = c ? strchr(special, c) : NULL;
	return found ? escaped[found - special] : NULL;
}

void mdoc_character(char c, FILE *out)
{
	const char *escaped = escape(c);
	if (escaped)
		fputs(escaped, out);
	else
		putc(c, out);
}

void mdoc_word(const char *word, size_t len, FILE *out)
{
	bool macro = (len == 2 || len == 3) && isupper((unsigned char)word[0]) &&
		     islower((unsigned char)word[1]);
	if (macro || (len == 1 && ispunct((unsigned char)word[0])) || (len > 1 && word[0] == '%'))
		fputs("\\&", out);
	for (size_t i = 0; i < len; i++)
		mdoc_character(word[i], out);
}

void mdoc_words(const char *text, FILE *out)
{
	while (*text) {
		size_t len = strcspn(text, " \n");
		putc(' ', out);
		mdoc_word(text, len, out);
		text += len;
		text += strspn(text, " \n");
	}
}

/* Puts a word of running text. Its hyphens and apostrophes may become typographic ones; backquotes
   become typographic quotation marks, and `*quoted` tells whether one is open. Returns the bytes of
   the word; `out` NULL: only measures it. */
static size_t put_running(const char *word, size_t len, bool *quoted, FILE *out)
{
	size_t bytes = 0;
	for (size_t i = 0; i < len; i++) {
		const char plain[] = { word[i], '\0' }, *text = escape(word[i]);
		bool inside = i > 0 && isalnum((unsigned char)word[i - 1]);
		if (word[i] == '`')
			text = (*quoted = !*quoted) ? "\\(oq" : "\\(cq";
		else if (!text || word[i] == '"' || (inside && strchr("-'", word[i])))
			text = plain;
		bytes += strlen(text);
		if (out)
			fputs(text, out);
	}
	return bytes;
}

static bool ends_sentence(const char *word, size_t len)
{
	while (len > 0 && strchr(")\"'`", word[len - 1]))
		len--;
	/* a lone mark is a word: "x is lost, . is not" */
	return len > 1 && strchr(".!?", word[len - 1]);
}

/* ---- text ---- */

/* Puts a function's name on a line of its own: "recv()," becomes ".Fn recv ,". False: the word is
   none. */
static bool put_function(const char *word, size_t len, bool begins, FILE *out)
{
	size_t name = 0;
	while (name < len && (isalnum((unsigned char)word[name]) || word[name] == '_'))
		name++;
	if (name == 0 || len < name + 2 || memcmp(word + name, "()", 2) != 0)
		return false;
	fprintf(out, "%s.Fn %.*s", begins ? "" : "\n", (int)name, word);
	for (size_t i = name + 2; i < len; i++)
		fprintf(out, " %c", word[i]);
	putc('\n', out);
	return true;
}

void mdoc_text(const char *text, const char *end, FILE *out)
{
	size_t at = 0;
	bool quoted = false;
	for (text += strspn(text, " \n"); text < end; text += strspn(text, " \n")) {
		size_t len = strcspn(text, " \n");
		if (put_function(text, len, at == 0, out)) {
			at = 0;
			text += len;
			continue;
		}
		bool measured = quoted;
		size_t bytes = put_running(text, len, &measured, NULL);
		if (at > 0 && at + 1 + bytes > TEXT_WIDTH) {
			putc('\n', out);
			at = 0;
		}
		if (at > 0)
			putc(' ', out);
		else if (*text == '.')
			fputs("\\&", out);
		put_running(text, len, &quoted, out);
		at += 1 + bytes;
		if (ends_sentence(text, len)) {
			putc('\n', out);
			at = 0;
		}
		text += len;
	}
	if (at > 0)
		putc('\n', out);
}

void mdoc_display(const char *text, const char *end, size_t indent, FILE *out)
{
	fputs(".Bd -literal -offset indent\n", out);
	while (text < end) {
		size_t len = strcspn(text, "\n"), blanks = strspn(text, " ");
		if (blanks > indent)
			blanks = indent;
		if (text[blanks] == '.')
			fputs("\\&", out);
		for (size_t i = blanks; i < len; i++)
			mdoc_character(text[i], out);
		putc('\n', out);
		text += len + (text[len] == '\n');
	}
	fputs(".Ed\n", out);
}

void mdoc_paragraphs(const char *text, bool first, FILE *out)
{
	bool paragraph = !first;
	while (*text) {
		bool literal = *text == ' ';
		const char *end = text;
		if (*text == '\n') {
			text++;
			paragraph = true;
			continue;
		}
		while (*end && *end != '\n' && (*end == ' ') == literal) {
			end += strcspn(end, "\n");
			end += *end == '\n';
		}
		if (literal) {
			mdoc_display(text, end, 2, out);
		} else {
			if (paragraph)
				fputs(".Pp\n", out);
			mdoc_text(text, end, out);
		}
		paragraph = false;
		text = end;
	}
}
