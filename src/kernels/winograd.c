/* The transformations of Winograd's algorithm F(2 x 2, 3 x 3): products of 16 points give 2 x 2
 * outputs of a convolution with a kernel of 3 x 3, which takes 36 products otherwise. With A, B and
 * G, outputs = A^T (G w G^T * B^T x B) A, where * multiplies point by point (Lavin and Gray, "Fast
 * algorithms for convolutional neural networks", 2016). Gradients pass through the transposed
 * matrices. Elements are vectors of n channels, n a multiple of MB_HALF. */
#include "kernels/kernel_set.h"

#include <string.h>

enum { TILE = 4, OUT = 2, KERNEL = 3 };

typedef float lanes __attribute__((vector_size(MB_HALF * sizeof(float))));

/* Four lines of a tile, in place. */
#define BT(a, b, c, d)                                                                             \
    do {                                                                                           \
        const lanes p = (a), q = (b), r = (c), s = (d);                                            \
        (a) = p - r;                                                                               \
        (b) = q + r;                                                                               \
        (c) = r - q;                                                                               \
        (d) = q - s;                                                                               \
    } while (0)
#define B(a, b, c, d)                                                                              \
    do {                                                                                           \
        const lanes p = (a), q = (b), r = (c), s = (d);                                            \
        (a) = p;                                                                                   \
        (b) = q - r + s;                                                                           \
        (c) = q + r - p;                                                                           \
        (d) = -s;                                                                                  \
    } while (0)

void MB_KERNEL_FN(winograd_input)(size_t n, const float *const *pixels, float *restrict v,
                                  size_t plane)
{
    for (size_t c = 0; c < n; c += MB_HALF) {
        lanes x[TILE][TILE];
        for (size_t i = 0; i < TILE; i++)
            for (size_t j = 0; j < TILE; j++)
                memcpy(&x[i][j], pixels[i * TILE + j] + c, sizeof x[i][j]);
        for (size_t j = 0; j < TILE; j++)
            BT(x[0][j], x[1][j], x[2][j], x[3][j]);
        for (size_t i = 0; i < TILE; i++) {
            BT(x[i][0], x[i][1], x[i][2], x[i][3]);
            for (size_t j = 0; j < TILE; j++)
                memcpy(v + (i * TILE + j) * plane + c, &x[i][j], sizeof x[i][j]);
        }
    }
}

void MB_KERNEL_FN(winograd_input_grad)(size_t n, const float *restrict v, size_t plane,
                                       float *const *pixels)
{
    for (size_t c = 0; c < n; c += MB_HALF) {
        lanes x[TILE][TILE];
        for (size_t i = 0; i < TILE; i++)
            for (size_t j = 0; j < TILE; j++)
                memcpy(&x[i][j], v + (i * TILE + j) * plane + c, sizeof x[i][j]);
        for (size_t j = 0; j < TILE; j++)
            B(x[0][j], x[1][j], x[2][j], x[3][j]);
        for (size_t i = 0; i < TILE; i++) {
            B(x[i][0], x[i][1], x[i][2], x[i][3]);
            for (size_t j = 0; j < TILE; j++) {
                lanes sum;
                memcpy(&sum, pixels[i * TILE + j] + c, sizeof sum);
                sum += x[i][j];
                memcpy(pixels[i * TILE + j] + c, &sum, sizeof sum);
            }
        }
    }
}

void MB_KERNEL_FN(winograd_output)(size_t n, const float *restrict m, size_t plane,
                                   const float *restrict bias, float *const *out)
{
    for (size_t c = 0; c < n; c += MB_HALF) {
        lanes y[OUT][TILE], first;
        memcpy(&first, bias + c, sizeof first);
        for (size_t j = 0; j < TILE; j++) {
            lanes x[TILE];
            for (size_t i = 0; i < TILE; i++)
                memcpy(&x[i], m + (i * TILE + j) * plane + c, sizeof x[i]);
            y[0][j] = x[0] + x[1] + x[2];
            y[1][j] = x[1] - x[2] - x[3];
        }
        for (size_t i = 0; i < OUT; i++) {
            const lanes left = first + y[i][0] + y[i][1] + y[i][2];
            const lanes right = first + y[i][1] - y[i][2] - y[i][3];
            memcpy(out[i * OUT] + c, &left, sizeof left);
            memcpy(out[i * OUT + 1] + c, &right, sizeof right);
        }
    }
}

