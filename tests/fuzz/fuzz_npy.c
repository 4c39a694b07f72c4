/* Fuzz target: a folder of NPY files of any bytes as data: it is refused with one line, or all
 * pixels can be read and all labels are classes.
 *
 * Byte 0: which of six files there are; then their sizes but the last one's, of two bytes each. */
#include "fuzz/dataset.h"

#include "core/util.h"

static const char *const names[] = {"x_train", "y_train", "x_val", "y_val", "x_test", "y_test"};
enum { FILES = MB_COUNT_OF(names), HEADER = 1 + 2 * (FILES - 1) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *folder = fuzz_folder();
    char paths[FILES][128];
    if (size < HEADER)
        return 0;
    size_t at = HEADER;
    for (size_t i = 0; i < FILES; i++) {
        size_t bytes = size - at;
        if (i + 1 < FILES && size_at(data + 1 + 2 * i) < bytes)
            bytes = size_at(data + 1 + 2 * i);
        snprintf(paths[i], sizeof paths[i], "%s/%s.npy", folder, names[i]);
        if ((data[0] >> i & 1) != 0)
            write_file(paths[i], data + at, bytes);
        at += bytes;
    }
    open_data(folder, MB_SPLIT_TRAIN | MB_SPLIT_TEST, NULL);
    for (size_t i = 0; i < FILES; i++)
        unlink(paths[i]);
    return 0;
}
