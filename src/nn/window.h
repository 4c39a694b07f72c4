/* Windows that slide over images: their text in a spec, and the shape of the output. */
#ifndef MB_NN_WINDOW_H
#define MB_NN_WINDOW_H

#include "nn/layer.h"

/* Parses "KERNEL", or "CHANNELSxKERNEL" unless `channels` is NULL, followed by "/strideN", "/padN"
 * and, with channels, "/groupsN", in any order, each once: "16x5/pad2". The stride defaults to
 * `stride`, or to the kernel size if that is 0. MB_ERROR_INVALID with the reason alone as text. */
mb_status mb_window_parse(const mb_layer *layer, const char *argument, size_t stride,
                          size_t *channels, mb_window *window, mb_error *error);

/* Number of windows that fit into `in` each way. MB_ERROR_INVALID if none does. */
mb_status mb_window_count(mb_shape in, mb_window window, size_t *rows, size_t *columns,
                          mb_error *error);

/* MB_ERROR_INVALID if a layer's padded image or its output has more elements than an int32_t
 * counts. */
mb_status mb_window_check_size(const mb_layer *layer, mb_error *error);

/* Copies an image of shape layer->in in this layout into the middle of one with the window's
 * padding around it, whose border is not changed; and the middle of such an image back. */
void mb_window_pad(const mb_layer *layer, mb_layout layout, const float *image, float *padded);
void mb_window_unpad(const mb_layer *layer, mb_layout layout, const float *padded, float *image);

#endif
