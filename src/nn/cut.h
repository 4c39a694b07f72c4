/* How the work of a phase is cut into tiles.
 *
 * A cut divides a matrix of (rows, columns) into rectangles of at most (block_rows,
 * block_columns). It depends on the kernel set, the network and the batch, and never on the
 * number of threads: each tile is computed the same way by whoever gets it, so any map of tiles to
 * threads gives the same bits. */
#ifndef MB_NN_CUT_H
#define MB_NN_CUT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mb_cut {
    size_t rows, columns, block_rows, block_columns;
    size_t bundle; /* so many tiles go to the same thread, which runs them in order; 0 is 1 */
} mb_cut;

/* What one tile covers. */
typedef struct mb_tile {
    size_t row, rows, column, columns;
} mb_tile;

/* Whole rows in blocks, whatever the columns are: two phases that work sample by sample have equal
 * cuts though their matrices differ in width. */
mb_cut mb_cut_rows(size_t rows, size_t block_rows);

/* Sample by sample, in at most MB_BUNDLES bundles: what the samples of a bundle add up to has a
 * place of its own, and these places are added up in their order. */
enum { MB_BUNDLES = 16 };
mb_cut mb_cut_samples(size_t rows);

size_t mb_cut_bundles(mb_cut cut);

/* n in blocks as equal as can be, of at most `most`: the size of all but perhaps the last. */
size_t mb_equal_blocks(size_t n, size_t most);

/* That of the rows of a batch, in blocks of at most 64. */
size_t mb_block_rows(size_t rows);

size_t mb_cut_tiles(mb_cut cut);

/* Tiles are numbered down the rows first: a contiguous range of tiles shares columns, so a thread
 * that owns a range meets the same weights in every phase. */
mb_tile mb_cut_tile(mb_cut cut, size_t tile);

/* The same in a matrix of `columns` columns: all of them if the cut is one of whole rows. */
mb_tile mb_cut_tile_in(mb_cut cut, size_t tile, size_t columns);

/* Whether each tile has whole rows, in blocks. */
bool mb_cut_is_rows(mb_cut cut);

bool mb_cut_equal(mb_cut a, mb_cut b);

/* What suits a kernel set of OpenBLAS. */
typedef struct mb_cut_rules {
    size_t panel;         /* outputs of a dense layer that are kept and multiplied together */
    size_t product_limit; /* M*N*K up to which products are not packed; 0: always packed */
} mb_cut_rules;

/* The AVX-512 sets multiply small matrices without packing, as long as M*N*K <= 10^6: panels of
 * one cache line a row stay below. The others pack always, and want the wider panel over which
 * packing is spread. */
mb_cut_rules mb_cut_rules_for(bool avx512_kernel_set);

#endif
