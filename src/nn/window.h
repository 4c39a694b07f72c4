/* Windows that slide over images: how a spec writes them, and what comes out. */
#ifndef MB_NN_WINDOW_H
#define MB_NN_WINDOW_H

#include "nn/layer.h"

/* Reads "KERNEL", or "CHANNELSxKERNEL" where `channels` is not NULL, and behind it "/strideN",
 * "/padN" and, with channels, "/groupsN", in any order, each once: "16x5/pad2". Without a stride it
 * is `stride`, or the kernel's size where that is 0. MB_ERROR_INVALID with the reason alone as
 * text. */
mb_status mb_window_parse(const char *name, const char *argument, size_t stride, size_t *channels,
                          mb_window *window, mb_error *error);

/* How many windows fit into `in` each way. MB_ERROR_INVALID where none does. */
mb_status mb_window_count(mb_shape in, mb_window window, size_t *rows, size_t *columns,
                          mb_error *error);

/* MB_ERROR_INVALID where a layer's padded image, or the one that it makes, has more numbers than an
 * int32_t counts. */
mb_status mb_window_check_size(const mb_layer *layer, mb_error *error);

/* Copies an image of shape layer->in, by planes or by pixels, into the middle of one with the
 * window's padding around it, whose border is left alone; and the middle of such a one back. */
void mb_window_pad(const mb_layer *layer, bool planes, const float *image, float *padded);
void mb_window_unpad(const mb_layer *layer, bool planes, const float *padded, float *image);

#endif
