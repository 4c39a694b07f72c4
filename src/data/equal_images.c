/* A hash table of the different images. */
#include "data/equal_images.h"

#include "core/arena.h"
#include "data/image_sketch.h"

#include <mnist_blas/dataset.h>
#include <string.h>

typedef struct image_table {
    const mb_images *sets;
    size_t bytes;     /* of an image */
    size_t mask;      /* slots - 1; at least half of the slots are empty */
    uint32_t *slots;  /* 1 + the number of an image; 0: empty */
    uint64_t *hashes; /* of each image */
} image_table;

static const uint8_t *pixels_of(const image_table *table, size_t number)
{
    const mb_images *set = table->sets;
    for (; number >= set->count; set++)
        number -= set->count;
    return set->pixels + number * table->bytes;
}

/* The number of an image in the table that is equal to this one, which else gets the number
 * `number` and, if `adds`, a place. */
static uint32_t find(image_table *table, const uint8_t *pixels, uint32_t number, bool adds)
{
    const uint64_t hash = mb_image_hash(pixels, table->bytes);
    size_t slot = hash & table->mask;
    for (; table->slots[slot] != 0; slot = (slot + 1) & table->mask)
        if (table->hashes[table->slots[slot] - 1] == hash &&
            memcmp(pixels_of(table, table->slots[slot] - 1), pixels, table->bytes) == 0)
            return table->slots[slot] - 1;
    if (adds) {
        table->slots[slot] = number + 1;
        table->hashes[number] = hash;
    }
    return number;
}

mb_status mb_images_find_equal(const mb_images *sets, size_t count, size_t remembered,
                               uint32_t *first, mb_error *error)
{
    size_t images = 0, added = 0, slots = 2;
    mb_arena arena = {0};
    for (size_t s = 0; s < count; s++) {
        images += sets[s].count;
        added += s < remembered ? sets[s].count : 0;
    }
    if (images >= UINT32_MAX)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: %zu images: must be fewer than 2^32",
                       images);
    while (slots < 2 * added)
        slots *= 2;
    image_table table = {.sets = sets, .bytes = mb_images_stride(sets), .mask = slots - 1};
    table.slots = mb_arena_alloc(&arena, slots, sizeof *table.slots);
    table.hashes = mb_arena_alloc(&arena, added, sizeof *table.hashes);
    const mb_status status = mb_arena_status(&arena, "dataset", error);
    uint32_t number = 0;
    for (size_t s = 0; s < count && status == MB_OK; s++)
        for (size_t i = 0; i < sets[s].count; i++, number++)
            first[number] = find(&table, sets[s].pixels + i * table.bytes, number, s < remembered);
    mb_arena_free(&arena);
    return status;
}

/* The test images come first, so that the table is small. */
mb_status mb_dataset_count_shared(const mb_dataset *dataset, size_t *shared, mb_error *error)
{
    if (dataset == NULL || shared == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: dataset and shared must not be NULL");
    const mb_images sets[] = {dataset->test.images, dataset->train.images};
    const size_t tested = sets[0].count;
    mb_arena arena = {0};
    uint32_t *first = mb_arena_alloc(&arena, tested + sets[1].count, sizeof *first);
    uint8_t *is_shared = mb_arena_alloc(&arena, tested, 1);
    mb_status status = mb_arena_status(&arena, "dataset", error);
    *shared = 0;
    if (status == MB_OK && tested > 0)
        status = mb_images_find_equal(sets, 2, 1, first, error);
    for (size_t i = 0; i < sets[1].count && tested > 0 && status == MB_OK; i++)
        if (first[tested + i] < tested)
            is_shared[first[tested + i]] = 1;
    for (size_t i = 0; i < tested && status == MB_OK; i++)
        *shared += is_shared[first[i]];
    mb_arena_free(&arena);
    return status;
}
