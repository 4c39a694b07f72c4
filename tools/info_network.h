/* What `mnist_blas info --network` shows: a network, layer by layer. */
#ifndef MB_TOOLS_INFO_NETWORK_H
#define MB_TOOLS_INFO_NETWORK_H

#include <mnist_blas/machine.h>

#include <jansson.h>
#include <stddef.h>

/* Opens the network that `spec` names for MNIST's images and classes, to be shown with the memory
 * that training it in batches of batch_size takes. Either prints it as a table, or, where `object`
 * is not NULL, adds it to that as "network". MB_ERROR_INVALID as of mb_network_open;
 * MB_ERROR_MEMORY. */
mb_status mb_info_network(const mb_machine *machine, const char *spec, size_t batch_size,
                          json_t *object, mb_error *error);

#endif
