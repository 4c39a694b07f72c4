/* How the work of a phase is cut into tiles.
 *
 * A tiling divides a matrix of (rows, columns) into rectangles of at most (block_rows,
 * block_columns). It depends on the kernel set, the network and the batch, and never on the
 * number of threads: each tile is computed the same way by whoever gets it, so any map of tiles to
 * threads gives the same bits. */
#ifndef MB_NN_TILING_H
#define MB_NN_TILING_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mb_tiling {
    size_t rows, columns, block_rows, block_columns;
    size_t chunk_tiles; /* so many tiles go to the same thread, which runs them in order; 0 is 1 */
} mb_tiling;

/* What one tile covers. */
typedef struct mb_tile {
    size_t row, rows, column, columns;
} mb_tile;

/* Whole rows in blocks, whatever the columns are: two phases that work sample by sample have equal
 * cuts though their matrices differ in width. */
mb_tiling mb_tiling_rows(size_t rows, size_t block_rows);

/* Sample by sample, in at most MB_MAX_CHUNKS chunks: what the samples of a chunk_tiles add up to
 * has a place of its own, and these places are added up in their order. */
enum { MB_MAX_CHUNKS = 16 };
mb_tiling mb_tiling_samples(size_t rows);

size_t mb_tiling_chunks(mb_tiling tiling);

/* The most chunks that up to max_rows samples are cut into; fewer samples may be more chunks. */
size_t mb_max_chunks(size_t max_rows);

/* n in blocks as equal as can be, of at most `most`: the size of all but perhaps the last. */
size_t mb_equal_blocks(size_t n, size_t most);

/* That of the rows of a batch, in blocks of at most 64. */
size_t mb_block_rows(size_t rows);

size_t mb_tiling_tiles(mb_tiling tiling);

/* Tiles are numbered down the rows first: a contiguous range of tiles shares columns, so a thread
 * that owns a range meets the same weights in every phase. */
mb_tile mb_tiling_tile(mb_tiling tiling, size_t tile);

/* The same in a matrix of `columns` columns: all of them if the tiling is one of whole rows. */
mb_tile mb_tiling_tile_in(mb_tiling tiling, size_t tile, size_t columns);

/* Whether each tile has whole rows, in blocks. */
bool mb_tiling_is_rows(mb_tiling tiling);

bool mb_tiling_equal(mb_tiling a, mb_tiling b);

/* What suits a kernel set of OpenBLAS. */
typedef struct mb_tiling_rules {
    size_t panel;         /* outputs of a dense layer that are kept and multiplied together */
    size_t product_limit; /* M*N*K up to which products are not packed; 0: always packed */
} mb_tiling_rules;

/* The AVX-512 sets multiply small matrices without packing, as long as M*N*K <= 10^6: panels of
 * one cache line a row stay below. The others pack always, and want the wider panel over which
 * packing is spread. */
mb_tiling_rules mb_tiling_rules_for(bool avx512_kernel_set);

#endif
