#include "all_cores.h"

#include "core/arena.h"
#include "core/file.h"
#include "machine/blas.h"
#include "machine/cpu.h"

#include <errno.h>
#include <jansson.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MAX_SETS = 8, MAX_ARGUMENTS = 64 };

/* The results of one kernel set. */
typedef struct set {
    char core[32];
    json_t *whole, *benchmarks; /* the second is part of the first */
} set;

typedef struct table {
    set set[MAX_SETS];
    size_t count;
} table;

/* Values of OPENBLAS_CORETYPE whose instructions the CPU has: a set that it cannot run would crash
 * the process. NULL: OpenBLAS's own choice. */
static size_t supported_names(const char *names[MAX_SETS])
{
    size_t count = 0;
    names[count++] = NULL;
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (__builtin_cpu_supports("sse4.2"))
        names[count++] = "NEHALEM";
    if (__builtin_cpu_supports("avx"))
        names[count++] = "SANDYBRIDGE";
    if (fma)
        names[count++] = "HASWELL";
    if (fma)
        names[count++] = "ZEN";
    if (mb_cpu_has_avx512())
        names[count++] = "SKYLAKEX";
    if (mb_cpu_has_avx512() && __builtin_cpu_supports("avx512bf16"))
        names[count++] = "COOPERLAKE";
#endif
    return count;
}

/* The environment for that kernel set. MNIST_BLAS_RESTARTED keeps the program from restarting
 * itself when the choice is OpenBLAS's. */
static char **environment_for(const char *name, mb_arena *arena)
{
    static const char variable[] = "OPENBLAS_CORETYPE=";
    char text[64];
    size_t count = 0, length = 0;
    while (environ[count] != NULL)
        count++;
    char **made = mb_arena_alloc(arena, count + 3, sizeof *made);
    if (made == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], variable, sizeof variable - 1) != 0)
            made[length++] = environ[i];
    snprintf(text, sizeof text, "%s%s", variable, name != NULL ? name : "");
    made[length++] = mb_arena_strdup(arena, "MNIST_BLAS_RESTARTED=1");
    if (name != NULL)
        made[length++] = mb_arena_strdup(arena, text);
    return made[length - 1] != NULL && made[length - 2] != NULL ? made : NULL;
}

/* argv without the parent's options, and with a file for the results. */
static mb_status arguments_for(char **argv, char *path, char **made, mb_error *error)
{
    static char json[] = "--json";
    size_t length = 0;
    for (; *argv != NULL; argv++) {
        if (strncmp(*argv, "--a", 3) == 0)
            continue;
        if (length + 3 >= MAX_ARGUMENTS)
            return mb_fail(error, MB_ERROR_INVALID, "--all-cores: more than %d arguments",
                           MAX_ARGUMENTS - 4);
        made[length++] = *argv;
    }
    made[length++] = json; /* the last of several is used */
    made[length++] = path;
    made[length] = NULL;
    return MB_OK;
}

/* Runs the program; its table is discarded. */
static mb_status run_child(char **arguments, char **environment, mb_error *error)
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    int ended = 0;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed == 0) {
        failed = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1, 0);
        if (failed == 0)
            failed = posix_spawn(&child, "/proc/self/exe", &actions, NULL, arguments, environment);
        posix_spawn_file_actions_destroy(&actions);
    }
    if (failed != 0)
        return mb_fail(error, MB_ERROR_IO, "%s: cannot be started: %s", arguments[0],
                       strerror(failed));
    while (waitpid(child, &ended, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0)
        return mb_fail(error, MB_ERROR_IO, "%s: the run for a kernel set failed", arguments[0]);
    return MB_OK;
}

static mb_status read_set(const char *path, set *one, mb_error *error)
{
    json_error_t why;
    const char *core = NULL;
    one->whole = json_load_file(path, 0, &why);
    if (one->whole == NULL || json_unpack(one->whole, "{s:{s:s}, s:o}", "context", "blas_core",
                                          &core, "benchmarks", &one->benchmarks) != 0)
        return mb_fail(error, MB_ERROR_IO, "%s: not a result file: %s", path, why.text);
    snprintf(one->core, sizeof one->core, "%s", core);
    return MB_OK;
}

