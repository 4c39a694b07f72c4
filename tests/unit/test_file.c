#include "core/file.h"
#include "core/file_format.h"
#include "core/util.h"
#include "support.h"
#include "test.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *write_text(const char *folder, const char *name, const char *text)
{
    const mb_bytes bytes = mb_test_text(text);
    char *path = mb_test_write(folder, name, bytes);
    free(bytes.data);
    return path;
}

static void holds(const char *path, const char *text)
{
    mb_bytes bytes = {0};
    assert_int_equal(mb_file_read(path, 1 << 20, &bytes, NULL), MB_OK);
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
    free(bytes.data);
}

TEST(reads_up_to_the_limit)
{
    char *path = write_text(mb_test_folder(), "f", "0123456789");
    mb_bytes bytes = {0};
    mb_error error = {0};
    assert_int_equal(mb_file_read(path, 10, &bytes, &error), MB_OK);
    assert_int_equal(bytes.size, 10);
    assert_memory_equal(bytes.data, "0123456789", 10);
    assert_int_equal(error.status, MB_OK); /* unchanged */
    free(bytes.data);
    bytes = (mb_bytes){NULL, 77};
    assert_int_equal(mb_file_read(path, 9, &bytes, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT, "/f: too large: 10 bytes, the limit is 9");
    assert_int_equal(bytes.size, 77);
    free(path);
}

TEST(formats)
{
    static const struct {
        const char *start;
        size_t size;
        const char *name; /* the first words */
    } cases[] = {
#define FILE_OF(start, name) {start, sizeof start - 1, name}
        FILE_OF("version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
        FILE_OF("\x1f\x8b\x08", "a gzip file"),
        FILE_OF("\x89PNG\r\n\x1a\n", "a PNG picture"),
        FILE_OF("RIFF\1\2\3\4WEBP", "a WebP picture"),
        FILE_OF("\0\0\0\x18"
                "ftypheic",
                "a HEIC picture"),
        FILE_OF("BM\x9a\0\0\0\0\0\0\0\x36\0\0\0\x28", "a BMP picture"),
        FILE_OF("P5 28 28", "a PNM picture"),
        FILE_OF("%PDF-1.4", "a PDF document"),
        FILE_OF(" \n<!doctype HTML>", "a web page"),
        FILE_OF("<?xml?><svg>", "an SVG drawing"),
        FILE_OF("PK\3\4......................archive/data.pkl", "a PyTorch file"),
        FILE_OF("PK\3\4..........................x_train.npy", "a NumPy archive"),
        FILE_OF("PK\3\4", "a zip archive"),
        FILE_OF("\x80\x02\x8a\x0a", "a Python pickle"),
        FILE_OF("\x08\x08\x12\x07pytorch", "an ONNX model"),
        FILE_OF("\x93NUMPY\1", "a NumPy array"),
        FILE_OF("\x89HDF\r\n", "an HDF5 file"),
        FILE_OF("\x40\0\0\0\0\0\0\0{\"0.bias\"", "a safetensors file"),
        FILE_OF("\0\0\x08\3", "an IDX file of images"),
        FILE_OF("label,pixel0\n5,0", "a CSV table"),
        FILE_OF("{\"a\": 1}", "a JSON file"),
        FILE_OF("hello", "a text"),
        FILE_OF("", NULL),
        FILE_OF("\0\0\0\0", NULL),
        FILE_OF("\x01\x02\xff\xfe", NULL),
#undef FILE_OF
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const char *name = cases[i].name, *found;
        mb_bytes start = {malloc(cases[i].size + 1), cases[i].size};
        memcpy(start.data, cases[i].start, start.size);
        found = mb_file_format(&start);
        assert_true((found == NULL) == (name == NULL));
        if (name != NULL)
            assert_memory_equal(found, name, mb_min_size(strlen(found), strlen(name)));
        free(start.data);
    }
}

TEST(reads_all_of_a_large_file)
{
    const size_t size = 3000001;
    mb_bytes written = {malloc(size), size}, bytes = {0};
    for (size_t i = 0; i < size; i++)
        written.data[i] = (uint8_t)(i % 251);
    char *path = mb_test_write(mb_test_folder(), "large", written);
    assert_int_equal(mb_file_read(path, SIZE_MAX, &bytes, NULL), MB_OK);
    assert_int_equal(bytes.size, size);
    assert_memory_equal(bytes.data, written.data, size);
    free(bytes.data);
    free(written.data);
    free(path);
}

TEST(an_empty_file_is_no_bytes)
{
    char *path = write_text(mb_test_folder(), "empty", "");
    mb_bytes bytes = {NULL, 77};
    assert_int_equal(mb_file_read(path, 0, &bytes, NULL), MB_OK);
    assert_int_equal(bytes.size, 0);
    free(bytes.data);
    free(path);
}

static void refuses_to_read(const char *path, const char *text)
{
    mb_bytes bytes = {NULL, 77};
    mb_error error = {0};
    assert_int_equal(mb_file_read(path, 100, &bytes, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, text);
    assert_null(bytes.data);
    assert_int_equal(bytes.size, 77);
}

/* The file is unchanged, and the folder has no new entry. */
static void refuses_to_write(const char *name, const char *text)
{
    char *path = mb_path_join(mb_test_folder(), name);
    const size_t before = mb_test_entries(mb_test_folder());
    mb_error error = {0};
    assert_int_equal(mb_file_write(path, "x", 1, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, text);
    assert_int_equal(mb_test_entries(mb_test_folder()), before);
    free(path);
}

TEST(what_is_no_file_is_refused)
{
    char *missing = mb_path_join(mb_test_folder(), "missing");
    char *fifo = mb_path_join(mb_test_folder(), "fifo");
    char *folder = mb_test_subfolder(mb_test_folder(), "sub"),
         *inside = write_text(folder, "f", "kept");
    struct stat info;
    assert_int_equal(mkfifo(fifo, 0600), 0);
    refuses_to_read(missing, "/missing: cannot be opened: No such file");
    refuses_to_read(mb_test_folder(), ": is not a regular file");
    refuses_to_read("/dev/null", "/dev/null: is not a regular file");
    const int writer = open(fifo, O_RDWR); /* so that reading does not block */
    assert_true(writer >= 0);
    refuses_to_read(fifo, "/fifo: is not a regular file");
    close(writer);
    refuses_to_write("missing/f", "missing/f: cannot be written: No such file");
    refuses_to_write("sub", "/sub: cannot be written: ");
    refuses_to_write("fifo", "/fifo: cannot be written: is not a regular file");
    holds(inside, "kept");
    assert_int_equal(lstat(fifo, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    free(missing);
    free(fifo);
    free(inside);
    free(folder);
}

TEST(writes_new_files_and_replaces_old_ones)
{
    char *path = mb_path_join(mb_test_folder(), "f");
    assert_int_equal(mb_file_write(path, "first", 5, NULL), MB_OK);
    holds(path, "first");
    assert_int_equal(mb_file_write(path, "second one", 10, NULL), MB_OK);
    holds(path, "second one");
    assert_int_equal(mb_file_write(path, "", 0, NULL), MB_OK);
    holds(path, "");
    assert_int_equal(mb_test_entries(mb_test_folder()), 1);
    free(path);
}

/* Readers of the old file keep its bytes: the name moves to a new file. */
TEST(replacing_leaves_the_old_bytes_to_their_readers)
{
    char *path = write_text(mb_test_folder(), "f", "old"),
         *link_path = mb_path_join(mb_test_folder(), "link");
    assert_int_equal(link(path, link_path), 0);
    assert_int_equal(mb_file_write(path, "new bytes", 9, NULL), MB_OK);
    holds(link_path, "old");
    holds(path, "new bytes");
    free(path);
    free(link_path);
}

TEST(files_in_the_current_folder_need_no_path)
{
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(mb_test_folder()), 0);
    const mb_status status = mb_file_write("plain", "text", 4, NULL);
    holds("plain", "text");
    assert_int_equal(chdir(before), 0);
    assert_int_equal(status, MB_OK);
    assert_int_equal(mb_test_entries(mb_test_folder()), 1);
}

/* Those of a new file; one that is replaced keeps its own. */
TEST(permissions_follow_the_umask)
{
    static const mode_t masks[] = {022, 027, 077, 0};
    char *path = mb_path_join(mb_test_folder(), "f");
    for (size_t i = 0; i < MB_COUNT_OF(masks); i++) {
        struct stat info;
        const mode_t before = umask(masks[i]);
        const mb_status status = mb_file_write(path, "x", 1, NULL);
        assert_int_equal(umask(before), masks[i]); /* the umask is restored */
        assert_int_equal(status, MB_OK);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0666 & ~masks[i]);
        assert_int_equal(chmod(path, 0604), 0);
        assert_int_equal(mb_file_write(path, "y", 1, NULL), MB_OK);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0604);
        assert_int_equal(unlink(path), 0);
    }
    free(path);
}

TEST(a_write_that_fails_leaves_the_old_file)
{
    static uint8_t many[10000];
    char *path = write_text(mb_test_folder(), "f", "old");
    mb_error error = {0};
    mb_test_limit_files(true);
    const mb_status status = mb_file_write(path, many, sizeof many, &error);
    mb_test_limit_files(false);
    assert_int_equal(status, MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "/f: cannot be written: File too large");
    holds(path, "old");
    assert_int_equal(mb_test_entries(mb_test_folder()), 1);
    free(path);
}

TEST(a_link_is_followed)
{
    char *folder = mb_test_subfolder(mb_test_folder(), "sub"),
         *path = write_text(folder, "f", "old");
    char *link_path = mb_path_join(mb_test_folder(), "link");
    struct stat info;
    assert_int_equal(symlink("sub/f", link_path), 0);
    assert_int_equal(mb_file_write(link_path, "new", 3, NULL), MB_OK);
    holds(path, "new");
    assert_int_equal(lstat(link_path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(mb_test_entries(folder), 1);
    free(link_path);
    free(path);
    free(folder);
}

static bool there(const char *folder, const char *name)
{
    char *path = mb_path_join(folder, name);
    const bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

/* Files that are locked, or only resemble leftovers, stay. */
TEST(only_leftovers_are_removed)
{
    static const char *const others[] = {".mnist_blas.AAAAAA.tmp",  ".mnist_blas.aaaaaa.tmp.",
                                         ".mnist_blas.aaaaaaa.tmp", "mnist_blas.aaaaaa.tmp",
                                         ".mnist_blas.aaaaaa.txt",  "model.safetensors"};
    enum { OTHERS = MB_COUNT_OF(others) };
    for (size_t i = 0; i < OTHERS; i++)
        free(write_text(mb_test_folder(), others[i], "mine"));
    free(write_text(mb_test_folder(), ".mnist_blas.abc123.tmp", "half"));
    free(write_text(mb_test_folder(), ".mnist_blas.zzzzzz.tmp", ""));
    free(mb_test_subfolder(mb_test_folder(), ".mnist_blas.folder.tmp"));
    char *held = write_text(mb_test_folder(), ".mnist_blas.held00.tmp", "half");
    const int fd = open(held, O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    mb_file_remove_stale(mb_test_folder());
    assert_int_equal(mb_test_entries(mb_test_folder()), OTHERS + 2);
    for (size_t i = 0; i < OTHERS; i++)
        assert_true(there(mb_test_folder(), others[i]));
    assert_true(there(mb_test_folder(), ".mnist_blas.held00.tmp"));
    close(fd);
    mb_file_remove_stale(mb_test_folder());
    assert_int_equal(mb_test_entries(mb_test_folder()), OTHERS + 1);
    mb_file_remove_stale("/no/such/folder");
    free(held);
}

TEST(leftovers_beside_a_named_file_are_removed)
{
    char *path = mb_path_join(mb_test_folder(), "named");
    free(write_text(mb_test_folder(), ".mnist_blas.abc123.tmp", "half"));
    assert_int_equal(mb_file_write_named(path, "new", 3, NULL), MB_OK);
    holds(path, "new");
    assert_int_equal(mb_test_entries(mb_test_folder()), 1);
    free(path);
}

TEST(folders_of_paths)
{
    static const char *const folders[][2] = {
        {"a", "."}, {"a/b", "a"}, {"/a", "/"}, {"/a/b/c", "/a/b"}, {"./a", "."}};
    for (size_t i = 0; i < MB_COUNT_OF(folders); i++) {
        char *folder = mb_path_dirname(folders[i][0]);
        assert_string_equal(folder, folders[i][1]);
        free(folder);
    }
}

TEST(paths_are_joined_by_one_slash)
{
    static const char *const joins[][3] = {
        {"a", "b", "a/b"},
        {"a/", "b", "a/b"},
        {"/", "b", "/b"},
        {".", "b", "./b"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(joins); i++) {
        char *path = mb_path_join(joins[i][0], joins[i][1]);
        assert_string_equal(path, joins[i][2]);
        free(path);
    }
}
