#include "nn/plan.h"
#include "test.h"

#include <omp.h>
#include <stdbool.h>
#include <string.h>

enum { MAX_THREADS = 5, LOG = 64 };

/* --- barriers, derived from the phases' uses --- */

static const char x, y;
static const mb_tiling fours = {.rows = 16, .columns = 1, .block_rows = 4, .block_columns = 1},
                       eights = {.rows = 16, .columns = 1, .block_rows = 8, .block_columns = 1};

static void do_nothing(const mb_tile_args *args) { (void)args; }

static void add(mb_plan *plan, mb_phase phase)
{
    phase.name = "test";
    if (phase.run == NULL)
        phase.run = do_nothing;
    mb_plan_add(plan, &phase);
    assert_int_equal(mb_plan_status(plan, NULL), MB_OK);
}

/* True if a phase with the second use waits for one with the first. */
static bool waits(mb_tiling first_tiling, mb_use first, mb_tiling second_tiling, mb_use second)
{
    mb_plan plan = {0};
    add(&plan, (mb_phase){.tiling = first_tiling, .uses = {first}});
    add(&plan, (mb_phase){.tiling = second_tiling, .uses = {second}});
    const size_t barriers = mb_plan_barriers(&plan);
    mb_plan_free(&plan);
    assert_in_range(barriers, 1, 2);
    return barriers == 2;
}

static const mb_use read_x = {.buffer = &x}, write_x = {.buffer = &x, .writes = true},
                    read_own_x = {.buffer = &x, .own = true},
                    write_own_x = {.buffer = &x, .writes = true, .own = true},
                    read_x_copy = {.buffer = &x, .copies = true},
                    write_x_copy = {.buffer = &x, .writes = true, .copies = true},
                    read_y = {.buffer = &y}, write_y = {.buffer = &y, .writes = true};

TEST(a_phase_waits_for_what_it_depends_on)
{
    assert_true(waits(fours, write_x, fours, read_x));  /* read after write */
    assert_true(waits(fours, read_x, fours, write_x));  /* write after read */
    assert_true(waits(fours, write_x, fours, write_x)); /* write after write */
    assert_false(waits(fours, read_x, fours, read_x));
    assert_false(waits(fours, write_x, fours, write_y));
    assert_false(waits(fours, write_x, fours, read_y));
}

TEST(copies_of_the_workers_need_no_barrier)
{
    assert_false(waits(fours, write_x_copy, eights, read_x_copy));
    assert_false(waits(fours, read_x_copy, eights, write_x_copy));
    assert_true(waits(fours, write_x_copy, eights, read_x));
}

TEST(own_parts_need_no_barrier_if_tilings_are_equal)
{
    assert_false(waits(fours, write_own_x, fours, read_own_x));
    assert_false(waits(fours, read_own_x, fours, write_own_x));
    assert_false(waits(fours, write_own_x, fours, write_own_x));
    assert_true(waits(fours, write_own_x, eights, read_own_x));
    assert_true(waits(fours, read_own_x, eights, write_own_x));
    assert_true(waits(fours, write_own_x, fours, read_x));
    assert_true(waits(fours, write_x, fours, read_own_x));
    assert_false(waits(fours, read_own_x, eights, read_own_x));
}

/* A phase waits for all earlier phases up to the last barrier. */
TEST(dependencies_reach_back_to_the_last_barrier)
{
    mb_plan plan = {0};
    assert_int_equal(mb_plan_barriers(&plan), 1); /* the one at the end */
    add(&plan, (mb_phase){.tiling = fours, .uses = {write_x}});
    add(&plan, (mb_phase){.tiling = eights, .uses = {write_y}});
    assert_int_equal(mb_plan_barriers(&plan), 1);
    add(&plan, (mb_phase){.tiling = fours, .uses = {read_x}});
    assert_int_equal(mb_plan_barriers(&plan), 2);
    add(&plan,
        (mb_phase){.tiling = fours, .uses = {read_y}}); /* y was written before that barrier */
    add(&plan, (mb_phase){.tiling = fours, .uses = {read_x}});
    assert_int_equal(mb_plan_barriers(&plan), 2);
    add(&plan, (mb_phase){.tiling = fours, .uses = {read_y, write_x}}); /* any use counts */
    assert_int_equal(mb_plan_barriers(&plan), 3);
    mb_plan_free(&plan);
    assert_int_equal(plan.count, 0);
    assert_null(plan.phases);
}

