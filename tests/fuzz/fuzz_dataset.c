/* Opens a folder with any bytes as MNIST's four files: it is refused with one line, or all pixels
 * can be read and all labels are classes.
 *
 * Byte 0: which files are missing, and which are called .gz; byte 1: the splits; then the sizes of
 * three files, of two bytes each; the fourth has the rest. */
#include "fuzz/fuzz.h"

#include "sources/idx_folder.h"

#include <mnist_blas/dataset.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER = 2 + 2 * (MB_IDX_FOLDER_FILES - 1) };

static char folder[64];

static void remove_folder(void) { rmdir(folder); }

static void begin(void)
{
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/mnist_blas_fuzz_XXXXXX", memory);
    require(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
}

static void put(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    require(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

static void use_split(const mb_split *split, size_t classes)
{
    unsigned long sum = 0;
    for (size_t i = 0; i < split->images.count * mb_images_stride(&split->images); i++)
        sum += split->images.pixels[i];
    for (size_t i = 0; i < split->images.count; i++)
        require(split->labels[i] < classes);
    volatile unsigned long sink = sum;
    (void)sink;
}

static void use(unsigned splits)
{
    mb_dataset *dataset = NULL;
    mb_error error = {0};
    size_t shared = 0;
    const mb_status status = mb_dataset_open(folder, splits, NULL, &dataset, &error);
    require_reported(status, &error);
    require((status == MB_OK) == (dataset != NULL));
    if (status != MB_OK)
        return;
    require(dataset->classes >= 2 && dataset->classes <= 256);
    use_split(&dataset->train, dataset->classes);
    use_split(&dataset->test, dataset->classes);
    require(mb_dataset_count_shared(dataset, &shared, NULL) == MB_OK);
    require(shared <= dataset->test.images.count);
    mb_dataset_close(dataset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char paths[MB_IDX_FOLDER_FILES][128];
    if (size < HEADER)
        return 0;
    if (*folder == '\0')
        begin();
    size_t at = HEADER;
    for (size_t i = 0; i < MB_IDX_FOLDER_FILES; i++) {
        const bool packed = (data[0] >> i & 1) != 0, missing = (data[0] >> i & 16) != 0;
        size_t bytes = size - at;
        if (i + 1 < MB_IDX_FOLDER_FILES && size_at(data + 2 + 2 * i) < bytes)
            bytes = size_at(data + 2 + 2 * i);
        snprintf(paths[i], sizeof paths[i], "%s/%s%s", folder, mb_idx_folder_files[i],
                 packed ? ".gz" : "");
        if (!missing)
            put(paths[i], data + at, bytes);
        at += bytes;
    }
    use(data[1] % 4);
    for (size_t i = 0; i < MB_IDX_FOLDER_FILES; i++)
        unlink(paths[i]);
    return 0;
}
