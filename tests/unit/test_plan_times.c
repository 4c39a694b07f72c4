/* Times and names of the phases of a step. */
#include "test.h"
#include "training.h"

#include "core/clock.h"

#include <omp.h>
#include <stdbool.h>
#include <string.h>

static const char x, y;

enum { PHASES = 4, THREADS = 2, STEPS = 20 };

static mb_phase_time phase_times[THREADS + 1][PHASES];
static mb_plan_timer timers[THREADS + 1];
static uint64_t elapsed[THREADS + 1];
static bool phase_known[THREADS + 1];

static void check_timer(const mb_tile_args *args)
{
    const int thread = omp_get_thread_num();
    phase_known[thread] = phase_known[thread] && timers[thread].phase == *(const size_t *)args->op;
    for (volatile size_t i = 0; i < 1000; i++)
        ;
}

static void run_between_ticks(const mb_worker *worker, void *context)
{
    const uint64_t before = mb_ticks();
    for (size_t i = 0; i < STEPS; i++)
        mb_plan_run(context, &(mb_step){0}, worker, NULL);
    elapsed[worker->index] = mb_ticks() - before;
}

/* Phases 0 and 1 run tile by tile, 2 waits for them, 3 shares the interval of 2. */
TEST(measured_times_are_parts_of_the_run)
{
    static const size_t number[PHASES] = {0, 1, 2, 3};
    mb_plan plan = {.timers = timers};
    const mb_tiling fours = mb_tiling_rows(16, 4), eights = mb_tiling_rows(16, 8);
    const mb_tiling tilings[PHASES] = {fours, fours, eights, fours};
    const mb_use uses[PHASES] = {mb_writes_own(&x), mb_reads_own(&x), mb_reads(&x), mb_writes(&y)};
    for (size_t i = 0; i < PHASES; i++) {
        mb_plan_add(&plan, &(mb_phase){.name = "test",
                                       .run = check_timer,
                                       .op = &number[i],
                                       .tiling = tilings[i],
                                       .uses = {uses[i]}});
        assert_ptr_equal(mb_plan_phase(&plan, i)->op, &number[i]);
    }
    memset(phase_times, 0, sizeof phase_times);
    for (size_t i = 0; i < THREADS + 1; i++) {
        timers[i].times = phase_times[i];
        phase_known[i] = true;
    }
    mb_team *team = NULL;
    assert_int_equal(mb_team_open(THREADS, NULL, false, &team, NULL), MB_OK);
    mb_team_run(team, run_between_ticks, &plan);
    mb_team_close(team);
    for (size_t thread = 0; thread < THREADS; thread++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < PHASES; i++) {
            assert_true(phase_times[thread][i].running > 0);
            sum += phase_times[thread][i].running + phase_times[thread][i].waiting;
        }
        assert_true(phase_known[thread]);
        assert_true(sum <= elapsed[thread]);
        assert_int_equal(phase_times[thread][0].waiting, 0);
        assert_int_equal(phase_times[thread][2].waiting, 0);
        assert_true(phase_times[thread][1].waiting > 0);
        assert_true(phase_times[thread][3].waiting > 0);
    }
    for (size_t i = 0; i < PHASES; i++)
        assert_int_equal(phase_times[THREADS][i].running, 0);
    mb_plan_free(&plan);
}

/* Layers are numbered among those of their kind. */
TEST(phases_are_named_after_their_layers)
{
    static const char *const expected[] = {
        "dense1 forward", "relu1 forward", "dense2 forward",  "relu2 forward",  "dense3 forward",
        "softmax",        "gather",        "dense3 backward", "relu2 backward", "dense2 update"};
    static const uint8_t images[4][4], labels[4] = {0, 1, 0, 1};
    static const uint32_t order[4] = {0, 1, 2, 3};
    const mb_split split = {{images[0], 4, 1, 2, 2}, labels};
    const mb_training_options options = mb_training_defaults(MB_OPTIMIZER_SGD);
    mb_machine *machine = mb_test_machine(1);
    mb_network *network = NULL;
    mb_test_training training;
    assert_int_equal(mb_network_open(machine, "dense:5,relu,dense:4,relu,dense:2",
                                     (mb_shape){1, 2, 2}, 2, &network, NULL),
                     MB_OK);
    mb_test_training_open(machine, network, &split, order, 4, &options, &training);
    const mb_plan *plan = &training.epoch.full;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        size_t found = 0;
        for (size_t p = 0; p < plan->count; p++)
            found += strcmp(mb_plan_phase(plan, p)->name, expected[i]) == 0;
        assert_int_equal(found, 1);
    }
    mb_test_training_close(&training);
    mb_network_close(network);
    mb_machine_close(machine);
}
