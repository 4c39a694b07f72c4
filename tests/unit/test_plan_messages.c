/* What ranks send each other, derived from a plan: by hand, and for networks of all kinds of
 * layers. The ranks do not exist. */
#include "nn/plan_messages.h"
#include "nn/plan_ranks.h"
#include "test.h"

#include "layer_nets.h"
#include "training.h"

#include <string.h>

static const size_t rank_counts[] = {1, 2, 3, 5, 16, 40};
enum { MAX_RANKS = 40 };

/* ---- by hand: 8 rows of 4 floats ---- */

enum { ROWS = 8, ROW_BYTES = 16 };
static const float x;

static mb_use rows_of(bool writes, bool own)
{
    return (mb_use){.buffer = &x,
                    .writes = writes,
                    .own = own,
                    .part = {.row_bytes = ROW_BYTES, .column_bytes = sizeof x}};
}

static void do_nothing(const mb_tile_args *args) { (void)args; }

/* A phase writes the rows, another reads them. */
static mb_plan two_phases(const mb_phase *reader)
{
    mb_plan plan = {0};
    mb_phase second = *reader;
    second.name = "reads";
    second.run = do_nothing;
    mb_plan_add(&plan, &(mb_phase){.name = "writes",
                                   .run = do_nothing,
                                   .tiling = mb_tiling_rows(ROWS, 1),
                                   .uses = {rows_of(true, true)}});
    mb_plan_add(&plan, &second);
    assert_int_equal(mb_plan_status(&plan, NULL), MB_OK);
    return plan;
}

static mb_planned_exchanges list(mb_plan *plan, size_t rank, size_t ranks)
{
    mb_planned_exchanges exchanges = {0};
    assert_int_equal(mb_plan_list_exchanges(plan, rank, ranks, &exchanges, NULL), MB_OK);
    return exchanges;
}

/* Bytes that rank `from` of `ranks` sends to `to`, in the only exchange. */
static size_t sent(mb_plan *plan, size_t from, size_t to, size_t ranks)
{
    mb_planned_exchanges exchanges = list(plan, from, ranks);
    assert_int_equal(exchanges.count, 1);
    assert_int_equal(exchanges.list[0].writer, 0);
    assert_int_equal(exchanges.list[0].start, 1);
    assert_int_equal(exchanges.list[0].finish, 1);
    const size_t bytes = mb_region_bytes(&exchanges.list[0].send[to]);
    mb_planned_exchanges_free(&exchanges);
    return bytes;
}

TEST(all_of_a_buffer_goes_to_each_rank)
{
    mb_plan plan = two_phases(
        &(mb_phase){.tiling = mb_tiling_one(), .each_rank = true, .uses = {mb_reads(&x)}});
    assert_int_equal(sent(&plan, 0, 1, 2), 4 * ROW_BYTES);
    assert_int_equal(sent(&plan, 1, 0, 2), 4 * ROW_BYTES);
    static const size_t rows[] = {2, 3, 3}; /* of 8 by 3 ranks */
    for (size_t from = 0; from < 3; from++)
        for (size_t to = 0; to < 3; to++)
            assert_int_equal(sent(&plan, from, to, 3), from == to ? 0 : rows[from] * ROW_BYTES);
    assert_int_equal(sent(&plan, 39, 0, 40), ROW_BYTES); /* the last of 40 has the last row */
    assert_int_equal(sent(&plan, 0, 39, 40), 0);
    mb_plan_free(&plan);
}

/* Ranks write rows 0-1, 2-4, 5-7, and read 0-1, 2-3, 4-7. */
TEST(only_what_a_rank_reads_is_sent)
{
    mb_plan plan =
        two_phases(&(mb_phase){.tiling = mb_tiling_rows(ROWS, 2), .uses = {rows_of(false, true)}});
    for (size_t from = 0; from < 3; from++)
        for (size_t to = 0; to < 3; to++)
            assert_int_equal(sent(&plan, from, to, 3), from == 1 && to == 2 ? ROW_BYTES : 0);
    mb_plan_free(&plan);
}

TEST(equal_tilings_need_no_exchange)
{
    mb_plan plan =
        two_phases(&(mb_phase){.tiling = mb_tiling_rows(ROWS, 1), .uses = {rows_of(false, true)}});
    mb_planned_exchanges exchanges = list(&plan, 0, 3);
    assert_int_equal(exchanges.count, 0);
    mb_planned_exchanges_free(&exchanges);
    mb_plan_free(&plan);
}

