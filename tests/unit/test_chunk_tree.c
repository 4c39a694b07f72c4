/* The tree in which gradients of chunks are added up: each chunk once, and the same additions
 * whoever adds up which. */
#include "nn/chunk_tree.h"

#include "nn/tiling.h"
#include "test.h"

#include <string.h>

enum { MAX_CHUNKS = 16, MAX_RANKS = 20 };

TEST(halves_are_powers_of_two)
{
    static const size_t cases[][2] = {{2, 1}, {3, 2}, {4, 2}, {5, 4}, {8, 4}, {9, 8}, {16, 8}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        assert_int_equal(mb_chunk_tree_half(cases[i][0]), cases[i][1]);
    assert_int_equal(mb_chunk_tree_depth(1), 1);
    assert_int_equal(mb_chunk_tree_depth(2), 2);
    assert_int_equal(mb_chunk_tree_depth(16), 5);
}

/* Nodes are in order and leave no chunk out, each is of one rank, and two that follow each other
 * and make up a larger sum are of two ranks. */
TEST(nodes_are_the_largest_sums_of_one_rank)
{
    for (size_t chunks = 1; chunks <= MAX_CHUNKS; chunks++)
        for (size_t ranks = 1; ranks <= MAX_RANKS; ranks++) {
            mb_chunk_node nodes[MAX_CHUNKS];
            mb_tiling tiling = mb_tiling_rows(chunks, 1);
            const size_t count = mb_chunk_tree_nodes(chunks, ranks, nodes);
            size_t next = 0, n = 0;
            tiling.sample_chunk = 1;
            for (size_t rank = 0; rank < ranks; rank++) {
                const mb_tiling part = mb_tiling_of_rank(tiling, rank, ranks);
                size_t own = 0;
                for (; n < count && nodes[n].first < part.first_row + part.rows; n++, own++) {
                    assert_int_equal(nodes[n].first, next);
                    next += nodes[n].count;
                    assert_true(next <= part.first_row + part.rows);
                }
                assert_int_equal(next, part.first_row + part.rows);
                assert_true(own <= 7); /* of 16 chunks: 1, 2, 4, 8 upwards and downwards */
            }
            assert_int_equal(next, chunks);
            assert_true(chunks % ranks > 0 || (ranks & (ranks - 1)) > 0 ||
                        (chunks & (chunks - 1)) > 0 || count == ranks);
        }
}

/* The sum of a tree as text. */
typedef struct sums {
    const mb_chunk_node *nodes;
    size_t count;
    float (*values)[MAX_CHUNKS]; /* of the nodes; NULL: chunks */
} sums;

/* Chunk c is 1 in column c, with a term that rounding loses or not, by the order of additions. */
static bool sum_of(const void *context, mb_chunk_node node, float *sum)
{
    const sums *s = context;
    if (s->values == NULL && node.count == 1) {
        for (size_t i = 0; i < MAX_CHUNKS; i++)
            sum[i] = 1.0f / (float)(3 + node.first * 7 + i) * (node.first % 2 == 0 ? 1e4f : -1e4f);
        return true;
    }
    for (size_t n = 0; s->values != NULL && n < s->count; n++)
        if (s->nodes[n].first == node.first && s->nodes[n].count == node.count) {
            memcpy(sum, s->values[n], sizeof *s->values);
            return true;
        }
    return false;
}

TEST(sums_have_the_same_bits_at_any_number_of_ranks)
{
    const mb_kernels *kernels = mb_kernels_for_blas("");
    for (size_t chunks = 1; chunks <= MAX_CHUNKS; chunks++) {
        const sums chunk_sums = {0};
        float whole[5][MAX_CHUNKS];
        mb_chunk_tree_sum((mb_chunk_node){0, chunks}, MAX_CHUNKS, kernels, sum_of, &chunk_sums,
                          *whole);
        for (size_t ranks = 1; ranks <= MAX_RANKS; ranks++) {
            mb_chunk_node nodes[MAX_CHUNKS];
            float values[MAX_CHUNKS][MAX_CHUNKS], scratch[5][MAX_CHUNKS];
            const sums by_nodes = {nodes, mb_chunk_tree_nodes(chunks, ranks, nodes), values};
            for (size_t n = 0; n < by_nodes.count; n++) {
                mb_chunk_tree_sum(nodes[n], MAX_CHUNKS, kernels, sum_of, &chunk_sums, *scratch);
                memcpy(values[n], scratch[0], sizeof values[n]);
            }
            mb_chunk_tree_sum((mb_chunk_node){0, chunks}, MAX_CHUNKS, kernels, sum_of, &by_nodes,
                              *scratch);
            assert_memory_equal(scratch[0], whole[0], sizeof whole[0]);
        }
    }
}
