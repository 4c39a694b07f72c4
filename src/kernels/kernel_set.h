/* For the sources that are compiled once per set: MB_KERNEL_FN(relu_forward) is mb_relu_forward_v4
 * if the build defines MB_KERNEL_SET as v4. MB_ACCUMULATORS, from the build too, is the number of
 * vectors of MB_LANES floats that the set's registers hold beside the operands of a product. */
#ifndef MB_KERNELS_KERNEL_SET_H
#define MB_KERNELS_KERNEL_SET_H

#include "kernels/kernels.h"

#include <math.h>

#define MB_PASTE(name, set) mb_##name##_##set
#define MB_PASTE_EXPANDED(name, set) MB_PASTE(name, set)
#define MB_KERNEL_FN(name) MB_PASTE_EXPANDED(name, MB_KERNEL_SET)

/* Products use fused multiply-adds. GCC says so by FP_FAST_FMAF, clang by the architecture's macro.
 */
#if defined(FP_FAST_FMAF) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define MB_FMA
#endif

/* Fused if the set has it, as in OpenBLAS's kernels for such CPUs. */
static inline float mb_multiply_add(float a, float b, float c)
{
#ifdef MB_FMA
    return fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

#define MB_KERNEL(result, name, parameters) result MB_KERNEL_FN(name) parameters;
#include "kernels/kernels.inc"

/* Fills the table; an overlay replaces the entries that it has. */
void MB_KERNEL_FN(kernels_init)(mb_kernels *kernels);

#endif
