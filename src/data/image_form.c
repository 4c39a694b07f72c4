/* How the images of a dataset look in its files: names, and measuring. */
#include "core/util.h"

#include <mnist_blas/options.h>

static const mb_enum_value grounds[] = {
    [MB_GROUND_DARK] = {"dark", NULL},
    [MB_GROUND_LIGHT] = {"light", NULL},
};
static const mb_enum_value framings[] = {
    [MB_FRAMING_MNIST] = {"mnist", NULL},
    [MB_FRAMING_NONE] = {"none", NULL},
};

const mb_enum mb_ground_names = {grounds, MB_COUNT_OF(grounds)};
const mb_enum mb_framing_names = {framings, MB_COUNT_OF(framings)};
