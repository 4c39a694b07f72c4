/* The kinds of layers, and the names of whole networks. */
#ifndef MB_NN_KINDS_H
#define MB_NN_KINDS_H

#include "nn/layer.h"

/* NULL: no such kind. */
const mb_layer_ops *mb_layer_find_kind(const char *name);

/* "dense, conv2d, ...": all names. `text` holds `size` characters. */
void mb_layer_list_kinds(char *text, size_t size);

#endif
