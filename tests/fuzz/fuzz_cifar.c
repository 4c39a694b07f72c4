/* Opens a folder with any bytes as a file of CIFAR's and as the names of its classes: it is refused
 * with one line, or all pixels can be read and all labels are classes.
 *
 * Byte 0: CIFAR-100 (1), a file of names (2); byte 1: the size of the names, which follow; the
 * rest: pixels, and the number of records. */
#include "fuzz/dataset.h"

enum { PIXELS = 3072, HEADER = 2, MAX_FILES = 6 };

static const char *const files[2][MAX_FILES + 1] = {
    {"batches.meta.txt", "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
     "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"},
    {"fine_label_names.txt", "train.bin", "test.bin"}};

static void put(const char *name, const uint8_t *data, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    write_file(path, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEADER || size < HEADER + (size_t)data[1] + 1)
        return 0;
    const unsigned kind = data[0] & 1;
    const size_t names = data[1], labels = 1 + kind;
    const uint8_t *bytes = data + HEADER + names;
    const size_t given = size - HEADER - names;
    const size_t cut = bytes[0] % 8 == 7 ? bytes[0] : 0, records = given < 20 ? given : 20;
    uint8_t *made = calloc(records, labels + PIXELS);
    require(made != NULL);
    for (size_t i = 0; i < records * (labels + PIXELS); i++)
        made[i] = bytes[i % (labels + PIXELS) < labels ? i / (labels + PIXELS) : i % given];
    if ((data[0] & 2) != 0)
        put(files[kind][0], data + HEADER, names);
    for (size_t i = 1; i <= MAX_FILES && files[kind][i] != NULL; i++)
        put(files[kind][i], made, records * (labels + PIXELS) - cut);
    free(made);
    open_data(fuzz_folder(), MB_SPLIT_TRAIN | MB_SPLIT_TEST, NULL);
    for (size_t i = 0; i <= MAX_FILES && files[kind][i] != NULL; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", fuzz_folder(), files[kind][i]);
        unlink(path);
    }
    return 0;
}
