/* Text that libraries write to stderr by themselves. */
#ifndef MB_TOOLS_LIBRARY_TEXT_H
#define MB_TOOLS_LIBRARY_TEXT_H

#include <stddef.h>

/* Collects what is written to stderr. Returns what mb_library_text_end takes. */
int mb_library_text_begin(void);

/* Ends that; `line` is the first line of the text, "" if there is none. */
void mb_library_text_end(int begun, char *line, size_t size);

#endif