TEST(writer_is_the_last_that_writes)
{
    mb_plan plan = {0};
    assert_int_equal(mb_plan_writer(&plan, &x).rows, 0);
    add(&plan, (mb_phase){.tiling = fours, .uses = {read_y, write_x}});
    add(&plan, (mb_phase){.tiling = eights, .uses = {read_x}});
    assert_true(mb_tiling_equal(mb_plan_writer(&plan, &x), fours));
    assert_int_equal(mb_plan_writer(&plan, &y).rows, 0); /* read only */
    add(&plan, (mb_phase){.tiling = eights, .uses = {write_own_x}});
    assert_true(mb_tiling_equal(mb_plan_writer(&plan, &x), eights));
    mb_plan_free(&plan);
}

TEST(scratch_is_the_most_that_a_phase_needs)
{
    mb_plan plan = {0};
    assert_int_equal(mb_plan_scratch(&plan), 0);
    add(&plan, (mb_phase){.tiling = fours, .scratch = 100});
    add(&plan, (mb_phase){.tiling = fours, .scratch = 5000});
    add(&plan, (mb_phase){.tiling = fours});
    assert_int_equal(mb_plan_scratch(&plan), 5000);
    mb_plan_free(&plan);
}

/* --- running --- */

typedef struct job {
    const mb_plan *plan;
    mb_step step;
    size_t steps;
    char scratch[MAX_THREADS];
} job;

static void run_job(const mb_worker *worker, void *context)
{
    job *j = context;
    for (size_t step = 0; step < j->steps; step++)
        mb_plan_run(j->plan, &j->step, worker, &j->scratch[worker->index]);
}

static void run_plan(job *j, size_t threads)
{
    mb_team *team = NULL;
    assert_int_equal(mb_team_open(threads, NULL, false, &team, NULL), MB_OK);
    mb_team_run(team, run_job, j);
    mb_team_close(team);
}

/* The tiles that one thread ran: the op's letter and the tile. */
static struct {
    char letter;
    size_t tile;
} run_log[LOG];
static size_t run_count;

static void log_tile(const mb_tile_args *args)
{
    if (run_count < LOG) {
        run_log[run_count].letter = *(const char *)args->op;
        run_log[run_count].tile = args->tile;
    }
    run_count++;
}

static void check_log(const mb_plan *plan, const char *expected)
{
    job j = {.plan = plan, .steps = 1};
    char text[2 * LOG + 1] = "";
    run_count = 0;
    run_plan(&j, 1);
    for (size_t i = 0; i < run_count && i < LOG; i++) {
        text[2 * i] = run_log[i].letter;
        text[2 * i + 1] = (char)('0' + run_log[i].tile);
    }
    assert_string_equal(text, expected);
}

TEST(phases_that_follow_run_tile_by_tile)
{
    mb_plan plan = {0};
    add(&plan, (mb_phase){.run = log_tile, .op = "a", .tiling = fours, .uses = {write_own_x}});
    add(&plan, (mb_phase){.run = log_tile, .op = "b", .tiling = fours, .uses = {write_own_x}});
    add(&plan, (mb_phase){.run = log_tile, .op = "c", .tiling = eights, .uses = {write_y}});
    add(&plan, (mb_phase){.run = log_tile, .op = "d", .tiling = eights, .uses = {read_x}});
    add(&plan, (mb_phase){.run = log_tile, .op = "e", .tiling = eights, .uses = {read_x, write_y}});
    check_log(&plan, "a0b0a1b1a2b2a3b3c0c1d0e0d1e1");
    mb_plan_free(&plan);
}

static unsigned char runs[3][200]; /* of each tile of three phases */

static void count_tile(const mb_tile_args *args)
{
    runs[*(const size_t *)args->op][args->tile]++; /* each tile has one thread */
}

static void check_counts(size_t tiles, size_t threads)
{
    static const size_t phases[] = {0, 1, 2};
    mb_plan plan = {0};
    const mb_tiling tiling = mb_tiling_rows(tiles, 1), other = mb_tiling_rows(7, 1);
    add(&plan,
        (mb_phase){.run = count_tile, .op = &phases[0], .tiling = tiling, .uses = {write_own_x}});
    add(&plan,
        (mb_phase){.run = count_tile, .op = &phases[1], .tiling = tiling, .uses = {read_own_x}});
    add(&plan, (mb_phase){.run = count_tile, .op = &phases[2], .tiling = other, .uses = {read_x}});
    memset(runs, 0, sizeof runs);
    job j = {.plan = &plan, .steps = 3};
    run_plan(&j, threads);
    for (size_t tile = 0; tile < 200; tile++) {
        assert_int_equal(runs[0][tile], tile < tiles ? 3 : 0);
        assert_int_equal(runs[1][tile], tile < tiles ? 3 : 0);
        assert_int_equal(runs[2][tile], tile < 7 ? 3 : 0);
    }
    mb_plan_free(&plan);
}

