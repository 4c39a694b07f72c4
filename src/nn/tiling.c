#include "nn/tiling.h"

#include "core/util.h"

enum { MAX_BLOCK_ROWS = 64, MIN_SAMPLE_CHUNK = 256, MIN_SAMPLE_CHUNKS = 4 };

static size_t blocks_of(size_t n, size_t block) { return (n + block - 1) / block; }

mb_tiling mb_tiling_rows(size_t rows, size_t block_rows)
{
    return mb_tiling_matrix(rows, 1, block_rows, 1);
}

mb_tiling mb_tiling_samples(size_t rows)
{
    mb_tiling tiling = mb_tiling_rows(rows, 1);
    tiling.chunk_tiles = blocks_of(rows, MB_MAX_CHUNKS);
    return tiling;
}

mb_tiling mb_tiling_whole_chunks(size_t rows)
{
    return mb_tiling_matrix(rows, 1, blocks_of(rows, MB_MAX_CHUNKS), 1);
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

size_t mb_block_rows(size_t rows)
{
    return mb_sample_chunk(rows) > 0 ? MAX_BLOCK_ROWS : mb_equal_blocks(rows, MAX_BLOCK_ROWS);
}

size_t mb_sample_chunk(size_t rows)
{
    const size_t chunks = mb_min_size(rows / MIN_SAMPLE_CHUNK, MB_MAX_CHUNKS);
    return chunks < MIN_SAMPLE_CHUNKS ? 0 : mb_round_up(blocks_of(rows, chunks), MAX_BLOCK_ROWS);
}

mb_tiling mb_tiling_of_rank(mb_tiling tiling, size_t rank, size_t ranks)
{
    const size_t chunk = tiling.sample_chunk, chunks = blocks_of(tiling.rows, chunk);
    tiling.first_row = chunks * rank / ranks * chunk;
    tiling.rows = mb_min_size(chunks * (rank + 1) / ranks * chunk, tiling.rows) - tiling.first_row;
    return tiling;
}

size_t mb_tiling_tiles(mb_tiling tiling)
{
    return blocks_of(tiling.rows, tiling.block_rows) *
           blocks_of(tiling.columns, tiling.block_columns);
}

/* Divisions would take as long as the work of small tiles: tiles of whole rows need none. */
mb_tile mb_tiling_tile(mb_tiling tiling, size_t tile)
{
    const bool whole = mb_tiling_is_rows(tiling);
    const size_t row_blocks = whole ? 0 : blocks_of(tiling.rows, tiling.block_rows);
    const size_t row = (whole ? tile : tile % row_blocks) * tiling.block_rows;
    const size_t column = whole ? 0 : tile / row_blocks * tiling.block_columns;
    return (mb_tile){.row = tiling.first_row + row,
                     .rows = mb_min_size(tiling.rows - row, tiling.block_rows),
                     .column = column,
                     .columns = mb_min_size(tiling.columns - column, tiling.block_columns)};
}

bool mb_tiling_is_rows(mb_tiling tiling) { return tiling.rows > 0 && tiling.columns == 1; }

bool mb_tiling_equal(mb_tiling a, mb_tiling b)
{
    return a.rows == b.rows && a.columns == b.columns && a.block_rows == b.block_rows &&
           a.block_columns == b.block_columns && a.sample_chunk == b.sample_chunk &&
           (a.chunk_tiles > 1 ? a.chunk_tiles : 1) == (b.chunk_tiles > 1 ? b.chunk_tiles : 1);
}

static size_t chunk_rows(mb_tiling tiling)
{
    return tiling.block_rows * (tiling.chunk_tiles > 1 ? tiling.chunk_tiles : 1);
}

bool mb_tiling_same_parts(mb_tiling a, mb_tiling b)
{
    return mb_tiling_equal(a, b) ||
           (mb_tiling_is_rows(a) && mb_tiling_is_rows(b) && a.rows == b.rows &&
            a.sample_chunk == b.sample_chunk && chunk_rows(a) == chunk_rows(b));
}

mb_tiling_rules mb_tiling_rules_for(bool avx512_kernel_set)
{
    return avx512_kernel_set ? (mb_tiling_rules){.panel = 16, .product_limit = 1000000}
                             : (mb_tiling_rules){.panel = 64, .product_limit = 0};
}
