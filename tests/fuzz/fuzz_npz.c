/* Fuzz target: an NPZ archive of any bytes as data: it is refused with one line, or all pixels can
 * be read and all labels are classes. */
#include "fuzz/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *folder = fuzz_folder();
    char path[128];
    snprintf(path, sizeof path, "%s/data.npz", folder);
    write_file(path, data, size);
    open_data(path, MB_SPLIT_TRAIN | MB_SPLIT_TEST, NULL);
    unlink(path);
    return 0;
}
