#include "support.h"
#include "test.h"

#include <mnist_blas/inspection.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 3, COLUMNS = 11, PIXELS = ROWS * COLUMNS, MAX = 8 };

/* Images by name: 'a' to 'z' have that value as the first pixel, 'A' to 'Z' as the last, '.' is
 * blank,
 * '#' is blank with the value 7. Labels are digits. */
typedef struct described {
    uint8_t pixels[2][MAX][PIXELS], labels[2][MAX];
    mb_dataset dataset;
} described;

static void describe(const char *train, const char *train_labels, size_t validation,
                     const char *test, const char *test_labels, described *d)
{
    const char *const names[] = {train, test}, *const labels[] = {train_labels, test_labels};
    mb_split *const splits[] = {&d->dataset.train, &d->dataset.test};
    *d = (described){.dataset = {.classes = 4, .validation = validation}};
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; names[s][i] != '\0'; i++) {
            const char name = names[s][i];
            if (name == '#')
                memset(d->pixels[s][i], 7, PIXELS);
            else if (name != '.')
                d->pixels[s][i][name >= 'a' ? 0 : PIXELS - 1] = (uint8_t)name;
            d->labels[s][i] = (uint8_t)(labels[s][i] - '0');
        }
        *splits[s] =
            (mb_split){{d->pixels[s][0], strlen(names[s]), 1, ROWS, COLUMNS}, d->labels[s]};
    }
}

static void check_place(mb_image_place place, mb_part part, size_t image, size_t class_number)
{
    assert_int_equal(place.part, part);
    assert_int_equal(place.image, image);
    assert_int_equal(place.class_number, class_number);
}

TEST(counts_classes_and_images_that_are_equal)
{
    described d;
    mb_inspection found;
    /*        0123 45 (validation)  012345 */
    describe("abab#a", "012301", 2, "cacA.d", "101132", &d);
    assert_int_equal(mb_dataset_inspect(&d.dataset, &found, NULL), MB_OK);
    const mb_part_content *train = &found.parts[MB_PART_TRAIN];
    const mb_part_content *validation = &found.parts[MB_PART_VALIDATION];
    const mb_part_content *test = &found.parts[MB_PART_TEST];
    assert_int_equal(train->images, 4);
    assert_int_equal(validation->images, 2);
    assert_int_equal(test->images, 6);
    for (size_t class = 0; class < 4; class ++)
        assert_int_equal(train->class_images[class], 1);
    assert_int_equal(validation->class_images[0], 1);
    assert_int_equal(test->class_images[1], 3);
    assert_int_equal(test->class_images[0], 1);

    assert_int_equal(train->repeated.count, 2);
    check_place(train->repeated.images[1], MB_PART_TRAIN, 3, 3);
    check_place(train->repeated.earlier[1], MB_PART_TRAIN, 1, 1);
    assert_int_equal(train->shared.count, 0);
    assert_int_equal(validation->shared.count, 1);
    check_place(validation->shared.images[0], MB_PART_VALIDATION, 1, 1);
    check_place(validation->shared.earlier[0], MB_PART_TRAIN, 0, 0);
    assert_int_equal(test->repeated.count, 1);
    check_place(test->repeated.earlier[0], MB_PART_TEST, 0, 1);
    assert_int_equal(test->shared.count, 1);
    check_place(test->shared.images[0], MB_PART_TEST, 1, 0);

    assert_int_equal(found.contradictions.count, 2); /* a and b */
    check_place(found.contradictions.images[0], MB_PART_TRAIN, 2, 2);
    check_place(found.contradictions.earlier[0], MB_PART_TRAIN, 0, 0);
    assert_int_equal(train->blank.count, 0);
    assert_int_equal(validation->blank.count, 1);
    assert_int_equal(test->blank.count, 1);
    check_place(test->blank.images[0], MB_PART_TEST, 4, 3);
}

TEST(keeps_the_first_examples_only)
{
    described d;
    mb_inspection found;
    describe("aaaaaaaa", "01230123", 0, "", "", &d);
    assert_int_equal(mb_dataset_inspect(&d.dataset, &found, NULL), MB_OK);
    assert_int_equal(found.parts[MB_PART_TRAIN].repeated.count, 7);
    check_place(found.parts[MB_PART_TRAIN].repeated.images[MB_INSPECTION_EXAMPLES - 1],
                MB_PART_TRAIN, 5, 1);
    assert_int_equal(found.contradictions.count, 1);
    assert_int_equal(found.parts[MB_PART_TEST].images, 0);
}

/* Two images of 2 x 1 pixels in color; values in the files are 255 - those in memory. */
TEST(measures_pixels_as_the_files_have_them)
{
    const uint8_t pixels[] = {0, 0, 51, 51, 255, 0, 102, 102, 51, 153, 0, 255}, labels[] = {0, 1};
    mb_dataset dataset = {.classes = 2, .train = {{pixels, 2, 3, 2, 1}, labels}};
    mb_inspection found;
    assert_int_equal(mb_dataset_inspect(&dataset, &found, NULL), MB_OK);
    const double mean[] = {0.2, 0.3, 0.5}, deviation[] = {0.2, 0.1732051, 0.5};
    for (size_t c = 0; c < 3; c++) {
        assert_float_equal(found.pixels.mean[c], mean[c], 1e-6);
        assert_float_equal(found.pixels.std[c], deviation[c], 1e-6);
    }
    assert_float_equal(found.zeros, 4.0 / 12.0, 1e-12);
    assert_int_equal(found.parts[MB_PART_TRAIN].blank.count, 0);
    dataset.form.ground = MB_GROUND_LIGHT;
    assert_int_equal(mb_dataset_inspect(&dataset, &found, NULL), MB_OK);
    assert_float_equal(found.pixels.mean[0], 0.8, 1e-6);
    assert_float_equal(found.pixels.std[0], 0.2, 1e-6);
}

TEST(mnist_is_clean)
{
    mb_dataset *dataset = NULL;
    mb_inspection found;
    assert_int_equal(
        mb_dataset_open(mb_test_real_mnist(), MB_SPLIT_TRAIN | MB_SPLIT_TEST, NULL, &dataset, NULL),
        MB_OK);
    assert_string_equal(dataset->format, "idx");
    assert_int_equal(mb_dataset_inspect(dataset, &found, NULL), MB_OK);
    assert_int_equal(found.parts[MB_PART_TRAIN].class_images[0], 5923);
    assert_int_equal(found.parts[MB_PART_TEST].class_images[9], 1009);
    assert_int_equal(found.parts[MB_PART_TEST].shared.count + found.contradictions.count, 0);
    assert_float_equal(found.pixels.mean[0], 0.1306605, 1e-6);
    assert_float_equal(found.pixels.std[0], 0.3081078, 1e-6);
    mb_dataset_close(dataset);
}

TEST(refuses_null)
{
    mb_inspection found;
    mb_error error;
    assert_int_equal(mb_dataset_inspect(NULL, &found, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, "dataset: dataset and inspection must not be");
}
