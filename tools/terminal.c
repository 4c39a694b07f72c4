#include "terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { DEFAULT_WIDTH = 80, MAX_WIDTH = 10000 };

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && *value != '\0';
}

/* Opens the locale without setting it: the process keeps "C", and its numbers their decimal point.
 */
static bool has_utf8(void)
{
    const locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (locale == (locale_t)0)
        return false;
    const bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return utf8;
}

mb_terminal mb_terminal_detect(int fd)
{
    mb_terminal terminal = {.fd = fd};
    terminal.interactive = isatty(fd) && is_set("TERM") && strcmp(getenv("TERM"), "dumb") != 0;
    terminal.colour = terminal.interactive && !is_set("NO_COLOR");
    terminal.blocks = terminal.interactive && has_utf8();
    return terminal;
}

size_t mb_terminal_width(const mb_terminal *terminal)
{
    struct winsize window;
    if (ioctl(terminal->fd, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        return window.ws_col;
    const char *text = getenv("COLUMNS");
    char *end = NULL;
    const long columns = text != NULL ? strtol(text, &end, 10) : 0;
    const bool valid = columns > 0 && columns <= MAX_WIDTH && *end == '\0';
    return valid ? (size_t)columns : DEFAULT_WIDTH;
}

const char *mb_terminal_style(const mb_terminal *terminal, mb_style style)
{
    static const char *const sequences[] = {"\033[0m", "\033[1m", "\033[2m", "\033[36m"};
    return terminal->colour ? sequences[style] : "";
}

/* Appends `cells` copies of `glyph` in a style; returns the end. */
static char *append(const mb_terminal *terminal, mb_style style, const char *glyph, size_t cells,
                    char *end)
{
    *end = '\0';
    if (cells == 0)
        return end;
    end = stpcpy(end, mb_terminal_style(terminal, style));
    for (size_t i = 0; i < cells; i++)
        end = stpcpy(end, glyph);
    return stpcpy(end, mb_terminal_style(terminal, MB_STYLE_PLAIN));
}

void mb_terminal_bar(const mb_terminal *terminal, double fraction, size_t cells, char *text)
{
    size_t filled = 0;
    if (fraction > 0)
        filled = fraction < 1 ? (size_t)(fraction * (double)cells) : cells;
    text = append(terminal, MB_STYLE_CYAN, terminal->blocks ? "█" : "#", filled, text);
    append(terminal, MB_STYLE_DIM, terminal->blocks ? "░" : ".", cells - filled, text);
}
