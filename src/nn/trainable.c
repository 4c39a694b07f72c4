#include "nn/trainable.h"

void mb_trainable_update(const mb_trainable *trainable, const mb_layer *layer,
                         const mb_update *update, bool decay, size_t first, size_t count,
                         const float *gradient)
{
    if (count == 0)
        return;
    const size_t moment = layer->parameter_offset + first;
    float *parameters = layer->parameters + first;
    trainable->optimizer_kernel(update, decay, count, gradient, parameters, trainable->m + moment,
                                trainable->v + moment);
    if (trainable->ema != NULL)
        trainable->ema_update(count, update->ema_rate, parameters, trainable->ema + moment);
}
