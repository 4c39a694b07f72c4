/* The transformations of Winograd's algorithm F(4 x 4, 3 x 3): products of 36 points give 4 x 4
 * outputs of a convolution with a kernel of 3 x 3, which takes 144 products otherwise. With A, B
 * and G, outputs = A^T (G w G^T * B^T x B) A, where * multiplies point by point (Lavin and Gray,
 * "Fast algorithms for convolutional neural networks", 2016). Gradients pass through the transposed
 * matrices. Elements are vectors of n channels, n a multiple of MB_HALF.
 *
 * A polynomial is evaluated at 0, +-P, +-Q and infinity. With 3/4 and 3/2 outputs have a fifth of
 * the rounding error that the usual 1 and 2 give, and P^2 Q^2, ... are exact. The matrices of +-P
 * and +-Q have even and odd parts in common, so they are computed as sums and differences. */
#include "kernels/vector.h"

enum { TILE = 6, OUT = 4, KERNEL = 3 };

#define P 0.75f
#define Q 1.5f
#define P2 (P * P)
#define Q2 (Q * Q)
/* The products of the differences to the other points: of 0, +-P and +-Q. */
#define N_ZERO (P2 * Q2)
#define N_P (2.0f * P2 * (P2 - Q2))
#define N_Q (2.0f * Q2 * (Q2 - P2))

/* a * x + sum, and a line of a tile from another. */
#define ADD mb_register_add_product
typedef void line_fn(const mb_register *x, mb_register *y);

/* y (6) = B^T x (6) */
MB_ALWAYS_INLINE void input_line(const mb_register *x, mb_register *y)
{
    const mb_register even_p = ADD(-Q2, x[2], x[4]), odd_p = ADD(-Q2, x[1], x[3]);
    const mb_register even_q = ADD(-P2, x[2], x[4]), odd_q = ADD(-P2, x[1], x[3]);
    y[0] = ADD(P2 * Q2, x[0], ADD(-(P2 + Q2), x[2], x[4]));
    y[1] = ADD(P, odd_p, even_p);
    y[2] = ADD(-P, odd_p, even_p);
    y[3] = ADD(Q, odd_q, even_q);
    y[4] = ADD(-Q, odd_q, even_q);
    y[5] = ADD(P2 * Q2, x[1], ADD(-(P2 + Q2), x[3], x[5]));
}

/* y (6) = B x (6) */
MB_ALWAYS_INLINE void input_grad_line(const mb_register *x, mb_register *y)
{
    const mb_register sum_p = x[1] + x[2], sum_q = x[3] + x[4];
    const mb_register odd_p = P * (x[1] - x[2]), odd_q = Q * (x[3] - x[4]);
    y[0] = P2 * Q2 * x[0];
    y[1] = ADD(-Q2, odd_p, ADD(-P2, odd_q, P2 * Q2 * x[5]));
    y[2] = ADD(-Q2, sum_p, ADD(-P2, sum_q, -(P2 + Q2) * x[0]));
    y[3] = ADD(-(P2 + Q2), x[5], odd_p + odd_q);
    y[4] = x[0] + sum_p + sum_q;
    y[5] = x[5];
}

/* y (4) = A^T x (6) */
MB_ALWAYS_INLINE void output_line(const mb_register *x, mb_register *y)
{
    const mb_register sum_p = x[1] + x[2], sum_q = x[3] + x[4];
    const mb_register odd_p = P * (x[1] - x[2]), odd_q = Q * (x[3] - x[4]);
    y[0] = x[0] + sum_p + sum_q;
    y[1] = odd_p + odd_q;
    y[2] = ADD(Q2, sum_q, P2 * sum_p);
    y[3] = ADD(Q2, odd_q, ADD(P2, odd_p, x[5]));
}

/* y (6) = A x (4) */
MB_ALWAYS_INLINE void output_grad_line(const mb_register *x, mb_register *y)
{
    const mb_register even_p = ADD(P2, x[2], x[0]), odd_p = ADD(P2, x[3], x[1]);
    const mb_register even_q = ADD(Q2, x[2], x[0]), odd_q = ADD(Q2, x[3], x[1]);
    y[0] = x[0];
    y[1] = ADD(P, odd_p, even_p);
    y[2] = ADD(-P, odd_p, even_p);
    y[3] = ADD(Q, odd_q, even_q);
    y[4] = ADD(-Q, odd_q, even_q);
    y[5] = x[3];
}

/* y (6) = G x (3) */
MB_ALWAYS_INLINE void weights_line(const mb_register *x, mb_register *y)
{
    const mb_register even_p = ADD(P2, x[2], x[0]), even_q = ADD(Q2, x[2], x[0]);
    y[0] = 1.0f / N_ZERO * x[0];
    y[1] = 1.0f / N_P * ADD(P, x[1], even_p);
    y[2] = 1.0f / N_P * ADD(-P, x[1], even_p);
    y[3] = 1.0f / N_Q * ADD(Q, x[1], even_q);
    y[4] = 1.0f / N_Q * ADD(-Q, x[1], even_q);
    y[5] = x[2];
}

/* y (3) = G^T x (6) */
MB_ALWAYS_INLINE void weights_grad_line(const mb_register *x, mb_register *y)
{
    const mb_register sum_p = 1.0f / N_P * (x[1] + x[2]), sum_q = 1.0f / N_Q * (x[3] + x[4]);
    y[0] = ADD(1.0f / N_ZERO, x[0], sum_p + sum_q);
    y[1] = ADD(P / N_P, x[1] - x[2], Q / N_Q * (x[3] - x[4]));
    y[2] = ADD(P2, sum_p, ADD(Q2, sum_q, x[5]));
}

