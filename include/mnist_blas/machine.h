/* The machine: which cores this process may use, and a team of threads pinned to them. */
#ifndef MNIST_BLAS_MACHINE_H
#define MNIST_BLAS_MACHINE_H

#include <mnist_blas/ranks.h>
#include <mnist_blas/status.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* More threads are rejected as a typo. */
enum { MB_MAX_THREADS = 65536 };

/* Bytes of address space that OpenBLAS maps per thread when it is loaded, and again per thread that
 * multiplies (x86-64 and arm64). */
enum { MB_BLAS_BUFFER = 128 << 20 };

/* {0} or NULL: the environment and the machine decide. */
typedef struct mb_machine_options {
    size_t threads;  /* 0: OMP_NUM_THREADS, else one per physical core that may be used */
    const char *pin; /* "core", "pu", "none" or a list such as "0,2,4-7"; NULL: MNIST_BLAS_PIN */
    /* Threads are pinned as threads place, place + 1, ... of a team: for processes of one program
     * that run side by side. By default they choose free cores, whatever it is. */
    size_t place;
    /* The processes that train with this one; those of a computer divide its cores among them. All
     * open a machine at the same time. NULL: none. */
    const mb_ranks *ranks;
} mb_machine_options;

/* Properties of the machine, and settings derived from them. The mb_machine owns strings and
 * arrays. */
typedef struct mb_machine_info {
    const char *cpu;       /* name of the processor, "" if unknown */
    const char *cpu_level; /* instruction set of our kernels: "x86-64-v4", "neon", "generic", ... */
    size_t cores;          /* physical cores of the machine */
    size_t cores_allowed;  /* physical cores that this process may use */
    size_t pus_allowed;    /* logical processors that this process may use */
    size_t caches;         /* last-level caches of these cores; 0: unknown */
    const unsigned *core_cpus;   /* (cores_allowed) CPU number of each core */
    const unsigned *core_caches; /* (cores_allowed) 0 .. caches-1: the cache of each core */
    size_t rank_core;            /* the first of them that is this rank's; 0 without ranks */
    size_t ranks;                /* processes that train together; 1: this one alone */
    double quota;                /* CPU quota of the cgroups, in CPUs; 0: no limit */
    size_t threads;              /* threads of the team */
    size_t threads_default;      /* those of a team for which no number is requested; 0:
                                  * OMP_NUM_THREADS is no number */
    const char *threads_from; /* origin of threads: "--threads", "OMP_NUM_THREADS", "cores", ... */
    const char *pin_policy;   /* "core", "pu", "none", "list", "OpenMP", "shared" */
    const unsigned *pins;     /* (threads) CPU number of each thread; NULL: not pinned */
    const char *blas_version; /* "0.3.21" */
    const char *blas_core;    /* OpenBLAS's kernel set, "SkylakeX" */
    const char *blas_threading; /* "openmp", "pthreads" or "none" */
    const char *blas_config;    /* OpenBLAS's description of its build */
    const char *warning;        /* one line for the user; NULL: none */
} mb_machine_info;

/* Not thread-safe: use a machine, and the networks opened with it, from one thread at a time. */
typedef struct mb_machine mb_machine;

/* Reads the machine and the environment (OMP_NUM_THREADS, OMP_PROC_BIND, OMP_PLACES,
 * MNIST_BLAS_PIN, OPENBLAS_CORETYPE) and prepares the team; the caller closes *machine.
 * MB_ERROR_INVALID: an invalid variable or option (the error names it), or a CPU that may not be
 * used; MB_ERROR_MEMORY; MB_ERROR_UNAVAILABLE: the topology cannot be read. */
MB_API mb_status mb_machine_open(const mb_machine_options *options, mb_machine **machine,
                                 mb_error *error);

/* Valid until the machine is closed. */
MB_API const mb_machine_info *mb_machine_describe(const mb_machine *machine);

/* Round trips of a cache line between neighbouring threads of a team, in seconds: the nearest pair
 * and the farthest one. 0: one thread, or threads that share a CPU. */
typedef struct mb_round_trip {
    double min, max;
} mb_round_trip;

/* Measures them, on all threads of the team: about 1 ms per pair. On a virtual machine they may
 * change by the minute. */
MB_API mb_round_trip mb_machine_round_trip(mb_machine *machine);

/* "near": all pairs share a cache, as far as their round trips tell; "far": none does; "mixed";
 * "unknown": nothing was measured. Constant strings. */
MB_API const char *mb_round_trip_kind(mb_round_trip round_trip);

/* Unpins the threads and frees; NULL is fine. */
MB_API void mb_machine_close(mb_machine *machine);

/* The value of OPENBLAS_CORETYPE that selects a faster kernel set for this CPU than the one that
 * OpenBLAS has chosen; NULL if there is none. OpenBLAS reads the variable when it is loaded, so
 * only a program that restarts itself can use it. */
MB_API const char *mb_machine_better_blas_core(void);

#ifdef __cplusplus
}
#endif
#endif
