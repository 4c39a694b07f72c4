/* A network as text and JSON: its layers, and the model file that it is from. */
#ifndef MB_TOOLS_INFO_NETWORK_H
#define MB_TOOLS_INFO_NETWORK_H

#include <jansson.h>
#include <mnist_blas/network.h>

/* A row per layer; memory is that of training with batches of `batch_size` on `threads` threads. */
void mb_info_print_network(const mb_network *network, size_t batch_size, size_t threads);
json_t *mb_info_network(const mb_network *network, size_t batch_size, size_t threads);

/* The model file `path`, opened as `network`: images, classes, and how it was trained, which is
 * known from a summary.json of such a network in the same folder. */
void mb_info_print_model(const char *path, const mb_network *network);
json_t *mb_info_model(const char *path, const mb_network *network);

#endif
