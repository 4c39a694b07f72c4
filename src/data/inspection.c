/* mb_dataset_inspect: what a dataset holds. */
#include "core/arena.h"
#include "data/dataset.h"
#include "data/equal_images.h"
#include "kernels/kernels.h"

#include <mnist_blas/inspection.h>
#include <string.h>

const char *mb_part_name(mb_part part)
{
    static const char *const names[MB_PARTS] = {"training", "validation", "test"};
    return names[part];
}

mb_split mb_dataset_part(const mb_dataset *dataset, mb_part part)
{
    const mb_split *train = &dataset->train;
    const size_t trained = train->images.count - dataset->validation;
    if (part == MB_PART_TEST)
        return dataset->test;
    const size_t first = part == MB_PART_TRAIN ? 0 : trained;
    const size_t count = part == MB_PART_TRAIN ? trained : dataset->validation;
    mb_split split = *train;
    split.images.count = count;
    if (count > 0 && first > 0) {
        split.images = mb_images_slice(&train->images, first, count);
        split.labels += first;
    }
    return split;
}

/* The parts, whose images are numbered one after the other. */
typedef struct inspected {
    mb_split parts[MB_PARTS];
    uint32_t *first;          /* as of mb_images_find_equal */
    uint8_t *is_contradicted; /* of the numbers that are first */
} inspected;

static mb_image_place place_of(const inspected *all, size_t number)
{
    mb_part part = MB_PART_TRAIN;
    for (; number >= all->parts[part].images.count; part++)
        number -= all->parts[part].images.count;
    return (mb_image_place){part, number, all->parts[part].labels[number]};
}

static void add(mb_finding *finding, mb_image_place image, mb_image_place earlier)
{
    if (finding->count < MB_INSPECTION_EXAMPLES) {
        finding->images[finding->count] = image;
        finding->earlier[finding->count] = earlier;
    }
    finding->count++;
}

static bool is_blank(const mb_images *images, const uint8_t *image)
{
    const size_t plane = images->rows * images->columns;
    bool blank = true;
    for (size_t c = 0; c < images->channels && blank; c++, image += plane)
        blank = plane == 1 || memcmp(image, image + 1, plane - 1) == 0;
    return blank;
}

static void inspect_image(inspected *all, size_t number, mb_inspection *inspection)
{
    const mb_image_place image = place_of(all, number), earlier = place_of(all, all->first[number]);
    const mb_images *images = &all->parts[image.part].images;
    mb_part_content *part = &inspection->parts[image.part];
    part->images++;
    part->class_images[image.class_number]++;
    if (is_blank(images, images->pixels + image.image * mb_images_stride(images)))
        add(&part->blank, image, image);
    if (all->first[number] == number)
        return;
    add(earlier.part == image.part ? &part->repeated : &part->shared, image, earlier);
    if (earlier.class_number != image.class_number && !all->is_contradicted[all->first[number]]) {
        all->is_contradicted[all->first[number]] = 1;
        add(&inspection->contradictions, image, earlier);
    }
}

static void measure_pixels(const mb_dataset *dataset, mb_inspection *inspection)
{
    const mb_images *images = &dataset->train.images;
    const size_t bytes = images->count * mb_images_stride(images);
    size_t zeros = 0;
    if (bytes == 0)
        return;
    inspection->pixels = mb_images_standardization(images);
    for (size_t c = 0; c < images->channels && dataset->form.ground == MB_GROUND_LIGHT; c++)
        inspection->pixels.mean[c] = 1.0f - inspection->pixels.mean[c];
    for (size_t i = 0; i < bytes; i++)
        zeros += images->pixels[i] == 0;
    inspection->zeros = (double)zeros / (double)bytes;
}

mb_status mb_dataset_inspect(const mb_dataset *dataset, mb_inspection *inspection, mb_error *error)
{
    if (dataset == NULL || inspection == NULL || dataset->classes > MB_MAX_CLASSES)
        return mb_fail(error, MB_ERROR_INVALID,
                       "dataset: dataset and inspection must not be NULL, and at most %d classes",
                       MB_MAX_CLASSES);
    inspected all = {.first = NULL};
    mb_images sets[MB_PARTS];
    mb_arena arena = {0};
    size_t images = 0;
    for (mb_part part = 0; part < MB_PARTS; part++) {
        all.parts[part] = mb_dataset_part(dataset, part);
        sets[part] = all.parts[part].images;
        images += sets[part].count;
    }
    all.first = mb_arena_alloc(&arena, images, sizeof *all.first);
    all.is_contradicted = mb_arena_alloc(&arena, images, 1);
    mb_status status = mb_arena_status(&arena, "dataset", error);
    if (status == MB_OK)
        status = mb_images_find_equal(sets, MB_PARTS, MB_PARTS, all.first, error);
    if (status == MB_OK) {
        *inspection = (mb_inspection){.zeros = 0.0};
        for (size_t i = 0; i < images; i++)
            inspect_image(&all, i, inspection);
        measure_pixels(dataset, inspection);
    }
    mb_arena_free(&arena);
    return status;
}
