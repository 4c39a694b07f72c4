/* The table of a set that is compiled from the portable sources. */
#include "kernels/kernel_set.h"

void MB_KERNEL_FN(kernels_init)(mb_kernels *kernels)
{
    *kernels = (mb_kernels){
#ifdef MB_FMA
        .fma = true,
#endif
#define MB_KERNEL(result, name, parameters) .name = MB_KERNEL_FN(name),
#include "kernels/kernels.inc"
    };
}