static mb_status run_set(char **argv, const char *name, const char *path, table *all,
                         mb_error *error)
{
    char *arguments[MAX_ARGUMENTS];
    mb_arena arena = {0};
    set one = {.whole = NULL};
    char **environment = environment_for(name, &arena);
    char *file = mb_arena_strdup(&arena, path);
    mb_status status = environment != NULL && file != NULL
                           ? arguments_for(argv, file, arguments, error)
                           : mb_fail_memory(error, "--all-cores", MAX_ARGUMENTS);
    if (status == MB_OK)
        status = run_child(arguments, environment, error);
    if (status == MB_OK)
        status = read_set(path, &one, error);
    for (size_t i = 0; i < all->count && status == MB_OK; i++)
        if (strcmp(all->set[i].core, one.core) == 0) { /* another name of a set that was run */
            json_decref(one.whole);
            one.whole = NULL;
            break;
        }
    if (one.whole != NULL)
        all->set[all->count++] = one;
    mb_arena_free(&arena);
    return status;
}

/* GFLOP/s of the benchmark `name`; 0 if the set has none, as the tiling depends on the set. */
static double gflops_of(const set *one, const char *name)
{
    size_t i;
    json_t *benchmark;
    json_array_foreach(one->benchmarks, i, benchmark)
    {
        const char *own = json_string_value(json_object_get(benchmark, "name"));
        if (own != NULL && strcmp(own, name) == 0)
            return json_number_value(json_object_get(benchmark, "GFLOP/s"));
    }
    return 0.0;
}

static void print_table(const table *all)
{
    size_t i;
    json_t *benchmark;
    printf("%-44s", "GFLOP/s, median");
    for (size_t s = 0; s < all->count; s++)
        printf(" %12s", all->set[s].core);
    printf("\n");
    json_array_foreach(all->set[0].benchmarks, i, benchmark)
    {
        const char *name = json_string_value(json_object_get(benchmark, "name"));
        printf("%-44s", name);
        for (size_t s = 0; s < all->count; s++)
            printf(" %12.1f", gflops_of(&all->set[s], name));
        printf("\n");
    }
    printf("%s is what OpenBLAS chooses by itself.\n", all->set[0].core);
}

/* Renames the benchmarks and appends those of the other sets to the first set's. */
static bool join(table *all)
{
    for (size_t s = 0; s < all->count; s++) {
        size_t i;
        json_t *benchmark;
        json_array_foreach(all->set[s].benchmarks, i, benchmark)
        {
            json_t *name =
                json_sprintf("%s/core:%s", json_string_value(json_object_get(benchmark, "name")),
                             all->set[s].core);
            if (json_object_set_new(benchmark, "run_name", json_incref(name)) != 0 ||
                json_object_set_new(benchmark, "name", name) != 0)
                return false;
        }
        if (s > 0 && json_array_extend(all->set[0].benchmarks, all->set[s].benchmarks) != 0)
            return false;
    }
    return true;
}

static mb_status write_table(table *all, const char *path, mb_error *error)
{
    char *text =
        join(all) ? json_dumps(all->set[0].whole, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    const mb_status status = text != NULL ? mb_file_write(path, text, strlen(text), error)
                                          : mb_fail_memory(error, path, 0);
    free(text);
    return status;
}

mb_status mb_bench_all_cores(char **argv, const char *json, mb_error *error)
{
    char path[] = "/tmp/bench_cores.XXXXXX";
    const char *names[MAX_SETS];
    table all = {.count = 0};
    if (!mb_blas_describe().dynamic)
        return mb_fail(error, MB_ERROR_UNAVAILABLE,
                       "--all-cores: this OpenBLAS has one kernel set only");
    const int file = mkstemp(path);
    if (file < 0)
        return mb_fail(error, MB_ERROR_IO, "%s: %s", path, strerror(errno));
    close(file);
    const size_t count = supported_names(names);
    mb_status status = MB_OK;
    for (size_t i = 0; i < count && status == MB_OK; i++)
        status = run_set(argv, names[i], path, &all, error);
    unlink(path);
    if (status == MB_OK)
        print_table(&all);
    if (status == MB_OK && json != NULL)
        status = write_table(&all, json, error);
    for (size_t i = 0; i < all.count; i++)
        json_decref(all.set[i].whole);
    return status;
}
