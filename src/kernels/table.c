#include "kernels/level.h"

const mb_kernels MB_AT_LEVEL(kernels) = {
    .widen = MB_AT_LEVEL(widen),
    .sparse_product = MB_AT_LEVEL(sparse_product),
    .sparse_gradient = MB_AT_LEVEL(sparse_gradient),
    .transpose = MB_AT_LEVEL(transpose),
    .fill_rows = MB_AT_LEVEL(fill_rows),
    .add_rows = MB_AT_LEVEL(add_rows),
    .relu = MB_AT_LEVEL(relu),
    .relu_gradient = MB_AT_LEVEL(relu_gradient),
    .softmax = MB_AT_LEVEL(softmax),
    .exp = MB_AT_LEVEL(exp),
    .taps = MB_AT_LEVEL(taps),
    .warp = MB_AT_LEVEL(warp),
    .dots = MB_AT_LEVEL(dots),
    .noise = MB_AT_LEVEL(noise),
    .smooth_columns = MB_AT_LEVEL(smooth_columns),
    .smooth_rows = MB_AT_LEVEL(smooth_rows),
    .sgd = MB_AT_LEVEL(sgd),
    .adam = MB_AT_LEVEL(adam),
};
