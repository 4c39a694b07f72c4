/* The transformations of Winograd's algorithm F(2 x 2, 3 x 3): products of 16 points give 2 x 2
 * outputs of a convolution with a kernel of 3 x 3, which takes 36 products otherwise. With A, B and
 * G, outputs = A^T (G w G^T * B^T x B) A, where * multiplies point by point (Lavin and Gray, "Fast
 * algorithms for convolutional neural networks", 2016). Gradients pass through the transposed
 * matrices. Elements are vectors of n channels, n a multiple of MB_HALF. */
#include "kernels/vector.h"

enum { TILE = 4, OUT = 2, KERNEL = 3 };

/* Four lines of a tile, in place. */
#define BT(a, b, c, d)                                                                             \
    do {                                                                                           \
        const mb_register p = (a), q = (b), r = (c), s = (d);                                      \
        (a) = p - r;                                                                               \
        (b) = q + r;                                                                               \
        (c) = r - q;                                                                               \
        (d) = q - s;                                                                               \
    } while (0)
#define B(a, b, c, d)                                                                              \
    do {                                                                                           \
        const mb_register p = (a), q = (b), r = (c), s = (d);                                      \
        (a) = p;                                                                                   \
        (b) = q - r + s;                                                                           \
        (c) = q + r - p;                                                                           \
        (d) = -s;                                                                                  \
    } while (0)

void MB_KERNEL_FN(winograd_input)(size_t n, const float *const *pixels, float *restrict v,
                                  size_t plane)
{
    for (size_t c = 0; c < n; c += MB_REGISTER_LANES) {
        const mb_lane_mask mask = mb_first_lanes(n - c);
        mb_register x[TILE][TILE];
        for (size_t i = 0; i < TILE; i++)
            for (size_t j = 0; j < TILE; j++)
                x[i][j] = mb_load_lanes(pixels[i * TILE + j] + c, mask);
        for (size_t j = 0; j < TILE; j++)
            BT(x[0][j], x[1][j], x[2][j], x[3][j]);
        for (size_t i = 0; i < TILE; i++) {
            BT(x[i][0], x[i][1], x[i][2], x[i][3]);
            for (size_t j = 0; j < TILE; j++)
                mb_store_lanes(x[i][j], v + (i * TILE + j) * plane + c, mask);
        }
    }
}

void MB_KERNEL_FN(winograd_input_grad)(size_t n, const float *restrict v, size_t plane,
                                       float *const *pixels)
{
    for (size_t c = 0; c < n; c += MB_REGISTER_LANES) {
        const mb_lane_mask mask = mb_first_lanes(n - c);
        mb_register x[TILE][TILE];
        for (size_t i = 0; i < TILE; i++)
            for (size_t j = 0; j < TILE; j++)
                x[i][j] = mb_load_lanes(v + (i * TILE + j) * plane + c, mask);
        for (size_t j = 0; j < TILE; j++)
            B(x[0][j], x[1][j], x[2][j], x[3][j]);
        for (size_t i = 0; i < TILE; i++) {
            B(x[i][0], x[i][1], x[i][2], x[i][3]);
            for (size_t j = 0; j < TILE; j++) {
                float *at = pixels[i * TILE + j] + c;
                mb_store_lanes(mb_load_lanes(at, mask) + x[i][j], at, mask);
            }
        }
    }
}

void MB_KERNEL_FN(winograd_output)(size_t n, const float *restrict m, size_t plane,
                                   const float *restrict bias, float *const *out)
{
    for (size_t c = 0; c < n; c += MB_REGISTER_LANES) {
        const mb_lane_mask mask = mb_first_lanes(n - c);
        const mb_register first = mb_load_lanes(bias + c, mask);
        mb_register y[OUT][TILE];
        for (size_t j = 0; j < TILE; j++) {
            mb_register x[TILE];
            for (size_t i = 0; i < TILE; i++)
                x[i] = mb_load_lanes(m + (i * TILE + j) * plane + c, mask);
            y[0][j] = x[0] + x[1] + x[2];
            y[1][j] = x[1] - x[2] - x[3];
        }
        for (size_t i = 0; i < OUT; i++) {
            const mb_register left = first + y[i][0] + y[i][1] + y[i][2];
            const mb_register right = first + y[i][1] - y[i][2] - y[i][3];
            mb_store_lanes(left, out[i * OUT] + c, mask);
            mb_store_lanes(right, out[i * OUT + 1] + c, mask);
        }
    }
}

