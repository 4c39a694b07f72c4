/* The machine a program runs on: which cores it may use, and the threads that use them. */
#ifndef MNIST_BLAS_MACHINE_H
#define MNIST_BLAS_MACHINE_H

#include <mnist_blas/status.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What was asked for; {0}, or NULL in its place, leaves everything to the environment and the
 * machine. */
typedef struct mb_machine_options {
    size_t threads;  /* 0: OMP_NUM_THREADS, else one a physical core that may be used */
    const char *pin; /* "core", "pu", "none" or a list such as "0,2,4-7"; NULL: MNIST_BLAS_PIN */
} mb_machine_options;

/* What was found and decided. Strings and arrays belong to the mb_machine. */
typedef struct mb_machine_info {
    const char *cpu;            /* the processor's own name, "" when unknown */
    const char *cpu_level;      /* instruction set of our kernels: "x86-64-v4", "generic", ... */
    size_t cores;               /* physical cores of the machine */
    size_t cores_allowed;       /* ... that this process may run on */
    size_t pus_allowed;         /* logical processors that this process may run on */
    double quota;               /* CPUs' worth of time that the cgroups allow; 0: no limit */
    size_t threads;             /* threads in the team */
    const char *threads_from;   /* who decided: "--threads", "OMP_NUM_THREADS", "cores", ... */
    const char *pin_policy;     /* "core", "pu", "none", "list" or "OpenMP" */
    const unsigned *pins;       /* (threads) operating system's CPU of each; NULL: not pinned */
    const char *blas_version;   /* "0.3.21" */
    const char *blas_core;      /* OpenBLAS's kernel set, "SkylakeX" */
    const char *blas_threading; /* "openmp", "pthreads" or "none" */
    const char *blas_config;    /* OpenBLAS's own description of its build */
    const char *warning;        /* one line that a user should see, NULL when there is none */
} mb_machine_info;

/* A thread team with its pins. One at a time is used by one caller. */
typedef struct mb_machine mb_machine;

/* Reads the machine and the environment (OMP_NUM_THREADS, OMP_PROC_BIND, OMP_PLACES,
 * MNIST_BLAS_PIN) and prepares the team; *machine is then the caller's, for mb_machine_close.
 * MB_ERROR_INVALID: a variable or option that cannot be meant (the error names it) or CPUs that are
 * not there; MB_ERROR_MEMORY; MB_ERROR_UNAVAILABLE: the topology cannot be read. */
MB_API mb_status mb_machine_open(const mb_machine_options *options, mb_machine **machine,
                                 mb_error *error);

/* Valid until the machine is closed. */
MB_API const mb_machine_info *mb_machine_describe(const mb_machine *machine);

/* Undoes the pins and frees; NULL is fine. */
MB_API void mb_machine_close(mb_machine *machine);

#ifdef __cplusplus
}
#endif
#endif
