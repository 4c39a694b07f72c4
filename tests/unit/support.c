#include "support.h"

#include "core/endian.h"
#include "core/rng.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <libdeflate.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

char *mb_test_make_folder(void)
{
    const char *parent = getenv("TMPDIR");
    char *folder =
        mb_path_join(parent != NULL && *parent != '\0' ? parent : "/tmp", "mnist_blas_test.XXXXXX");
    assert_non_null(folder);
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

void mb_test_remove_folder(char *folder)
{
    assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(folder);
}

char *mb_test_write(const char *folder, const char *name, mb_bytes bytes)
{
    char *path = mb_path_join(folder, name);
    assert_non_null(path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(bytes.size > 0 ? fwrite(bytes.data, 1, bytes.size, file) : 0, bytes.size);
    assert_int_equal(fclose(file), 0);
    return path;
}

void mb_test_put(const char *folder, const char *name, mb_bytes bytes)
{
    free(mb_test_write(folder, name, bytes));
    free(bytes.data);
}

char *mb_test_subfolder(const char *folder, const char *name)
{
    char *path = mb_path_join(folder, name);
    assert_non_null(path);
    assert_int_equal(mkdir(path, 0777), 0);
    return path;
}

static char *own_folder;

const char *mb_test_folder(void)
{
    if (own_folder == NULL)
        own_folder = mb_test_make_folder();
    return own_folder;
}

int mb_test_remove_own_folder(void **state)
{
    (void)state;
    if (own_folder != NULL)
        mb_test_remove_folder(own_folder);
    own_folder = NULL;
    return 0;
}

static struct deferred {
    void (*release)(void *);
    void *what;
} * deferred;
static size_t deferred_count;

void mb_test_defer(void (*release)(void *), void *what)
{
    deferred = realloc(deferred, (deferred_count + 1) * sizeof *deferred);
    assert_non_null(deferred);
    deferred[deferred_count++] = (struct deferred){release, what};
}

void *mb_test_alloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    assert_non_null(memory);
    mb_test_defer(free, memory);
    return memory;
}

int mb_test_finish(void **state)
{
    while (deferred_count > 0) {
        deferred_count--;
        deferred[deferred_count].release(deferred[deferred_count].what);
    }
    free(deferred);
    deferred = NULL;
    return mb_test_remove_own_folder(state);
}

/* An IDX file: a header with `dimensions` sizes, and the items, copied or 0. */
static mb_bytes idx_file(unsigned dimensions, const size_t *sizes, const uint8_t *items)
{
    const size_t header = 4 + 4 * (size_t)dimensions;
    size_t count = 1;
    for (unsigned i = 0; i < dimensions; i++)
        count *= sizes[i];
    mb_bytes bytes = {calloc(header + count, 1), header + count};
    assert_non_null(bytes.data);
    bytes.data[2] = 0x08;
    bytes.data[3] = (uint8_t)dimensions;
    for (unsigned i = 0; i < dimensions; i++)
        mb_store_be32(bytes.data + 4 + 4 * (size_t)i, (uint32_t)sizes[i]);
    if (items != NULL && count > 0)
        memcpy(bytes.data + header, items, count);
    return bytes;
}

mb_bytes mb_test_idx_images(size_t count, size_t rows, size_t columns, const uint8_t *pixels)
{
    const size_t sizes[] = {count, rows, columns};
    return idx_file(3, sizes, pixels);
}

mb_bytes mb_test_idx_labels(size_t count, const uint8_t *labels)
{
    return idx_file(1, &count, labels);
}

mb_bytes mb_test_gzip(mb_bytes bytes)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
    assert_non_null(compressor);
    const size_t max_size = libdeflate_gzip_compress_bound(compressor, bytes.size);
    mb_bytes packed = {malloc(max_size), 0};
    assert_non_null(packed.data);
    packed.size =
        libdeflate_gzip_compress(compressor, bytes.data, bytes.size, packed.data, max_size);
    libdeflate_free_compressor(compressor);
    assert_true(packed.size > 0);
    return packed;
}

mb_bytes mb_test_join(mb_bytes first, mb_bytes second)
{
    mb_bytes joined = {malloc(first.size + second.size + 1), first.size + second.size};
    assert_non_null(joined.data);
    if (first.size > 0)
        memcpy(joined.data, first.data, first.size);
    if (second.size > 0)
        memcpy(joined.data + first.size, second.data, second.size);
    free(first.data);
    free(second.data);
    return joined;
}

