/* A network as text and JSON: its layers, and the model file that it is from. */
#ifndef MB_TOOLS_INFO_NETWORK_H
#define MB_TOOLS_INFO_NETWORK_H

#include <jansson.h>
#include <mnist_blas/network.h>

/* A row per layer; memory is that of training with batches of `batch_size` on `threads` threads. */
void mb_info_print_network(const mb_network *network, size_t batch_size, size_t threads);
json_t *mb_info_network(const mb_network *network, size_t batch_size, size_t threads);

/* The summary.json in the folder of the model file `path`, if it is of such a network; else
 * *summary is NULL. The caller releases it. MB_ERROR_MEMORY. */
mb_status mb_info_find_summary(const char *path, const mb_network *network, json_t **summary,
                               mb_error *error);

/* The model file `path`, opened as `network`: images, classes, and how it was trained, which the
 * summary says; NULL: there is none. */
void mb_info_print_model(const char *path, const mb_network *network, const json_t *summary);
json_t *mb_info_model(const char *path, const mb_network *network, json_t *summary);

/* The array with one more element, which it takes over; NULL, and nothing is left of both, if
 * either is NULL or memory is out. */
json_t *mb_info_append(json_t *array, json_t *element);

#endif
