/* How the work of a phase is divided into tiles.
 *
 * A tiling divides a matrix of (rows, columns) into rectangles of at most (block_rows,
 * block_columns). It depends on the kernel set, the network and the batch, and never on the
 * number of threads: each tile is computed the same way by any thread, so any map of tiles to
 * threads gives the same bits. */
#ifndef MB_NN_TILING_H
#define MB_NN_TILING_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mb_tiling {
    size_t rows, columns, block_rows, block_columns;
    size_t chunk_tiles; /* consecutive tiles that one thread runs in order; 0 is 1 */
} mb_tiling;

/* The part of the matrix that one tile covers. */
typedef struct mb_tile {
    size_t row, rows, column, columns;
} mb_tile;

/* A single tile. */
static inline mb_tiling mb_tiling_one(void) { return (mb_tiling){1, 1, 1, 1, 1}; }

/* Blocks of whole rows, of any width: two phases that work sample by sample have equal tilings
 * though their matrices differ in width. */
mb_tiling mb_tiling_rows(size_t rows, size_t block_rows);

/* Sample by sample, in at most MB_MAX_CHUNKS chunks. The samples of a chunk add up to a sum of
 * their own, and these sums are added up in their order. */
enum { MB_MAX_CHUNKS = 16 };
mb_tiling mb_tiling_samples(size_t rows);

/* The same chunks, a tile each. */
mb_tiling mb_tiling_whole_chunks(size_t rows);

size_t mb_tiling_chunks(mb_tiling tiling);

/* The maximum of chunks for up to max_rows samples; fewer samples may have more chunks. */
size_t mb_max_chunks(size_t max_rows);

/* Divides n into blocks as equal as possible, of at most `max`: the size of all except perhaps the
 * last. */
size_t mb_equal_blocks(size_t n, size_t max);

/* The rows of a batch in equal blocks of at most 64. */
size_t mb_block_rows(size_t rows);

size_t mb_tiling_tiles(mb_tiling tiling);

/* Tiles are numbered down the rows first: a contiguous range of tiles shares columns, so a thread
 * that owns a range meets the same weights in every phase. */
mb_tile mb_tiling_tile(mb_tiling tiling, size_t tile);

/* The same in a matrix of `columns` columns: all of them if the tiling is one of whole rows. */
mb_tile mb_tiling_tile_in(mb_tiling tiling, size_t tile, size_t columns);

/* True if tiles are blocks of whole rows. */
bool mb_tiling_is_rows(mb_tiling tiling);

bool mb_tiling_equal(mb_tiling a, mb_tiling b);

/* True if a thread's tiles cover the same part of the matrix: equal tilings, or blocks of whole
 * rows whose chunks have the same rows. */
bool mb_tiling_same_parts(mb_tiling a, mb_tiling b);

/* Block sizes that suit a kernel set of OpenBLAS. */
typedef struct mb_tiling_rules {
    size_t panel;         /* outputs of a dense layer that are stored and multiplied together */
    size_t product_limit; /* M*N*K up to which products are not packed; 0: always packed */
} mb_tiling_rules;

/* The AVX-512 sets multiply small matrices without packing, as long as M*N*K <= 10^6: panels of
 * one cache line per row stay below. The others always pack, and want the wider panel over which
 * the cost of packing is spread. */
mb_tiling_rules mb_tiling_rules_for(bool avx512_kernel_set);

#endif