TEST(every_tile_runs_once_a_step)
{
    static const size_t tiles[] = {1, 2, 3, 5, 16, 199};
    for (size_t t = 0; t < sizeof tiles / sizeof tiles[0]; t++)
        for (size_t threads = 1; threads <= MAX_THREADS; threads++)
            check_counts(tiles[t], threads);
}

/* --- a step whose phases depend on each other: the same bits at any thread count --- */

enum { CELLS = 103, RING_BLOCK = 5 };

typedef struct ring {
    float here[CELLS], next[CELLS];
    bool right; /* op, step and scratch were passed to every tile */
} ring;

static ring rings;
static job ring_job;

static void check_arguments(const mb_tile_args *args)
{
    const char *mine = &ring_job.scratch[omp_get_thread_num()];
    if (args->op != &rings || args->step != &ring_job.step || args->scratch != mine)
        rings.right = false;
}

/* next = mean of a cell and all others' differences: reads what every other tile wrote. */
static void mix(const mb_tile_args *args)
{
    const mb_tile part = mb_tiling_tile(mb_tiling_rows(CELLS, RING_BLOCK), args->tile);
    check_arguments(args);
    for (size_t i = part.row; i < part.row + part.rows; i++) {
        float sum = 0.0f;
        for (size_t other = 0; other < CELLS; other++)
            sum += rings.here[other] / (float)(1 + (other + i) % 13);
        rings.next[i] = sum;
    }
}

static void halve(const mb_tile_args *args)
{
    const mb_tile part = mb_tiling_tile(mb_tiling_rows(CELLS, RING_BLOCK), args->tile);
    check_arguments(args);
    for (size_t i = part.row; i < part.row + part.rows; i++)
        rings.next[i] *= 0.03f;
}

static void copy_back(const mb_tile_args *args)
{
    const mb_tile part = mb_tiling_tile(mb_tiling_rows(CELLS, 8), args->tile);
    check_arguments(args);
    memcpy(rings.here + part.row, rings.next + part.row, part.rows * sizeof *rings.here);
}

static void run_ring(const mb_plan *plan, size_t threads)
{
    rings.right = true;
    for (size_t i = 0; i < CELLS; i++)
        rings.here[i] = 1.0f / (float)(i + 1);
    ring_job = (job){.plan = plan, .steps = 200};
    run_plan(&ring_job, threads);
    assert_true(rings.right);
}

TEST(result_does_not_depend_on_threads)
{
    mb_plan plan = {0};
    float one[CELLS];
    const mb_tiling tiling = mb_tiling_rows(CELLS, RING_BLOCK), other = mb_tiling_rows(CELLS, 8);
    const mb_use next_own = mb_writes_own(rings.next);
    add(&plan,
        (mb_phase){
            .run = mix, .op = &rings, .tiling = tiling, .uses = {mb_reads(rings.here), next_own}});
    add(&plan, (mb_phase){.run = halve, .op = &rings, .tiling = tiling, .uses = {next_own}});
    add(&plan, (mb_phase){.run = copy_back,
                          .op = &rings,
                          .tiling = other,
                          .uses = {mb_reads_own(rings.next), mb_writes_own(rings.here)}});
    assert_int_equal(mb_plan_barriers(&plan), 2);
    run_ring(&plan, 1);
    memcpy(one, rings.here, sizeof one);
    assert_true(one[0] > 0.0f && one[0] < 1e6f);
    for (size_t threads = 2; threads <= MAX_THREADS; threads++) {
        run_ring(&plan, threads);
        assert_memory_equal(rings.here, one, sizeof one);
    }
    mb_plan_free(&plan);
}

TEST(plans_grow)
{
    mb_plan plan = {0};
    for (size_t i = 0; i < 60; i++)
        add(&plan,
            (mb_phase){.run = log_tile, .op = "p", .tiling = mb_tiling_one(), .uses = {write_x}});
    assert_int_equal(mb_plan_barriers(&plan), 60);
    job j = {.plan = &plan, .steps = 1};
    run_count = 0;
    run_plan(&j, 2);
    assert_int_equal(run_count, 60);
    mb_plan_free(&plan);
}
