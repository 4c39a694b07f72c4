/* A writer of all kinds of PNG files, for tests of readers. */
#ifndef MB_TESTS_PNG_H
#define MB_TESTS_PNG_H

#include "support.h"

/* Size of the test picture. */
enum { MB_TEST_ROWS = 11, MB_TEST_COLUMNS = 13 };

/* PNG's color types. */
enum {
    MB_PNG_GRAY = 0,
    MB_PNG_RGB = 2,
    MB_PNG_PALETTE = 3,
    MB_PNG_GRAY_ALPHA = 4,
    MB_PNG_RGB_ALPHA = 6
};

typedef struct mb_test_png {
    int color, depth;
    bool interlaced;
} mb_test_png;

bool mb_test_has_alpha(int color);

/* Value of a pixel of the test picture: it has all levels of `depth` bits, or as many as it has
 * pixels. The left half is transparent in kinds with alpha. */
uint8_t mb_test_gray_at(size_t row, size_t column, int depth);
uint8_t mb_test_alpha_at(size_t column);

/* The test picture. */
mb_bytes mb_test_write_png(mb_test_png kind);

/* A PNG of these samples, 8 bits each, in one row. */
mb_bytes mb_test_png_row(int color, size_t columns, const uint8_t *samples, size_t count);

/* `png`, possibly incomplete, with a chunk appended; frees both. */
mb_bytes mb_test_add_chunk(mb_bytes png, const char *type, mb_bytes data);

/* A copy of `size` bytes. */
mb_bytes mb_test_bytes(const void *data, size_t size);

#endif
