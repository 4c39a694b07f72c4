#include "machine/pins.h"
#include "machine/round_trip.h"
#include "machine/team.h"
#include "support.h"
#include "test.h"

#include <float.h>
#include <omp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_THREADS = 8, ROUNDS = 10000 };

static mb_team *open_team(size_t threads, const unsigned *pins)
{
    mb_team *team = NULL;
    assert_int_equal(mb_team_open(threads, pins, false, &team, NULL), MB_OK);
    assert_int_equal(mb_team_threads(team), threads);
    return team;
}

/* `threads`, or the OMP_THREAD_LIMIT under which the tests run. */
static size_t within_limit(size_t threads)
{
    const size_t limit = (size_t)omp_get_thread_limit();
    return threads < limit ? threads : limit;
}

typedef struct roll_call {
    mb_team *team;
    size_t runs[MAX_THREADS], count[MAX_THREADS];
    bool own[MAX_THREADS]; /* the worker has the right team */
} roll_call;

static void answer(const mb_worker *worker, void *context)
{
    roll_call *r = context;
    if (worker->index >= MAX_THREADS)
        return;
    r->runs[worker->index]++;
    r->count[worker->index] = worker->count;
    r->own[worker->index] = worker->team == r->team;
}

static void call_roll(mb_team *team, size_t threads)
{
    roll_call r = {.team = team};
    mb_team_run(team, answer, &r);
    for (size_t i = 0; i < MAX_THREADS; i++) {
        assert_int_equal(r.runs[i], i < threads ? 1 : 0);
        assert_int_equal(r.count[i], i < threads ? threads : 0);
        assert_int_equal(r.own[i], i < threads);
    }
}

TEST(each_worker_runs_once)
{
    for (size_t threads = 1; threads <= MAX_THREADS; threads++) {
        mb_team *team = open_team(threads, NULL);
        call_roll(team, within_limit(threads));
        call_roll(team, within_limit(threads)); /* a second run */
        mb_team_close(team);
    }
}

TEST(teams_of_several_sizes_exist_at_once)
{
    mb_team *small = open_team(2, NULL), *large = open_team(5, NULL);
    for (size_t i = 0; i < 20; i++) {
        call_roll(small, within_limit(2));
        call_roll(large, within_limit(5));
    }
    mb_team_close(small);
    mb_team_close(large);
    mb_team_close(NULL);
}

/* With omp_set_dynamic, OpenMP may start fewer threads, depending on the load of the machine. */
TEST(a_team_of_any_size_is_whole)
{
    mb_team *team = open_team(MAX_THREADS, NULL);
    omp_set_dynamic(1);
    roll_call r = {.team = team};
    mb_team_run(team, answer, &r);
    omp_set_dynamic(0);
    assert_in_range(r.count[0], 1, MAX_THREADS);
    for (size_t i = 0; i < MAX_THREADS; i++) {
        assert_int_equal(r.runs[i], i < r.count[0] ? 1 : 0);
        assert_int_equal(r.count[i], i < r.count[0] ? r.count[0] : 0);
    }
    mb_team_close(team);
}

static void note_caller(const mb_worker *worker, void *context)
{
    if (worker->index == 0)
        *(pid_t *)context = gettid();
}

TEST(caller_is_the_first_worker)
{
    pid_t first = 0;
    mb_team *team = open_team(3, NULL);
    mb_team_run(team, note_caller, &first);
    assert_int_equal(first, gettid());
    mb_team_close(team);
}

/* Non-atomic memory, written by one thread and read by all: only the barrier orders accesses. */
typedef struct relay {
    size_t seen[MAX_THREADS][8]; /* one cache line each */
    size_t wrong[MAX_THREADS];
    size_t rounds;
} relay;

static void run_relay(const mb_worker *worker, void *context)
{
    relay *r = context;
    for (size_t round = 1; round <= r->rounds; round++) {
        r->seen[worker->index][0] = round;
        mb_team_barrier(worker);
        for (size_t other = 0; other < worker->count; other++)
            r->wrong[worker->index] += r->seen[other][0] != round;
        mb_team_barrier(worker);
    }
}

static void check_relay(mb_team *team, size_t rounds)
{
    relay r = {.rounds = rounds};
    mb_team_run(team, run_relay, &r);
    for (size_t i = 0; i < within_limit(mb_team_threads(team)); i++) {
        assert_int_equal(r.seen[i][0], rounds);
        assert_int_equal(r.wrong[i], 0);
    }
}

