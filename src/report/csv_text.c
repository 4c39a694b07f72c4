#include "report/csv_text.h"

#include <stdbool.h>
#include <string.h>

void mb_csv_put_text(FILE *out, const char *text)
{
    const size_t length = strlen(text);
    const bool blank = length > 0 && (text[0] == ' ' || text[length - 1] == ' ');
    if (!blank && length > 0 && strpbrk(text, ",;\"\r\n\t") == NULL) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}
