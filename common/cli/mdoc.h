/* The words of a manual page in mdoc(7): escaped for roff(7), and in lines that `mandoc -Tlint`
   takes. The functions write to `out` and tell no errors; the stream has them. */
#ifndef COMMON_CLI_MDOC_H
#define COMMON_CLI_MDOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Puts one character, escaped where roff would interpret it or show a typographic one. */
void mdoc_character(char c, FILE *out);

/* Puts `len` bytes as an argument of a macro. The name of another macro ("In", "Nm") and a lone
   delimiter are protected, so that they are plain words. */
void mdoc_word(const char *word, size_t len, FILE *out);

/* Puts each word of a text as an argument, with a blank before it. */
void mdoc_words(const char *text, FILE *out);

/* Fills lines with the words from `text` to `end`; each sentence begins a line. */
void mdoc_text(const char *text, const char *end, FILE *out);

/* Puts the lines from `text` to `end` as they are, without up to `indent` blanks at the start of
   each. */
void mdoc_display(const char *text, const char *end, size_t indent, FILE *out);

/* Puts paragraphs, and lines that begin with a blank as displays. `first`: a section begins
   here. */
void mdoc_paragraphs(const char *text, bool first, FILE *out);

#endif
