/* Windows that slide over images: how a spec writes them, and what comes out. */
#ifndef MB_NN_WINDOW_H
#define MB_NN_WINDOW_H

#include "nn/layer.h"

/* Reads "KERNEL", or "CHANNELSxKERNEL" where `channels` is not NULL, and behind it "/strideN",
 * "/padN" and, with channels, "/groupsN", in any order: "16x5/pad2". Without a stride it is
 * `stride`, or the kernel's size where that is 0. MB_INVALID with the reason alone as text. */
mb_status mb_window_parse(const char *name, const char *argument, size_t stride, size_t *channels,
                          mb_window *window, mb_error *error);

/* How many windows fit into `in` each way. MB_INVALID where none does. */
mb_status mb_window_count(mb_shape in, mb_window window, size_t *rows, size_t *columns,
                          mb_error *error);

#endif