/* y (to, to) = the line's matrix times x (from, from) times its transpose; x by columns. */
MB_ALWAYS_INLINE void transform(line_fn *line, const size_t from, const size_t to,
                                mb_register x[TILE][TILE], mb_register y[TILE][TILE])
{
    mb_register half[TILE][TILE], column[TILE];
    for (size_t j = 0; j < from; j++) {
        line(x[j], column);
        for (size_t i = 0; i < to; i++)
            half[i][j] = column[i];
    }
    for (size_t i = 0; i < to; i++)
        line(half[i], y[i]);
}

/* Vectors of a tile (side, side), `plane` elements apart or where `pixels` says, by columns. */
MB_ALWAYS_INLINE void load_tile(const float *from, size_t plane, const size_t side,
                                mb_lane_mask mask, mb_register x[TILE][TILE])
{
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < side; j++)
            x[j][i] = mb_load_lanes(from + (i * side + j) * plane, mask);
}

MB_ALWAYS_INLINE void load_pixels(const float *const *pixels, size_t offset, const size_t side,
                                  mb_lane_mask mask, mb_register x[TILE][TILE])
{
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < side; j++)
            x[j][i] = mb_load_lanes(pixels[i * side + j] + offset, mask);
}

/* By rows. */
MB_ALWAYS_INLINE void store_tile(mb_register y[TILE][TILE], mb_lane_mask mask, float *to,
                                 size_t plane)
{
    for (size_t i = 0; i < TILE; i++)
        for (size_t j = 0; j < TILE; j++)
            mb_store_lanes(y[i][j], to + (i * TILE + j) * plane, mask);
}

void MB_KERNEL_FN(winograd_input)(size_t n, const float *const *pixels, float *restrict v,
                                  size_t plane)
{
    for (size_t c = 0; c < n; c += MB_REGISTER_LANES) {
        const mb_lane_mask mask = mb_first_lanes(n - c);
        mb_register x[TILE][TILE], y[TILE][TILE];
        load_pixels(pixels, c, TILE, mask, x);
        transform(input_line, TILE, TILE, x, y);
        store_tile(y, mask, v + c, plane);
    }
}

void MB_KERNEL_FN(winograd_input_grad)(size_t n, const float *restrict v, size_t plane,
                                       float *const *pixels)
{
    for (size_t c = 0; c < n; c += MB_REGISTER_LANES) {
        const mb_lane_mask mask = mb_first_lanes(n - c);
        mb_register x[TILE][TILE], y[TILE][TILE];
        load_tile(v + c, plane, TILE, mask, x);
        transform(input_grad_line, TILE, TILE, x, y);
        for (size_t i = 0; i < TILE; i++)
            for (size_t j = 0; j < TILE; j++) {
                float *at = pixels[i * TILE + j] + c;
                mb_store_lanes(mb_load_lanes(at, mask) + y[i][j], at, mask);
            }
    }
}

void MB_KERNEL_FN(winograd_output)(size_t n, const float *restrict m, size_t plane,
                                   const float *restrict bias, float *const *out)
{
    for (size_t c = 0; c < n; c += MB_REGISTER_LANES) {
        const mb_lane_mask mask = mb_first_lanes(n - c);
        const mb_register first = mb_load_lanes(bias + c, mask);
        mb_register x[TILE][TILE], y[TILE][TILE];
        load_tile(m + c, plane, TILE, mask, x);
        transform(output_line, TILE, OUT, x, y);
        for (size_t i = 0; i < OUT; i++)
            for (size_t j = 0; j < OUT; j++)
                mb_store_lanes(first + y[i][j], out[i * OUT + j] + c, mask);
    }
}

void MB_KERNEL_FN(winograd_output_grad)(size_t n, const float *const *d_out, float *restrict m,
                                        size_t plane)
{
    for (size_t c = 0; c < n; c += MB_REGISTER_LANES) {
        const mb_lane_mask mask = mb_first_lanes(n - c);
        mb_register x[TILE][TILE], y[TILE][TILE];
        load_pixels(d_out, c, OUT, mask, x);
        transform(output_grad_line, OUT, TILE, x, y);
        store_tile(y, mask, m + c, plane);
    }
}

void MB_KERNEL_FN(winograd_weights)(size_t n, const float *restrict w, float *restrict u)
{
    for (size_t c = 0; c < n; c += MB_REGISTER_LANES) {
        const mb_lane_mask mask = mb_first_lanes(n - c);
        mb_register x[TILE][TILE], y[TILE][TILE];
        load_tile(w + c, n, KERNEL, mask, x);
        transform(weights_line, KERNEL, TILE, x, y);
        store_tile(y, mask, u + c, n);
    }
}

void MB_KERNEL_FN(winograd_weights_grad)(size_t n, const float *restrict u, float *restrict w)
{
    for (size_t c = 0; c < n; c += MB_REGISTER_LANES) {
        const mb_lane_mask mask = mb_first_lanes(n - c);
        mb_register x[TILE][TILE], y[TILE][TILE];
        load_tile(u + c, n, TILE, mask, x);
        transform(weights_grad_line, TILE, KERNEL, x, y);
        for (size_t i = 0; i < KERNEL; i++)
            for (size_t j = 0; j < KERNEL; j++) {
                float *at = w + (i * KERNEL + j) * n + c;
                mb_store_lanes(mb_load_lanes(at, mask) + y[i][j], at, mask);
            }
    }
}
