#include <mnist_blas/mnist_blas.h>

const char *mb_version(void) { return MB_VERSION; }
