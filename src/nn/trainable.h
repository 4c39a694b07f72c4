/* What training does to parameters: the one place from which the optimizer is called. */
#ifndef MB_NN_TRAINABLE_H
#define MB_NN_TRAINABLE_H

#include "nn/layer.h"

/* Updates `count` of the layer's parameters from number `first` on, and their moments and running
 * average, with their `gradient` (count); with `decay` they decay too. */
void mb_trainable_update(const mb_trainable *trainable, const mb_layer *layer,
                         const mb_update *update, bool decay, size_t first, size_t count,
                         const float *gradient);

#endif
