/* mnist_blas info --network: the layers of a network. */
#ifndef MB_TOOLS_INFO_NETWORK_H
#define MB_TOOLS_INFO_NETWORK_H

#include <mnist_blas/machine.h>

#include <jansson.h>
#include <stddef.h>

/* Opens the network `spec` for MNIST's images and classes and prints its layers and the memory that
 * training it needs as a table, or, if `object` is not NULL, adds them to it as "network".
 * MB_ERROR_INVALID as mb_network_open; MB_ERROR_MEMORY. */
mb_status mb_info_network(const mb_machine *machine, const char *spec, size_t batch_size,
                          json_t *object, mb_error *error);

#endif
