#include "sources/idx_sets.h"
#include "support.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Each test runs in TOP/here, an empty folder, with no variable set. */
typedef struct surroundings {
    char *top, *here, *origin;
} surroundings;

static int enter(void **state)
{
    surroundings *at = calloc(1, sizeof *at);
    assert_non_null(at);
    at->top = mb_test_make_folder();
    at->here = mb_test_subfolder(at->top, "here");
    at->origin = getcwd(NULL, 0);
    assert_non_null(at->origin);
    assert_int_equal(chdir(at->here), 0);
    unsetenv("MNIST_BLAS_DATA");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    *state = at;
    return 0;
}

static int leave(void **state)
{
    surroundings *at = *state;
    assert_int_equal(chdir(at->origin), 0);
    mb_test_remove_folder(at->top);
    free(at->here);
    free(at->origin);
    free(at);
    return 0;
}

/* Creates FOLDER with one of the four files, or empty. */
static void make_data(const char *folder, const char *file)
{
    char *path = strdup(folder);
    assert_non_null(path);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (access(path, F_OK) != 0)
            free(mb_test_subfolder(".", path));
        *slash = '/';
    }
    if (access(path, F_OK) != 0)
        free(mb_test_subfolder(".", path));
    const mb_bytes nothing = {0};
    if (file != NULL)
        free(mb_test_write(path, file, nothing));
    free(path);
}

static void check_found(const char *folder, const char *expected)
{
    char *found = NULL;
    mb_error error = {MB_OK, ""};
    assert_int_equal(mb_dataset_find(folder, &found, &error), MB_OK);
    if (expected == NULL)
        assert_null(found);
    else
        assert_string_equal(found != NULL ? found : "(none)", expected);
    free(found);
}

static void check_fails(const char *folder, const char *text)
{
    char *found = NULL;
    mb_error error = {MB_OK, ""};
    assert_int_equal(mb_dataset_find(folder, &found, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, text);
    assert_true(strncmp(error.text, text, strlen(text)) == 0);
    assert_null(found);
}

TEST_WITH(nothing_found, enter, leave) { check_found(NULL, NULL); }

TEST_WITH(argument_first, enter, leave)
{
    const surroundings *at = *state;
    make_data("data/mnist", "train-images-idx3-ubyte");
    setenv("MNIST_BLAS_DATA", "/no/such/place", 1);
    check_found(at->here, at->here);
}

TEST_WITH(variable_next, enter, leave)
{
    const surroundings *at = *state;
    make_data("data/mnist", "train-images-idx3-ubyte");
    setenv("MNIST_BLAS_DATA", at->top, 1);
    check_found(NULL, at->top);
    setenv("MNIST_BLAS_DATA", "", 1);
    check_found(NULL, "./data/mnist");
}

TEST_WITH(asked_for_and_not_there, enter, leave)
{
    make_data("data/mnist", "train-images-idx3-ubyte");
    check_fails("absent", "absent: no such folder or file");
    check_fails("", "'': no such folder or file");
    setenv("MNIST_BLAS_DATA", "absent", 1);
    check_fails(NULL, "MNIST_BLAS_DATA: absent: no such folder or file");
    setenv("MNIST_BLAS_DATA", "data/mnist/train-images-idx3-ubyte", 1);
    check_found(NULL, "data/mnist/train-images-idx3-ubyte");
    assert_int_equal(symlink("loop", "loop"), 0);
    check_fails("loop", "loop: cannot be opened: ");
}

/* Data is added from the last place to the first: each precedes those that already have data. */
TEST_WITH(order_of_places, enter, leave)
{
    const surroundings *at = *state;
    char *home = mb_test_subfolder(at->top, "home"), expected[512];
    setenv("HOME", home, 1);
    make_data("../home/.cache/mnist_blas", "t10k-labels-idx1-ubyte.gz");
    snprintf(expected, sizeof expected, "%s/.cache/mnist_blas", home);
    check_found(NULL, expected);
    static const char *const places[] = {"../data/MNIST/raw", "../data/mnist", "./data/MNIST/raw",
                                         "./data/mnist"};
    for (size_t i = 0; i < 4; i++) {
        char name[MB_IDX_NAME_SIZE];
        make_data(places[i], mb_idx_file_name("", i, name));
        check_found(NULL, places[i]);
    }
    free(home);
}

/* An error names what a place holds that has no data. */
TEST_WITH(other_content, enter, leave)
{
    mb_error error = {0};
    make_data("data/mnist", NULL);
    make_data("data/mnist/raw", "train-labels-idx1-ubyte");
    free(mb_test_write("data/mnist", "page.gz", (mb_bytes){(uint8_t[]){"<!DOCTYPE html>"}, 15}));
    free(mb_test_write("data/mnist", ".hidden", (mb_bytes){0}));
    assert_int_equal(mb_dataset_fail_none(&error), MB_ERROR_IO);
    assert_string_equal(error.text,
                        "data: none in ./data/mnist (it holds page.gz, a web page (HTML: of an "
                        "error?); ./data/mnist/raw, a folder with data), ./data/MNIST/raw, "
                        "../data/mnist, ../data/MNIST/raw");
}

TEST_WITH(cache_variable, enter, leave)
{
    const surroundings *at = *state;
    char expected[512];
    make_data("../cache/mnist_blas", "train-labels-idx1-ubyte");
    make_data("../.cache/mnist_blas", "train-labels-idx1-ubyte");
    setenv("HOME", at->top, 1);
    snprintf(expected, sizeof expected, "%s/cache", at->top);
    setenv("XDG_CACHE_HOME", expected, 1);
    snprintf(expected, sizeof expected, "%s/cache/mnist_blas", at->top);
    check_found(NULL, expected);
    snprintf(expected, sizeof expected, "%s/.cache/mnist_blas", at->top);
    setenv("XDG_CACHE_HOME", "../cache", 1); /* relative: counts as unset */
    check_found(NULL, expected);
    setenv("XDG_CACHE_HOME", "", 1);
    check_found(NULL, expected);
}

TEST_WITH(folder_without_data, enter, leave)
{
    make_data("data/mnist", NULL);
    make_data("data/MNIST/raw", "README");
    make_data("../data/mnist", "t10k-images-idx3-ubyte.gz");
    check_found(NULL, "../data/mnist");
}

/* It is not passed over: there may be data in it. */
TEST_WITH(place_that_cannot_be_opened, enter, leave)
{
    make_data("data", NULL);
    make_data("../data/mnist", "t10k-images-idx3-ubyte");
    assert_int_equal(symlink("mnist", "data/mnist"), 0);
    check_fails(NULL, "./data/mnist: cannot be opened: ");
}

TEST_WITH(places_listed, enter, leave)
{
    char *places = mb_dataset_search_path();
    assert_string_equal(places, "./data/mnist, ./data/MNIST/raw, ../data/mnist, ../data/MNIST/raw");
    free(places);
    setenv("XDG_CACHE_HOME", "/c", 1);
    places = mb_dataset_search_path();
    assert_string_equal(places, "./data/mnist, ./data/MNIST/raw, ../data/mnist, "
                                "../data/MNIST/raw, /c/mnist_blas");
    free(places);
}

TEST_WITH(null_result, enter, leave)
{
    mb_error error = {MB_OK, ""};
    assert_int_equal(mb_dataset_find(NULL, NULL, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, "found must not be NULL");
}