void MB_KERNEL_FN(winograd_output_grad)(size_t n, const float *const *d_out, float *restrict m,
                                        size_t plane)
{
    for (size_t c = 0; c < n; c += MB_HALF) {
        lanes x[TILE][OUT];
        for (size_t j = 0; j < OUT; j++) {
            lanes up, down;
            memcpy(&up, d_out[j] + c, sizeof up);
            memcpy(&down, d_out[OUT + j] + c, sizeof down);
            x[0][j] = up;
            x[1][j] = up + down;
            x[2][j] = up - down;
            x[3][j] = -down;
        }
        for (size_t i = 0; i < TILE; i++) {
            const lanes row[TILE] = {x[i][0], x[i][0] + x[i][1], x[i][0] - x[i][1], -x[i][1]};
            for (size_t j = 0; j < TILE; j++)
                memcpy(m + (i * TILE + j) * plane + c, &row[j], sizeof row[j]);
        }
    }
}

void MB_KERNEL_FN(winograd_weights)(size_t n, const float *restrict w, float *restrict u)
{
    for (size_t c = 0; c < n; c += MB_HALF) {
        lanes x[TILE][KERNEL];
        for (size_t j = 0; j < KERNEL; j++) {
            lanes g[KERNEL];
            for (size_t i = 0; i < KERNEL; i++)
                memcpy(&g[i], w + (i * KERNEL + j) * n + c, sizeof g[i]);
            x[0][j] = g[0];
            x[1][j] = 0.5f * (g[0] + g[1] + g[2]);
            x[2][j] = 0.5f * (g[0] - g[1] + g[2]);
            x[3][j] = g[2];
        }
        for (size_t i = 0; i < TILE; i++) {
            const lanes row[TILE] = {x[i][0], 0.5f * (x[i][0] + x[i][1] + x[i][2]),
                                     0.5f * (x[i][0] - x[i][1] + x[i][2]), x[i][2]};
            for (size_t j = 0; j < TILE; j++)
                memcpy(u + (i * TILE + j) * n + c, &row[j], sizeof row[j]);
        }
    }
}

void MB_KERNEL_FN(winograd_weights_grad)(size_t n, const float *restrict u, float *restrict w)
{
    for (size_t c = 0; c < n; c += MB_HALF) {
        lanes x[KERNEL][TILE];
        for (size_t j = 0; j < TILE; j++) {
            lanes g[TILE];
            for (size_t i = 0; i < TILE; i++)
                memcpy(&g[i], u + (i * TILE + j) * n + c, sizeof g[i]);
            x[0][j] = g[0] + 0.5f * (g[1] + g[2]);
            x[1][j] = 0.5f * (g[1] - g[2]);
            x[2][j] = 0.5f * (g[1] + g[2]) + g[3];
        }
        for (size_t i = 0; i < KERNEL; i++) {
            const lanes row[KERNEL] = {x[i][0] + 0.5f * (x[i][1] + x[i][2]),
                                       0.5f * (x[i][1] - x[i][2]),
                                       0.5f * (x[i][1] + x[i][2]) + x[i][3]};
            for (size_t j = 0; j < KERNEL; j++) {
                lanes sum;
                memcpy(&sum, w + (i * KERNEL + j) * n + c, sizeof sum);
                sum += row[j];
                memcpy(w + (i * KERNEL + j) * n + c, &sum, sizeof sum);
            }
        }
    }
}
