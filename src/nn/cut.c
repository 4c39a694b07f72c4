#include "nn/cut.h"

enum { MOST_BLOCK_ROWS = 64 };

static size_t blocks_of(size_t n, size_t block) { return (n + block - 1) / block; }

mb_cut mb_cut_rows(size_t rows, size_t block_rows) { return (mb_cut){rows, 1, block_rows, 1, 1}; }

mb_cut mb_cut_samples(size_t rows) { return (mb_cut){rows, 1, 1, 1, blocks_of(rows, MB_BUNDLES)}; }

size_t mb_cut_bundles(mb_cut cut)
{
    return blocks_of(mb_cut_tiles(cut), cut.bundle > 0 ? cut.bundle : 1);
}

size_t mb_equal_blocks(size_t n, size_t most)
{
    const size_t blocks = blocks_of(n, most);
    return blocks > 0 ? blocks_of(n, blocks) : 1;
}

size_t mb_block_rows(size_t rows) { return mb_equal_blocks(rows, MOST_BLOCK_ROWS); }

size_t mb_cut_tiles(mb_cut cut)
{
    return blocks_of(cut.rows, cut.block_rows) * blocks_of(cut.columns, cut.block_columns);
}

mb_tile mb_cut_tile(mb_cut cut, size_t tile)
{
    const size_t row_blocks = blocks_of(cut.rows, cut.block_rows);
    mb_tile part = {.row = tile % row_blocks * cut.block_rows,
                    .column = tile / row_blocks * cut.block_columns};
    part.rows = cut.rows - part.row < cut.block_rows ? cut.rows - part.row : cut.block_rows;
    part.columns = cut.columns - part.column < cut.block_columns ? cut.columns - part.column
                                                                 : cut.block_columns;
    return part;
}

bool mb_cut_is_rows(mb_cut cut) { return cut.rows > 0 && cut.columns == 1; }

mb_tile mb_cut_tile_in(mb_cut cut, size_t tile, size_t columns)
{
    mb_tile part = mb_cut_tile(cut, tile);
    if (mb_cut_is_rows(cut))
        part.columns = columns;
    return part;
}

bool mb_cut_equal(mb_cut a, mb_cut b)
{
    return a.rows == b.rows && a.columns == b.columns && a.block_rows == b.block_rows &&
           a.block_columns == b.block_columns &&
           (a.bundle > 1 ? a.bundle : 1) == (b.bundle > 1 ? b.bundle : 1);
}

mb_cut_rules mb_cut_rules_for(bool avx512_kernel_set)
{
    return avx512_kernel_set ? (mb_cut_rules){.panel = 16, .product_limit = 1000000}
                             : (mb_cut_rules){.panel = 64, .product_limit = 0};
}
