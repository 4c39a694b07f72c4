/* The output of a run, which does not hold the run up.
 *
 * A terminal that takes no text (halted by Ctrl-S, at the end of a stalled connection) is not
 * waited for: text is held back, and what exceeds MB_OUTPUT_HELD bytes is left out. A pipe and a
 * file get everything, until a signal asks the run to end: then none is waited for longer than half
 * a second. A reader that has gone, or a stream that was closed before the program started, is no
 * error. */
#ifndef MB_TOOLS_OUTPUT_H
#define MB_TOOLS_OUTPUT_H

#include <mnist_blas/status.h>

#include <stdbool.h>

enum { MB_OUTPUT_HELD = 16384 };

typedef struct mb_output {
    int fd;
    bool terminal, owns_fd;
    bool gone;  /* nobody reads it: text is dropped */
    int failed; /* errno of the first write that failed; 0: none */
    size_t held;
    char text[MB_OUTPUT_HELD];
} mb_output;

/* A terminal is opened once more, to be written without waiting and without changing it for other
 * programs. From now on SIGPIPE is ignored. */
void mb_output_open(mb_output *output, int fd);

void mb_output_write(mb_output *output, const char *text, size_t size);
void mb_output_print(mb_output *output, const char *format, ...) MB_PRINTF(2, 3);

/* True if there is text that the terminal has not taken. */
bool mb_output_is_held(const mb_output *output);

/* Waits until all text is taken, or as above. MB_ERROR_IO: some could not be written. */
mb_status mb_output_close(mb_output *output, const char *name, mb_error *error);

/* True if `fd` takes text now, or within half a second if a signal has asked the run to end. */
bool mb_output_takes_text(int fd);

#endif
