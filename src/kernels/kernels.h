/* Our own inner loops, one table of them per instruction set.
 *
 * Every level gives the same bits: no contraction, no reassociation, sums in a fixed order. So a
 * model does not depend on which level a CPU gets. Matrices are row-major; `ld` is the distance
 * between rows in elements. No pointer may overlap another of the same call. */
#ifndef MB_KERNELS_KERNELS_H
#define MB_KERNELS_KERNELS_H

#include "machine/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most classes a network can tell apart. */
enum { MB_MAX_CLASSES = 256 };

/* What one update does to a parameter; worked out once a step from options and schedule. */
typedef struct mb_update {
    float step;     /* learning rate; adam, adamw: learning rate / (1 - beta1^t) */
    float keep;     /* decoupled decay: weights are multiplied by this first */
    float l2;       /* L2 decay: this times the weight is added to the gradient */
    float momentum; /* sgd */
    bool nesterov;  /* sgd */
    float beta1, beta2, one_minus_beta1, one_minus_beta2;
    float root_scale; /* 1 / sqrt(1 - beta2^t) */
    float epsilon;
} mb_update;

/* Updates n parameters w and their moments in one pass. Biases are given without decay. */
typedef void mb_update_fn(const mb_update *update, bool decay, size_t n, const float *gradient,
                          float *w, float *first_moment, float *second_moment);

typedef struct mb_kernels {
    /* out[i] = bytes[i] / 255 */
    void (*widen)(size_t n, const uint8_t *bytes, float *out);

    /* row = 0, then row[slot[index[i]]] = value[i] / 255: one image, of which only the n bytes
     * that are not zero are given, into `columns` active columns. */
    void (*spread)(size_t n, const uint16_t *index, const uint8_t *value, const uint16_t *slot,
                   size_t columns, float *row);

    /* out (n, width) = rows of w (.., width) listed in `active`. */
    void (*pick_rows)(size_t n, const uint16_t *active, size_t width, const float *w, float *out);

    /* out (rows, width) = g (n, width) at the rows listed in `active`, ascending, and 0 elsewhere;
     * or, with `add`, added to what is there. */
    void (*place_rows)(size_t n, const uint16_t *active, size_t width, const float *g, size_t rows,
                       float *out, bool add);

    /* out (columns, ld >= rows) = transpose of in (rows, columns), both without gaps but for ld. */
    void (*transpose)(size_t rows, size_t columns, const float *in, float *out, size_t ld);

    /* Each row of z (rows, columns) = bias (columns). */
    void (*fill_rows)(size_t rows, size_t columns, const float *bias, float *z, size_t ld);

    /* sums (columns) += the rows of d (rows, columns), first row first. */
    void (*add_rows)(size_t rows, size_t columns, const float *d, size_t ld, float *sums);

    /* z = max(z, 0); NaN stays. */
    void (*relu)(size_t rows, size_t columns, float *z, size_t ld);

    /* d = 0 where a <= 0: the gradient through relu, whose output is a. NaN stays. */
    void (*relu_gradient)(size_t rows, size_t columns, const float *a, float *d, size_t ld);

    /* Softmax cross-entropy of logits (rows, classes) against labels: losses (rows) in nats,
     * guess (rows) the likeliest class, and gradient (rows, classes) of scale * loss, or NULL. */
    void (*softmax)(size_t rows, size_t classes, const float *logits, const uint8_t *labels,
                    float scale, float *gradient, float *losses, uint8_t *guess);

    /* y = e^x for x <= 0 (0 below -87.3, NaN stays), within 2 ulp. */
    void (*exp)(size_t n, const float *x, float *y);

    mb_update_fn *sgd, *adam; /* adam: adamw too, `keep` and `l2` tell them apart */
} mb_kernels;

/* The kernels of a level. A level that this build lacks gives the next lower one. */
const mb_kernels *mb_kernels_at(mb_cpu_level level);

/* The best that this CPU can run. */
const mb_kernels *mb_kernels_best(void);

#endif
