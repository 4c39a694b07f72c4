#include "core/util.h"
#include "nn/tiling.h"
#include "test.h"

#include <stdlib.h>

/* Tiles cover every element of the matrix exactly once, and none outside. */
static void check_cover(mb_tiling tiling)
{
    const size_t tiles = mb_tiling_tiles(tiling);
    unsigned char *seen = calloc(tiling.rows * tiling.columns + 1, 1);
    for (size_t t = 0; t < tiles; t++) {
        const mb_tile part = mb_tiling_tile(tiling, t);
        assert_in_range(part.rows, 1, tiling.block_rows);
        assert_in_range(part.columns, 1, tiling.block_columns);
        assert_true(part.row + part.rows <= tiling.rows);
        assert_true(part.column + part.columns <= tiling.columns);
        for (size_t r = 0; r < part.rows; r++)
            for (size_t c = 0; c < part.columns; c++)
                seen[(part.row + r) * tiling.columns + part.column + c]++;
    }
    for (size_t i = 0; i < tiling.rows * tiling.columns; i++)
        assert_int_equal(seen[i], 1);
    free(seen);
}

TEST(tiles_cover_each_cell_once)
{
    static const size_t extents[] = {1, 2, 10, 16, 17, 64, 65, 130}, blocks[] = {1, 7, 16, 64, 200};
    for (size_t r = 0; r < 8; r++)
        for (size_t c = 0; c < 8; c++)
            for (size_t br = 0; br < 5; br++)
                for (size_t bc = 0; bc < 5; bc++)
                    check_cover(mb_tiling_matrix(extents[r], extents[c], blocks[br], blocks[bc]));
}

TEST(tiles_go_down_the_rows_first)
{
    const mb_tiling tiling = mb_tiling_matrix(130, 40, 64, 16);
    static const mb_tile expected[] = {
        {0, 64, 0, 16},   {64, 64, 0, 16}, {128, 2, 0, 16}, {0, 64, 16, 16}, {64, 64, 16, 16},
        {128, 2, 16, 16}, {0, 64, 32, 8},  {64, 64, 32, 8}, {128, 2, 32, 8},
    };
    assert_int_equal(mb_tiling_tiles(tiling), 9);
    for (size_t t = 0; t < 9; t++) {
        const mb_tile part = mb_tiling_tile(tiling, t);
        assert_memory_equal(&part, &expected[t], sizeof part);
    }
}

TEST(a_cut_of_rows_has_all_columns)
{
    for (size_t rows = 1; rows < 70; rows++) {
        const mb_tiling tiling = mb_tiling_rows(rows, 16);
        size_t next = 0;
        assert_true(mb_tiling_is_rows(tiling));
        check_cover(tiling);
        for (size_t t = 0; t < mb_tiling_tiles(tiling); t++) {
            const mb_tile part = mb_tiling_tile(tiling, t);
            assert_int_equal(part.row, next);
            assert_int_equal(part.column, 0);
            assert_int_equal(part.columns, 1);
            next += part.rows;
        }
        assert_int_equal(next, rows);
    }
}

/* Ranks have all samples, in whole chunks, and each a tiling of its own. */
TEST(ranks_divide_samples_in_whole_chunks)
{
    for (size_t rows = 1000; rows < 9000; rows += 77)
        for (size_t ranks = 1; ranks < 20; ranks++) {
            const size_t chunk = mb_sample_chunk(rows);
            mb_tiling tiling = mb_tiling_matrix(rows, 40, 64, 16);
            size_t next = 0;
            if (rows < 1024) {
                assert_int_equal(chunk, 0);
                continue;
            }
            assert_int_equal(chunk % 64, 0);
            assert_true(chunk >= 256 && mb_block_rows(rows) == 64);
            assert_in_range((rows + chunk - 1) / chunk, 3, MB_MAX_CHUNKS);
            tiling.sample_chunk = chunk;
            for (size_t rank = 0; rank < ranks; rank++) {
                const mb_tiling part = mb_tiling_of_rank(tiling, rank, ranks);
                assert_int_equal(part.first_row, next);
                assert_true(next % chunk == 0 || next == rows);
                if (part.rows > 0) {
                    const mb_tile first = mb_tiling_tile(part, 0);
                    assert_int_equal(first.row, next);
                    assert_int_equal(first.rows, mb_min_size(part.rows, 64));
                }
                next += part.rows;
            }
            assert_int_equal(next, rows);
        }
}

