#include "nn/trainable.h"

void mb_trainable_update(const mb_trainable *trainable, const mb_layer *layer,
                         const mb_update *update, bool decay, size_t first, size_t count,
                         const float *gradient)
{
    if (count == 0)
        return;
    const size_t moment = layer->parameter_offset + first;
    float *parameters = layer->parameters + first;
    trainable->apply(update, decay, count, gradient, parameters, trainable->first + moment,
                     trainable->second + moment);
    if (trainable->average != NULL)
        trainable->blend(count, update->average, parameters, trainable->average + moment);
}
