#include "nn/tiling.h"

enum { MAX_BLOCK_ROWS = 64 };

static size_t blocks_of(size_t n, size_t block) { return (n + block - 1) / block; }

mb_tiling mb_tiling_rows(size_t rows, size_t block_rows)
{
    return (mb_tiling){rows, 1, block_rows, 1, 1};
}

mb_tiling mb_tiling_samples(size_t rows)
{
    return (mb_tiling){rows, 1, 1, 1, blocks_of(rows, MB_MAX_CHUNKS)};
}

mb_tiling mb_tiling_whole_chunks(size_t rows)
{
    return (mb_tiling){rows, 1, blocks_of(rows, MB_MAX_CHUNKS), 1, 1};
}

size_t mb_tiling_chunks(mb_tiling tiling)
{
    return blocks_of(mb_tiling_tiles(tiling), tiling.chunk_tiles > 0 ? tiling.chunk_tiles : 1);
}

size_t mb_max_chunks(size_t max_rows)
{
    return max_rows < MB_MAX_CHUNKS ? max_rows : MB_MAX_CHUNKS;
}

size_t mb_equal_blocks(size_t n, size_t max)
{
    const size_t blocks = blocks_of(n, max);
    return blocks > 0 ? blocks_of(n, blocks) : 1;
}

size_t mb_block_rows(size_t rows) { return mb_equal_blocks(rows, MAX_BLOCK_ROWS); }

size_t mb_tiling_tiles(mb_tiling tiling)
{
    return blocks_of(tiling.rows, tiling.block_rows) *
           blocks_of(tiling.columns, tiling.block_columns);
}

mb_tile mb_tiling_tile(mb_tiling tiling, size_t tile)
{
    const size_t row_blocks = blocks_of(tiling.rows, tiling.block_rows);
    mb_tile part = {.row = tile % row_blocks * tiling.block_rows,
                    .column = tile / row_blocks * tiling.block_columns};
    part.rows =
        tiling.rows - part.row < tiling.block_rows ? tiling.rows - part.row : tiling.block_rows;
    part.columns = tiling.columns - part.column < tiling.block_columns
                       ? tiling.columns - part.column
                       : tiling.block_columns;
    return part;
}

bool mb_tiling_is_rows(mb_tiling tiling) { return tiling.rows > 0 && tiling.columns == 1; }

mb_tile mb_tiling_tile_in(mb_tiling tiling, size_t tile, size_t columns)
{
    mb_tile part = mb_tiling_tile(tiling, tile);
    if (mb_tiling_is_rows(tiling))
        part.columns = columns;
    return part;
}

bool mb_tiling_equal(mb_tiling a, mb_tiling b)
{
    return a.rows == b.rows && a.columns == b.columns && a.block_rows == b.block_rows &&
           a.block_columns == b.block_columns &&
           (a.chunk_tiles > 1 ? a.chunk_tiles : 1) == (b.chunk_tiles > 1 ? b.chunk_tiles : 1);
}

static size_t chunk_rows(mb_tiling tiling)
{
    return tiling.block_rows * (tiling.chunk_tiles > 1 ? tiling.chunk_tiles : 1);
}

bool mb_tiling_same_parts(mb_tiling a, mb_tiling b)
{
    return mb_tiling_equal(a, b) || (mb_tiling_is_rows(a) && mb_tiling_is_rows(b) &&
                                     a.rows == b.rows && chunk_rows(a) == chunk_rows(b));
}

mb_tiling_rules mb_tiling_rules_for(bool avx512_kernel_set)
{
    return avx512_kernel_set ? (mb_tiling_rules){.panel = 16, .product_limit = 1000000}
                             : (mb_tiling_rules){.panel = 64, .product_limit = 0};
}