TEST(a_writer_must_say_where)
{
    mb_plan plan = {0};
    mb_error error;
    mb_planned_exchanges exchanges = {0};
    const mb_phase writer = {.name = "loss",
                             .run = do_nothing,
                             .tiling = mb_tiling_rows(ROWS, 1),
                             .uses = {mb_writes(&x)}};
    const mb_phase reader = {.name = "sum",
                             .run = do_nothing,
                             .tiling = mb_tiling_one(),
                             .each_rank = true,
                             .uses = {mb_reads(&x)}};
    mb_plan_add(&plan, &writer);
    mb_plan_add(&plan, &reader);
    assert_int_equal(mb_plan_list_exchanges(&plan, 0, 2, &exchanges, &error), MB_ERROR_INVALID);
    assert_string_equal(error.text, "plan: loss does not say where in a buffer its tiles write, "
                                    "and another rank reads that");
    mb_planned_exchanges_free(&exchanges);
    mb_plan_free(&plan);
}

/* ---- of networks ---- */

enum { IMAGES = 66, MAX_IMAGES = 2500, MAX_PIXELS = 4096 };
static uint8_t images[MAX_IMAGES * MAX_PIXELS], labels[MAX_IMAGES];
static uint32_t order[MAX_IMAGES];

static void open_training(mb_machine *machine, const char *spec, mb_shape input, size_t classes,
                          size_t count, mb_test_training *training)
{
    mb_network *network = mb_test_network(machine, spec, input, classes);
    const mb_split split = mb_test_split(network, images, labels, count);
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    options.batch_size = count;
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
        labels[i] = (uint8_t)(i % classes);
        images[i * mb_shape_size(input)] = 255;
    }
    mb_test_training_open(machine, network, &split, order, count, &options, training);
}

static void assert_same_region(const mb_region *a, const mb_region *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->segments[i].begin, b->segments[i].begin);
        assert_int_equal(a->segments[i].end, b->segments[i].end);
    }
}

/* Each rank receives what the others send it, in the same exchanges. */
static void check_pairs(const mb_planned_exchanges *of_rank, size_t ranks)
{
    for (size_t from = 0; from < ranks; from++) {
        assert_int_equal(of_rank[from].count, of_rank[0].count);
        for (size_t i = 0; i < of_rank[from].count; i++) {
            const mb_planned_exchange *e = &of_rank[from].list[i], *first = &of_rank[0].list[i];
            assert_int_equal(e->start, first->start);
            assert_int_equal(e->finish, first->finish);
            assert_true(e->writer < e->start && e->start <= e->finish);
            assert_int_equal(mb_region_bytes(&e->send[from]), 0);
            for (size_t to = 0; to < ranks; to++)
                assert_same_region(&e->send[to], &of_rank[to].list[i].receive[from]);
        }
    }
}

/* Each tile is run by one rank, except where a rank runs what it needs; *next: one after the last
 * chunk of the ranks before. */
static void check_chunks(const mb_plan *plan, size_t *next)
{
    for (size_t p = 0; p < plan->count; p++) {
        const mb_planned *phase = &plan->phases[p];
        const size_t first_row = phase->tiling.first_row;
        if (phase->phase.each_rank)
            continue;
        if (phase->phase.tiling.sample_chunk > 0) { /* samples, of which it runs all tiles */
            assert_int_equal(first_row, next[p]);
            assert_int_equal(phase->first_chunk, 0);
            assert_int_equal(phase->end_chunk, mb_tiling_chunks(phase->tiling));
            next[p] = first_row + phase->tiling.rows;
            continue;
        }
        assert_int_equal(phase->first_chunk, next[p]);
        next[p] = phase->end_chunk;
    }
}

static void check_ranks(mb_plan *plan, size_t ranks)
{
    mb_planned_exchanges of_rank[MAX_RANKS];
    size_t next[256] = {0};
    assert_true(plan->count <= MB_COUNT_OF(next));
    for (size_t rank = 0; rank < ranks; rank++) {
        of_rank[rank] = list(plan, rank, ranks);
        check_chunks(plan, next);
    }
    for (size_t p = 0; p < plan->count; p++)
        if (!plan->phases[p].phase.each_rank) {
            const mb_tiling tiling = plan->phases[p].phase.tiling;
            assert_int_equal(next[p],
                             tiling.sample_chunk > 0 ? tiling.rows : mb_tiling_chunks(tiling));
        }
    check_pairs(of_rank, ranks);
    for (size_t rank = 0; rank < ranks; rank++)
        mb_planned_exchanges_free(&of_rank[rank]);
}

TEST(ranks_receive_what_others_send)
{
    mb_machine *machine = mb_test_machine(1);
    for (size_t n = 0; n < MB_COUNT_OF(image_nets); n++) {
        const struct net *net = &image_nets[n];
        mb_test_training training;
        open_training(machine, net->spec, (mb_shape){1, net->rows, net->columns}, net->classes,
                      IMAGES, &training);
        for (size_t i = 0; i < MB_COUNT_OF(rank_counts); i++)
            check_ranks(&training.epoch.full, rank_counts[i]);
        mb_test_training_close(&training);
    }
    mb_machine_close(machine);
}

