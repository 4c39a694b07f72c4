/* What output goes to: a terminal or not, how wide, with which colours and characters. */
#ifndef MB_TOOLS_TERMINAL_H
#define MB_TOOLS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* All three are false for a pipe, a file, and a terminal that cannot move its cursor: there, plain
 * text only. {0} is such an output, too. */
typedef struct mb_terminal {
    int fd;
    bool interactive; /* a terminal whose lines can be drawn over: TERM is set, and not to "dumb" */
    bool colour;      /* interactive, and NO_COLOR is unset or empty (https://no-color.org) */
    bool blocks;      /* interactive, and the locale's characters are UTF-8 */
} mb_terminal;

/* What the file descriptor `fd` goes to, by TERM, NO_COLOR and the locale's variables. */
mb_terminal mb_terminal_detect(int fd);

/* Columns of the terminal's window at this moment, so that a resized one is followed. Where the
 * terminal does not know, or there is none: COLUMNS, if that is a number above 0, else 80. */
size_t mb_terminal_width(const mb_terminal *terminal);

/* All of them readable on light and on dark ground. */
typedef enum mb_style { MB_STYLE_PLAIN, MB_STYLE_BOLD, MB_STYLE_DIM, MB_STYLE_CYAN } mb_style;

/* The escape sequence from which on text has this style, MB_STYLE_PLAIN to end it; "" without
 * colour. */
const char *mb_terminal_style(const mb_terminal *terminal, mb_style style);

/* Bytes, with the 0 at the end, that hold any bar of so many cells. */
#define MB_BAR_BYTES(cells) (3 * (size_t)(cells) + 24)

/* Writes a bar of `cells` cells into `text`, MB_BAR_BYTES(cells) large: the cells that are wholly
 * within `share` (0 to 1; NaN is 0) filled, in blocks or else in ASCII, with colour where there
 * is colour. */
void mb_terminal_bar(const mb_terminal *terminal, double share, size_t cells, char *text);

/* Writes `size` bytes at once, past stdio, which the caller has flushed. A terminal that is gone
 * is let be: the signal that says so, or the next line printed, tells. */
void mb_terminal_write(const mb_terminal *terminal, const char *text, size_t size);

#endif
