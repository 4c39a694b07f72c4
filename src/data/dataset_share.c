/* Data of several ranks, of which some may have none: on a computer without the files. */
#include "core/arena.h"
#include "data/dataset.h"
#include "machine/ranks.h"

#include <stdlib.h>
#include <string.h>

/* All but what follows. */
typedef struct head {
    size_t classes, validation, names; /* names: bytes of their text */
    mb_images train, test;             /* pixels NULL */
    mb_image_form form;
    bool test_by_seed;
} head;

static mb_images without_pixels(mb_images images)
{
    images.pixels = NULL;
    return images;
}

static size_t names_size(const mb_dataset *dataset)
{
    size_t size = 0;
    for (size_t i = 0; dataset->class_names != NULL && i < dataset->classes; i++)
        size += strlen(dataset->class_names[i]) + 1;
    return size;
}

static head describe(const mb_dataset *dataset)
{
    return (head){.classes = dataset->classes,
                  .validation = dataset->validation,
                  .names = names_size(dataset),
                  .train = without_pixels(dataset->train.images),
                  .test = without_pixels(dataset->test.images),
                  .form = dataset->form,
                  .test_by_seed = dataset->test_by_seed};
}

/* The memory of a dataset that was received. */
typedef struct received {
    mb_arena arena;
    uint8_t *train, *test, *train_labels, *test_labels;
    char *names;
    const char **name_of;
} received;

static void release(void *owner)
{
    received *r = owner;
    mb_arena_free(&r->arena);
    free(r);
}

static mb_status reserve(const head *h, received **result, mb_error *error)
{
    received *r = calloc(1, sizeof *r);
    if (r == NULL)
        return mb_fail_memory(error, "dataset", sizeof *r);
    r->train = mb_arena_alloc(&r->arena, h->train.count, mb_images_stride(&h->train));
    r->test = mb_arena_alloc(&r->arena, h->test.count, mb_images_stride(&h->test));
    r->train_labels = mb_arena_alloc(&r->arena, h->train.count, 1);
    r->test_labels = mb_arena_alloc(&r->arena, h->test.count, 1);
    r->names = mb_arena_alloc(&r->arena, h->names, 1);
    r->name_of = mb_arena_alloc(&r->arena, h->classes, sizeof *r->name_of);
    const mb_status status = mb_arena_status(&r->arena, "dataset", error);
    if (status == MB_OK)
        *result = r;
    else
        release(r);
    return status;
}

static void send_to(const mb_ranks *ranks, size_t rank, const mb_dataset *dataset)
{
    const mb_split *splits[] = {&dataset->train, &dataset->test};
    for (size_t i = 0; i < 2; i++) {
        const mb_images *images = &splits[i]->images;
        mb_ranks_send_data(ranks, rank, images->pixels, images->count * mb_images_stride(images));
        mb_ranks_send_data(ranks, rank, splits[i]->labels, images->count);
    }
    for (size_t i = 0; dataset->class_names != NULL && i < dataset->classes; i++)
        mb_ranks_send_data(ranks, rank, dataset->class_names[i],
                           strlen(dataset->class_names[i]) + 1);
}

static void receive(const mb_ranks *ranks, const head *h, received *r)
{
    mb_ranks_receive_data(ranks, 0, r->train, h->train.count * mb_images_stride(&h->train));
    mb_ranks_receive_data(ranks, 0, r->train_labels, h->train.count);
    mb_ranks_receive_data(ranks, 0, r->test, h->test.count * mb_images_stride(&h->test));
    mb_ranks_receive_data(ranks, 0, r->test_labels, h->test.count);
    char *name = r->names;
    for (size_t i = 0; h->names > 0 && i < h->classes; i++) {
        r->name_of[i] = name;
        name += mb_ranks_receive_data(ranks, 0, name, h->names - (size_t)(name - r->names));
    }
}

static mb_status make(const head *h, received *r, mb_dataset **dataset, mb_error *error)
{
    mb_dataset content = {.classes = h->classes,
                          .class_names = h->names > 0 ? r->name_of : NULL,
                          .train = {h->train, r->train_labels},
                          .test = {h->test, r->test_labels},
                          .validation = h->validation,
                          .test_by_seed = h->test_by_seed,
                          .form = h->form};
    content.train.images.pixels = r->train;
    content.test.images.pixels = r->test;
    return mb_dataset_make(&content, r, release, dataset, error);
}

/* All ranks first agree that there is memory for it. */
static mb_status send_where_lacking(const mb_ranks *ranks, bool lacks, const head *h,
                                    mb_dataset **dataset, mb_error *error)
{
    const mb_ranks_info info = mb_ranks_describe(ranks);
    received *r = NULL;
    mb_status status = lacks ? reserve(h, &r, error) : MB_OK;
    status = mb_ranks_agree(ranks, status, error);
    for (size_t rank = 1; rank < info.count && status == MB_OK; rank++) {
        const bool wanted = mb_ranks_any(ranks, lacks && info.rank == rank);
        if (wanted && info.rank == 0)
            send_to(ranks, rank, *dataset);
        if (wanted && info.rank == rank)
            receive(ranks, h, r);
    }
    if (status == MB_OK && lacks)
        status = make(h, r, dataset, error);
    if (status != MB_OK && r != NULL)
        release(r);
    return mb_ranks_agree(ranks, status, error);
}

mb_status mb_dataset_share(const mb_ranks *ranks, mb_status status, mb_dataset **dataset,
                           size_t *received_by, mb_error *error)
{
    const bool first = mb_ranks_describe(ranks).rank == 0;
    const bool lacks = !first && status != MB_OK;
    *received_by = 0;
    if (!mb_ranks_are_several(ranks))
        return status;
    const mb_status of_first = mb_ranks_agree(ranks, first ? status : MB_OK, error);
    if (of_first != MB_OK)
        return of_first;
    head h = {.classes = 0};
    if (first)
        h = describe(*dataset);
    mb_ranks_broadcast_bytes(ranks, &h, sizeof h);
    *received_by = mb_ranks_sum(ranks, lacks);
    return *received_by > 0 ? send_where_lacking(ranks, lacks, &h, dataset, error) : MB_OK;
}
