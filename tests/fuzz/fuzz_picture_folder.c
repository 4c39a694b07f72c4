/* Opens a tree of folders, pictures and other files, made from any bytes: it is refused with one
 * line, or all pixels can be read and all labels are classes.
 *
 * Byte 0: options; then entries: a byte for the kind and, in the upper half, the number of names in
 * the path (1 to 4), and a byte for each name. */
#include "fuzz/dataset.h"
#include "unit/png.h"

#include <mnist_blas/options.h>
#include <sys/stat.h>

static const char *const names[] = {"train",     "test", "val",   "Valid", "a",  "b",
                                    "1",         "2",    "10",    "02",    ".x", "x.png",
                                    "Thumbs.db", "\xff", "5.jpg", "a.txt"};
enum { NAMES = sizeof names / sizeof *names, MAX_NAMES = 4, MAX_ENTRIES = 40 };

enum { GRAY, COLOR, WIDE, TRUNCATED, TEXT, EMPTY, LINK, NOWHERE, FOLDER, PIPE, KINDS };

static void put_bytes(const char *path, mb_bytes bytes, size_t size)
{
    FILE *file = fopen(path, "wbx"); /* a pipe may be there */
    if (file != NULL) {
        fwrite(bytes.data, 1, size, file);
        fclose(file);
    }
    free(bytes.data);
}

static void put_picture(const char *path, int color, size_t columns, size_t without)
{
    static const uint8_t samples[] = "abcdefghijklmnopqrstuvwxyz";
    const size_t count = columns * (color == MB_PNG_RGB ? 3 : 1);
    const mb_bytes png = mb_test_png_row(color, columns, samples, count);
    put_bytes(path, png, png.size - without);
}

/* What fails is left out: an entry may be in another's way. */
static void put(const char *root, const char *path, unsigned kind)
{
    if (kind == GRAY || kind == COLOR)
        put_picture(path, kind == GRAY ? MB_PNG_GRAY : MB_PNG_RGB, 2, 0);
    else if (kind == WIDE || kind == TRUNCATED)
        put_picture(path, MB_PNG_RGB, 3, kind == WIDE ? 0 : 15);
    else if (kind == TEXT || kind == EMPTY)
        put_bytes(path, mb_test_text("no picture"), kind == TEXT ? 10 : 0);
    else if (kind == FOLDER)
        mkdir(path, 0777);
    else if (kind == PIPE)
        mkfifo(path, 0600);
    else if (symlink(kind == LINK ? root : "nowhere", path) != 0)
        return;
}

static const uint8_t *make_entry(const char *root, const uint8_t *at, const uint8_t *end)
{
    char path[256];
    int length = snprintf(path, sizeof path, "%s", root);
    const unsigned kind = *at % 16 % KINDS;
    const size_t depth = 1 + *at++ / 16 % MAX_NAMES;
    for (size_t i = 0; i < depth && at < end; i++, at++) {
        if (i > 0)
            mkdir(path, 0777);
        length += snprintf(path + length, sizeof path - (size_t)length, "/%s", names[*at % NAMES]);
    }
    put(root, path, kind);
    return at;
}

static void use(const char *root, unsigned bits)
{
    mb_data_options options = mb_data_defaults();
    options.skip_bad = (bits & 4) != 0;
    options.gray = (bits & 8) != 0;
    options.test_fraction = 0.5;
    if ((bits & 16) != 0)
        options.size = (mb_shape){1, 2, 3};
    if ((bits & 32) != 0)
        while (strcmp(mb_data_format_names.values[options.format].name, "folder") != 0)
            options.format++;
    open_data(root, bits % 4, &options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    char root[] = "/dev/shm/mnist_blas_fuzz_XXXXXX";
    char *made = mkdtemp(root);
    char *folder = made != NULL ? strdup(made) : mb_test_make_folder();
    require(folder != NULL);
    const uint8_t *at = data + 1, *end = data + size;
    for (size_t i = 0; i < MAX_ENTRIES && at < end; i++)
        at = make_entry(folder, at, end);
    use(folder, data[0]);
    mb_test_remove_folder(folder);
    return 0;
}
