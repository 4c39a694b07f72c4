/* The terminal of the output, if it is one: width, colours and characters. */
#ifndef MB_TOOLS_TERMINAL_H
#define MB_TOOLS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* All false for a pipe, a file, and a terminal that cannot move its cursor: plain text only. */
typedef struct mb_terminal {
    int fd;
    bool interactive; /* lines can be rewritten: a terminal, and TERM is set, but not to "dumb" */
    bool colour;      /* interactive, and NO_COLOR is unset or empty (https://no-color.org) */
    bool blocks;      /* interactive, and the locale has UTF-8 */
} mb_terminal;

/* Depends on `fd`, TERM, NO_COLOR and the locale. */
mb_terminal mb_terminal_detect(int fd);

/* Columns of the window now, so that resizing is followed. If the terminal does not know: the
 * variable COLUMNS if it is a positive number, else 80. */
size_t mb_terminal_width(const mb_terminal *terminal);

/* All are readable on light and dark backgrounds. */
typedef enum mb_style { MB_STYLE_PLAIN, MB_STYLE_BOLD, MB_STYLE_DIM, MB_STYLE_CYAN } mb_style;

/* The escape sequence that starts a style; MB_STYLE_PLAIN ends it. "" without colour. */
const char *mb_terminal_style(const mb_terminal *terminal, mb_style style);

/* Bytes of a bar of N cells, with the terminating 0. */
#define MB_BAR_BYTES(cells) (3 * (size_t)(cells) + 24)

/* A bar of `cells` cells into `text`, MB_BAR_BYTES(cells) large. `fraction` (0 to 1; NaN is 0) of
 * the cells are filled, rounded down. */
void mb_terminal_bar(const mb_terminal *terminal, double fraction, size_t cells, char *text);

#endif