TEST(barrier_orders_what_was_written)
{
    for (size_t threads = 1; threads <= MAX_THREADS; threads++) {
        mb_team *team = open_team(threads, NULL);
        check_relay(team, ROUNDS);
        mb_team_close(team);
    }
}

/* A late worker makes the others wait for longer than they spin, so that they sleep. */
static void run_late(const mb_worker *worker, void *context)
{
    size_t *arrived = context;
    for (size_t round = 0; round < 5; round++) {
        if (worker->index == round % worker->count)
            usleep(3000);
        __atomic_fetch_add(arrived, 1, __ATOMIC_RELAXED);
        mb_team_barrier(worker);
        if (__atomic_load_n(arrived, __ATOMIC_RELAXED) < (round + 1) * worker->count)
            __atomic_fetch_add(arrived, 1000000,
                               __ATOMIC_RELAXED); /* the barrier opened too early */
    }
}

TEST(sleepers_are_woken)
{
    for (size_t threads = 2; threads <= MAX_THREADS; threads += 3) {
        size_t arrived = 0;
        mb_team *team = open_team(threads, NULL);
        mb_team_run(team, run_late, &arrived);
        assert_int_equal(arrived, 5 * within_limit(threads));
        mb_team_close(team);
    }
}

/* Half of the smallest normal number: 0 if subnormals are off. */
static bool subnormals_work(void)
{
    volatile float smallest = FLT_MIN, half = 0.5f;
    volatile float result = smallest * half;
    return result != 0.0f;
}

static void note_subnormals(const mb_worker *worker, void *context)
{
    if (worker->index < MAX_THREADS)
        ((bool *)context)[worker->index] = subnormals_work();
}

TEST(subnormals_are_off_inside_only)
{
#if !defined(__x86_64__) && !defined(__i386__) && !defined(__aarch64__)
    skip();
#endif
    bool inside[MAX_THREADS] = {true, true, true, true}, outside = true;
    mb_team *team = open_team(4, NULL);
    assert_true(subnormals_work());
    mb_team_run(team, note_subnormals, inside);
    for (size_t i = 0; i < within_limit(4); i++)
        assert_false(inside[i]);
    assert_true(subnormals_work());
#pragma omp parallel num_threads(4) reduction(&& : outside) /* the same threads */
    outside = subnormals_work();
    assert_true(outside);
    mb_team_close(team);
}

static void note_max_threads(const mb_worker *worker, void *context)
{
    if (worker->index == 0)
        *(int *)context = omp_get_max_threads();
}

TEST(openmp_thread_count_is_the_teams_inside_only)
{
    const int before = omp_get_max_threads();
    for (int callers = 1; callers <= 3; callers++) {
        int inside = 0;
        omp_set_num_threads(callers);
        mb_team *team = open_team(2, NULL);
        mb_team_run(team, note_max_threads, &inside);
        assert_int_equal(inside, 2);
        assert_int_equal(omp_get_max_threads(), callers);
        mb_team_close(team);
        assert_int_equal(omp_get_max_threads(), callers);
    }
    omp_set_num_threads(before);
}

static void get_affinity(const mb_worker *worker, void *context)
{
    if (worker->index < MAX_THREADS)
        mb_affinity_get(&((mb_affinity *)context)[worker->index]);
}

/* The affinity before, and that of a thread pinned to the first CPU. */
static unsigned first_cpu(mb_affinity *before, mb_affinity *pinned)
{
    assert_int_equal(mb_affinity_get(before), 0);
    cpu_set_t allowed;
    unsigned cpu = 0;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    while (!CPU_ISSET(cpu, &allowed))
        cpu++;
    if (mb_affinity_pin(cpu) != 0)
        skip(); /* forbidden in this container */
    assert_int_equal(mb_affinity_get(pinned), 0);
    assert_int_equal(mb_affinity_set(before), 0);
    return cpu;
}

TEST(pins_hold_until_close)
{
    mb_affinity before, pinned, inside[MAX_THREADS] = {{{0}}}, after[MAX_THREADS] = {{{0}}};
    const unsigned cpu = first_cpu(&before, &pinned);
    unsigned pins[] = {cpu, cpu, cpu};
    mb_team *team = open_team(3, pins), *free_team = open_team(3, NULL);
    pins[0] = 100000; /* pins are copied */
    mb_team_run(team, get_affinity, inside);
    assert_int_equal(mb_team_pin_failure(team), 0);
    mb_team_close(team);
    mb_team_run(free_team, get_affinity, after);
    mb_team_close(free_team);
    for (size_t i = 0; i < within_limit(3); i++) {
        assert_memory_equal(&inside[i], &pinned, sizeof pinned);
        assert_memory_equal(&after[i], &before, sizeof before);
    }
}