TEST(equal_means_equal_in_all)
{
    const mb_tiling tiling = mb_tiling_matrix(10, 20, 3, 4);
    assert_true(mb_tiling_equal(tiling, mb_tiling_matrix(10, 20, 3, 4)));
    assert_false(mb_tiling_equal(tiling, mb_tiling_matrix(11, 20, 3, 4)));
    assert_false(mb_tiling_equal(tiling, mb_tiling_matrix(10, 21, 3, 4)));
    assert_false(mb_tiling_equal(tiling, mb_tiling_matrix(10, 20, 4, 4)));
    assert_false(mb_tiling_equal(tiling, mb_tiling_matrix(10, 20, 3, 5)));
    assert_true(mb_tiling_equal(mb_tiling_rows(64, 16), mb_tiling_rows(64, 16)));
}

/* Values that affect speed only, not file formats or models. */
TEST(rules_follow_the_kernel_set)
{
    const mb_tiling_rules avx512 = mb_tiling_rules_for(true), other = mb_tiling_rules_for(false);
    assert_int_equal(avx512.panel, 16);
    assert_int_equal(avx512.product_limit, 1000000);
    assert_true(784 * avx512.panel * 64 <=
                avx512.product_limit); /* MNIST's panels are not tiling */
    assert_int_equal(other.panel, 64);
    assert_int_equal(other.product_limit, 0);
}

TEST(blocks_are_as_equal_as_can_be)
{
    static const size_t cases[][2] = {{1, 1},    {63, 63},  {64, 64},  {65, 33},
                                      {100, 50}, {128, 64}, {129, 43}, {200, 50}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(mb_block_rows(cases[i][0]), cases[i][1]);
    assert_false(mb_tiling_is_rows((mb_tiling){0}));
    for (size_t rows = 1; rows < 1000; rows++) {
        const size_t block = mb_block_rows(rows), blocks = (rows + block - 1) / block;
        assert_in_range(block, 1, 64);
        assert_int_equal(blocks, (rows + 63) / 64);
        assert_true((blocks - 1) * block < rows); /* the last is not empty */
        assert_true(blocks * (block - 1) < rows); /* smaller blocks would not suffice */
    }
}

/* Whatever the number of threads: phases of one kind may follow phases of the other. */
TEST(whole_chunks_cover_the_samples_of_chunks)
{
    for (size_t rows = 1; rows < 200; rows++) {
        const mb_tiling samples = mb_tiling_samples(rows), chunks = mb_tiling_whole_chunks(rows);
        size_t covered = 0;
        assert_true(mb_tiling_same_parts(samples, chunks));
        assert_int_equal(mb_tiling_chunks(chunks), mb_tiling_chunks(samples));
        assert_int_equal(mb_tiling_tiles(chunks), mb_tiling_chunks(chunks));
        for (size_t i = 0; i < mb_tiling_tiles(chunks); i++) {
            const mb_tile part = mb_tiling_tile(chunks, i);
            assert_int_equal(part.row, covered);
            assert_int_equal(part.row, i * samples.chunk_tiles);
            covered += part.rows;
        }
        assert_int_equal(covered, rows);
    }
    assert_true(mb_tiling_same_parts(mb_tiling_rows(40, 8), mb_tiling_rows(40, 8)));
    assert_false(mb_tiling_same_parts(mb_tiling_rows(40, 8), mb_tiling_rows(40, 4)));
    assert_false(mb_tiling_same_parts(mb_tiling_samples(40), mb_tiling_samples(41)));
    assert_false(mb_tiling_same_parts(mb_tiling_samples(40), mb_tiling_matrix(40, 8, 3, 8)));
}

/* A smaller batch may have more chunks than a larger one: 16 samples have 16, 17 have 9. */
TEST(bundles_have_room_in_any_smaller_batch)
{
    assert_int_equal(mb_tiling_chunks(mb_tiling_samples(16)), 16);
    assert_int_equal(mb_tiling_chunks(mb_tiling_samples(17)), 9);
    for (size_t max_rows = 1; max_rows < 200; max_rows++)
        for (size_t rows = 1; rows <= max_rows; rows++)
            assert_in_range(mb_tiling_chunks(mb_tiling_samples(rows)), 1, mb_max_chunks(max_rows));
}
