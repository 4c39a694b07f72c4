/* Networks of all kinds of layers, for the tests that walk them. */
#ifndef MB_TESTS_LAYER_NETS_H
#define MB_TESTS_LAYER_NETS_H

#include <stddef.h>

struct net {
    const char *spec;
    size_t rows, columns, classes;
};

/* Losses and gradients are compared with a reference (test_layers.c). */

/* Convolutions of less than 16 channels per group work in NCHW, the others in NHWC. */
static const struct net image_nets[] = {
    /* each layout, and from one to the other */
    {"conv2d:4x3,relu,flatten,dense:5", 9, 13, 5},
    {"conv2d:20x3,relu,flatten,dense:5", 9, 13, 5},
    {"conv2d:16x3,relu,conv2d:32x3,relu,flatten,dense:5", 9, 8, 5},
    {"conv2d:15x3,relu,conv2d:17x3,flatten,dense:5", 7, 9, 5},
    {"conv2d:4x3/pad1,relu,conv2d:20x3,relu,conv2d:6x3/pad1,relu,conv2d:17x1,relu,flatten,dense:5",
     8, 9, 5},
    {"conv2d:20x3,conv2d:3x2/stride2/pad1,relu,conv2d:16x3/pad2,flatten,dense:5", 7, 8, 5},
    /* strides, padding, kernels of one element and of the whole image */
    {"conv2d:5x5/stride2/pad2,relu,conv2d:18x3/stride2/pad1,relu,flatten,dense:5", 11, 14, 5},
    {"conv2d:16x4/stride3/pad3,relu,conv2d:16x2/stride2/pad1,relu,flatten,dense:5", 10, 11, 5},
    {"conv2d:3x2/stride5,flatten,dense:5", 9, 13, 5},
    {"conv2d:4x1,relu,conv2d:19x1,relu,conv2d:5x1/stride2,flatten,dense:5", 6, 7, 5},
    {"conv2d:7x9,relu,flatten,dense:5", 9, 9, 5},
    {"conv2d:33x9,relu,conv2d:20x1,flatten,dense:5", 9, 9, 5},
    {"conv2d:2x3/pad1,relu,flatten,dense:5", 2, 40, 5},
    /* groups, one channel each among them */
    {"conv2d:6x3,relu,conv2d:6x3/groups6/pad1,relu,conv2d:12x1/groups3,flatten,dense:5", 8, 7, 5},
    {"conv2d:32x3,relu,conv2d:32x3/groups2/pad1,relu,conv2d:36x1/groups2,flatten,dense:5", 6, 7, 5},
    {"conv2d:8x3,relu,conv2d:32x3/groups2/stride2,relu,flatten,dense:5", 9, 8, 5},
    {"conv2d:20x3,relu,conv2d:40x3/groups2/pad1,relu,flatten,dense:5", 6, 8, 5},
    {"conv2d:32x3,relu,conv2d:32x3/groups32/stride2,relu,conv2d:16x1,flatten,dense:5", 8, 9, 5},
    {"conv2d:24x3,relu,conv2d:24x2/groups12/pad1,flatten,dense:5", 7, 6, 5},
    /* without im2col: rows of one vector, more, two, more; one to three vectors of units */
    {"conv2d:6x5/pad2,relu,conv2d:7x3,relu,flatten,dense:5", 7, 18, 5},
    {"conv2d:5x7/pad3,relu,conv2d:10x3/groups5,flatten,dense:5", 6, 32, 5},
    {"conv2d:8x2/pad1,relu,conv2d:8x5/groups8/pad2,flatten,dense:5", 5, 70, 5},
    {"conv2d:48x3/pad1,relu,conv2d:48x3/stride2,relu,flatten,dense:5", 6, 15, 5},
    {"conv2d:96x3,relu,conv2d:96x2/groups2/pad1,relu,conv2d:64x1/groups4,flatten,dense:5", 6, 5, 5},
    /* Winograd's algorithm: half vectors of channels, padding, odd and even, some blocks of tiles,
     * before a max pool and a batch normalisation */
    {"conv2d:24x3,relu,conv2d:48x3/pad1,relu,conv2d:16x3/pad2,flatten,dense:5", 7, 10, 5},
    {"conv2d:16x1,conv2d:16x3,flatten,dense:5", 3, 4, 5},
    {"conv2d:16x1,relu,conv2d:64x3/pad1,relu,globalavgpool,flatten,dense:5", 9, 40, 5},
    {"conv2d:16x3/pad1,conv2d:16x3/pad1,batchnorm2d,relu,conv2d:16x3/pad1,maxpool2d:2,relu,"
     "flatten,dense:5",
     9, 8, 5},
    /* the same with several samples at once, in chunks of more, before a max pool without ReLU */
    {"conv2d:16x1,relu,conv2d:16x3/pad1,maxpool2d:2,globalavgpool,flatten,dense:5", 9, 12, 5},
    /* sparse gradient: before a max pool, with layers between; on samples; padded */
    {"conv2d:16x3/pad1,relu,maxpool2d:2,conv2d:33x3,relu,dropout:0.4,maxpool2d:2,flatten,dense:5",
     13, 11, 5},
    {"conv2d:4x3,relu,conv2d:64x2/pad1,maxpool2d:3/stride4/pad1,flatten,dense:5", 9, 10, 5},
    {"conv2d:16x3,relu,conv2d:16x3/groups2,maxpool2d:2,conv2d:17x1,maxpool2d:2/"
     "stride1,flatten,dense:5",
     9, 8, 5},
    /* with the max pool: in NCHW after an image, after a layer, pixels padded to half vectors */
    {"conv2d:5x3/pad1,relu,conv2d:7x5/pad2,relu,maxpool2d:2,flatten,dense:5", 7, 36, 5},
    {"conv2d:6x3/pad1,relu,maxpool2d:2,conv2d:16x3,relu,maxpool2d:3/stride4,flatten,dense:5", 13,
     17, 5},
    {"conv2d:7x2,maxpool2d:3,conv2d:5x3,relu,maxpool2d:2,flatten,dense:5", 19, 16, 5},
    /* pooling, in both layouts */
    {"conv2d:4x3,relu,maxpool2d:2,flatten,dense:5", 10, 12, 5},
    {"conv2d:20x3,relu,maxpool2d:2,flatten,dense:5", 10, 11, 5},
    {"conv2d:3x3/pad1,relu,maxpool2d:2,flatten,dense:5", 34, 40, 5},
    {"conv2d:2x3/pad1,relu,maxpool2d:2,flatten,dense:5", 6, 34, 5},
    {"conv2d:2x3/pad1,maxpool2d:2,flatten,dense:5", 5, 71, 5},
    {"conv2d:4x3,maxpool2d:3/stride2/pad1,relu,flatten,dense:5", 10, 13, 5},
    {"conv2d:20x3,maxpool2d:3/stride2/pad1,relu,flatten,dense:5", 10, 9, 5},
    {"conv2d:3x3,maxpool2d:3/stride1,flatten,dense:5", 9, 25, 5},
    {"conv2d:17x3,maxpool2d:3/stride1/pad2,flatten,dense:5", 8, 7, 5},
    {"conv2d:4x3,maxpool2d:2/stride3,relu,flatten,dense:5", 11, 12, 5},
    {"maxpool2d:2,conv2d:4x3,relu,maxpool2d:2,conv2d:18x2,flatten,dense:5", 18, 20, 5},
    {"avgpool2d:2,conv2d:4x3,relu,avgpool2d:3/stride2/pad1,flatten,dense:5", 16, 14, 5},
    {"conv2d:20x3,relu,avgpool2d:2,conv2d:16x3,avgpool2d:2/stride1/pad1,flatten,dense:5", 12, 10,
     5},
    {"conv2d:6x3,relu,globalavgpool,flatten,dense:5", 8, 9, 5},
    {"conv2d:24x3,relu,globalavgpool,conv2d:7x1,flatten,dense:5", 8, 9, 5},
    {"globalavgpool,flatten,dense:5", 5, 6, 5},
    /* flat values */
    {"flatten,dense:70,relu,dense:5", 8, 9, 5},
    {"flatten,flatten,dense:5", 8, 9, 5},
    {"conv2d:4x3,relu,maxpool2d:2,flatten,dense:70,relu,dense:17,relu,dense:5", 10, 9, 5},
    {"conv2d:20x3,relu,maxpool2d:2,flatten,flatten,dense:70,relu,dense:5", 10, 9, 5},
    /* batch normalisation: of samples, in both layouts, after any layer */
    {"batchnorm2d,flatten,dense:9,relu,dense:5", 6, 7, 5},
    {"batchnorm2d,conv2d:4x3,relu,flatten,dense:5", 6, 7, 5},
    {"conv2d:4x3,batchnorm2d,relu,conv2d:20x3,batchnorm2d,relu,flatten,dense:5", 8, 9, 5},
    {"conv2d:20x3,batchnorm2d,conv2d:4x1,batchnorm2d,flatten,dense:5", 6, 7, 5},
    {"conv2d:6x3,relu,maxpool2d:2,batchnorm2d,conv2d:12x3/groups3,batchnorm2d,relu,flatten,dense:5",
     12, 11, 5},
    {"conv2d:20x3,relu,avgpool2d:2,batchnorm2d,relu,batchnorm2d,globalavgpool,flatten,dense:5", 10,
     9, 5},
    {"conv2d:70x3,batchnorm2d,relu,globalavgpool,flatten,dense:5", 5, 6, 5},
    /* gelu, in both layouts and of flat values, and next to layers that are fused with relu */
    {"conv2d:4x3,gelu,maxpool2d:2,conv2d:20x3,batchnorm2d,gelu,flatten,dense:17,gelu,dense:5", 14,
     13, 5},
    {"conv2d:16x3/pad1,gelu,maxpool2d:2,gelu,dropout:0.3,gelu,flatten,gelu,dense:5", 8, 10, 5},
    /* dropout, of images in both layouts and of flat values */
    {"conv2d:4x3,relu,dropout:0.3,maxpool2d:2,flatten,dropout:0.5,dense:40,relu,dropout:0.25,dense:"
     "5",
     10, 9, 5},
    {"conv2d:20x3,dropout:0.3,relu,maxpool2d:2,dropout:0.1,flatten,dense:5", 10, 9, 5},
    {"conv2d:20x3,batchnorm2d,dropout:0.5,relu,flatten,dropout:0.5,dense:7,dense:5", 6, 7, 5},
};

