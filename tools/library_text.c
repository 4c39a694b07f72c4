#include "library_text.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* stderr is a file in memory meanwhile; where there can be none, it stays what it is. */
int mb_library_text_begin(void)
{
    const int text = memfd_create("stderr", MFD_CLOEXEC);
    int saved = -1;
    fflush(stderr);
    if (text >= 0 && (saved = dup(STDERR_FILENO)) >= 0)
        dup2(text, STDERR_FILENO);
    if (text >= 0)
        close(text);
    return saved;
}

void mb_library_text_end(int begun, char *line, size_t size)
{
    line[0] = '\0';
    if (begun < 0)
        return;
    fflush(stderr);
    const ssize_t length = pread(STDERR_FILENO, line, size - 1, 0);
    dup2(begun, STDERR_FILENO);
    close(begun);
    line[length > 0 ? length : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
}
