/* From logits to probabilities, for those who want both. */
#ifndef MB_TRAIN_CLASSIFY_H
#define MB_TRAIN_CLASSIFY_H

#include <stddef.h>

/* One row: logits in, probabilities out. */
void mb_softmax(size_t classes, float *row);

#endif