void MB_KERNEL_FN(winograd_output_grad)(size_t n, const float *const *d_out, float *restrict m,
                                        size_t plane)
{
    for (size_t c = 0; c < n; c += MB_REGISTER_LANES) {
        const mb_lane_mask mask = mb_first_lanes(n - c);
        mb_register x[TILE][OUT];
        for (size_t j = 0; j < OUT; j++) {
            const mb_register up = mb_load_lanes(d_out[j] + c, mask);
            const mb_register down = mb_load_lanes(d_out[OUT + j] + c, mask);
            x[0][j] = up;
            x[1][j] = up + down;
            x[2][j] = up - down;
            x[3][j] = -down;
        }
        for (size_t i = 0; i < TILE; i++) {
            const mb_register row[TILE] = {x[i][0], x[i][0] + x[i][1], x[i][0] - x[i][1], -x[i][1]};
            for (size_t j = 0; j < TILE; j++)
                mb_store_lanes(row[j], m + (i * TILE + j) * plane + c, mask);
        }
    }
}

void MB_KERNEL_FN(winograd_weights)(size_t n, const float *restrict w, float *restrict u)
{
    for (size_t c = 0; c < n; c += MB_REGISTER_LANES) {
        const mb_lane_mask mask = mb_first_lanes(n - c);
        mb_register x[TILE][KERNEL];
        for (size_t j = 0; j < KERNEL; j++) {
            mb_register g[KERNEL];
            for (size_t i = 0; i < KERNEL; i++)
                g[i] = mb_load_lanes(w + (i * KERNEL + j) * n + c, mask);
            x[0][j] = g[0];
            x[1][j] = 0.5f * (g[0] + g[1] + g[2]);
            x[2][j] = 0.5f * (g[0] - g[1] + g[2]);
            x[3][j] = g[2];
        }
        for (size_t i = 0; i < TILE; i++) {
            const mb_register row[TILE] = {x[i][0], 0.5f * (x[i][0] + x[i][1] + x[i][2]),
                                           0.5f * (x[i][0] - x[i][1] + x[i][2]), x[i][2]};
            for (size_t j = 0; j < TILE; j++)
                mb_store_lanes(row[j], u + (i * TILE + j) * n + c, mask);
        }
    }
}

void MB_KERNEL_FN(winograd_weights_grad)(size_t n, const float *restrict u, float *restrict w)
{
    for (size_t c = 0; c < n; c += MB_REGISTER_LANES) {
        const mb_lane_mask mask = mb_first_lanes(n - c);
        mb_register x[KERNEL][TILE];
        for (size_t j = 0; j < TILE; j++) {
            mb_register g[TILE];
            for (size_t i = 0; i < TILE; i++)
                g[i] = mb_load_lanes(u + (i * TILE + j) * n + c, mask);
            x[0][j] = g[0] + 0.5f * (g[1] + g[2]);
            x[1][j] = 0.5f * (g[1] - g[2]);
            x[2][j] = 0.5f * (g[1] + g[2]) + g[3];
        }
        for (size_t i = 0; i < KERNEL; i++) {
            const mb_register row[KERNEL] = {x[i][0] + 0.5f * (x[i][1] + x[i][2]),
                                             0.5f * (x[i][1] - x[i][2]),
                                             0.5f * (x[i][1] + x[i][2]) + x[i][3]};
            for (size_t j = 0; j < KERNEL; j++) {
                float *at = w + (i * KERNEL + j) * n + c;
                mb_store_lanes(mb_load_lanes(at, mask) + row[j], at, mask);
            }
        }
    }
}
