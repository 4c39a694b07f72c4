#include "core/file.h"
#include "support.h"
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int enter(void **state)
{
    *state = mb_test_make_folder();
    return 0;
}

static int leave(void **state)
{
    mb_test_remove_folder(*state);
    return 0;
}

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

static size_t entries(const char *folder)
{
    size_t count = 0;
    DIR *opened = opendir(folder);
    assert_non_null(opened);
    for (struct dirent *entry; (entry = readdir(opened)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(opened);
    return count;
}

TEST_WITH(reads_up_to_the_limit, enter, leave)
{
    char *path = write_text(*state, "f", "0123456789");
    mb_bytes bytes = {0};
    mb_error error = {0};
    assert_int_equal(mb_file_read(path, 10, &bytes, &error), MB_OK);
    assert_int_equal(bytes.size, 10);
    assert_memory_equal(bytes.data, "0123456789", 10);
    assert_int_equal(error.status, MB_OK); /* left alone */
    free(bytes.data);
    bytes = (mb_bytes){NULL, 77};
    assert_int_equal(mb_file_read(path, 9, &bytes, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT, "/f: too large: 10 bytes, the limit is 9");
    assert_int_equal(bytes.size, 77);
    free(path);
}

TEST_WITH(reads_all_of_a_large_file, enter, leave)
{
    const size_t size = 3000001;
    mb_bytes written = {malloc(size), size}, bytes = {0};
    for (size_t i = 0; i < size; i++)
        written.data[i] = (uint8_t)(i % 251);
    char *path = mb_test_write(*state, "large", written);
    assert_int_equal(mb_file_read(path, SIZE_MAX, &bytes, NULL), MB_OK);
    assert_int_equal(bytes.size, size);
    assert_memory_equal(bytes.data, written.data, size);
    free(bytes.data);
    free(written.data);
    free(path);
}

TEST_WITH(an_empty_file_is_no_bytes, enter, leave)
{
    char *path = write_text(*state, "empty", "");
    mb_bytes bytes = {NULL, 77};
    assert_int_equal(mb_file_read(path, 0, &bytes, NULL), MB_OK);
    assert_int_equal(bytes.size, 0);
    free(bytes.data);
    free(path);
}

TEST_WITH(what_is_no_file_cannot_be_read, enter, leave)
{
    char *missing = mb_path_join(*state, "missing"), *fifo = mb_path_join(*state, "fifo");
    mb_bytes bytes = {NULL, 77};
    mb_error error = {0};
    assert_int_equal(mb_file_read(missing, 100, &bytes, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "/missing: cannot be opened: No such file");
    assert_int_equal(mb_file_read(*state, 100, &bytes, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, ": is not a regular file");
    assert_int_equal(mb_file_read("/dev/null", 100, &bytes, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "/dev/null: is not a regular file");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const int writer = open(fifo, O_RDWR); /* nobody need wait for one */
    assert_true(writer >= 0);
    assert_int_equal(mb_file_read(fifo, 100, &bytes, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "/fifo: is not a regular file");
    close(writer);
    assert_null(bytes.data);
    assert_int_equal(bytes.size, 77);
    free(missing);
    free(fifo);
}

TEST_WITH(writes_new_files_and_replaces_old_ones, enter, leave)
{
    char *path = mb_path_join(*state, "f");
    assert_int_equal(mb_file_write(path, "first", 5, NULL), MB_OK);
    holds(path, "first");
    assert_int_equal(mb_file_write(path, "second one", 10, NULL), MB_OK);
    holds(path, "second one");
    assert_int_equal(mb_file_write(path, "", 0, NULL), MB_OK);
    holds(path, "");
    assert_int_equal(entries(*state), 1);
    free(path);
}

/* Whoever has the old file open goes on reading the old bytes: the name moves to a new file. */
TEST_WITH(replacing_leaves_the_old_bytes_to_their_readers, enter, leave)
{
    char *path = write_text(*state, "f", "old"), *link_path = mb_path_join(*state, "link");
    assert_int_equal(link(path, link_path), 0);
    assert_int_equal(mb_file_write(path, "new bytes", 9, NULL), MB_OK);
    holds(link_path, "old");
    holds(path, "new bytes");
    free(path);
    free(link_path);
}

TEST_WITH(files_in_the_current_folder_need_no_path, enter, leave)
{
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(*state), 0);
    const mb_status status = mb_file_write("plain", "text", 4, NULL);
    holds("plain", "text");
    assert_int_equal(chdir(before), 0);
    assert_int_equal(status, MB_OK);
    assert_int_equal(entries(*state), 1);
}

TEST_WITH(permissions_follow_the_umask, enter, leave)
{
    static const mode_t masks[] = {022, 027, 077, 0};
    char *path = mb_path_join(*state, "f");
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        struct stat info;
        const mode_t before = umask(masks[i]);
        const mb_status status = mb_file_write(path, "x", 1, NULL);
        assert_int_equal(umask(before), masks[i]); /* and it is left as it was */
        assert_int_equal(status, MB_OK);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0666 & ~masks[i]);
    }
    free(path);
}

TEST_WITH(a_folder_is_not_replaced, enter, leave)
{
    char *path = mb_test_subfolder(*state, "sub"), *inside = write_text(path, "f", "kept");
    mb_error error = {0};
    assert_int_equal(mb_file_write(path, "x", 1, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "/sub: cannot be written: ");
    holds(inside, "kept");
    assert_int_equal(entries(*state), 1);
    free(inside);
    free(path);
}

TEST_WITH(a_missing_folder_is_an_error, enter, leave)
{
    char *path = mb_path_join(*state, "missing/f");
    mb_error error = {0};
    assert_int_equal(mb_file_write(path, "x", 1, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "missing/f: cannot be written: No such file");
    assert_int_equal(entries(*state), 0);
    free(path);
}

/* A limit on the size of files does to the write what a full disk would do. */
TEST_WITH(a_write_that_fails_leaves_the_old_file, enter, leave)
{
    static uint8_t many[10000];
    char *path = write_text(*state, "f", "old");
    mb_error error = {0};
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = {4096, before.rlim_max};
    void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const mb_status status = mb_file_write(path, many, sizeof many, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "/f: cannot be written: File too large");
    holds(path, "old");
    assert_int_equal(entries(*state), 1);
    free(path);
}

/* Those who have a link to a file go on having it. */
TEST_WITH(a_link_is_followed, enter, leave)
{
    char *folder = mb_test_subfolder(*state, "sub"), *path = write_text(folder, "f", "old");
    char *link_path = mb_path_join(*state, "link");
    struct stat info;
    assert_int_equal(symlink("sub/f", link_path), 0);
    assert_int_equal(mb_file_write(link_path, "new", 3, NULL), MB_OK);
    holds(path, "new");
    assert_int_equal(lstat(link_path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(entries(folder), 1);
    free(link_path);
    free(path);
    free(folder);
}

TEST_WITH(a_pipe_is_not_replaced, enter, leave)
{
    char *path = mb_path_join(*state, "fifo");
    struct stat info;
    mb_error error = {0};
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(mb_file_write(path, "x", 1, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "/fifo: cannot be written: is not a regular file");
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    assert_int_equal(entries(*state), 1);
    free(path);
}

static bool there(const char *folder, const char *name)
{
    char *path = mb_path_join(folder, name);
    const bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

/* Leftovers go; one that somebody holds, and what only looks like one, stays. */
TEST_WITH(sweeping_removes_leftovers_alone, enter, leave)
{
    static const char *const kept[] = {".mnist_blas.AAAAAA.tmp",  ".mnist_blas.aaaaaa.tmp.",
                                       ".mnist_blas.aaaaaaa.tmp", "mnist_blas.aaaaaa.tmp",
                                       ".mnist_blas.aaaaaa.txt",  "model.safetensors"};
    enum { KEPT = sizeof kept / sizeof *kept };
    for (size_t i = 0; i < KEPT; i++)
        free(write_text(*state, kept[i], "mine"));
    free(write_text(*state, ".mnist_blas.abc123.tmp", "half"));
    free(write_text(*state, ".mnist_blas.zzzzzz.tmp", ""));
    free(mb_test_subfolder(*state, ".mnist_blas.folder.tmp"));
    char *held = write_text(*state, ".mnist_blas.held00.tmp", "half");
    const int fd = open(held, O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    mb_file_remove_stale(*state);
    assert_int_equal(entries(*state), KEPT + 2);
    for (size_t i = 0; i < KEPT; i++)
        assert_true(there(*state, kept[i]));
    assert_true(there(*state, ".mnist_blas.held00.tmp"));
    close(fd);
    mb_file_remove_stale(*state);
    assert_int_equal(entries(*state), KEPT + 1);
    mb_file_remove_stale("/no/such/folder");
    free(held);
}

TEST(folders_of_paths)
{
    static const char *const folders[][2] = {
        {"a", "."}, {"a/b", "a"}, {"/a", "/"}, {"/a/b/c", "/a/b"}, {"./a", "."}};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
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
    for (size_t i = 0; i < sizeof joins / sizeof joins[0]; i++) {
        char *path = mb_path_join(joins[i][0], joins[i][1]);
        assert_string_equal(path, joins[i][2]);
        free(path);
    }
}
