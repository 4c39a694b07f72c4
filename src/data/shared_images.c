/* Finds test images that are training images, too: a hash table of the test images, in which each
 * training image is looked up. */
#include "core/arena.h"
#include "core/status.h"
#include "data/image_sketch.h"

#include <mnist_blas/dataset.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct image_table {
    const mb_images *images;
    size_t bytes;     /* of an image */
    size_t mask;      /* slots - 1; at least half of the slots are empty */
    uint32_t *slots;  /* 1 + an index of `images`; 0: empty */
    uint64_t *hashes; /* (slots) */
    uint32_t *copies; /* (images) equal ones of the image in the table; 0: not there, or found */
} image_table;

/* The slot of an image equal to this one, or the empty one in which it belongs. */
static size_t find_slot(const image_table *table, const uint8_t *pixels, uint64_t hash)
{
    size_t slot = hash & table->mask;
    while (table->slots[slot] != 0) {
        const size_t index = table->slots[slot] - 1;
        if (table->hashes[slot] == hash &&
            memcmp(table->images->pixels + index * table->bytes, pixels, table->bytes) == 0)
            break;
        slot = (slot + 1) & table->mask;
    }
    return slot;
}

static void insert(image_table *table, size_t index)
{
    const uint8_t *pixels = table->images->pixels + index * table->bytes;
    const uint64_t hash = mb_image_hash(pixels, table->bytes);
    const size_t slot = find_slot(table, pixels, hash);
    if (table->slots[slot] == 0) {
        table->slots[slot] = (uint32_t)index + 1;
        table->hashes[slot] = hash;
    }
    table->copies[table->slots[slot] - 1]++;
}

/* The images of the table that are equal to this one, the first time that it is looked up. */
static size_t take(image_table *table, const uint8_t *pixels)
{
    const uint32_t found =
        table->slots[find_slot(table, pixels, mb_image_hash(pixels, table->bytes))];
    if (found == 0)
        return 0;
    const size_t copies = table->copies[found - 1];
    table->copies[found - 1] = 0;
    return copies;
}

mb_status mb_dataset_count_shared(const mb_dataset *dataset, size_t *shared, mb_error *error)
{
    if (dataset == NULL || shared == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: dataset and shared must not be NULL");
    const mb_images *train = &dataset->train.images, *test = &dataset->test.images;
    image_table table = {.images = test, .bytes = mb_images_stride(test)};
    size_t slots = 2;
    mb_arena arena = {0};
    *shared = 0;
    while (slots < 2 * test->count)
        slots *= 2;
    table.mask = slots - 1;
    table.slots = mb_arena_alloc(&arena, slots, sizeof *table.slots);
    table.hashes = mb_arena_alloc(&arena, slots, sizeof *table.hashes);
    table.copies = mb_arena_alloc(&arena, test->count, sizeof *table.copies);
    const mb_status status = mb_arena_status(&arena, "dataset", error);
    for (size_t i = 0; i < test->count && status == MB_OK; i++)
        insert(&table, i);
    for (size_t i = 0; i < train->count && test->count > 0 && status == MB_OK; i++)
        *shared += take(&table, train->pixels + i * table.bytes);
    mb_arena_free(&arena);
    return status;
}
