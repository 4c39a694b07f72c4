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
    /* Rows are samples, of which each rank runs whole chunks of so many; 0: ranks divide tiles. */
    size_t sample_chunk;
    size_t first_row; /* of a rank's part, which has `rows` */
} mb_tiling;

/* The part of the matrix that one tile covers. */
typedef struct mb_tile {
    size_t row, rows, column, columns;
} mb_tile;

static inline mb_tiling mb_tiling_matrix(size_t rows, size_t columns, size_t block_rows,
                                         size_t block_columns)
{
    return (mb_tiling){.rows = rows,
                       .columns = columns,
                       .block_rows = block_rows,
                       .block_columns = block_columns,
                       .chunk_tiles = 1};
}

/* A single tile. */
static inline mb_tiling mb_tiling_one(void) { return mb_tiling_matrix(1, 1, 1, 1); }

/* Blocks of whole rows, of any width: two phases that work sample by sample have equal tilings
 * though their matrices differ in width. */
mb_tiling mb_tiling_rows(size_t rows, size_t block_rows);

/* Sample by sample, in at most MB_MAX_CHUNKS chunks. The samples of a chunk add up to a sum of
 * their own, and these sums are added up along a tree (chunk_tree.h). */
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

/* Samples of a chunk, a multiple of 64, in a batch that is large enough to be divided among ranks
 * by samples in dense layers, too: in at most MB_MAX_CHUNKS chunks of at least 256. 0: it is not.
 */
size_t mb_sample_chunk(size_t rows);

/* The part of a tiling with sample_chunk that rank `rank` of `ranks` runs: maybe no rows. */
mb_tiling mb_tiling_of_rank(mb_tiling tiling, size_t rank, size_t ranks);

/* True if tiles are blocks of whole rows. */
bool mb_tiling_is_rows(mb_tiling tiling);

bool mb_tiling_equal(mb_tiling a, mb_tiling b);

/* True if a thread's tiles cover the same part of the matrix: equal tilings, or blocks of whole
 * rows whose chunks have the same rows, which ranks divide alike. */
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
