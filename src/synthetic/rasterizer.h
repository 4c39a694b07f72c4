/* A pen's path to the gray values of an image. */
#ifndef MB_SYNTHETIC_RASTERIZER_H
#define MB_SYNTHETIC_RASTERIZER_H

#include "core/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Side of the square that MNIST's digits fill before they are centered, in pixels. */
enum { MB_RASTER_SIDE = 20, MB_MAX_PATH_POINTS = 96 };

/* A disc of ink. A radius below 0 leaves none. */
typedef struct mb_path_point {
    float x, y, radius;
    bool starts_stroke; /* not joined to the point before */
} mb_path_point;

typedef struct mb_path {
    size_t count;
    mb_path_point points[MB_MAX_PATH_POINTS];
} mb_path;

/* Moves and scales the path, which has ink, so that the box around the ink fits the square from 0
 * to MB_RASTER_SIDE: the longer side fills it, the shorter one is centered. */
void mb_path_fit(mb_path *path);

/* depth (MB_RASTER_SIDE, MB_RASTER_SIDE) = how far the center of each pixel is inside the ink, in
 * pixels, at least -1: the maximum over the path's segments of the radius at the point nearest to
 * the pixel minus the distance to it. The radius changes linearly along a segment. */
void mb_path_depth(const mb_path *path, float *depth);

/* The edge of the ink. */
typedef struct mb_ink_edge {
    float sharpness; /* fraction of full gray per pixel of depth: 1 blurs over one pixel */
    float noise;     /* maximum displacement of the edge, in pixels */
} mb_ink_edge;

/* Converts depths to gray values: 0 outside, half at the edge, full inside. If a thin line is full
 * nowhere, all values are scaled until it is. */
void mb_depth_to_gray(const float *depth, mb_ink_edge edge, mb_rng *rng, uint8_t *gray);

#endif