mb_bytes mb_test_text(const char *text)
{
    mb_bytes bytes = {(uint8_t *)strdup(text), strlen(text)};
    assert_non_null(bytes.data);
    return bytes;
}

static void write_packed(const char *folder, const char *name, mb_bytes bytes, bool gzip)
{
    char full[64];
    snprintf(full, sizeof full, "%s%s", name, gzip ? ".gz" : "");
    if (gzip) {
        const mb_bytes packed = mb_test_gzip(bytes);
        free(bytes.data);
        bytes = packed;
    }
    mb_test_put(folder, full, bytes);
}

/* True if this pixel is set in images of this class, in both splits. */
static bool lit(const mb_test_dataset *wanted, size_t class, size_t pixel)
{
    mb_rng rng = mb_rng_at(wanted->seed, MB_RNG_TESTS, class, pixel);
    return mb_rng_below(&rng, 5) == 0;
}

static void write_split(const char *folder, const mb_test_dataset *wanted, uint64_t split,
                        size_t count, const char *images_name, const char *labels_name)
{
    const size_t pixels = wanted->rows * wanted->columns;
    uint8_t *labels = calloc(count, 1), *images = calloc(count * pixels, 1);
    assert_non_null(labels);
    assert_non_null(images);
    for (size_t i = 0; i < count; i++) {
        mb_rng rng = mb_rng_at(wanted->seed + 1, MB_RNG_TESTS, split, i);
        labels[i] = (uint8_t)(i % wanted->classes);
        for (size_t pixel = 0; pixel < pixels; pixel++)
            if (lit(wanted, labels[i], pixel))
                images[i * pixels + pixel] = (uint8_t)(64 + mb_rng_below(&rng, 192));
    }
    write_packed(folder, images_name,
                 mb_test_idx_images(count, wanted->rows, wanted->columns, images), wanted->gzip);
    write_packed(folder, labels_name, mb_test_idx_labels(count, labels), wanted->gzip);
    free(labels);
    free(images);
}

void mb_test_write_dataset(const char *folder, const mb_test_dataset *wanted)
{
    if (wanted->train > 0)
        write_split(folder, wanted, 0, wanted->train, "train-images-idx3-ubyte",
                    "train-labels-idx1-ubyte");
    if (wanted->test > 0)
        write_split(folder, wanted, 1, wanted->test, "t10k-images-idx3-ubyte",
                    "t10k-labels-idx1-ubyte");
}

mb_dataset *mb_test_dataset_open(const mb_test_dataset *wanted)
{
    char *folder = mb_test_make_folder();
    mb_dataset *dataset = NULL;
    mb_error error = {0};
    mb_test_write_dataset(folder, wanted);
    const mb_status status =
        mb_dataset_open(folder, MB_SPLIT_TRAIN | MB_SPLIT_TEST, NULL, &dataset, &error);
    mb_test_remove_folder(folder);
    if (status != MB_OK)
        fail_msg("%s", error.text);
    return dataset;
}

void mb_test_check_error(const mb_error *error, mb_status status, const char *part)
{
    if (error->status != status || strstr(error->text, part) == NULL)
        fail_msg("status %d, \"%s\"; expected %d, with \"%s\"", error->status, error->text, status,
                 part);
    assert_null(strchr(error->text, '\n'));
}

const char *mb_test_real_mnist(void)
{
    const char *folder = getenv("MNIST_BLAS_DATA");
    if (folder != NULL && *folder != '\0')
        return folder;
    print_message("MNIST_BLAS_DATA is not set\n");
    skip();
    return NULL;
}

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

void mb_test_all_differ(uint64_t *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    for (size_t i = 1; i < count; i++)
        assert_true(values[i] != values[i - 1]);
}

size_t mb_test_entries(const char *folder)
{
    size_t count = 0;
    DIR *opened = opendir(folder);
    assert_non_null(opened);
    for (struct dirent *entry; (entry = readdir(opened)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(opened);
    return count;
}

void mb_test_limit_files(bool limited)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = limited ? 4096 : limit.rlim_max;
    signal(SIGXFSZ, limited ? SIG_IGN : SIG_DFL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

int mb_test_run_itself(const char *variable, const char *value, const char *argument)
{
    int status;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv(variable, value, 1);
        execl(program_invocation_name, program_invocation_name, argument, (char *)NULL);
        _exit(errno == ENOEXEC ? 255 : 254);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 255)
        skip(); /* emulated: the host cannot run the program */
    return WEXITSTATUS(status);
}
