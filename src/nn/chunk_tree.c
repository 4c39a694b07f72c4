#include "nn/chunk_tree.h"

#include "core/util.h"

size_t mb_chunk_tree_half(size_t count)
{
    size_t half = 1;
    while (2 * half < count)
        half *= 2;
    return half;
}

size_t mb_chunk_tree_depth(size_t count)
{
    size_t depth = 1;
    for (; count > 1; count = mb_chunk_tree_half(count))
        depth++;
    return depth;
}

/* The rank that has chunk `chunk`: the last whose first chunk, chunks * rank / ranks, is not after
 * it. */
static size_t rank_of(size_t chunk, size_t chunks, size_t ranks)
{
    return mb_divide_up((chunk + 1) * ranks, chunks) - 1;
}

static size_t list(mb_chunk_node tree, size_t chunks, size_t ranks, mb_chunk_node *nodes)
{
    const size_t last = tree.first + tree.count - 1;
    if (rank_of(tree.first, chunks, ranks) == rank_of(last, chunks, ranks)) {
        nodes[0] = tree;
        return 1;
    }
    const size_t half = mb_chunk_tree_half(tree.count);
    const size_t left = list((mb_chunk_node){tree.first, half}, chunks, ranks, nodes);
    return left +
           list((mb_chunk_node){tree.first + half, tree.count - half}, chunks, ranks, nodes + left);
}

size_t mb_chunk_tree_nodes(size_t chunks, size_t ranks, mb_chunk_node *nodes)
{
    return list((mb_chunk_node){0, chunks}, chunks, ranks, nodes);
}

void mb_chunk_tree_sum(mb_chunk_node tree, size_t size, const mb_kernels *kernels,
                       mb_chunk_sum_fn *sum_of, const void *context, float *sum)
{
    if (sum_of(context, tree, sum))
        return;
    const size_t half = mb_chunk_tree_half(tree.count);
    const mb_chunk_node left = {tree.first, half}, right = {tree.first + half, tree.count - half};
    mb_chunk_tree_sum(left, size, kernels, sum_of, context, sum);
    mb_chunk_tree_sum(right, size, kernels, sum_of, context, sum + size);
    kernels->add_rows(1, size, sum + size, size, sum);
}
