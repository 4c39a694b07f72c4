/* Rows of a view are a few elements long, so their last vector is masked instead of looped over. */
#include "kernels/vector.h"

#include <string.h>

/* to += the first `left` elements of from, and 0 in the other lanes. All are read: GCC turns a
 * masked load into a detour through memory. */
static inline void add_tail(mb_lane left, const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++) {
        const float value = from[l];
        to[l] += l < left ? value : 0.0f;
    }
}

/* Each row is written in whole vectors; the next row overwrites the excess. */
static inline void copy_rows(mb_strided_view view, size_t vectors, const float *restrict from,
                             float *restrict to)
{
    for (size_t outer = 0; outer < view.outer; outer++) {
        const float *row = from + outer * view.outer_stride;
        for (size_t inner = 0; inner < view.inner; inner++) {
            for (size_t v = 0; v < vectors; v++)
                mb_copy_vector(row + v * MB_LANES, to + v * MB_LANES);
            row += view.inner_stride;
            to += view.length;
        }
    }
}

/* The usual rows are short, and their loops unrolled. */
void MB_KERNEL_FN(im2col)(mb_strided_view view, const float *restrict from, float *restrict to)
{
    const size_t vectors = (view.length + MB_LANES - 1) / MB_LANES;
    if (vectors == 1)
        copy_rows(view, 1, from, to);
    else if (vectors == 2)
        copy_rows(view, 2, from, to);
    else
        copy_rows(view, vectors, from, to);
}

static inline void add_rows(mb_strided_view view, size_t whole, mb_lane left,
                            const float *restrict from, float *restrict to)
{
    for (size_t outer = 0; outer < view.outer; outer++) {
        float *row = to + outer * view.outer_stride;
        for (size_t inner = 0; inner < view.inner; inner++) {
            for (size_t v = 0; v < whole; v++)
                mb_add_vector(from + v * MB_LANES, row + v * MB_LANES);
            if (left > 0)
                add_tail(left, from + whole * MB_LANES, row + whole * MB_LANES);
            from += view.length;
            row += view.inner_stride;
        }
    }
}

void MB_KERNEL_FN(col2im)(mb_strided_view view, const float *restrict from, float *restrict to)
{
    const size_t whole = view.length / MB_LANES;
    const mb_lane left = (mb_lane)(view.length % MB_LANES);
    if (whole == 0)
        add_rows(view, 0, left, from, to);
    else if (whole == 1)
        add_rows(view, 1, left, from, to);
    else
        add_rows(view, whole, left, from, to);
}
