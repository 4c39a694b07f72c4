/* A pen's path to the gray values of an image. */
#ifndef MB_DATA_PEN_H
#define MB_DATA_PEN_H

#include "core/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Side of the square in which MNIST's digits are drawn before they are centred, in pixels, and the
 * most dots of a path. */
enum { MB_PEN_SIDE = 20, MB_PATH_DOTS = 96 };

/* Where the pen was, and the radius of the disc of ink that it left there. A radius below 0 leaves
 * none. */
typedef struct mb_ink {
    float x, y, radius;
    bool begins; /* not joined to the dot before */
} mb_ink;

typedef struct mb_path {
    size_t count;
    mb_ink dots[MB_PATH_DOTS];
} mb_path;

/* Moves and scales the path so that the box around its ink fits the square from 0 to MB_PEN_SIDE:
 * the longer side fills it, the shorter one is in the middle. The path has ink. */
void mb_path_fit(mb_path *path);

/* How deep in the ink the middle of each pixel is, depth (MB_PEN_SIDE, MB_PEN_SIDE) in pixels, not
 * less than -1. For one piece of the path that is the radius at its place nearest to the pixel less
 * the distance to there, the radius going evenly from dot to dot; of all pieces the most counts. */
void mb_pen_depth(const mb_path *path, float *depth);

/* How ink and scanner turn depth to gray. */
typedef struct mb_inking {
    float sharp;  /* share of full gray that a pixel's depth changes: 1 blurs by one pixel */
    float ragged; /* the most that noise moves the edge, in pixels */
} mb_inking;

/* Depths to gray values: half at the edge of the ink, 0 outside and full inside. Where a thin line
 * is full nowhere, all values are stretched until it is somewhere. */
void mb_pen_gray(const float *depth, mb_inking inking, mb_rng *rng, uint8_t *gray);

#endif