/* Widths at, below and above multiples of panels of 16 and 64 units. The products of the last
 * network's first layer are large enough to be split if OpenBLAS does not pack. */
static const struct net mlps[] = {
    {"dense:5", 11, 11, 5},
    {"dense:70,relu,dense:33,relu,dense:10", 11, 11, 10},
    {"dense:16,relu,dense:64,relu,dense:3", 11, 11, 3},
    {"dense:17,relu,dense:65,dense:20", 11, 11, 20},
    {"dense:15,relu,dense:63,relu,dense:130", 11, 11, 130},
    {"dense:70,gelu,dense:33,gelu,dense:10", 11, 11, 10},
    {"dense:16,relu,dense:5", 32, 32, 5},
};

/* Networks whose phases must declare all memory that they use (test_plan_check.c): each kind of
 * layer, each implementation of conv2d, each rewrite, and matrices per thread or not. */
static const struct plan_net {
    const char *spec; /* without the last dense:5 */
    size_t rows;      /* of a batch */
} plan_nets[] = {
    {"dense:90,relu,dense:20,dropout:0.3", 66}, /* wide, narrow; a sparse batch of two blocks */
    {"flatten,dense:16,relu", 33},
    {"conv2d:4x5/stride2,relu,conv2d:20x3,relu,flatten,dense:70,relu", 5},
    {"conv2d:4x3/pad1,relu,maxpool2d:2,conv2d:16x3,relu,maxpool2d:2,flatten", 17},
    {"conv2d:64x3/pad1,conv2d:64x3,maxpool2d:2,dropout:0.2,flatten", 3},
    {"conv2d:16x2/stride2,conv2d:16x3/pad1,maxpool2d:2,batchnorm2d,flatten", 49},
    {"conv2d:20x3,relu,conv2d:33x3/pad1,dropout:0.4,relu,maxpool2d:3/pad1,flatten", 4},
    {"conv2d:6x3,conv2d:6x3/groups3,avgpool2d:2/pad1,conv2d:32x2/groups2,flatten", 5},
    {"maxpool2d:2,avgpool2d:2,flatten", 5},
    {"conv2d:4x3,gelu,conv2d:20x3,gelu,dropout:0.4,gelu,flatten,dense:20,gelu", 5},
    {"batchnorm2d,conv2d:4x3,batchnorm2d,relu,conv2d:20x3,batchnorm2d,globalavgpool,flatten", 18},
    {"conv2d:20x3,batchnorm2d,relu,dropout:0.1,maxpool2d:2,batchnorm2d,flatten", 5},
};

#endif