TEST(a_failed_pin_is_reported)
{
    const unsigned pins[] = {8191, 8191};
    mb_affinity before, after;
    assert_int_equal(mb_affinity_get(&before), 0);
    mb_team *team = open_team(2, pins);
    assert_int_equal(mb_team_pin_failure(team), 0);
    call_roll(team, within_limit(2));
    assert_int_not_equal(mb_team_pin_failure(team), 0);
    mb_team_close(team);
    assert_int_equal(mb_affinity_get(&after), 0);
    assert_memory_equal(&after, &before, sizeof before);
}

/* Alone, as with OMP_MAX_ACTIVE_LEVELS=0, the thread has no team for OpenBLAS either. */
TEST(a_team_of_one_stays_one_for_openblas)
{
    const int levels = omp_get_max_active_levels();
    int inside = 0;
    omp_set_max_active_levels(0);
    mb_team *team = open_team(4, NULL);
    mb_team_run(team, note_max_threads, &inside);
    omp_set_max_active_levels(levels);
    mb_team_close(team);
    assert_int_equal(inside, 1);
}

static const char limited[] = "thread-limit";

/* Exit status of the program under a limit of 2: a team of 4 then has 2 threads, and its barriers
 * are for 2. */
static int run_limited(void)
{
    mb_team *team = NULL;
    roll_call r = {0};
    relay passes = {.rounds = 1000};
    if (omp_get_thread_limit() != 2 || mb_team_open(4, NULL, false, &team, NULL) != MB_OK)
        return 3;
    r.team = team;
    mb_team_run(team, answer, &r);
    mb_team_run(team, run_relay, &passes);
    mb_team_close(team);
    const bool right = r.runs[0] == 1 && r.runs[1] == 1 && r.runs[2] == 0 && r.count[0] == 2 &&
                       r.count[1] == 2 && passes.seen[1][0] == 1000 && passes.wrong[0] == 0 &&
                       passes.wrong[1] == 0;
    return right ? 0 : 4;
}

TEST(a_limit_by_openmp_makes_a_smaller_team)
{
    assert_int_equal(mb_test_run_itself("OMP_THREAD_LIMIT", "2", limited), 0);
}

int main(int count, char **arguments)
{
    omp_set_dynamic(0); /* exactly the requested thread count, whatever OMP_DYNAMIC is */
    if (count > 1 && strcmp(arguments[1], limited) == 0)
        return run_limited();
    return mb_run_tests();
}

/* Two threads on CPUs of their own exchange a line in less than a microsecond; those that share a
 * CPU do not answer in time, and the measurement ends. */
TEST(round_trips_are_measured_between_cpus_only)
{
    mb_affinity before, pinned;
    const unsigned cpu = first_cpu(&before, &pinned);
    mb_team *alone = open_team(1, NULL), *together = open_team(3, (unsigned[]){cpu, cpu, cpu});
    assert_string_equal(mb_round_trip_kind(mb_round_trip_measure(alone)), "unknown");
    mb_team_close(alone);
    assert_string_equal(mb_round_trip_kind(mb_round_trip_measure(together)), "unknown");
    mb_team_close(together);
    mb_team *apart = open_team(2, (unsigned[]){cpu, cpu + 1});
    mb_round_trip trip = {0.0, 0.0};
    for (size_t i = 0; i < 1000 && trip.max == 0.0; i++) /* other processes may use the CPUs */
        trip = mb_round_trip_measure(apart);
    const bool one_cpu = mb_team_pin_failure(apart) != 0 || within_limit(2) < 2;
    mb_team_close(apart);
    if (one_cpu)
        skip();
    assert_true(trip.min > 1e-9 && trip.min <= trip.max);
}

TEST(distances_have_kinds)
{
    assert_string_equal(mb_round_trip_kind((mb_round_trip){60e-9, 120e-9}), "near");
    assert_string_equal(mb_round_trip_kind((mb_round_trip){60e-9, 350e-9}), "mixed");
    assert_string_equal(mb_round_trip_kind((mb_round_trip){350e-9, 350e-9}), "far");
    assert_string_equal(mb_round_trip_kind((mb_round_trip){0.0, 0.0}), "unknown");
}
