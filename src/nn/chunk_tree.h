/* The order in which the gradients of chunks of samples are added up: the sum of the first half of
 * the chunks, as a power of two, and of the others, each added up in the same way. Ranks add up
 * nodes, the largest sums of which one rank has all chunks; one process adds up the root. The
 * additions are the same: equal bits at any number of ranks. */
#ifndef MB_NN_CHUNK_TREE_H
#define MB_NN_CHUNK_TREE_H

#include "kernels/kernels.h"

#include <stdbool.h>
#include <stddef.h>

/* Chunks of one sum. */
typedef struct mb_chunk_node {
    size_t first, count;
} mb_chunk_node;

/* Chunks in the first part of a sum of `count` > 1. */
size_t mb_chunk_tree_half(size_t count);

/* Sums that are needed at once to add up a tree of `count` chunks. */
size_t mb_chunk_tree_depth(size_t count);

/* Lists the nodes, in the order of their chunks, of `chunks` chunks that are divided among ranks
 * as mb_tiling_of_rank divides them: at most `chunks`. Returns their number. */
size_t mb_chunk_tree_nodes(size_t chunks, size_t ranks, mb_chunk_node *nodes);

/* Writes the sum of a node's gradients; false: it is to be added up from its parts. */
typedef bool mb_chunk_sum_fn(const void *context, mb_chunk_node node, float *sum);

/* The sum of a tree of chunks, of `size` elements, in `sum` (mb_chunk_tree_depth(count), size),
 * whose first row is the result; the others are scratch. */
void mb_chunk_tree_sum(mb_chunk_node tree, size_t size, const mb_kernels *kernels,
                       mb_chunk_sum_fn *sum_of, const void *context, float *sum);

#endif