/* Bytes that all ranks send in the exchanges which end before phase `finish`. */
static size_t all_sent(mb_plan *plan, size_t ranks, size_t finish)
{
    size_t bytes = 0;
    for (size_t rank = 0; rank < ranks; rank++) {
        mb_planned_exchanges exchanges = list(plan, rank, ranks);
        for (size_t i = 0; i < exchanges.count; i++)
            for (size_t to = 0; to < ranks && exchanges.list[i].finish == finish; to++)
                bytes += mb_region_bytes(&exchanges.list[i].send[to]);
        mb_planned_exchanges_free(&exchanges);
    }
    return bytes;
}

static size_t find_phase(const mb_plan *plan, const char *name)
{
    size_t p = 0;
    while (p < plan->count && strcmp(mb_plan_phase(plan, p)->name, name) != 0)
        p++;
    assert_true(p < plan->count);
    return p;
}

/* Each rank sends its part to each other rank: what is written goes over the wire once per
 * receiver; of the gradient of the hidden layer a rank receives only the units that it updates. */
TEST(counts_of_a_dense_network)
{
    enum { PIXELS = 12 * 12, UNITS = 96, CLASSES = 5 };
    mb_machine *machine = mb_test_machine(1);
    mb_test_training training;
    open_training(machine, "dense:96,relu,dense:5", (mb_shape){1, 12, 12}, CLASSES, IMAGES,
                  &training);
    mb_plan *plan = &training.epoch.full;
    const size_t parameters = (PIXELS + 1) * UNITS + (UNITS + 1) * CLASSES;
    for (size_t i = 0; i < MB_COUNT_OF(rank_counts); i++) {
        const size_t ranks = rank_counts[i], others = ranks - 1;
        assert_int_equal(all_sent(plan, ranks, plan->count), others * parameters * sizeof(float));
        assert_true(all_sent(plan, ranks, find_phase(plan, "dense1 update")) <=
                    others * IMAGES * UNITS * sizeof(float));
        assert_int_equal(all_sent(plan, ranks, find_phase(plan, "dense2 forward")),
                         others * IMAGES * UNITS * sizeof(float));
    }
    /* The first of 2 ranks has 32 of 66 rows, and updates 64 of 96 units; the other updates the
     * second layer. */
    assert_int_equal(all_sent(plan, 2, find_phase(plan, "dense2 update")),
                     32 * CLASSES * sizeof(float));
    assert_int_equal(all_sent(plan, 2, find_phase(plan, "dense1 update")),
                     (32 * 32 + 34 * 64) * sizeof(float));
    mb_test_training_close(&training);
    mb_machine_close(machine);
}

/* A large batch is divided by samples: forward nothing is sent, and of gradients and parameters
 * each rank receives from each other what it updates, whatever the number of samples. Uneven
 * batches and numbers of ranks only have to fit. */
TEST(large_batches_are_divided_by_samples)
{
    enum { PIXELS = 12 * 12, UNITS = 96, CLASSES = 5 };
    static const char *const specs[] = {
        "dense:96,relu,dense:5", "dense:130,gelu,dropout:0.2,dense:5",
        "conv2d:3x3,relu,maxpool2d:2,flatten,dense:20,relu,dense:5"};
    static const size_t counts[] = {1024, 1100, 2048, 2500};
    mb_machine *machine = mb_test_machine(1);
    for (size_t s = 0; s < MB_COUNT_OF(specs); s++)
        for (size_t c = 0; c < MB_COUNT_OF(counts); c++) {
            mb_test_training training;
            open_training(machine, specs[s], (mb_shape){1, 12, 12}, CLASSES, counts[c], &training);
            for (size_t i = 0; i < MB_COUNT_OF(rank_counts); i++) {
                const size_t ranks = rank_counts[i], others = ranks - 1;
                const size_t parameters = mb_network_parameter_count(training.network);
                mb_plan *plan = &training.epoch.full;
                assert_int_equal(mb_epoch_plan_as(&training.epoch, ranks, NULL), MB_OK);
                check_ranks(plan, ranks);
                assert_int_equal(all_sent(plan, ranks, plan->count),
                                 others * parameters * sizeof(float));
                if (s == 0)
                    assert_int_equal(all_sent(plan, ranks, find_phase(plan, "dense2 forward")), 0);
                if (s == 0 && counts[c] == 2048 && ranks < 3)
                    assert_int_equal(all_sent(plan, ranks, find_phase(plan, "dense1 update")),
                                     others * (PIXELS + 1) * UNITS * sizeof(float));
            }
            mb_test_training_close(&training);
        }
    mb_machine_close(machine);
}
